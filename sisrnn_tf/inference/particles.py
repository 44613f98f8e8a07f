"""Weighted particles of a sequence: their effective number, and resampling; pure functions of tensors.

The particles of a batch are rows: row m B + b is particle m of sequence b.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf


def effective_sample_size(log_weights: tf.Tensor) -> tf.Tensor:
    """Returns (sum_m w^m)^2 / sum_m (w^m)^2, `[..]`, between 1 and M.

    Args:
        log_weights: `[M, ..]`, normalized or not; at least one finite.
    """
    return tf.exp(2 * tf.reduce_logsumexp(log_weights, axis=0) - tf.reduce_logsumexp(2 * log_weights, axis=0))


@keras.saving.register_keras_serializable("sisrnn_tf")
def ess_below_threshold(log_weights: tf.Tensor, threshold: float = 0.5) -> tf.Tensor:
    """Returns whether the effective sample size is below a fraction of M, bool `[..]`; never at M = 1.

    Args:
        log_weights: `[M, ..]`.
        threshold: the fraction.
    """
    count = tf.cast(tf.shape(log_weights)[0], log_weights.dtype)
    return effective_sample_size(log_weights) < threshold * count


@keras.saving.register_keras_serializable("sisrnn_tf")
def resample_systematic(log_weights: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """Returns M ancestors a sequence, int32 `[M, B]`; particle m occurs floor or ceil of M w^m times, M w^m on average.

        ancestor i = min {j: w^1 + .. + w^j > (u + i) / M},    i = 0..M - 1

    Args:
        log_weights: `[M, B]`, normalized or not.
        uniforms: `[M, B]`, between 0 and 1; u is the first of each sequence.
    """
    count = tf.shape(log_weights)[0]
    steps = tf.cast(tf.range(count), uniforms.dtype)
    return _find(log_weights, (steps + uniforms[0][:, tf.newaxis]) / tf.cast(count, uniforms.dtype))


@keras.saving.register_keras_serializable("sisrnn_tf")
def resample_multinomial(log_weights: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """Returns S ancestors a sequence, int32 `[S, B]`, each drawn independently: particle m with probability w^m.

    Args:
        log_weights: `[M, B]`, normalized or not.
        uniforms: `[S, B]`, between 0 and 1; S is M where particles are resampled.
    """
    return _find(log_weights, tf.transpose(uniforms))


def _find(log_weights: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
    """Returns for each position `[B, M]` in (0, 1) the particle in whose share of the weight it lies, `[M, B]`."""
    cumulative = tf.cumsum(tf.transpose(tf.nn.softmax(log_weights, axis=0)), axis=-1)  # [B, M]
    cumulative /= cumulative[:, -1:]
    # Rounding may reach 1, beyond which there is no particle.
    positions = tf.minimum(positions, 1 - tf.experimental.numpy.finfo(positions.dtype.as_numpy_dtype).epsneg)
    return tf.transpose(tf.searchsorted(cumulative, positions, side="right"))


class Resampling(NamedTuple):
    """When and how particles are resampled.

    Attributes:
        resample_fn: (normalized log-weights `[M, B]`, uniforms `[M, B]`) -> ancestors, int32 `[M, B]`.
        criterion_fn: normalized log-weights `[M, B]` -> whether to resample after the step, bool `[B]`.
    """

    resample_fn: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = resample_systematic
    criterion_fn: Callable[[tf.Tensor], tf.Tensor] = ess_below_threshold


def even_log_weights(count: int | tf.Tensor, batch_size: int | tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Returns log 1/M, `[M, B]`."""
    return tf.fill([count, batch_size], -tf.math.log(tf.cast(count, dtype)))


def reweight(
    log_weights: tf.Tensor,
    increments: tf.Tensor,
    uniforms: tf.Tensor,
    resampling: Resampling,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Weighs particles by what a step adds, and resamples those of the sequences that ask for it.

    Args:
        log_weights: log W_{t-1}, normalized, `[M, B]`.
        increments: log w_t, `[M, B]`.
        uniforms: numbers between 0 and 1, `[M, B]`.
        resampling: when and how; see `Resampling`.

    Returns:
        log W_t `[M, B]`, even after a resampling; the ancestor of each particle, int32 `[M, B]`; and
        log sum_m W_{t-1}^m w_t^m, `[B]`.
    """
    even = even_log_weights(tf.shape(log_weights)[0], tf.shape(log_weights)[1], log_weights.dtype)
    weighted = log_weights + increments
    log_average = tf.reduce_logsumexp(weighted, axis=0)
    # Where every particle is lost the total is -inf already; even weights keep NaN out of what follows.
    weighted = tf.where(tf.math.is_finite(log_average), weighted - log_average, even)
    chosen = resampling.criterion_fn(weighted)
    own = tf.range(tf.shape(log_weights)[0])[:, tf.newaxis]
    ancestors = tf.where(chosen, resampling.resample_fn(weighted, uniforms), own)
    return tf.where(chosen, even, weighted), ancestors, log_average


def select(values: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """Returns of each sequence the values of some particles, `[S B, ..]`, from values of all, `[M B, ..]`.

    Args:
        values: row m B + b is of particle m of sequence b.
        chosen: numbers of particles, int32 `[S, B]`.
    """
    batch_size = tf.shape(chosen)[1]
    return tf.gather(values, tf.reshape(chosen * batch_size + tf.range(batch_size), [-1]))
