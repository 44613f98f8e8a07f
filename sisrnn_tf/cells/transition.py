"""Transitions: from x_t, z_t and h_{t-1} to h_t."""

import abc
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core import networks
from sisrnn_tf.core.types import Shape
from sisrnn_tf.core.validation import require_int, require_memory


class Transition(keras.layers.Layer, abc.ABC):
    """From x_t, z_t and h_{t-1} to h_t.

    A subclass gives `call`, and `build` where it has weights. Where there are covariates, x_t is [x_t, u_t] to it.

    Args:
        hidden_size: H.
    """

    def __init__(self, hidden_size: int, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)
        self.hidden_size = require_int("hidden_size", hidden_size, 1)

    def build(self, observation_shape: Shape, latent_shape: Shape, hidden_shape: Shape) -> None:
        """Makes the weights for x_t `[B, D]`, z_t `[B, Z]` and h_{t-1} `[B, H]`."""
        self.built = True

    def initial_state(self, batch_size: int | tf.Tensor) -> tf.Tensor:
        """Returns h_0, `[B, H]`: zeros."""
        return tf.zeros([batch_size, self.hidden_size], self.compute_dtype)

    @abc.abstractmethod
    def call(self, observation: tf.Tensor, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """Returns h_t `[B, H]` from x_t `[B, D]`, z_t `[B, Z]` and h_{t-1} `[B, H]`."""

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "hidden_size": self.hidden_size}


@keras.saving.register_keras_serializable("sisrnn_tf")
class GRUTransition(Transition):
    """h_t = GRU([x_t, z_t], h_{t-1}) (eq. 9 of the paper).

    Args:
        hidden_size: H.
    """

    def __init__(self, hidden_size: int, **kwargs: Any):
        super().__init__(hidden_size, **kwargs)
        require_memory(3 * hidden_size**2, hidden_size=hidden_size)
        self.gru = keras.layers.GRUCell(hidden_size, reset_after=True, dtype=self.dtype_policy, name="gru")

    def build(self, observation_shape: Shape, latent_shape: Shape, hidden_shape: Shape) -> None:
        """See `Transition`."""
        self.gru.build((None, observation_shape[-1] + latent_shape[-1]))

    def call(self, observation: tf.Tensor, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """See `Transition`."""
        inputs = networks.concat([observation, latent], self.compute_dtype)
        return self.gru(inputs, [tf.cast(hidden, self.compute_dtype)])[0]
