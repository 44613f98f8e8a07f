"""The posterior of VRNN: a Gaussian."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core import gaussians, networks, types
from sisrnn_tf.core.types import Shape, Sizes
from sisrnn_tf.posteriors.posterior import Posterior


@keras.saving.register_keras_serializable("sisrnn_tf")
class Gaussian(Posterior):
    """Point-mass mixing: psi_t is a deterministic function of x_t and h_{t-1}, as in VRNN.

    Args:
        latent_size: Z.
        hidden_sizes: units of each hidden layer.
        **kwargs: `activation`, `scale_floor` and `summary`, as of `Posterior`.
    """

    noise_size = 0
    factorizes = True

    def __init__(self, latent_size: int, hidden_sizes: Sequence[int] = (128, 128, 128), **kwargs: Any):
        super().__init__(latent_size, hidden_sizes, **kwargs)
        self.network = networks.MLP(
            self.hidden_sizes, 2 * self.latent_size, self.activation, dtype=self.dtype_policy, name="network"
        )

    def build(self, observation_shape: Shape, hidden_shape: Shape) -> None:
        """Makes the weights for x_t `[.., D]` and h_{t-1} `[.., H]`."""
        self.network.build(self.build_inputs(observation_shape, hidden_shape))

    def sample_noise(self, shape: Sizes, seed: tf.Tensor) -> tf.Tensor:
        """Returns the empty noise `[*shape, 0]`."""
        return tf.zeros(tf.concat([shape, [0]], axis=0), self.compute_dtype)

    def context(self, observation: tf.Tensor, hidden: tf.Tensor, features: tf.Tensor | None = None) -> tf.Tensor:
        """Returns `[.., 2 Z]`, all that there is to psi_t; arguments as of `Posterior.context`."""
        return self.network(self.join_inputs(observation, hidden, features))

    def call(self, context: tf.Tensor, noise: tf.Tensor) -> types.Gaussian:
        """Returns psi_t, each `[*draws, .., Z]`, the same for every draw of noise `[*draws, .., 0]`."""
        shape = tf.concat([tf.shape(noise)[:-1], [2 * self.latent_size]], axis=0)
        outputs = tf.broadcast_to(tf.cast(context, networks.density_dtype(self)), shape)
        return gaussians.from_outputs(outputs, self.scale_floor)
