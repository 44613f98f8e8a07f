"""The posterior of the paper: a network fed with noise makes the parameters of a Gaussian."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core import gaussians, networks, types
from sisrnn_tf.core.types import Shape, Sizes
from sisrnn_tf.core.validation import require_ints
from sisrnn_tf.posteriors.posterior import Posterior


@keras.saving.register_keras_serializable("sisrnn_tf")
class SemiImplicit(Posterior):
    """Semi-implicit mixing: psi_t is the output of a network fed with noise (eq. 5 of the paper).

    Args:
        latent_size: Z.
        hidden_sizes: units of each hidden layer.
        noise_sizes: dimensions of the centered Bernoulli noise at the input of each hidden layer.
        noise_weight_scale: initial noise weights, as a fraction of a Glorot initialization.
        **kwargs: `activation`, `scale_floor` and `summary`, as of `Posterior`.
    """

    def __init__(
        self,
        latent_size: int,
        hidden_sizes: Sequence[int] = (128, 128, 128),
        noise_sizes: Sequence[int] = (150, 100, 50),
        noise_weight_scale: float = 0.1,
        **kwargs: Any,
    ):
        super().__init__(latent_size, hidden_sizes, **kwargs)
        self.noise_sizes = require_ints("noise_sizes", noise_sizes, minimum=0)
        self.noise_weight_scale = noise_weight_scale
        self.network = networks.NoiseMLP(
            self.hidden_sizes,
            self.noise_sizes,
            2 * self.latent_size,
            self.activation,
            self.noise_weight_scale,
            dtype=self.dtype_policy,
            name="network",
        )

    @property
    def noise_size(self) -> int:
        """N: the noise dimensions of all layers together."""
        return self.network.noise_size

    def build(self, observation_shape: Shape, hidden_shape: Shape) -> None:
        """Makes the weights for x_t `[.., D]` and h_{t-1} `[.., H]`."""
        self.network.build(self.build_inputs(observation_shape, hidden_shape))

    def sample_noise(self, shape: Sizes, seed: tf.Tensor) -> tf.Tensor:
        """Draws noise `[*shape, N]`, each -1/2 or 1/2; arguments as of `Posterior.sample_noise`."""
        return self.network.sample_noise(shape, seed)

    def context(self, observation: tf.Tensor, hidden: tf.Tensor, features: tf.Tensor | None = None) -> tf.Tensor:
        """Returns what all draws share, `[.., first hidden size]`; arguments as of `Posterior.context`."""
        return self.network.context(self.join_inputs(observation, hidden, features))

    def call(self, context: tf.Tensor, noise: tf.Tensor) -> types.Gaussian:
        """Maps a context `[.., C]` and noise eps_t `[*draws, .., N]` to psi_t, each `[*draws, .., Z]`."""
        return gaussians.from_outputs(self.network(context, noise), self.scale_floor)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "noise_sizes": self.noise_sizes,
            "noise_weight_scale": self.noise_weight_scale,
        }
