"""The bound and its parts: pure functions of log-densities, time-major, in nats.

Yin & Zhou, Semi-Implicit Variational Inference (2018), eq. 10, over the steps of a sequence.
"""

import math

import tensorflow as tf

from sisrnn_tf.core.types import BoundTerms, StepDensities


def sum_over_time(values: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """Returns the sum over real steps, `[B]`, of values `[T, B]`."""
    return tf.reduce_sum(values if mask is None else tf.where(mask, values, 0.0), axis=0)


def bound_terms(densities: StepDensities, log_mixture: tf.Tensor, mask: tf.Tensor | None = None) -> BoundTerms:
    """Returns the bound and its parts for each sequence, `[B]`.

        log ghat_t  = logsumexp_k log q(z_t | psi_t^k) - log(K + 1)
        L           = sum_t log p(x_t|.) + log p(z_t|.) - log q(z_t | psi_t^0)
        B_K         = sum_t log q(z_t | psi_t^0) - log ghat_t      <= T log(K + 1), and 0 at K = 0
        L_K         = L + B_K

    Args:
        densities: each `[T, B]`.
        log_mixture: log ghat_t, `[T, B]`.
        mask: bool `[T, B]`, True on real steps; None where every step is real.
    """
    reconstruction = sum_over_time(densities.emission, mask)
    kl = sum_over_time(log_mixture - densities.prior, mask)
    regularizer = sum_over_time(densities.posterior - log_mixture, mask)
    surrogate = reconstruction - kl
    return BoundTerms(surrogate, surrogate - regularizer, regularizer, reconstruction, kl)


def _split(weight: tf.Tensor, dtype: tf.DType) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns weights with 1 in place of NaN, which says that a sequence cannot be scored, and whether it can."""
    weight = tf.cast(weight, dtype)
    known = ~tf.math.is_nan(weight)
    return tf.where(known, weight, 1.0), known


def weighted_mean(values: tf.Tensor, weight: tf.Tensor | None) -> tf.Tensor:
    """Returns the mean over sequences, a scalar, of values `[B]` weighted by `[B]`; 0 where all weights are 0.

    A weight of NaN makes the mean NaN, and its gradient that of the other sequences.
    """
    if weight is None:
        return tf.reduce_mean(values)
    weight, known = _split(weight, values.dtype)
    values = tf.where(known, values, math.nan)
    return tf.math.divide_no_nan(tf.reduce_sum(weight * values), tf.reduce_sum(weight))


def step_weights(values: tf.Tensor, mask: tf.Tensor | None, weight: tf.Tensor | None) -> tf.Tensor:
    """Returns w, `[T, B]`, with sum_tb w_tb v_tb = the weighted mean over sequences of the sum over steps.

    Args:
        values: v, `[T, B]`; its shape and dtype count.
        mask: bool `[T, B]`, True on real steps; None where every step is real.
        weight: `[B]`, NaN as of `weighted_mean`; None where every sequence counts once.
    """
    weight, known = _split(tf.ones_like(values[0]) if weight is None else weight, values.dtype)
    shares = tf.where(known, tf.math.divide_no_nan(weight, tf.reduce_sum(weight)), 0.0)
    shares = tf.broadcast_to(shares, tf.shape(values))
    return shares if mask is None else tf.where(mask, shares, 0.0)
