"""Sums and means of numbers given by their logarithms."""

import tensorflow as tf


def log_mean_exp(values: tf.Tensor, axis: int = 0) -> tf.Tensor:
    """Returns log (1/C) sum_c exp(value_c), `[..]`, over the C entries of an axis; -inf where all are."""
    count = tf.cast(tf.shape(values)[axis], values.dtype)
    return tf.reduce_logsumexp(values, axis=axis) - tf.math.log(count)
