"""Particles that follow sequences: sequential Monte Carlo over the step, one observation at a time.

At every step a particle proposes z_t and is weighted by what it did not know:

    z_t ~ q(. | psi_t^0)                                                    w_t = p(x_t|.) p(z_t|.) / ghat_t

A missing value is read as the 0 that stands for it, and left out of p(x_t|.), see `step.log_densities`: these are the
weights that training knows. To fill gaps in, particles propose what is missing instead, and their transition reads it:

    all of x_t observed     as above
    else                    z_t ~ p(. | h_{t-1}), missing ~ p(. | observed, z_t, h_{t-1})  w_t = p(observed|.)

Weighted particles are draws of p(h_t, missing | what is observed up to t), and the more so the more there are; and

    prod_t sum_m W_{t-1}^m w_t^m

is an unbiased estimate of p(x_1..x_T) (FIVO's, Maddison et al. 2017), with W_{t-1} the normalized weights so far, 1/M
after a resampling. Ancestors have no gradient: that of the log-estimate is FIVO's without its high-variance part. The
particles of a batch are rows: row m B + b is particle m of sequence b.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from sisrnn_tf.core.arrays import size_of
from sisrnn_tf.core.types import BoundTerms, StepDensities, Trajectory
from sisrnn_tf.inference import noise, particles, step
from sisrnn_tf.inference.bounds import bound_terms
from sisrnn_tf.inference.mixture import mixture_of
from sisrnn_tf.inference.recurrence import cut_gradient


class Sequences(NamedTuple):
    """What a filter follows, time-major.

    Attributes:
        observations: x, `[T, B, D]`; finite, and possible, where something is missing, too.
        features: of the posterior, `[T, B, F]`; None where it has none.
        observed: bool `[T, B, D]`, False on missing values; None where none are.
        mask: bool `[T, B]`, True on real steps, the others leave the particles alone; None where every step is real.
        covariates: u, `[T, B, U]`; None where there are none.
    """

    observations: tf.Tensor
    features: tf.Tensor | None = None
    observed: tf.Tensor | None = None
    mask: tf.Tensor | None = None
    covariates: tf.Tensor | None = None

    def at(self, time: int | tf.Tensor) -> "Sequences":
        """Returns what belongs to one step, without the time axis."""
        return Sequences(*(None if part is None else part[time] for part in self))


class Keys(NamedTuple):
    """Whose noise the particles of a batch draw; see `noise`.

    Attributes:
        rows: numbers of the sequences, int `[B]`.
        first_particle: number of each one's first particle, a scalar or `[B]`.
    """

    rows: tf.Tensor
    first_particle: int | tf.Tensor = 0


class Particles(NamedTuple):
    """M particles of each of B sequences.

    Attributes:
        hidden: h_t, `[M B, H]`.
        log_weights: log W_t, normalized, `[M, B]`.
    """

    hidden: tf.Tensor
    log_weights: tf.Tensor


class Advanced(NamedTuple):
    """What becomes of particles in one step.

    Attributes:
        particles: after it and after any resampling.
        log_average: log sum_m W_{t-1}^m w_t^m, `[B]`: what x_t adds to the log-likelihood.
        densities: of the step, each `[M B]`.
        log_mixture: log ghat_t, `[M B]`.
        values: x_t with what was missing, before any resampling, `[M B, D]`.
        ancestors: by the resampling, int32 `[M, B]`.
    """

    particles: Particles
    log_average: tf.Tensor
    densities: StepDensities
    log_mixture: tf.Tensor
    values: tf.Tensor
    ancestors: tf.Tensor


class Filtered(NamedTuple):
    """What a filter leaves at the end of sequences.

    Attributes:
        log_likelihood: the log of the estimate of p(x_1..x_T), `[B]`.
        terms: the bound's, as plain means over the particles of each step, each `[B]`.
        particles: after the last real step.
        values: x_t with what was missing, before the resampling of the step, `[T, M B, D]`; None without records.
        ancestors: by the resampling of the step, int32 `[T, M B]`; None without records.
    """

    log_likelihood: tf.Tensor
    terms: BoundTerms
    particles: Particles
    values: tf.Tensor | None
    ancestors: tf.Tensor | None


def start(cell: keras.layers.Layer, batch_size: int | tf.Tensor, count: int | tf.Tensor, dtype: tf.DType) -> Particles:
    """Returns M particles of each sequence before any observation.

    Args:
        cell: a stochastic cell.
        batch_size: B.
        count: M.
        dtype: of their weights.
    """
    (hidden,) = cell.get_initial_state(count * batch_size)
    return Particles(hidden, particles.even_log_weights(count, batch_size, dtype))


def advance(
    cell: keras.layers.Layer,
    given: Sequences,
    before: Particles,
    num_mixing: int | tf.Tensor,
    seed: tf.Tensor,
    resampling: particles.Resampling,
    keys: Keys,
    draw_missing: bool = False,
) -> Advanced:
    """Takes all particles one observation further.

    Args:
        cell: a stochastic cell.
        given: x_t and the like, without a time axis; its mask is not looked at.
        before: the particles at h_{t-1}.
        num_mixing: K.
        seed: of the step, int32 `[2]`.
        resampling: when and how.
        keys: whose noise the particles draw.
        draw_missing: whether particles draw what is missing of x_t.
    """
    count = size_of(before.log_weights, 0)
    dtype = before.log_weights.dtype
    observation, features, observed, _, covariates = (None if part is None else _to_rows(part, count) for part in given)
    seeds = noise.row_seeds(seed, keys.rows, count, keys.first_particle)  # [M B, 2]
    drawn = draw_missing and observed is not None
    if not drawn:
        values = observation
        trajectory = step.infer(cell, observation, features, before.hidden, noise.draw(cell, seeds), covariates)
    else:
        beside = (observed, features, before.hidden, seeds, covariates)
        trajectory, values = step.infer_missing(cell, observation, *beside)
    parameters = cell.emission_parameters(trajectory.latent, trajectory.previous_hidden)
    densities = step.log_densities(cell, values, parameters, trajectory, None if drawn else observed)
    log_mixture = _log_mixture(cell, values, features, trajectory, densities.posterior, seeds, num_mixing)
    increments = densities.emission + densities.prior - log_mixture
    if drawn:
        partial = cell.emission_part.log_prob_observed(parameters, observation, observed)
        increments = tf.where(tf.reduce_all(observed, axis=-1), increments, partial)
    uniforms = noise.resampling_uniforms(seed, keys.rows, count, keys.first_particle, dtype)
    increments = tf.reshape(increments, tf.shape(before.log_weights))
    log_weights, ancestors, log_average = particles.reweight(before.log_weights, increments, uniforms, resampling)
    after = Particles(particles.select(trajectory.hidden, ancestors), log_weights)
    return Advanced(after, log_average, densities, log_mixture, values, ancestors)


def _to_rows(values: tf.Tensor, count: int | tf.Tensor) -> tf.Tensor:
    """Returns the values `[B, ..]` of sequences for each of their particles, `[M B, ..]`."""
    return tf.tile(values, [count, *[1] * (values.shape.rank - 1)])


def _log_mixture(cell, observation, features, trajectory: Trajectory, own, seeds, num_mixing) -> tf.Tensor:
    """Returns log ghat of one step, `[M B]`, of which log q(z | psi^0) is known."""
    # As of a sequence of one step, [1, M B, ..].
    whole = tf.nest.map_structure(lambda part: part[tf.newaxis], trajectory)
    own, seeds, observation = (part[tf.newaxis] for part in (own, seeds, observation))
    features = None if features is None else features[tf.newaxis]
    return mixture_of(cell, observation, features, whole, own, seeds, num_mixing).log_density()[0]


def run(
    cell: keras.layers.Layer,
    sequences: Sequences,
    count: int | tf.Tensor,
    num_mixing: int | tf.Tensor,
    seed: tf.Tensor,
    resampling: particles.Resampling,
    keys: Keys,
    truncation: int | None = None,
    keep_records: bool = False,
) -> Filtered:
    """Moves particles over sequences.

    Sequences with no particle of positive weight have the log-likelihood -inf.

    Args:
        cell: a stochastic cell.
        sequences: what to follow.
        count: M.
        num_mixing: K.
        seed: int32 `[2]`; step t draws as `advance` does from fold_in(seed, t).
        resampling: when and how.
        keys: whose noise the particles draw.
        truncation: steps between the points where the gradient through h stops; None stops it nowhere.
        keep_records: whether to draw what is missing and to keep `values` and `ancestors`, which `trace` needs.
    """
    observations = sequences.observations
    num_steps, batch_size = size_of(observations, 0), size_of(observations, 1)
    seeds = noise.step_seeds(seed, num_steps)
    begin = start(cell, batch_size, count, observations.dtype)
    zeros = tf.zeros([batch_size], observations.dtype)
    records = _empty_records(observations, num_steps, begin.hidden.shape[0]) if keep_records else ()

    def body(time, before, total, sums, records):
        given = sequences.at(time)
        cut = before._replace(hidden=cut_gradient(before.hidden, time, truncation))
        advanced = advance(cell, given, cut, num_mixing, seeds[time], resampling, keys, keep_records)
        added = (advanced.log_average, *_means(advanced, before.log_weights))
        after, ancestors = advanced.particles, advanced.ancestors
        if given.mask is not None:
            after, ancestors, added = _leave_alone(given.mask, before, after, ancestors, added)
        after = Particles(*(tf.ensure_shape(new, old.shape) for new, old in zip(after, before, strict=True)))
        written = (advanced.values, tf.reshape(ancestors, [-1]))
        records = tuple(array.write(time, part) for array, part in zip(records, written, strict=False))
        sums = tuple(old + new for old, new in zip(sums, added[1:], strict=True))
        return time + 1, after, total + added[0], sums, records

    _, last, total, sums, records = tf.while_loop(
        lambda time, *_: time < num_steps,
        body,
        (tf.constant(0), begin, zeros, (zeros,) * 4, records),
        maximum_iterations=num_steps,
        parallel_iterations=1,  # a step needs the one before it: looking ahead only costs
    )
    emission, prior, posterior, mixture = (part[tf.newaxis] for part in sums)
    terms = bound_terms(StepDensities(emission, prior, posterior), mixture)
    return Filtered(total, terms, last, *([array.stack() for array in records] or (None, None)))


def _empty_records(observations, num_steps, static_rows) -> tuple[tf.TensorArray, tf.TensorArray]:
    """Returns arrays for the values and the ancestors of all steps."""
    values = tf.TensorArray(observations.dtype, num_steps, element_shape=[static_rows, observations.shape[2]])
    return values, tf.TensorArray(tf.int32, num_steps, element_shape=[static_rows])


def _means(advanced: Advanced, log_weights: tf.Tensor) -> list[tf.Tensor]:
    """Returns the means over particles of the step's log-densities, the mixture's last, each `[B]`."""
    shape = tf.shape(log_weights)
    parts = (*advanced.densities, advanced.log_mixture)
    return [tf.reduce_mean(tf.reshape(part, shape), axis=0) for part in parts]


def _leave_alone(real: tf.Tensor, before: Particles, after: Particles, ancestors: tf.Tensor, added):
    """Returns particles, ancestors and what a step adds as they are where the step is padding; real is bool `[B]`."""
    count = tf.shape(before.log_weights)[0]
    kept = Particles(
        tf.where(_to_rows(real, count)[:, tf.newaxis], after.hidden, before.hidden),
        tf.where(real, after.log_weights, before.log_weights),
    )
    own = tf.range(count)[:, tf.newaxis]
    return kept, tf.where(real, ancestors, own), [tf.where(real, part, 0.0) for part in added]


def trace(filtered: Filtered, uniforms: tf.Tensor) -> tf.Tensor:
    """Returns the observations along the path of one particle a sequence, `[T, B, D]`.

    Args:
        filtered: with records.
        uniforms: numbers between 0 and 1 that choose the particles by their weights, `[B]`.
    """
    batch_size = tf.shape(uniforms)[0]

    def to_rows(chosen):
        return tf.ensure_shape(chosen * batch_size + tf.range(batch_size), chosen.shape)

    log_weights = filtered.particles.log_weights
    chosen = particles.resample_multinomial(log_weights, uniforms[tf.newaxis])[0]  # after the last step
    chosen = tf.ensure_shape(chosen, uniforms.shape)
    chosen = tf.scan(
        lambda chosen, ancestors: tf.gather(ancestors, to_rows(chosen)), filtered.ancestors, chosen, reverse=True
    )  # [T, B]
    return tf.gather(filtered.values, to_rows(chosen), batch_dims=1)
