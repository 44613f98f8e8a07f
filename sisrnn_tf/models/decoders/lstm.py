"""A recurrent decoder that is given the latent at each word, as in the VAE-LSTM."""

from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core import random
from sisrnn_tf.core.networks import concat, dropout
from sisrnn_tf.core.types import Shape
from sisrnn_tf.core.validation import require, require_int
from sisrnn_tf.models.decoders.part import DecoderPart


@keras.saving.register_keras_serializable("sisrnn_tf")
class LSTMDecoder(DecoderPart):
    """An LSTM whose first state is made of z, and which reads z beside each word (Bowman et al. 2016).

    Args:
        size: E, of inputs and features.
        units: of the LSTM.
        dropout_rate: of the inputs and of the features.
        use_cudnn: whether a GPU may take cuDNN's LSTM, which is faster, and whose gradient has no gradient.

    Call arguments and returned features: as of `TransformerDecoder`.
    """

    def __init__(
        self, size: int = 512, units: int = 1024, dropout_rate: float = 0.5, use_cudnn: bool = True, **kwargs: Any
    ):
        super().__init__(size, dropout_rate, **kwargs)
        require(isinstance(use_cudnn, bool), "use_cudnn", "True or False", use_cudnn)
        self.use_cudnn = use_cudnn
        self.units = require_int("units", units, 1)
        self.initial = keras.layers.Dense(2 * units, dtype=self.dtype_policy, name="initial")
        of_gpu = "auto" if use_cudnn else False
        self.lstm = keras.layers.LSTM(
            units, return_sequences=True, use_cudnn=of_gpu, dtype=self.dtype_policy, name="lstm"
        )
        self.output_layer = keras.layers.Dense(size, dtype=self.dtype_policy, name="output")

    def make_weights(self, inputs_shape: Shape, latent_size: int) -> None:
        """See `DecoderPart`."""
        self.initial.build((None, latent_size))
        self.lstm.build((None, None, self.size + latent_size))
        self.output_layer.build((None, None, self.units))

    def call(self, inputs: tf.Tensor, latent: tf.Tensor, dropout_seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the features; see the class."""
        seeds = [None if dropout_seed is None else random.fold_in(dropout_seed, index) for index in range(2)]
        inputs = dropout(inputs, self.dropout_rate, seeds[0])
        shape = tf.concat([tf.shape(inputs)[:2], [latent.shape[-1]]], axis=0)
        repeated = tf.broadcast_to(latent[:, tf.newaxis], shape)  # [B, T, Z]
        hidden = self.lstm(concat([inputs, repeated], self.compute_dtype), initial_state=self._initial_state(latent))
        return dropout(self.output_layer(hidden), self.dropout_rate, seeds[1])

    def _initial_state(self, latent: tf.Tensor) -> list[tf.Tensor]:
        hidden, carry = tf.split(self.initial(tf.cast(latent, self.compute_dtype)), 2, axis=-1)  # each [B, units]
        return [tf.tanh(hidden), carry]

    def initial_cache(self, latent: tf.Tensor, num_steps: int | tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Returns what `step` needs: z and the two states, however many steps."""
        return tf.cast(latent, self.compute_dtype), *self._initial_state(latent)

    def step(self, inputs: tf.Tensor, cache: tuple, time: tf.Tensor) -> tuple[tf.Tensor, tuple]:
        """Returns features `[B, E]` from inputs `[B, E]`, and the cache for the next step."""
        latent, *states = cache
        hidden, states = self.lstm.cell(concat([inputs, latent], self.compute_dtype), states)
        return self.output_layer(hidden), (latent, *states)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "units": self.units, "use_cudnn": self.use_cudnn}
