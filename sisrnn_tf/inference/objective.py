"""What every objective is asked for: an estimate of log p(x), for evaluation and, with its gradient, for training."""

import abc
import dataclasses
from typing import ClassVar, NamedTuple

import keras
import tensorflow as tf

from sisrnn_tf.core.types import BoundTerms
from sisrnn_tf.core.validation import require, require_draws
from sisrnn_tf.inference.passes import Pass


class Estimate(NamedTuple):
    """An estimate of log p(x_1..x_T), a lower bound in expectation.

    Attributes:
        log_likelihood: `[B]`, nats.
        terms: the bound's, each `[B]`, nats; of several trajectories their plain means.
    """

    log_likelihood: tf.Tensor
    terms: BoundTerms


@dataclasses.dataclass(frozen=True)
class Objective(abc.ABC):
    """An estimate of log p(x) from M trajectories or particles with K mixing draws a step.

    Sizes may be tensors, so that one trace serves all. A subclass is a `dataclasses.dataclass(frozen=True)`, registered
    with `keras.saving.register_keras_serializable` to be saved in a model.

    Args:
        num_importance: M.
        num_mixing: K, mixing draws beside the generating one.

    Attributes:
        label: how records of likelihoods call the estimator.
        has_importance: whether there is an M to choose.
        min_importance: the least M in training.
        weighs_kl: whether a bound with another beta than 1 is known for it.
        needs_steps: whether it works step by step, and one latent for a whole sequence will not do.
    """

    num_importance: int | tf.Tensor = 1
    num_mixing: int | tf.Tensor = 1

    label: ClassVar[str]
    has_importance: ClassVar[bool] = True
    min_importance: ClassVar[int] = 1
    weighs_kl: ClassVar[bool] = False
    needs_steps: ClassVar[bool] = False

    def __post_init__(self):
        if not tf.is_tensor(self.num_importance):
            require_draws("num_importance", self.num_importance, 1)
        if not tf.is_tensor(self.num_mixing):
            require_draws("num_mixing", self.num_mixing, 0)

    def with_sizes(self, **sizes: int | tf.Tensor) -> "Objective":
        """Returns the objective with another `num_importance` or `num_mixing`."""
        return dataclasses.replace(self, **sizes)

    def parts(self) -> tuple[type["Objective"], dict[str, int], tuple]:
        """Returns the class, the sizes and the other arguments by name, so that tensors can take the sizes' places."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.init}
        names: tuple[str, ...] = ("num_importance", "num_mixing")
        sizes = {name: values.pop(name) for name in names if name in values}
        return type(self), sizes, tuple(values.items())

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        fields = [field.name for field in dataclasses.fields(self) if field.init]
        return {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in fields}

    @classmethod
    def from_config(cls, config: dict) -> "Objective":
        """Builds the objective from its `get_config`."""
        return cls(**{name: keras.saving.deserialize_keras_object(value) for name, value in config.items()})

    def require_trainable(self) -> None:
        """Raises a ValueError where so small an M is no objective of its own."""
        required = f"at least {self.min_importance} for the objective {type(self).__name__}"
        require(self.num_importance >= self.min_importance, "num_importance", required, self.num_importance)

    @abc.abstractmethod
    def estimate(self, passed: Pass) -> Estimate:
        """Returns the estimate for each sequence of a pass; a gradient through it is TensorFlow's own."""

    @abc.abstractmethod
    def training_value(
        self, passed: Pass, weight: tf.Tensor | None, kl_weight: tf.Tensor
    ) -> tuple[tf.Tensor, BoundTerms]:
        """Returns what training maximizes, a scalar, and the bound's terms, each `[B]`, in nats.

        Args:
            passed: the pass.
            weight: `[B]`; the mean over sequences is weighted by it. None where every sequence counts once.
            kl_weight: beta; 1 where the objective does not weigh the KL.
        """
