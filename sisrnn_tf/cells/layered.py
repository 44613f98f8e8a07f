"""Latents in the layers of a network, of which each sees what is drawn below it: prior, posterior and decoder.

To these parts h_{t-1} is what the network has made of x_{<t} and of the latents below: [d^1_t, .., d^L_t, s_t, u_t],
d^l being what layer l has before its own z^l, and s_t what the layers without a latent give the decoder.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.cells.decoder import FeedForwardDecoder
from sisrnn_tf.cells.prior import NormalPrior
from sisrnn_tf.core import gaussians, networks, random
from sisrnn_tf.core.types import Activation, Gaussian, Shape, Sizes
from sisrnn_tf.core.validation import require, require_int, require_ints, require_positive
from sisrnn_tf.posteriors import Posterior


@keras.saving.register_keras_serializable("sisrnn_tf")
class LayeredPrior(NormalPrior):
    """p(z_t | ..) = prod_l p(z^l | d^l_t), normal distributions.

    Args:
        layer_sizes: dimensions of z^1, .., z^L, the lowest layer first; Z is their sum.
        channels: C, of each d^l.
        hidden_sizes: units of each hidden layer, of each z^l.
        activation: of the hidden layers; a Keras name or function.
        scale_floor: smallest standard deviation.
    """

    def __init__(
        self,
        layer_sizes: Sequence[int],
        channels: int,
        hidden_sizes: Sequence[int] = (64, 64),
        activation: Activation = "relu",
        scale_floor: float = 1e-3,
        **kwargs: Any,
    ):
        self.layer_sizes = require_ints("layer_sizes", layer_sizes)
        require(len(self.layer_sizes) > 0, "layer_sizes", "of at least one layer", layer_sizes)
        super().__init__(sum(self.layer_sizes), **kwargs)
        self.channels = require_int("channels", channels, 1)
        self.scale_floor = require_positive("scale_floor", scale_floor)
        sizes = require_ints("prior_sizes", hidden_sizes)
        self.networks = [
            networks.MLP(sizes, 2 * size, activation, dtype=self.dtype_policy, name=f"layer_{index + 1}")
            for index, size in enumerate(self.layer_sizes)
        ]

    def build(self, hidden_shape: Shape) -> None:
        """See `Prior`."""
        for network in self.networks:
            network.build((None, self.channels))
        self.built = True

    def layer(self, index: int, state: tf.Tensor) -> Gaussian:
        """Returns p(z^l | d^l_t) as loc and scale, each `[.., Z_l]`, of l - 1 and d^l_t `[.., C]`."""
        return gaussians.from_outputs(self.networks[index](tf.cast(state, self.compute_dtype)), self.scale_floor)

    def parameters(self, hidden: tf.Tensor) -> Gaussian:
        """Returns loc and scale, each `[.., Z]`, from h_{t-1} `[.., H]`."""
        found = [self.layer(index, layer_state(hidden, index, self.channels)) for index in range(len(self.networks))]
        return join_layers(found)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        network = self.networks[0].get_config()
        config = {name: value for name, value in super().get_config().items() if name != "latent_size"}
        return {
            **config,
            "layer_sizes": self.layer_sizes,
            "channels": self.channels,
            "hidden_sizes": network["hidden_sizes"],
            "activation": network["activation"],
            "scale_floor": self.scale_floor,
        }


@keras.saving.register_keras_serializable("sisrnn_tf")
class LayeredPosterior(Posterior):
    """q(z_t | ..) = prod_l q(z^l | d^l_t, x_t, features_t): each layer's is any posterior part, with noise of its own.

    Given d_t the layers are independent, and the mixture is a product over them: log ghat_t = sum_l log ghat^l.

    Args:
        layers: the posterior of each layer, the lowest first, without a summary.
        channels: C, of each d^l, which a layer is given as the state.
        summary: what each step is told of the sequence beside x_t; None for nothing.
    """

    causal = True  # or as the summary

    def __init__(self, layers: Sequence[Posterior], channels: int, **kwargs: Any):
        alone = all(layer.causal and layer.summary is None for layer in layers)
        require(alone and len(layers) > 0, "posteriors", "some without a summary, which is one for all layers", layers)
        super().__init__(sum(layer.latent_size for layer in layers), **kwargs)
        self.layers_of_posterior, self.channels = list(layers), require_int("channels", channels, 1)

    @property
    def noise_size(self) -> int:
        """N: the noise dimensions of all layers together."""
        return sum(self.noise_sizes)

    @property
    def noise_sizes(self) -> list[int]:
        """Noise dimensions of each layer."""
        return [layer.noise_size for layer in self.layers_of_posterior]

    @property
    def layer_sizes(self) -> list[int]:
        """Dimensions of each layer's z."""
        return [layer.latent_size for layer in self.layers_of_posterior]

    def build(self, observation_shape: Shape, hidden_shape: Shape) -> None:
        """See `Posterior`."""
        told = self.build_inputs(observation_shape, (None, 0))
        for index, layer in enumerate(self.layers_of_posterior):
            with keras.name_scope(f"layer_{index + 1}"):  # they may be named alike
                if not layer.built:  # one that was loaded is
                    layer.build(told, (None, self.channels))
        self.built = True

    def sample_noise(self, shape: Sizes, seed: tf.Tensor) -> tf.Tensor:
        """Draws the layers' noise beside each other, `[*shape, N]`; arguments as of `Posterior.sample_noise`."""
        parts = enumerate(self.layers_of_posterior)
        drawn = [layer.sample_noise(shape, random.fold_in(seed, index)) for index, layer in parts]
        return networks.concat(drawn, self.compute_dtype)

    def context(self, observation: tf.Tensor, hidden: tf.Tensor, features: tf.Tensor | None = None) -> tf.Tensor:
        """Returns x_t, the features and d^1_t, .., d^L_t, `[.., D + F + L C]`; see `Posterior`."""
        states = hidden[..., : len(self.layers_of_posterior) * self.channels]
        return networks.concat([self.join_inputs(observation, states[..., :0], features), states], self.compute_dtype)

    def layer(self, index: int, told: tf.Tensor, state: tf.Tensor, noise: tf.Tensor) -> Gaussian:
        """Returns psi of a layer, each `[*draws, .., Z_l]`.

        Args:
            index: l - 1.
            told: x_t and the features, `[.., D + F]`.
            state: d^l_t, `[.., C]`.
            noise: of the layer, `[*draws, .., N_l]`.
        """
        part = self.layers_of_posterior[index]
        return part(part.context(told, state), noise)

    def call(self, context: tf.Tensor, noise: tf.Tensor) -> Gaussian:
        """See `Posterior`."""
        size = context.shape[-1] - len(self.layers_of_posterior) * self.channels
        told, states = context[..., :size], context[..., size:]
        noises = tf.split(noise, self.noise_sizes, axis=-1)
        found = [
            self.layer(index, told, layer_state(states, index, self.channels), each)
            for index, each in enumerate(noises)
        ]
        return join_layers(found)

    def log_mixture(self, latent: tf.Tensor, own: Gaussian, draws: Gaussian) -> tf.Tensor:
        """Returns log ghat_t, `[..]`, in nats, a sum over layers; arguments as of `Posterior.log_mixture`."""
        z, *others = (tf.split(part, self.layer_sizes, axis=-1) for part in (latent, *own, *draws))
        parts = zip(self.layers_of_posterior, z, *others, strict=True)
        return tf.add_n([each.log_mixture(x, Gaussian(a, b), Gaussian(c, d)) for each, x, a, b, c, d in parts])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        base = super().get_config()
        return {
            **{name: base[name] for name in ("name", "trainable", "dtype", "summary")},
            "layers": [keras.saving.serialize_keras_object(layer) for layer in self.layers_of_posterior],
            "channels": self.channels,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LayeredPosterior":
        """Builds the posterior from its `get_config`."""
        made = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("layers", "summary")}
        return cls(**{**config, **made})


@keras.saving.register_keras_serializable("sisrnn_tf")
class SkipDecoder(FeedForwardDecoder):
    """phi_decoder(activation(s_t + sum_l W_l activation([d^l_t, z^l])), u_t).

    Args:
        parameter_size: P, of the emission.
        layer_sizes: dimensions of z^1, .., z^L.
        channels: C, of s_t and of each d^l.
        hidden_sizes: units of each hidden layer.
        **kwargs: as of `FeedForwardDecoder`.
    """

    def __init__(
        self,
        parameter_size: int,
        layer_sizes: Sequence[int],
        channels: int,
        hidden_sizes: Sequence[int] = (128, 128),
        **kwargs: Any,
    ):
        super().__init__(parameter_size, hidden_sizes, **kwargs)
        self.layer_sizes, self.channels = require_ints("layer_sizes", layer_sizes), require_int("channels", channels, 1)
        self.skips = [
            keras.layers.Dense(self.channels, dtype=self.dtype_policy, name=f"skip_{index + 1}")
            for index in range(len(self.layer_sizes))
        ]

    @property
    def _state_size(self) -> int:
        return (len(self.layer_sizes) + 1) * self.channels

    def build(self, latent_shape: Shape, hidden_shape: Shape) -> None:
        """Makes the weights for z_t `[.., Z]` and [d_t, s_t, u_t] `[.., (L + 1) C + U]`."""
        for skip, size in zip(self.skips, self.layer_sizes, strict=True):
            skip.build((None, self.channels + size))
        super().build((None, self.channels), (None, hidden_shape[-1] - self._state_size))

    def call(self, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """See `Decoder`."""
        activation = self.network.activation
        total = tf.cast(layer_state(hidden, len(self.skips), self.channels), self.compute_dtype)
        for index, part in enumerate(tf.split(latent, self.layer_sizes, axis=-1)):
            read = [layer_state(hidden, index, self.channels), part]
            total += self.skips[index](activation(networks.concat(read, self.compute_dtype)))
        return super().call(activation(total), hidden[..., self._state_size :])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "layer_sizes": self.layer_sizes, "channels": self.channels}


def layer_state(hidden: tf.Tensor, index: int, channels: int) -> tf.Tensor:
    """Returns d^l_t, `[.., C]`, of what begins with d^1_t, d^2_t, ..; index is l - 1."""
    return hidden[..., index * channels : (index + 1) * channels]


def join_layers(found: Sequence[Gaussian]) -> Gaussian:
    """Returns the parameters of all layers beside each other, each `[.., Z]`."""
    return Gaussian(*(tf.concat(parts, axis=-1) for parts in zip(*found, strict=True)))
