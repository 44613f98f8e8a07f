"""How the KL weight and the number of mixing draws move over training: serializable functions of step and epoch."""

import abc
import dataclasses
from typing import Any

import keras

from sisrnn_tf.core.validation import require

# Under XLA a new K is a new compilation, so there a rising K moves by these.
RUNGS = (0, 1, 2, 3, 5, 8, 13, 20, 32, 50, 70, 100)


@dataclasses.dataclass(frozen=True)
class Schedule(abc.ABC):
    """A serializable function of a count of steps or epochs, starting at 0; a subclass is a dataclass."""

    @abc.abstractmethod
    def __call__(self, count: int) -> Any:
        """Returns the value after so many steps or epochs."""

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Schedule":
        """Builds the schedule from its `get_config`."""
        return cls(**config)


@keras.saving.register_keras_serializable("sisrnn_tf")
@dataclasses.dataclass(frozen=True)
class ConstantKLWeight(Schedule):
    """beta(step) = weight.

    Args:
        weight: beta, at least 0.
    """

    weight: float = 1.0

    def __post_init__(self):
        require(self.weight >= 0, "weight", "at least 0", self.weight)

    def __call__(self, step: int) -> float:
        """Returns beta at a step."""
        return self.weight


@keras.saving.register_keras_serializable("sisrnn_tf")
@dataclasses.dataclass(frozen=True)
class LinearKLWeight(Schedule):
    """beta(step) = weight * min(1, step / num_steps).

    Args:
        num_steps: steps over which beta rises from 0.
        weight: beta from there on, at least 0.
    """

    num_steps: int
    weight: float = 1.0

    def __post_init__(self):
        require(self.num_steps >= 1, "num_steps", "at least 1", self.num_steps)
        require(self.weight >= 0, "weight", "at least 0", self.weight)

    def __call__(self, step: int) -> float:
        """Returns beta at a step."""
        return self.weight * min(1.0, step / self.num_steps)


@keras.saving.register_keras_serializable("sisrnn_tf")
@dataclasses.dataclass(frozen=True)
class CyclicalKLWeight(Schedule):
    """beta rises linearly in the first part of each cycle and rests in the other (Fu et al. 2019, eq. 6).

        tau(step)  = fractional part of step * num_cycles / num_steps
        beta(step) = weight * min(1, tau / rising_fraction),   weight once step >= num_steps

    Args:
        num_steps: length of all cycles together.
        num_cycles: number of equal cycles.
        rising_fraction: part of a cycle in which beta rises, in (0, 1].
        weight: beta where it rests, at least 0.
    """

    num_steps: int
    num_cycles: int = 4
    rising_fraction: float = 0.5
    weight: float = 1.0

    def __post_init__(self):
        require(self.num_steps >= 1, "num_steps", "at least 1", self.num_steps)
        require(self.num_cycles >= 1, "num_cycles", "at least 1", self.num_cycles)
        require(0 < self.rising_fraction <= 1, "rising_fraction", "in (0, 1]", self.rising_fraction)
        require(self.weight >= 0, "weight", "at least 0", self.weight)

    def __call__(self, step: int) -> float:
        """Returns beta at a step."""
        if step >= self.num_steps:
            return self.weight
        tau = (step * self.num_cycles % self.num_steps) / self.num_steps
        return self.weight * min(1.0, tau / self.rising_fraction)


@keras.saving.register_keras_serializable("sisrnn_tf")
@dataclasses.dataclass(frozen=True)
class MixingRamp(Schedule):
    """K(epoch) = start + floor((end - start) * min(1, epoch / num_epochs)).

    Args:
        start: K in epoch 0, at least 0.
        end: K from epoch `num_epochs` on, at least `start`.
        num_epochs: epochs over which K rises; 0 for `end` from the first.
    """

    start: int = 1
    end: int = 100
    num_epochs: int = 500

    def __post_init__(self):
        require(self.start >= 0, "start", "at least 0", self.start)
        require(self.end >= self.start, "end", f"at least start={self.start}", self.end)
        require(self.num_epochs >= 0, "num_epochs", "at least 0", self.num_epochs)

    def __call__(self, epoch: int) -> int:
        """Returns K in an epoch."""
        if epoch >= self.num_epochs:
            return self.end
        return self.start + (self.end - self.start) * epoch // self.num_epochs

    def rung(self, epoch: int) -> int:
        """Returns the largest of `RUNGS` up to K(epoch), and no less than the start; the end itself is exact."""
        num_mixing = self(epoch)
        if num_mixing in (self.start, self.end):
            return num_mixing
        return max(self.start, max(rung for rung in RUNGS if rung <= num_mixing))
