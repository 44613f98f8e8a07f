"""The deterministic RNN, whose likelihood is exact."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core.arrays import size_of
from sisrnn_tf.core.types import Activation
from sisrnn_tf.core.validation import require_int, require_memory
from sisrnn_tf.emissions import Emission
from sisrnn_tf.inference.recurrence import batch_to_time_major
from sisrnn_tf.models.exact import ExactModel


@keras.saving.register_keras_serializable("sisrnn_tf")
class RNN(ExactModel):
    """Deterministic recurrent network, whose likelihood is exact: p(x_t | x_{<t}) = phi_decoder(h_{t-1}).

    Args:
        emission: the likelihood of one step, an object of `sisrnn_tf.emissions`.
        hidden_size: H.
        seed: int, where the model's stream of noise starts; only generation draws from it.
        decoder_sizes: units of the decoder's hidden layers.
        activation: of the hidden layers; a Keras name or function.
        truncation, covariate_size: as of `SISRNN`; with covariates the decoder reads [h_{t-1}, u_t].

    Call arguments and outputs: see `SequenceModel`; there is no latent, so Z = 0.
    """

    def __init__(
        self,
        emission: Emission,
        hidden_size: int = 64,
        seed: int = 0,
        decoder_sizes: Sequence[int] = (128, 128),
        activation: Activation = "relu",
        truncation: int | None = None,
        covariate_size: int = 0,
        **kwargs: Any,
    ):
        super().__init__(emission, seed, covariate_size, **kwargs)
        hidden_size = require_int("hidden_size", hidden_size, 1)
        require_memory(3 * hidden_size**2, hidden_size=hidden_size)
        self.truncation = truncation if truncation is None else require_int("truncation", truncation, 1)
        self.gru = keras.layers.GRU(hidden_size, return_sequences=True, dtype=self.dtype_policy, name="gru")
        self.gru.build((None, None, emission.event_size + covariate_size))
        self._complete(hidden_size, decoder_sizes, activation)

    @property
    def hidden_size(self) -> int:
        """H."""
        return self.gru.units

    @property
    def _network(self) -> keras.layers.GRU:
        return self.gru

    def _unroll(self, network: keras.layers.GRU, inputs: tf.Tensor) -> tf.Tensor:
        """See `ExactModel`; the gradient stops between segments of `truncation` steps."""
        if self.truncation is None:
            return network(inputs)
        batch_size, num_steps = size_of(inputs, 0), size_of(inputs, 1)
        length = (min if isinstance(num_steps, int) else tf.minimum)(num_steps, self.truncation)
        count = -(-num_steps // length)
        segments = tf.pad(inputs, [[0, 0], [0, count * length - num_steps], [0, 0]])
        segments = tf.reshape(segments, [batch_size, count, length, inputs.shape[2]])

        def add(index, hidden, states):
            segment = network(segments[:, index], initial_state=tf.stop_gradient(hidden))  # [B, length, H]
            return index + 1, segment[:, -1], states.write(index, batch_to_time_major(segment))

        start = *self.cell.get_initial_state(batch_size), tf.TensorArray(self.compute_dtype, count)
        *_, states = tf.while_loop(
            lambda index, *_: index < count, add, (tf.constant(0), *start), maximum_iterations=count
        )
        return batch_to_time_major(states.concat())[:, :num_steps]

    def _transition(self, inputs: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """See `ExactModel`."""
        return self.gru.cell(tf.cast(inputs, self.compute_dtype), hidden)[0]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "hidden_size": self.hidden_size, "truncation": self.truncation}
