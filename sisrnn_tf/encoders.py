"""Encoders: from x_t, h_{t-1} and noise to the parameters psi_t of the Gaussian posterior q(z_t | psi_t).

An encoder is a Keras layer with `noise_size`, `sample_noise(shape, seed, first)`, `context(x, h)` and
`call(context, noise) -> Gaussian`: all that does not depend on noise is in the context, computed once for the K + 1
draws of a mixture.
"""

from collections.abc import Sequence

import keras
import tensorflow as tf

from sisrnn_tf import networks
from sisrnn_tf.types import Gaussian as GaussianParameters
from sisrnn_tf.validation import require_int, require_ints, require_positive, require_precision


class Encoder(keras.layers.Layer):
    """What all encoders share: their sizes and where they read x_t and h_{t-1}.

    Args:
        latent_size: Z.
        hidden_sizes: units of each hidden layer.
        activation: of the hidden layers; a Keras name or function.
        scale_floor: smallest standard deviation of the posterior.
    """

    def __init__(self, latent_size, hidden_sizes=(128, 128, 128), activation="relu", scale_floor=1e-3, **kwargs):
        super().__init__(autocast=False, **kwargs)  # a context may hold float32 densities' parameters
        require_precision(self)
        self.latent_size = require_int("latent_size", latent_size, 1)
        self.hidden_sizes = require_ints("hidden_sizes", hidden_sizes)
        self.activation = keras.activations.get(activation)
        self.scale_floor = require_positive("scale_floor", scale_floor)

    def build(self, input_shape):
        """Makes the weights for inputs [x_t, h_{t-1}], `[.., D + H]`."""
        self.network.build(input_shape)

    def compute_output_shape(self, context_shape, noise_shape):
        """Returns the shapes of loc and scale."""
        shape = (*noise_shape[:-1], self.latent_size)
        return GaussianParameters(shape, shape)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "latent_size": self.latent_size,
            "hidden_sizes": self.hidden_sizes,
            "activation": keras.activations.serialize(self.activation),
            "scale_floor": self.scale_floor,
        }


@keras.saving.register_keras_serializable("sisrnn_tf")
class Gaussian(Encoder):
    """Point-mass mixing: psi_t is a deterministic function of x_t and h_{t-1}, as in VRNN.

    Args:
        latent_size: Z.
        hidden_sizes: units of each hidden layer.
        activation: of the hidden layers; a Keras name or function.
        scale_floor: smallest standard deviation of the posterior.
    """

    noise_size = 0

    def __init__(self, latent_size: int, hidden_sizes: Sequence[int] = (128, 128, 128), **kwargs):
        super().__init__(latent_size, hidden_sizes, **kwargs)
        self.network = networks.MLP(
            self.hidden_sizes, 2 * self.latent_size, self.activation, dtype=self.dtype_policy, name="network"
        )

    def sample_noise(self, shape, seed: tf.Tensor, first: int | tf.Tensor = 0) -> tf.Tensor:
        """Returns the empty noise `[*shape, 0]`."""
        return tf.zeros(tf.concat([shape, [0]], axis=0), self.compute_dtype)

    def context(self, observation: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """Returns `[.., 2 Z]`, all that there is to psi_t, from x_t `[.., D]` and h_{t-1} `[.., H]`."""
        return self.network(networks.concat([observation, hidden], self.compute_dtype))

    def call(self, context, noise):
        """Returns psi_t, each `[*draws, .., Z]`, the same for every draw of noise `[*draws, .., 0]`."""
        shape = tf.concat([tf.shape(noise)[:-1], [2 * self.latent_size]], axis=0)
        outputs = tf.broadcast_to(tf.cast(context, networks.density_dtype(self)), shape)
        return networks.to_gaussian(outputs, self.scale_floor)


@keras.saving.register_keras_serializable("sisrnn_tf")
class SemiImplicit(Encoder):
    """Semi-implicit mixing: psi_t is the output of a network fed with noise (eq. 5 of the paper).

    Args:
        latent_size: Z.
        hidden_sizes: units of each hidden layer.
        noise_sizes: dimensions of the centered Bernoulli noise at the input of each hidden layer.
        noise_weight_scale: initial noise weights, as a fraction of a Glorot initialization.
        activation: of the hidden layers; a Keras name or function.
        scale_floor: smallest standard deviation of the posterior.
    """

    def __init__(
        self,
        latent_size: int,
        hidden_sizes: Sequence[int] = (128, 128, 128),
        noise_sizes: Sequence[int] = (150, 100, 50),
        noise_weight_scale: float = 0.1,
        **kwargs,
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

    def sample_noise(self, shape, seed: tf.Tensor, first: int | tf.Tensor = 0) -> tf.Tensor:
        """Draws noise `[*shape, N]`, each -1/2 or 1/2; arguments as of `networks.NoiseMLP.sample_noise`."""
        return self.network.sample_noise(shape, seed, first)

    def context(self, observation: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """Returns what all draws share, `[.., first hidden size]`, from x_t `[.., D]` and h_{t-1} `[.., H]`."""
        return self.network.context(networks.concat([observation, hidden], self.compute_dtype))

    def call(self, context, noise):
        """Maps a context `[.., C]` and noise eps_t `[*draws, .., N]` to psi_t, each `[*draws, .., Z]`."""
        return networks.to_gaussian(self.network(context, noise), self.scale_floor)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "noise_sizes": self.noise_sizes,
            "noise_weight_scale": self.noise_weight_scale,
        }
