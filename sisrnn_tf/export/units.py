"""A normalization as operations of a graph."""

import tensorflow as tf

from sisrnn_tf.data.normalization import Normalization


class Units:
    """Between the user's units, which requests and answers are in, and those of a model.

    Args:
        normalization: of the model's observations; None where the units are the same.
        dtype: of the model's densities.
    """

    def __init__(self, normalization: Normalization | None, dtype: tf.DType):
        self.normalization, self.dtype = normalization, dtype

    def apply(self, observations: tf.Tensor) -> tf.Tensor:
        """Returns observations `[.., D]` in the model's units."""
        if self.normalization is None:
            return observations
        values = tf.cast(observations, tf.float64)
        return tf.cast((values - self.normalization.shift) / self.normalization.scale, self.dtype)

    def invert(self, observations: tf.Tensor) -> tf.Tensor:
        """Returns observations `[.., D]` in the user's units."""
        if self.normalization is None:
            return observations
        values = tf.cast(observations, tf.float64)
        return tf.cast(values * self.normalization.scale + self.normalization.shift, self.dtype)

    def density(self, log_density: tf.Tensor, num_steps: tf.Tensor | int) -> tf.Tensor:
        """Returns the log-density `[B]` of so many steps in the user's units: log p(x) = log p(y) - T log_volume."""
        if self.normalization is None:
            return log_density
        return log_density - tf.cast(num_steps, self.dtype) * self.normalization.log_volume
