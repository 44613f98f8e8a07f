"""Parts of the stochastic recurrent network of Fraccaro et al. (2016): the state is d_{t+1}, of x alone, beside z_t."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.cells.decoder import FeedForwardDecoder
from sisrnn_tf.cells.transition import Transition
from sisrnn_tf.core import networks
from sisrnn_tf.core.types import Shape
from sisrnn_tf.core.validation import require_int, require_memory
from sisrnn_tf.inference import step


@keras.saving.register_keras_serializable("sisrnn_tf")
class SRNNTransition(Transition):
    """h_t = [d_{t+1}, z_t],  d_{t+1} = GRU(x_t, d_t): no noise enters the recurrence of d.

    Args:
        deterministic_size: units of d.
        latent_size: Z.
    """

    def __init__(self, deterministic_size: int, latent_size: int, **kwargs: Any):
        sizes = require_int("deterministic_size", deterministic_size, 1), require_int("latent_size", latent_size, 1)
        super().__init__(sum(sizes), **kwargs)
        self.deterministic_size, self.latent_size = sizes
        require_memory(3 * deterministic_size**2, deterministic_size=deterministic_size)
        self.gru = keras.layers.GRUCell(deterministic_size, reset_after=True, dtype=self.dtype_policy, name="gru")

    def build(self, observation_shape: Shape, latent_shape: Shape, hidden_shape: Shape) -> None:
        """See `Transition`."""
        self.gru.build((None, observation_shape[-1]))

    def call(self, observation: tf.Tensor, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """See `Transition`."""
        state = tf.cast(hidden[..., : self.deterministic_size], self.compute_dtype)
        state = self.gru(tf.cast(observation, self.compute_dtype), [state])[0]
        return networks.concat([state, latent], self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = {name: value for name, value in super().get_config().items() if name != "hidden_size"}
        return {**config, "deterministic_size": self.deterministic_size, "latent_size": self.latent_size}


@keras.saving.register_keras_serializable("sisrnn_tf")
class SRNNDecoder(FeedForwardDecoder):
    """phi_decoder(z_t, d_t), with covariates phi_decoder(z_t, d_t, u_t): it does not see z_{t-1}.

    Args:
        parameter_size: P, of the emission.
        deterministic_size: units of d.
        hidden_sizes: units of each hidden layer.
        **kwargs: as of `FeedForwardDecoder`.
    """

    def __init__(
        self, parameter_size: int, deterministic_size: int, hidden_sizes: Sequence[int] = (128, 128), **kwargs: Any
    ):
        super().__init__(parameter_size, hidden_sizes, **kwargs)
        self.deterministic_size = require_int("deterministic_size", deterministic_size, 1)

    def build(self, latent_shape: Shape, hidden_shape: Shape) -> None:
        """See `Decoder`."""
        super().build(latent_shape, (*hidden_shape[:-1], hidden_shape[-1] - latent_shape[-1]))

    def call(self, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """See `Decoder`."""
        end = self.deterministic_size + latent.shape[-1]  # of z_{t-1} in [d_t, z_{t-1}, u_t]
        covariates = hidden[..., end:] if hidden.shape[-1] > end else None
        return super().call(latent, step.join(hidden[..., : self.deterministic_size], covariates))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "deterministic_size": self.deterministic_size}
