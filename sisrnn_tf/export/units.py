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

    def density(self, log_density: tf.Tensor, known: tf.Tensor) -> tf.Tensor:
        """Returns a log-density `[B]` in the user's units: log p(x) = log p(y) - sum of log scale over what is known.

        Args:
            log_density: in the model's units.
            known: bool `[B, .., D]`, True on the values that it is of.
        """
        if self.normalization is None:
            return log_density
        log_scale = tf.math.log(tf.constant(self.normalization.scale, tf.float64))
        volume = tf.reduce_sum(tf.where(known, log_scale, 0.0), axis=list(range(1, known.shape.rank)))
        return log_density - tf.cast(volume, self.dtype)
