"""What models with mixing draws share: an objective, and K in training."""

import abc
from typing import Any

import tensorflow as tf

from sisrnn_tf.cells import SISRNNCell
from sisrnn_tf.cells.sentence import SentenceCell
from sisrnn_tf.core import networks
from sisrnn_tf.core.types import Array, Trajectory
from sisrnn_tf.core.validation import require
from sisrnn_tf.inference.objective import Estimate, Objective
from sisrnn_tf.inference.passes import Pass
from sisrnn_tf.inference.sivi import SIVI
from sisrnn_tf.models.base import SequenceModel


class MixingModel(SequenceModel):
    """A model trained by `SIVILoss`.

    Arguments and outputs: see `SequenceModel`.

    Attributes:
        cell: the stochastic cell.
    """

    cell: SISRNNCell | SentenceCell
    _compiled_num_mixing: int | None = None

    @property
    def density_dtype(self) -> tf.DType:
        """The dtype of densities and samples."""
        return networks.density_dtype(self.cell)

    def make_train_function(self, force: bool = False) -> Any:
        """Makes the training step; under XLA K is part of it, so a K that has changed since needs a new one."""
        num_mixing = int(self.loss_layer.num_mixing.numpy())
        force = force or (self.jit_compile and num_mixing != self._compiled_num_mixing)
        self._compiled_num_mixing = num_mixing
        return super().make_train_function(force)

    def apply_loss(self, passed: Pass, weight: tf.Tensor | None, training: bool) -> None:
        """See `SequenceModel`."""
        num_mixing = None
        if training and self.jit_compile:
            with tf.init_scope():  # XLA needs a static K: a new one needs a new trace
                num_mixing = int(self.loss_layer.num_mixing.numpy())
        self.loss_layer(passed=passed, weight=weight, num_mixing=num_mixing, training=training)

    def estimate_pass(self, passed: Pass, objective: Objective) -> Estimate:
        """See `SequenceModel`."""
        return objective.estimate(passed)

    @abc.abstractmethod
    def sample_trajectory(
        self, observations: Array, mask: Array | None, seed: tf.Tensor, covariates: Array | None = None
    ) -> tuple[tf.Tensor, Trajectory, tf.Tensor, tf.Tensor]:
        """Returns what `analysis.diagnostics` walks along, time-major.

        Args:
            observations: x, `[B, T, D]`, or words `[B, T]`.
            mask: bool `[B, T]`.
            seed: int32 `[2]`.
            covariates: u, `[B, T, U]`, of a model that has such; None of others.

        Returns:
            The posterior's contexts `[S, B, C]`, the trajectory of `bound` with this seed, the seeds of its rows,
            int32 `[S, B, 2]`, and which steps are real, `[S, B]`; S is T, or 1 of sentences.
        """

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, as far as they are the loss layer's."""
        loss = self.loss_layer.get_config()
        names = ("objective", "kl_weight", "eval_num_mixing")
        return {**super().get_config(), **{name: loss[name] for name in names}}


def to_objective(objective: Objective | None, num_mixing: int | None) -> Objective:
    """Returns what training maximizes: an objective as given, else the bound L_K.

    Args:
        objective: of `sisrnn_tf.objectives`, or None.
        num_mixing: K of the bound; None for 1.

    Raises:
        ValueError: both are given.
    """
    given = "left out where an objective is given: it has a K of its own"
    require(objective is None or num_mixing is None, "num_mixing", given, num_mixing)
    return SIVI(1 if num_mixing is None else num_mixing) if objective is None else objective
