"""The noise of a pass: which seed draws what, for one trajectory a sequence and for particles.

    mixing eps_t of psi^0            fold_in(seed, 0)    [T, B, N]
    latent                           fold_in(seed, 1)    [T, B, Z]
    mixing eps_t of psi^1..psi^K     fold_in(seed, 2)    [T, B, K, N]
    particle m                       draws so from fold_in(seed, m)

Time-major, so a longer sequence extends a shorter one's noise, and more particles extend fewer. All the mixing draws
of a step lie together, so that a part of the steps can be drawn without the rest.
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from sisrnn_tf import networks, random
from sisrnn_tf.types import Noise


def draw_noise(cell: keras.layers.Layer, num_steps, batch_size, num_mixing, seed: tf.Tensor) -> Noise:
    """Draws all the noise of a pass with one trajectory a sequence.

    A point mass has no noise, and so no extra draws.

    Args:
        cell: a stochastic cell.
        num_steps: T, int or scalar tensor.
        batch_size: B, int or scalar tensor.
        num_mixing: K, int or scalar tensor.
        seed: int32 `[2]`.
    """
    if cell.encoder.noise_size == 0:
        num_mixing = 0
    shape = [num_steps, batch_size]
    extra_mixing = _extra_mixing(cell, seed, 0, num_steps * batch_size, num_mixing)  # [T B, K, N]
    extra_mixing = tf.reshape(extra_mixing, [*shape, num_mixing, cell.encoder.noise_size])
    return Noise(_mixing(cell, shape, seed), _latent(cell, shape, seed), tf.transpose(extra_mixing, [2, 0, 1, 3]))


def extra_mixing(cell: keras.layers.Layer, num_mixing, seed: tf.Tensor) -> Callable[..., tf.Tensor]:
    """Returns the noise of the extra draws of a pass with one trajectory a sequence, as `ChunkedMixture` asks for it.

    Args:
        cell: a stochastic cell.
        num_mixing: K, int or scalar tensor.
        seed: int32 `[2]`.

    Returns:
        A function of (first particle, number of particles, both to be ignored; first row, number of rows), rows being
        numbered t B + b, that gives eps of psi^1..psi^K, `[1, rows, K, N]`.
    """
    return lambda _, __, first, count: _extra_mixing(cell, seed, first, count, num_mixing)[tf.newaxis]


def given_extra_mixing(extra_mixing: tf.Tensor) -> Callable[..., tf.Tensor]:
    """Returns extra draws that are there already as `ChunkedMixture` asks for them; see `extra_mixing`.

    Args:
        extra_mixing: eps_t of psi^1..psi^K of one trajectory a sequence, `[K, T, B, N]`.
    """
    by_row = tf.transpose(extra_mixing, [1, 2, 0, 3])
    by_row = tf.reshape(by_row, [-1, *by_row.shape[2:]])  # [T B, K, N]

    def draw(_, __, first, count):
        return tf.pad(by_row, [[0, count], [0, 0], [0, 0]])[first : first + count][tf.newaxis]

    return draw


class ParticleNoise:
    """The noise of particles, drawn when it is asked for: all of it at once would not fit.

    Particles take the place of the batch: row m B + b is particle m of sequence b.

    Args:
        cell: a stochastic cell.
        batch_size: B, int or scalar tensor.
        seed: int32 `[2]`.
        first: number of the first particle, int or scalar tensor.
        count: how many particles, int or scalar tensor.
        first_row: number of the batch's first sequence, int or scalar tensor. Where a seed serves one step alone, a
            sequence so draws by its number, whichever batch it is in.
    """

    def __init__(self, cell: keras.layers.Layer, batch_size, seed: tf.Tensor, first, count, first_row=0):
        self.cell, self.batch_size, self.seed, self.first, self.count = cell, batch_size, seed, first, count
        self.first_row = first_row

    def mixing(self, num_steps, start=0) -> tf.Tensor:
        """Returns the noise of psi^0 in steps start..start + num_steps - 1, `[num_steps, m B, N]`."""
        dtype = self.cell.compute_dtype
        return self._rows(_mixing, num_steps, start, dtype, self.cell.encoder.noise_size)

    def latent(self, num_steps, start=0) -> tf.Tensor:
        """Returns the standard normals of z in steps start..start + num_steps - 1, `[num_steps, m B, Z]`."""
        dtype = networks.density_dtype(self.cell)
        return self._rows(_latent, num_steps, start, dtype, self.cell.latent_size)

    def extra_mixing(self, num_mixing, start=0) -> Callable[..., tf.Tensor]:
        """Returns the noise of the extra draws, as `ChunkedMixture` asks for it.

        Args:
            num_mixing: K, int or scalar tensor.
            start: the step at which rows begin to count.

        Returns:
            A function of (first particle, number of particles, first row, number of rows), particles being numbered
            from `first` and rows (t - start) B + b, that gives eps of psi^1..psi^K, `[particles, rows, K, N]`.
        """

        def draw(particle, count, first_row, num_rows):
            first_particle, first_row = self.first + particle, self._row(start) + first_row
            return tf.map_fn(
                lambda m: _extra_mixing(self.cell, random.fold_in(self.seed, m), first_row, num_rows, num_mixing),
                first_particle + tf.range(count),
                fn_output_signature=tf.as_dtype(self.cell.compute_dtype),
            )

        return draw

    def _row(self, start) -> int | tf.Tensor:
        """Returns the number of the first sequence's row in a step."""
        return self.first_row if isinstance(start, int) and start == 0 else start * self.batch_size + self.first_row

    def _rows(self, sample, num_steps, start, dtype, size: int) -> tf.Tensor:
        shape = [num_steps * self.batch_size]
        values = tf.map_fn(
            lambda particle: sample(self.cell, shape, random.fold_in(self.seed, particle), self._row(start)),
            tf.range(self.first, self.first + self.count),
            fn_output_signature=dtype,
        )  # [m, num_steps B, size]
        values = tf.reshape(values, [self.count, num_steps, self.batch_size, size])
        return tf.reshape(tf.transpose(values, [1, 0, 2, 3]), [num_steps, self.count * self.batch_size, size])


def _mixing(cell, shape, seed, first=0):
    return cell.sample_noise(shape, random.fold_in(seed, 0), first)


def _latent(cell, shape, seed, first=0):
    shape = [*shape, cell.latent_size]
    first = random.values_before(first, shape)
    return random.normal(shape, random.fold_in(seed, 1), networks.density_dtype(cell), first)


def _extra_mixing(cell, seed, first_row, num_rows, num_mixing):
    return cell.sample_noise([num_rows, num_mixing], random.fold_in(seed, 2), first_row)  # [rows, K, N]
