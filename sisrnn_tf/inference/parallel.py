"""Takes all steps at once, where nothing recurs."""

from typing import Any

import tensorflow as tf

from sisrnn_tf.core.types import Noise, Trajectory
from sisrnn_tf.inference import step


class ParallelSteps:
    """What `StochasticRNN` is to a cell with a state, to one without: its steps hang on nothing that came before.

    Args:
        cell: a stochastic cell whose state is empty, `[B, 0]`.
    """

    truncation: int | None = None

    def __init__(self, cell: Any):
        self.cell = cell

    def scan(
        self,
        observations: tf.Tensor,
        draws: Noise,
        mask: tf.Tensor | None = None,
        initial_state: Any = None,
        features: tf.Tensor | None = None,
        covariates: tf.Tensor | None = None,
    ) -> Trajectory:
        """Draws z_t ~ q(z_t | psi_t^0) for all steps; arguments as of `StochasticRNN.scan`."""
        return step.infer(self.cell, observations, features, observations[..., :0], draws, covariates)
