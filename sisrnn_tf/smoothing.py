"""Particles that follow observations of which some are missing: states and missing values given what is observed.

At every step a particle proposes what is missing and z_t, and is weighted by what it did not know:

    all of x_t observed     z_t ~ q(. | psi_t^0)                                  w_t = p(x_t|.) p(z_t|.) / ghat_t
    else                    z_t ~ p(. | h_{t-1}), missing ~ p(. | observed, z_t, h_{t-1})  w_t = p(observed|.)

so weighted particles are draws of p(h_t, missing | what is observed up to t), and the more so the more there are. The
particles of a batch are rows: row m B + b is particle m of sequence b.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from sisrnn_tf import particles, random
from sisrnn_tf.chunked_mixture import densities_and_mixture
from sisrnn_tf.noise import draw_noise, extra_mixing
from sisrnn_tf.types import Gaussian, Trajectory


class Filtered(NamedTuple):
    """Particles at the end of their sequences.

    Attributes:
        hidden: h after the last real step, `[M B, H]`.
        log_weights: normalized, `[M, B]`.
        values: x_t with what was missing, before the resampling of the step, `[T, M B, D]`; None where nothing was.
        ancestors: by the resampling of the step, int32 `[T, M B]`; None likewise.
    """

    hidden: tf.Tensor
    log_weights: tf.Tensor
    values: tf.Tensor | None
    ancestors: tf.Tensor | None


def run_filter(
    propose: Callable,
    hidden: tf.Tensor,
    observations: tf.Tensor,
    observed: tf.Tensor | None,
    mask: tf.Tensor | None,
    num_particles: int | tf.Tensor,
    seed: tf.Tensor,
) -> Filtered:
    """Moves particles over sequences; they are resampled where their effective number is below M / 2.

    Args:
        propose: (x_t `[M B, D]`, observed `[M B, D]` or None, h_{t-1}, seed) -> x_t without gaps, h_t, log w_t `[M B]`.
        hidden: h_0, `[B, H]`.
        observations: x, time-major `[T, B, D]`; finite where they are missing, too.
        observed: bool, time-major `[T, B, D]`; None where all are.
        mask: bool, time-major `[T, B]`, True on real steps; the others leave the particles alone.
        num_particles: M, int or scalar tensor.
        seed: int32 `[2]`.
    """
    num_steps, batch_size = (observations.shape[axis] or tf.shape(observations)[axis] for axis in (0, 1))
    own = tf.range(num_particles)[:, tf.newaxis]

    def to_rows(values):
        return tf.tile(values, [num_particles, *[1] * (values.shape.rank - 1)])

    def step(time, hidden, log_weights, records):
        step_seed = random.fold_in(seed, time)
        known = None if observed is None else to_rows(observed[time])
        value, next_hidden, log_ratio = propose(
            to_rows(observations[time]), known, hidden, random.fold_in(step_seed, 0)
        )
        uniforms = random.uniform([num_particles, batch_size], random.fold_in(step_seed, 1), observations.dtype)
        log_ratio = tf.reshape(log_ratio, [num_particles, batch_size])
        next_log_weights, ancestors, _ = particles.reweight(log_weights, log_ratio, uniforms)
        next_hidden = particles.select(next_hidden, ancestors)
        if mask is not None:
            real = mask[time]
            next_hidden = tf.where(to_rows(real)[:, tf.newaxis], next_hidden, hidden)
            next_log_weights = tf.where(real, next_log_weights, log_weights)
            ancestors = tf.where(real, ancestors, own)
        written = (value, tf.reshape(ancestors, [-1]))
        records = tuple(array.write(time, part) for array, part in zip(records, written, strict=False))
        return time + 1, tf.ensure_shape(next_hidden, hidden.shape), next_log_weights, records

    num_records = 0 if observed is None else 2
    records = tuple(tf.TensorArray(dtype, num_steps) for dtype in (observations.dtype, tf.int32)[:num_records])
    even = particles.even_log_weights(num_particles, batch_size, observations.dtype)
    _, hidden, log_weights, records = tf.while_loop(
        lambda time, *_: time < num_steps,
        step,
        (tf.constant(0), to_rows(hidden), even, records),
        maximum_iterations=num_steps,
        parallel_iterations=1,
    )
    return Filtered(hidden, log_weights, *([array.stack() for array in records] or (None, None)))


def trace(filtered: Filtered, uniforms: tf.Tensor) -> tf.Tensor:
    """Returns the observations along the path of one particle a sequence, `[T, B, D]`.

    Args:
        filtered: particles that have values.
        uniforms: numbers between 0 and 1 that choose the particles by their weights, `[B]`.
    """
    batch_size = tf.shape(uniforms)[0]

    def to_rows(chosen):
        return tf.ensure_shape(chosen * batch_size + tf.range(batch_size), chosen.shape)

    chosen = particles.resample_multinomial(filtered.log_weights, uniforms[tf.newaxis])[0]  # after the last step
    chosen = tf.ensure_shape(chosen, uniforms.shape)
    chosen = tf.scan(
        lambda chosen, ancestors: tf.gather(ancestors, to_rows(chosen)), filtered.ancestors, chosen, reverse=True
    )  # [T, B]
    return tf.gather(filtered.values, to_rows(chosen), batch_dims=1)


def propose(
    cell: keras.layers.Layer,
    observation: tf.Tensor,
    observed: tf.Tensor | None,
    hidden: tf.Tensor,
    num_mixing: int | tf.Tensor,
    seed: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Proposes z_t and what is missing of x_t, each row on its own; see the module.

    Args:
        cell: a stochastic cell.
        observation: x_t, `[rows, D]`; finite where it is missing, too.
        observed: bool `[rows, D]`; None where all is.
        hidden: h_{t-1}, `[rows, H]`.
        num_mixing: K.
        seed: int32 `[2]`.

    Returns:
        x_t without gaps `[rows, D]`, h_t `[rows, H]`, log w_t `[rows]`.
    """
    noise_seed = random.fold_in(seed, 0)
    noise = draw_noise(cell, 1, hidden.shape[0] or tf.shape(hidden)[0], 0, noise_seed)
    posterior = proposal = cell.posterior_parameters(observation, hidden, noise.mixing[0])
    if observed is not None:
        complete = tf.reduce_all(observed, axis=-1)
        parts = zip(posterior, cell.prior_parameters(hidden), strict=True)
        proposal = Gaussian(*(tf.where(complete[:, tf.newaxis], left, right) for left, right in parts))
    latent = proposal.loc + proposal.scale * noise.latent[0]
    parameters = cell.emission_parameters(latent, hidden)
    step = Trajectory(
        *(part[tf.newaxis] for part in (latent, hidden, hidden)), Gaussian(*(part[tf.newaxis] for part in posterior))
    )  # of one step; h_t is not made use of
    densities, mixture = densities_and_mixture(
        cell,
        observation[tf.newaxis],
        parameters[tf.newaxis],
        step,
        extra_mixing(cell, num_mixing, noise_seed),
        num_mixing,
    )
    log_weight = (densities.prior - mixture.log_density())[0]
    if observed is None:
        return observation, cell.transition(observation, latent, hidden), log_weight + densities.emission[0]
    log_weight = tf.where(complete, log_weight, 0.0) + cell.likelihood.log_prob_observed(
        parameters, observation, observed
    )
    value = cell.likelihood.sample_missing(parameters, observation, observed, random.fold_in(seed, 1))
    return value, cell.transition(value, latent, hidden), log_weight
