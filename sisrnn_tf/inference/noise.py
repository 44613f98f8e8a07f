"""The noise law: which seed draws what. Everything that a pass draws, it draws by this.

    step t        fold_in(seed, t)          so one step of a stream can draw what a whole pass draws there
    particle m    fold_in(of the step, m)   m from 0; a bound is particle 0
    row b         fold_in(of the particle, b)   the sequence, by its number in the seed's data, not in its batch

and of such a row the noise eps of psi^0 is drawn by fold_in(row, 0), the standard normals of z by fold_in(row, 1), eps
of psi^1..psi^K, one after the other, by fold_in(row, 2), and what is missing of x_t by fold_in(row, 3). The uniform
numbers that resample particles m, m + 1, .. of row b after step t come from fold_in(fold_in(fold_in(of the step, -1),
m), b), what predicts x_t before it is seen from fold_in(fold_in(of the step, -2), b), and with particle m from
fold_in(fold_in(fold_in(of the step, -2), m), b).

What a refinement draws in its step k, one for all particles, comes from fold_in(fold_in(of the pass, -3), k): for row b
by fold_in(that, b), as of a row above, so the refined posterior does not depend on the draws that are made from it.

So more steps, particles, rows or mixing draws extend fewer, and chunks, batches and streams cut a pass without changing
a draw.
"""

import keras
import tensorflow as tf

from sisrnn_tf.core import networks, random
from sisrnn_tf.core.arrays import size_of
from sisrnn_tf.core.types import Noise

_MIXING, _LATENT, _EXTRA_MIXING, _MISSING = range(4)
_RESAMPLING, _PREDICTION, _REFINEMENT = -1, -2, -3


def step_seeds(seed: tf.Tensor, num_steps: int | tf.Tensor) -> tf.Tensor:
    """Returns the seeds of steps 0..T - 1, int32 `[T, 2]`, of a seed int32 `[2]`."""
    return random.fold_in(seed, tf.range(num_steps))


def row_seeds(
    seed: tf.Tensor, rows: tf.Tensor, count: int | tf.Tensor = 1, first_particle: int | tf.Tensor = 0
) -> tf.Tensor:
    """Returns the seeds of particles, int32 `[.., m B, 2]`; entry m B + b is of particle m of the b-th of the rows.

    Args:
        seed: of steps, int32 `[.., 2]`.
        rows: numbers of the sequences, int `[B]`.
        count: m, how many particles each has.
        first_particle: number of the first of them, a scalar or `[B]`.
    """
    numbers = tf.range(count)[:, tf.newaxis] + first_particle  # [m, 1] or [m, B]
    particles = random.fold_in(seed[..., tf.newaxis, tf.newaxis, :], numbers)
    seeds = random.fold_in(particles, rows)  # [.., m, B, 2]
    leading, batch_size = tf.shape(seed)[:-1], size_of(rows, 0)
    size = count * batch_size
    seeds = tf.reshape(seeds, tf.concat([leading, [size, 2]], axis=0))
    return tf.ensure_shape(seeds, [*seed.shape[:-1], size if isinstance(size, int) else None, 2])


def refinement_seed(seed: tf.Tensor, step: int | tf.Tensor) -> tf.Tensor:
    """Returns the seed, int32 `[2]`, of step k of the refinement in the pass of a seed int32 `[2]`."""
    return random.fold_in(random.fold_in(seed, _REFINEMENT), step)


def draw(cell: keras.layers.Layer, seeds: tf.Tensor) -> Noise:
    """Returns the noise that makes psi^0 and z, for rows whose seeds are int32 `[.., 2]`."""
    shape = [size_of(seeds, axis) for axis in range(seeds.shape.rank - 1)]
    return Noise(
        cell.posterior_part.sample_noise(shape, random.fold_in(seeds, _MIXING)),
        random.normal([*shape, cell.latent_size], latent_seeds(seeds), networks.density_dtype(cell)),
    )


def extra_mixing(posterior: keras.layers.Layer, seeds: tf.Tensor, num_mixing: int | tf.Tensor) -> tf.Tensor:
    """Returns eps of psi^1..psi^K, `[rows, K, N]`, for rows whose seeds are int32 `[rows, 2]`."""
    return posterior.sample_noise([size_of(seeds, 0), num_mixing], extra_mixing_seeds(seeds))


def extra_mixing_seeds(seeds: tf.Tensor) -> tf.Tensor:
    """Returns the seeds, int32 `[.., 2]`, that draw eps of psi^1..psi^K in rows of such seeds."""
    return random.fold_in(seeds, _EXTRA_MIXING)


def latent_seeds(seeds: tf.Tensor) -> tf.Tensor:
    """Returns the seeds, int32 `[.., 2]`, that draw z in rows of such seeds."""
    return random.fold_in(seeds, _LATENT)


def missing_seeds(seeds: tf.Tensor) -> tf.Tensor:
    """Returns the seeds, int32 `[rows, 2]`, that draw what is missing of x_t in rows of such seeds."""
    return random.fold_in(seeds, _MISSING)


def resampling_uniforms(
    seed: tf.Tensor, rows: tf.Tensor, count: int | tf.Tensor, first_particle: int | tf.Tensor, dtype: tf.DType
) -> tf.Tensor:
    """Returns the numbers between 0 and 1 that resample the particles after a step, `[M, B]`.

    Args:
        seed: of the step, int32 `[2]`.
        rows, count, first_particle: as of `row_seeds`.
        dtype: of the numbers.
    """
    seeds = random.fold_in(random.fold_in(random.fold_in(seed, _RESAMPLING), first_particle), rows)  # [B, 2]
    batch_size = size_of(rows, 0)
    return tf.transpose(random.uniform([batch_size, count], seeds, dtype))


def prediction_seeds(seed: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
    """Returns the seeds, int32 `[B, 2]`, that draw a prediction of x_t before it is seen; arguments as above."""
    return random.fold_in(random.fold_in(seed, _PREDICTION), rows)


def predicting_particle_seeds(seed: tf.Tensor, rows: tf.Tensor, count: int | tf.Tensor) -> tf.Tensor:
    """Returns the seeds, int32 `[m B, 2]`, that draw a prediction of x_t with each of m particles; see `row_seeds`."""
    return row_seeds(random.fold_in(seed, _PREDICTION), rows, count)
