"""Decoders: from z_t and h_{t-1} to the parameters of the emission."""

import abc
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core import networks
from sisrnn_tf.core.types import Activation, Shape
from sisrnn_tf.core.validation import require_int, require_ints


class Decoder(keras.layers.Layer, abc.ABC):
    """From z_t and h_{t-1} to the parameters of p(x_t | z_t, h_{t-1}).

    A subclass gives `call`, and `build` where it has weights. Where there are covariates, h_{t-1} is [h_{t-1}, u_t] to
    it.

    Args:
        parameter_size: P, of the emission.
    """

    def __init__(self, parameter_size: int, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)
        self.parameter_size = require_int("parameter_size", parameter_size, 1)

    def build(self, latent_shape: Shape, hidden_shape: Shape) -> None:
        """Makes the weights for z_t `[.., Z]` and h_{t-1} `[.., H]`."""
        self.built = True

    @abc.abstractmethod
    def call(self, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """Returns the emission's parameters `[.., P]`, in the dtype of densities, from `[.., Z]` and `[.., H]`."""

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "parameter_size": self.parameter_size}


@keras.saving.register_keras_serializable("sisrnn_tf")
class FeedForwardDecoder(Decoder):
    """phi_decoder(z_t, h_{t-1}), a multilayer perceptron (eq. 8 of the paper).

    Args:
        parameter_size: P, of the emission.
        hidden_sizes: units of each hidden layer.
        activation: of the hidden layers; a Keras name or function.
    """

    def __init__(
        self,
        parameter_size: int,
        hidden_sizes: Sequence[int] = (128, 128),
        activation: Activation = "relu",
        **kwargs: Any,
    ):
        super().__init__(parameter_size, **kwargs)
        sizes = require_ints("decoder_sizes", hidden_sizes)
        self.network = networks.MLP(sizes, parameter_size, activation, dtype=self.dtype_policy, name="network")

    def build(self, latent_shape: Shape, hidden_shape: Shape) -> None:
        """See `Decoder`."""
        self.network.build((None, latent_shape[-1] + hidden_shape[-1]))

    def call(self, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """See `Decoder`."""
        return self.network(networks.concat([latent, hidden], self.compute_dtype))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        network = self.network.get_config()
        return {
            **super().get_config(),
            "hidden_sizes": network["hidden_sizes"],
            "activation": network["activation"],
        }
