"""Particles: the likelihood of sequences from M weighted trajectories; pure functions of tensors, in nats.

Particle m draws all its noise from fold_in(seed, m), fresh psi^0..psi^K and z at every step, so more particles extend
fewer. The particles of a batch are rows: row m B + b is particle m of sequence b. Because psi^0 is always a component
of ghat_t, each particle's product of p(x_t|.) p(z_t|.) / ghat_t is an unbiased estimate of p(x_1..x_T).
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from sisrnn_tf import bounds, rnn
from sisrnn_tf.chunked_mixture import ChunkedMixture, ComponentMixture, densities_and_mixture
from sisrnn_tf.noise import ParticleNoise
from sisrnn_tf.types import BoundTerms, Gaussian, Noise, StepDensities, Trajectory

# T B m rows go through the encoder at a time: 150 MB of the paper's noise. The answer does not depend on it.
CHUNK_ROWS = 2**17


def chunk_size(rows_each: int | None) -> int:
    """Returns how many particles to hold at a time: `CHUNK_ROWS` of rows, but at least one.

    Args:
        rows_each: T B, the rows of one of them; None where unknown.
    """
    return max(1, CHUNK_ROWS // rows_each) if rows_each else 1


def log_mean_exp(log_weights: tf.Tensor) -> tf.Tensor:
    """Returns log (1/M) sum_m exp(log w^m), `[..]`, of log-weights `[M, ..]`; -inf where all are."""
    count = tf.cast(tf.shape(log_weights)[0], log_weights.dtype)
    return tf.reduce_logsumexp(log_weights, axis=0) - tf.math.log(count)


def effective_sample_size(log_weights: tf.Tensor) -> tf.Tensor:
    """Returns (sum_m w^m)^2 / sum_m (w^m)^2, `[..]`, between 1 and M.

    Args:
        log_weights: `[M, ..]`, normalized or not; at least one finite.
    """
    return tf.exp(2 * tf.reduce_logsumexp(log_weights, axis=0) - tf.reduce_logsumexp(2 * log_weights, axis=0))


def ess_below_threshold(log_weights: tf.Tensor, threshold: float = 0.5) -> tf.Tensor:
    """Returns whether the effective sample size is below a fraction of M, bool `[..]`; never at M = 1.

    Args:
        log_weights: `[M, ..]`.
        threshold: the fraction.
    """
    count = tf.cast(tf.shape(log_weights)[0], log_weights.dtype)
    return effective_sample_size(log_weights) < threshold * count


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


def even_log_weights(count: int | tf.Tensor, batch_size: int | tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Returns log 1/M, `[M, B]`."""
    return tf.fill([count, batch_size], -tf.math.log(tf.cast(count, dtype)))


def reweight(
    log_weights: tf.Tensor,
    increments: tf.Tensor,
    uniforms: tf.Tensor,
    resample_fn: Callable = resample_systematic,
    resample_criterion_fn: Callable = ess_below_threshold,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Weighs particles by what a step adds, and resamples those of the sequences that ask for it.

    Args:
        log_weights: log W_{t-1}, normalized, `[M, B]`.
        increments: log w_t, `[M, B]`.
        uniforms: numbers between 0 and 1, `[M, B]`.
        resample_fn, resample_criterion_fn: as of `smc_terms`.

    Returns:
        log W_t `[M, B]`, even after a resampling; the ancestor of each particle, int32 `[M, B]`; and
        log sum_m W_{t-1}^m w_t^m, `[B]`.
    """
    even = even_log_weights(*tf.unstack(tf.shape(log_weights)), log_weights.dtype)
    weighted = log_weights + increments
    log_average = tf.reduce_logsumexp(weighted, axis=0)
    # Where every particle is lost the total is -inf already; even weights keep NaN out of what follows.
    weighted = tf.where(tf.math.is_finite(log_average), weighted - log_average, even)
    chosen = resample_criterion_fn(weighted)
    own = tf.range(tf.shape(log_weights)[0])[:, tf.newaxis]
    ancestors = tf.where(chosen, resample_fn(weighted, uniforms), own)
    return tf.where(chosen, even, weighted), ancestors, log_average


def select(values: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """Returns of each sequence the values of some particles, `[S B, ..]`, from values of all, `[M B, ..]`.

    Args:
        values: row m B + b is of particle m of sequence b.
        chosen: numbers of particles, int32 `[S, B]`.
    """
    batch_size = tf.shape(chosen)[1]
    return tf.gather(values, tf.reshape(chosen * batch_size + tf.range(batch_size), [-1]))


def trajectory_densities(
    layer: rnn.StochasticRNN,
    observations: tf.Tensor,
    noise: ParticleNoise,
    num_mixing: int | tf.Tensor,
    mask: tf.Tensor | None = None,
) -> tuple[StepDensities, ChunkedMixture | ComponentMixture]:
    """Returns the log-densities of m independent trajectories, each `[T, m B]`, and what makes the mixture's.

    Args:
        layer: unrolls the cell.
        observations: x, time-major `[T, B, D]`.
        noise: of the particles.
        num_mixing: K.
        mask: bool `[T, B]`, True on real steps; None where every step is real.
    """
    num_steps = observations.shape[0] or tf.shape(observations)[0]
    rows = tf.tile(observations, [1, noise.count, 1])  # [T, m B, D]
    rows_mask = None if mask is None else tf.tile(mask, [1, noise.count])
    trajectory = layer.scan(rows, Noise(noise.mixing(num_steps), noise.latent(num_steps), None), rows_mask)
    parameters = layer.cell.emission_parameters(trajectory.latent, trajectory.previous_hidden)
    draws = noise.extra_mixing(num_mixing)
    return densities_and_mixture(layer.cell, rows, parameters, trajectory, draws, num_mixing, noise.count)


def trajectory_terms(
    densities: StepDensities, log_mixture: tf.Tensor, count: int | tf.Tensor, mask: tf.Tensor | None = None
) -> BoundTerms:
    """Returns the bound's terms of each of m trajectories, each `[m, B]`.

    Their surrogates are log-weights, whose log-mean-exp is the IWAE estimate:

        log w^m = sum_t log p(x_t|.) + log p(z_t|.) - log ghat_t

    Args:
        densities: of the trajectories, each `[T, m B]`.
        log_mixture: log ghat_t, `[T, m B]`.
        count: m.
        mask: bool `[T, B]`, True on real steps; None where every step is real.
    """
    rows_mask = None if mask is None else tf.tile(mask, [1, count])
    terms = bounds.sum_terms(*densities, log_mixture, rows_mask)
    return BoundTerms(*(tf.reshape(values, [count, tf.shape(values)[0] // count]) for values in terms))


def smc_terms(
    cell: keras.layers.Layer,
    observations: tf.Tensor,
    noise: ParticleNoise,
    num_mixing: int | tf.Tensor,
    uniforms: tf.Tensor,
    mask: tf.Tensor | None = None,
    resample_fn: Callable = resample_systematic,
    resample_criterion_fn: Callable = ess_below_threshold,
    truncation: int | None = None,
) -> tuple[tf.Tensor, BoundTerms]:
    """Returns the log of the sequential Monte Carlo (FIVO) estimate of p(x_1..x_T), `[B]`.

        estimate = prod_t sum_m W_{t-1}^m w_t^m,      w_t^m = p(x_t|.) p(z_t|.) / ghat_t of particle m

    W_{t-1} are the normalized weights so far, 1/M after a resampling. Sequences with no particle of positive weight
    give -inf. Ancestors have no gradient: that of the estimate is FIVO's without its high-variance part.

    Args:
        cell: a stochastic cell.
        observations: x, time-major `[T, B, D]`.
        noise: of the particles 0..M - 1.
        num_mixing: K.
        uniforms: numbers between 0 and 1 for the resampling, `[T, M, B]`.
        mask: bool `[T, B]`, True on real steps; the others leave weights and states alone.
        resample_fn: (normalized log-weights `[M, B]`, uniforms `[M, B]`) -> ancestors int32 `[M, B]`.
        resample_criterion_fn: normalized log-weights `[M, B]` -> whether to resample after the step, bool `[B]`.
        truncation: steps between the points where the gradient through h stops; None stops it nowhere.

    Returns:
        The log-estimate `[B]`, and the bound's terms as plain means over the particles of each step, each `[B]`.
    """
    num_steps = observations.shape[0] or tf.shape(observations)[0]
    count, batch_size, dtype = noise.count, noise.batch_size, uniforms.dtype
    resampling = {"resample_fn": resample_fn, "resample_criterion_fn": resample_criterion_fn}

    def step(time, hidden, log_weights, total, sums):
        hidden = rnn.cut_gradient(hidden, time, truncation)
        log_average, next_hidden, weighted, densities = smc_step(
            cell, observations[time], hidden, log_weights, noise, num_mixing, uniforms[time], time, **resampling
        )
        means = [tf.reduce_mean(tf.reshape(part, [count, batch_size]), axis=0) for part in densities]
        if mask is not None:
            real = mask[time]
            next_hidden = tf.where(tf.tile(real, [count])[:, tf.newaxis], next_hidden, hidden)
            weighted, log_average = tf.where(real, weighted, log_weights), tf.where(real, log_average, 0.0)
            means = [tf.where(real, part, 0.0) for part in means]
        sums = tuple(part + mean for part, mean in zip(sums, means, strict=True))
        return time + 1, next_hidden, weighted, total + log_average, sums

    (hidden,) = cell.get_initial_state(count * batch_size)
    zeros = tf.zeros([batch_size], dtype)
    *_, total, sums = tf.while_loop(
        lambda time, *_: time < num_steps,
        step,
        (tf.constant(0), hidden, even_log_weights(count, batch_size, dtype), zeros, (zeros,) * 4),
        maximum_iterations=num_steps,
    )
    return total, bounds.sum_terms(*(part[tf.newaxis] for part in sums))


def smc_step(
    cell: keras.layers.Layer,
    observation: tf.Tensor,
    hidden: tf.Tensor,
    log_weights: tf.Tensor,
    noise: ParticleNoise,
    num_mixing: int | tf.Tensor,
    uniforms: tf.Tensor,
    time: int | tf.Tensor = 0,
    resample_fn: Callable = resample_systematic,
    resample_criterion_fn: Callable = ess_below_threshold,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tuple[tf.Tensor, ...]]:
    """Takes all particles one observation further.

    Args:
        cell: a stochastic cell.
        observation: x_t, `[B, D]`.
        hidden: h_{t-1} of the particles, `[M B, H]`.
        log_weights: log W_{t-1}, normalized, `[M, B]`.
        uniforms: numbers between 0 and 1 for the resampling, `[M, B]`.
        time: which step of the noise this is.
        cell, noise, num_mixing, resample_fn, resample_criterion_fn: as of `smc_terms`.

    Returns:
        log sum_m W_{t-1}^m w_t^m, `[B]`; h_t, `[M B, H]`, and log W_t, `[M, B]`, both after any resampling; and the
        log-densities of emission, prior, posterior and mixture before it, each `[M B]`.
    """
    rows = tf.tile(observation, [noise.count, 1])
    next_hidden, densities = _propagate(cell, rows, hidden, noise, time, num_mixing)
    emission, prior, _, mixture = densities
    increments = tf.reshape(emission + prior - mixture, [noise.count, noise.batch_size])
    log_weights, ancestors, log_average = reweight(
        log_weights, increments, uniforms, resample_fn, resample_criterion_fn
    )
    return log_average, select(next_hidden, ancestors), log_weights, densities


def _propagate(
    cell: keras.layers.Layer,
    observation: tf.Tensor,
    hidden: tf.Tensor,
    noise: ParticleNoise,
    time: tf.Tensor,
    num_mixing: int | tf.Tensor,
):
    """Returns h_t, `[M B, H]`, and the log-densities of the step, each `[M B]`, from x_t and h_{t-1}."""
    posterior = cell.posterior_parameters(observation, hidden, noise.mixing(1, time)[0])
    latent = posterior.loc + posterior.scale * noise.latent(1, time)[0]
    next_hidden = cell.transition(observation, latent, hidden)
    steps = Trajectory(
        *(part[tf.newaxis] for part in (latent, next_hidden, hidden)),
        Gaussian(*(part[tf.newaxis] for part in posterior)),
    )  # each [1, M B, ..]
    parameters = cell.emission_parameters(steps.latent, steps.previous_hidden)
    draws = noise.extra_mixing(num_mixing, time)
    densities, mixture = densities_and_mixture(
        cell, observation[tf.newaxis], parameters, steps, draws, num_mixing, noise.count
    )
    return next_hidden, tuple(values[0] for values in (*densities, mixture.log_density()))
