"""Particles: the likelihood of sequences from M weighted trajectories; pure functions of tensors, in nats.

Particle m draws all its noise from fold_in(seed, m), fresh psi^0..psi^K and z at every step, so more particles extend
fewer. The particles of a batch are rows: row m B + b is particle m of sequence b. Because psi^0 is always a component
of ghat_t, each particle's product of p(x_t|.) p(z_t|.) / ghat_t is an unbiased estimate of p(x_1..x_T).
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from sisrnn_tf import bounds, networks, random, rnn
from sisrnn_tf.types import Noise, Trajectory

# T B m (K + 1) rows go through the encoder at a time: 150 MB of the paper's noise. The answer does not depend on it.
CHUNK_ROWS = 2**17


def chunk_size(rows_each: int | None) -> int:
    """Returns how many particles, or sequences, to hold at a time: `CHUNK_ROWS` of rows, but at least one.

    Args:
        rows_each: rows of one of them; None where unknown.
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


def resample_systematic(log_weights: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """Returns M ancestors a sequence, int32 `[M, B]`; particle m occurs floor or ceil of M w^m times, M w^m on average.

        ancestor i = min {j: w^1 + .. + w^j > (u + i) / M},    i = 0..M - 1

    Args:
        log_weights: `[M, B]`, normalized or not.
        uniform: u, `[B]`, between 0 and 1.
    """
    cumulative = tf.cumsum(tf.transpose(tf.nn.softmax(log_weights, axis=0)), axis=-1)  # [B, M]
    cumulative /= cumulative[:, -1:]
    count = tf.shape(log_weights)[0]
    positions = (tf.cast(tf.range(count), uniform.dtype) + uniform[:, tf.newaxis]) / tf.cast(count, uniform.dtype)
    # Rounding may reach 1, beyond which there is no particle.
    positions = tf.minimum(positions, 1 - tf.experimental.numpy.finfo(uniform.dtype.as_numpy_dtype).epsneg)
    return tf.transpose(tf.searchsorted(cumulative, positions, side="right"))


def draw_noise(cell: keras.layers.Layer, sizes: tuple, num_mixing: int, seed: tf.Tensor, first, count) -> Noise:
    """Draws the noise of the particles first..first + count - 1, with their rows m B + b in place of the batch.

    Args:
        cell: a stochastic cell.
        sizes: T and B, each an int or a scalar tensor.
        num_mixing: K; a point mass has no extra draws.
        seed: int32 `[2]`.
        first: number of the first particle, int or scalar tensor.
        count: m, int or scalar tensor.
    """
    num_steps, batch_size = sizes
    noise_size = cell.encoder.noise_size
    num_mixing = num_mixing if noise_size else 0
    mixing, latent, extra_mixing = tf.map_fn(
        lambda particle: rnn.draw_noise(cell, num_steps, batch_size, num_mixing, random.fold_in(seed, particle)),
        tf.range(first, first + count),
        fn_output_signature=Noise(cell.compute_dtype, networks.density_dtype(cell), cell.compute_dtype),
    )
    rows = count * batch_size
    return Noise(
        tf.reshape(tf.transpose(mixing, [1, 0, 2, 3]), [num_steps, rows, noise_size]),
        tf.reshape(tf.transpose(latent, [1, 0, 2, 3]), [num_steps, rows, cell.latent_size]),
        tf.reshape(tf.transpose(extra_mixing, [1, 2, 0, 3, 4]), [num_mixing, num_steps, rows, noise_size]),
    )


def trajectory_log_weights(
    layer: rnn.StochasticRNN, observations: tf.Tensor, noise: Noise, count, mask: tf.Tensor | None = None
) -> tf.Tensor:
    """Returns L_K of each of m independent trajectories, `[m, B]`, whose log-mean-exp is the IWAE estimate.

        log w^m = sum_t log p(x_t|.) + log p(z_t|.) - log ghat_t

    Args:
        layer: unrolls the cell.
        observations: x, time-major `[T, B, D]`.
        noise: of the particles, from `draw_noise`.
        count: m, int or scalar tensor.
        mask: bool `[T, B]`, True on real steps; None where every step is real.
    """
    rows = tf.tile(observations, [1, count, 1])  # [T, m B, D]
    rows_mask = None if mask is None else tf.tile(mask, [1, count])
    trajectory = layer.scan(rows, noise, rows_mask)
    parameters = layer.cell.emission_parameters(trajectory.latent, trajectory.previous_hidden)
    densities = bounds.log_densities(layer.cell, rows, parameters, trajectory, noise)
    return tf.reshape(bounds.bound_terms(densities, rows_mask).surrogate, [count, tf.shape(observations)[1]])


def smc_log_likelihood(
    cell: keras.layers.Layer,
    observations: tf.Tensor,
    noise: Noise,
    uniforms: tf.Tensor,
    count,
    mask: tf.Tensor | None = None,
    resample_fn: Callable = resample_systematic,
    resample_criterion_fn: Callable = ess_below_threshold,
) -> tf.Tensor:
    """Returns the log of the sequential Monte Carlo (FIVO) estimate of p(x_1..x_T), `[B]`.

        estimate = prod_t sum_m W_{t-1}^m w_t^m,      w_t^m = p(x_t|.) p(z_t|.) / ghat_t of particle m

    W_{t-1} are the normalized weights so far, 1/M after a resampling. All M particles of the batch are held at once,
    with their noise of all steps: T B M (K + 1) N numbers. Sequences with no particle of positive weight give -inf.

    Args:
        cell: a stochastic cell.
        observations: x, time-major `[T, B, D]`.
        noise: of the particles, from `draw_noise`.
        uniforms: one number between 0 and 1 for each resampling, `[T, B]`.
        count: M, int or scalar tensor.
        mask: bool `[T, B]`, True on real steps; the others leave weights and states alone.
        resample_fn: (normalized log-weights `[M, B]`, uniform `[B]`) -> ancestors int32 `[M, B]`.
        resample_criterion_fn: normalized log-weights `[M, B]` -> whether to resample after the step, bool `[B]`.
    """
    num_steps, batch_size = observations.shape[0] or tf.shape(observations)[0], tf.shape(observations)[1]
    dtype = uniforms.dtype
    even = tf.fill([count, batch_size], -tf.math.log(tf.cast(count, dtype)))

    def step(time, hidden, log_weights, total):
        next_hidden, increments = _propagate(cell, tf.tile(observations[time], [count, 1]), hidden, noise, time)
        weighted = log_weights + tf.reshape(increments, [count, batch_size])
        log_average = tf.reduce_logsumexp(weighted, axis=0)
        # Where every particle is lost the total is -inf already; even weights keep NaN out of what follows.
        weighted = tf.where(tf.math.is_finite(log_average), weighted - log_average, even)
        chosen = resample_criterion_fn(weighted)
        ancestors = tf.where(chosen, resample_fn(weighted, uniforms[time]), tf.range(count)[:, tf.newaxis])
        next_hidden = tf.gather(next_hidden, tf.reshape(ancestors * batch_size + tf.range(batch_size), [-1]))
        weighted = tf.where(chosen, even, weighted)
        if mask is not None:
            real = mask[time]
            next_hidden = tf.where(tf.tile(real, [count])[:, tf.newaxis], next_hidden, hidden)
            weighted, log_average = tf.where(real, weighted, log_weights), tf.where(real, log_average, 0.0)
        return time + 1, next_hidden, weighted, total + log_average

    (hidden,) = cell.get_initial_state(count * batch_size)
    start = (tf.constant(0), hidden, even, tf.zeros([batch_size], dtype))
    shapes = tuple(tf.TensorShape(shape) for shape in ([], [None, cell.hidden_size], [None, None], [None]))
    return tf.while_loop(
        lambda time, *_: time < num_steps, step, start, shape_invariants=shapes, maximum_iterations=num_steps
    )[-1]


def _propagate(cell: keras.layers.Layer, observation: tf.Tensor, hidden: tf.Tensor, noise: Noise, time: tf.Tensor):
    """Returns h_t, `[M B, H]`, and log p(x_t|.) + log p(z_t|.) - log ghat_t, `[M B]`, from x_t and h_{t-1}."""
    posterior = cell.posterior_parameters(observation, hidden, noise.mixing[time])
    latent = posterior.loc + posterior.scale * noise.latent[time]
    next_hidden = cell.transition(observation, latent, hidden)
    densities = bounds.log_densities(
        cell,
        observation,
        cell.emission_parameters(latent, hidden),
        Trajectory(latent, next_hidden, hidden, posterior),
        Noise(noise.mixing[time], noise.latent[time], noise.extra_mixing[:, time]),
    )
    return next_hidden, densities.emission + densities.prior - bounds.mixture_log_density(densities.components)
