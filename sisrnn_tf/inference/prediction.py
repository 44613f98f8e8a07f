"""The predictive density of every step given those before it, whole and of each feature alone.

Particles follow a sequence as `filter` moves them. With W_{t-1}^m their weights before x_t,

    p(x_t | x_<t)     is estimated by  sum_m W_{t-1}^m w_t^m             what x_t adds to the filter's likelihood
    p(x_td | x_<t)    by               sum_m W_{t-1}^m p(x_td | z^m, h_{t-1}^m),    z^m ~ p(. | h_{t-1}^m)

the second from draws of z_t that have not seen x_t. Of the deterministic RNN both are exact.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from sisrnn_tf.core.arrays import size_of
from sisrnn_tf.inference import filter as filters
from sisrnn_tf.inference import noise, particles, step


class Predictive(NamedTuple):
    """Log-densities of steps given those before them, nats; 0 on padding and of what is missing.

    Attributes:
        steps: log p(x_t | x_<t), `[T, B]`.
        features: log p(x_td | x_<t), `[T, B, D]`; None where the emission does not score features alone.
    """

    steps: tf.Tensor
    features: tf.Tensor | None


def run(
    cell: keras.layers.Layer,
    sequences: filters.Sequences,
    count: int | tf.Tensor,
    num_mixing: int | tf.Tensor,
    seed: tf.Tensor,
    keys: filters.Keys,
    by_feature: bool,
) -> Predictive:
    """Moves particles over sequences; with the same seed the steps add up to the filter's log-likelihood.

    Args:
        cell: a stochastic cell.
        sequences: what to follow.
        count: M.
        num_mixing: K.
        seed: int32 `[2]`.
        keys: whose noise the particles draw.
        by_feature: whether to score features alone, too.
    """
    observations = sequences.observations
    num_steps, batch_size = size_of(observations, 0), size_of(observations, 1)
    seeds, resampling = noise.step_seeds(seed, num_steps), particles.Resampling()
    begin = filters.start(cell, batch_size, count, observations.dtype)
    whole = tf.TensorArray(observations.dtype, num_steps, element_shape=[observations.shape[1]])
    single = tf.TensorArray(observations.dtype, num_steps, element_shape=observations.shape[1:])

    def body(time, before, whole, single):
        given = sequences.at(time)
        real = tf.ones([batch_size], tf.bool) if given.mask is None else given.mask
        if by_feature:
            predicted = _features(cell, given, before, seeds[time], keys)
            counts = real[:, tf.newaxis] if given.observed is None else real[:, tf.newaxis] & given.observed
            single = single.write(time, tf.where(counts, predicted, 0.0))
        advanced = filters.advance(cell, given, before, num_mixing, seeds[time], resampling, keys)
        # Particles of a sequence that has ended go on over zeros: what they add is left out.
        whole = whole.write(time, tf.where(real, advanced.log_average, 0.0))
        after = zip(advanced.particles, before, strict=True)
        return time + 1, filters.Particles(*(tf.ensure_shape(new, old.shape) for new, old in after)), whole, single

    _, _, whole, single = tf.while_loop(
        lambda time, *_: time < num_steps,
        body,
        (tf.constant(0), begin, whole, single),
        maximum_iterations=num_steps,
        parallel_iterations=1,
    )
    return Predictive(whole.stack(), single.stack() if by_feature else None)


def _features(cell, given: filters.Sequences, before: filters.Particles, seed: tf.Tensor, keys: filters.Keys):
    """Returns log p(x_td | x_<t), `[B, D]`, before x_t `[B, D]` is seen."""
    shape = tf.shape(before.log_weights)  # [M, B]
    seeds = noise.predicting_particle_seeds(seed, keys.rows, shape[0])
    covariates = None if given.covariates is None else tf.tile(given.covariates, [shape[0], 1])
    _, parameters = step.predict(cell, before.hidden, seeds, covariates)
    x = tf.tile(given.observations, [shape[0], 1])
    size = x.shape[1]
    parts = []
    for feature in range(size):
        observed = tf.broadcast_to(tf.range(size) == feature, tf.shape(x))
        log_probs = cell.emission_part.log_prob_observed(parameters, x, observed)
        parts.append(tf.reduce_logsumexp(before.log_weights + tf.reshape(log_probs, shape), axis=0))
    return tf.stack(parts, axis=-1)
