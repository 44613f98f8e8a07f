"""Summaries: what a posterior is told of a sequence beside the observation of its step."""

import abc
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core.types import Shape
from sisrnn_tf.core.validation import require_int, require_memory


class Summary(keras.layers.Layer, abc.ABC):
    """Features of each step of a sequence, for a posterior.

    A subclass gives `size`, `causal`, `build` for observations `[B, T, D]`, and `call`.

    Attributes:
        causal: whether the features of a step depend on x_t alone; a stream of single observations has no others.
    """

    causal: bool

    @property
    @abc.abstractmethod
    def size(self) -> int:
        """F: features of a step."""

    @abc.abstractmethod
    def call(self, observations: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the features of all steps, time-major `[T, B, F]`.

        Args:
            observations: x, time-major `[T, B, D]`.
            mask: bool, time-major `[T, B]`, True on real steps; None where every step is real.
        """


@keras.saving.register_keras_serializable("sisrnn_tf")
class BackwardGRU(Summary):
    """What is still to come: a GRU that runs backward over the observations (Fraccaro et al. 2016, section 3.2).

        a_t = GRU(x_t, a_{t+1}),  a_{T+1} = 0

    A posterior that reads a_t is a smoothing one, g(z_t | x_t..x_T, h_{t-1}): like the true posterior of a path it
    knows the future. It remains a proposal, so that every bound and estimator holds.

    Args:
        units: F, of the GRU.
    """

    causal = False

    def __init__(self, units: int = 64, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.units = require_int("units", units, 1)
        require_memory(3 * units**2, units=units)
        self.gru = keras.layers.GRU(
            units, return_sequences=True, go_backwards=True, dtype=self.dtype_policy, name="gru"
        )

    @property
    def size(self) -> int:
        """F."""
        return self.units

    def build(self, input_shape: Shape) -> None:
        """Makes the weights for observations `[.., D]`."""
        self.gru.build((None, None, input_shape[-1]))

    def call(self, observations: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
        """See `Summary`."""
        mask = None if mask is None else tf.transpose(mask)  # [B, T]
        states = self.gru(tf.transpose(observations, [1, 0, 2]), mask=mask)  # [B, T, F], the last step first
        return tf.reverse(tf.transpose(states, [1, 0, 2]), [0])  # [T, B, F]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "units": self.units}
