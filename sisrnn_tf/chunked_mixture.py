"""log ghat of many rows at once, at the cost of its arithmetic: a chunk of rows with all their mixing draws at a time.

A row is a step of a sequence, or of a particle of one. A chunk is so small that it stays in the processor's cache, and
its gradient is formed right after its value: nothing is kept for a backward pass, so memory does not grow with K, and
nothing is computed twice.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from sisrnn_tf.bounds import gaussian_log_density, mixture_log_density, step_densities
from sisrnn_tf.types import Gaussian, StepDensities, Trajectory

# Rows times mixing draws of a chunk. Of the paper's sizes 400 to 6400 are equally fast on a CPU.
CHUNK_DRAWS = 1600


class ChunkedMixture:
    """log ghat at the steps of trajectories, from the noise of the extra draws, which is drawn chunk by chunk.

    Particles take the place of the batch: m B + b is particle m of sequence b, and one trajectory a sequence is M = 1.

    Args:
        encoder: a layer of `sisrnn_tf.encoders`.
        observations: x, `[T, M B, D]`.
        trajectory: its latents z_t, `[T, M B, Z]`, and states h_{t-1}, `[T, M B, H]`, are used.
        own: log q(z_t | psi_t^0), `[T, M B]`.
        extra_mixing: (first particle, particles, first row, rows) -> eps of psi^1..psi^K, `[particles, rows, K, N]`;
            rows are numbered t B + b within a particle. It is also asked for some rows and particles beyond the last.
        num_mixing: K, int or scalar tensor.
        num_particles: M.
    """

    def __init__(
        self,
        encoder: keras.layers.Layer,
        observations: tf.Tensor,
        trajectory: Trajectory,
        own: tf.Tensor,
        extra_mixing: Callable[..., tf.Tensor],
        num_mixing: int | tf.Tensor,
        num_particles: int | tf.Tensor = 1,
    ):
        self.encoder, self.extra_mixing, self.num_mixing = encoder, extra_mixing, num_mixing
        self._layout = _Layout.of(own, num_particles, num_mixing)
        self._inputs = encoder.context(observations, trajectory.previous_hidden), trajectory.latent, own

    def log_density(self) -> tf.Tensor:
        """Returns log ghat, `[T, M B]`, to be differentiated, if at all, by TensorFlow, at the memory of all draws."""
        blocks = [self._layout.to_blocks(part) for part in self._inputs]

        def add(index, values):
            value = self._chunk(*(part[index] for part in blocks), index)
            return index + 1, values.write(index, value)

        _, values = self._loop(add, (self._layout.array(self._inputs[-1]),))
        return self._layout.from_blocks(values.stack())

    def weighted_sum(self, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns sum_r w_r log ghat_r, a scalar, and log ghat, `[T, M B]`, of which only the scalar has a gradient.

        Its first derivative, with respect to all but the weights, is made together with it.

        Args:
            weights: w, `[T, M B]`; all there is: of the mask, of beta, of the mean over the batch, of particles.

        Raises:
            LookupError: at a second derivative, which there is not.
        """
        weights = tf.stop_gradient(weights)
        layout, count = self._layout, len(self._inputs)
        variables = [variable.value for variable in self.encoder.trainable_variables]
        blocks = [layout.to_blocks(tf.stop_gradient(part)) for part in self._inputs]
        block_weights = layout.to_blocks(weights)

        def add(index, values, *sums):
            inputs = [part[index] for part in blocks]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch([*inputs, *variables])
                value = self._chunk(*inputs, index)
                total = tf.reduce_sum(block_weights[index] * value)
            gradients = tape.gradient(total, [*inputs, *variables], unconnected_gradients="zero")
            written = [array.write(index, part) for array, part in zip(sums[:count], gradients[:count], strict=True)]
            added = [old + new for old, new in zip(sums[count:], gradients[count:], strict=True)]
            return index + 1, values.write(index, tf.stop_gradient(value)), *written, *added

        starts = [layout.array(part) for part in self._inputs] + [tf.zeros_like(variable) for variable in variables]
        _, values, *sums = self._loop(add, (layout.array(self._inputs[-1]), *starts))
        values = tf.stop_gradient(layout.from_blocks(values.stack()))
        gradients = [layout.from_blocks(array.stack()) for array in sums[:count]] + sums[count:]
        targets = [*self._inputs, *(tf.convert_to_tensor(variable) for variable in variables)]
        return _attach(tf.reduce_sum(weights * values), targets, gradients), values

    def _chunk(self, context, latent, own, index) -> tf.Tensor:
        """Returns log ghat of a chunk, `[group, rows]`; the other arguments are `[group, rows, ..]`."""
        layout = self._layout
        particle, row = layout.start(index)
        noise = self.extra_mixing(particle, layout.group, row, layout.rows)  # [group, rows, K, N]
        context, latent, noise = _merge(context), _merge(latent), _merge(noise)  # [rows, ..], [rows, K, N]
        psi = Gaussian(*self.encoder(context[:, tf.newaxis], noise))  # each [rows, K, Z]
        extra = gaussian_log_density(latent[:, tf.newaxis], psi)  # [rows, K]
        components = tf.concat([tf.reshape(own, [-1, 1]), extra], axis=1)
        return tf.reshape(mixture_log_density(tf.transpose(components)), tf.shape(own))

    def _loop(self, body: Callable, values: tuple) -> tuple:
        count = self._layout.num_chunks
        # One at a time: two would need twice the cache.
        return tf.while_loop(
            lambda index, *_: index < count,
            body,
            (tf.constant(0), *values),
            parallel_iterations=1,
            maximum_iterations=count,
        )


class ComponentMixture:
    """log ghat where the densities of all components are there: what a `ChunkedMixture` gives, by plain operations.

    Args:
        components: log q(z_t | psi_t^k), `[K + 1, T, B]`, the generating draw psi^0 among them.
    """

    def __init__(self, components: tf.Tensor):
        self.components, self.num_mixing = components, tf.shape(components)[0] - 1

    def log_density(self) -> tf.Tensor:
        """Returns log ghat, `[T, B]`."""
        return mixture_log_density(self.components)

    def weighted_sum(self, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns sum_tb w_tb log ghat_tb, a scalar, and log ghat, `[T, B]`; only the scalar has a gradient."""
        values = self.log_density()
        return tf.reduce_sum(weights * values), tf.stop_gradient(values)


def make_mixture(
    encoder: keras.layers.Layer,
    observations: tf.Tensor,
    trajectory: Trajectory,
    own: tf.Tensor,
    extra_mixing: Callable[..., tf.Tensor],
    num_mixing: int | tf.Tensor,
    num_particles: int | tf.Tensor = 1,
) -> ChunkedMixture | ComponentMixture:
    """Returns what makes log ghat; the components of a point mass are all equal, so its mixture is psi^0 alone.

    Args: as of `ChunkedMixture`.
    """
    if encoder.noise_size == 0:
        return ComponentMixture(own[tf.newaxis])
    return ChunkedMixture(encoder, observations, trajectory, own, extra_mixing, num_mixing, num_particles)


def densities_and_mixture(
    cell: keras.layers.Layer,
    observations: tf.Tensor,
    emission_parameters: tf.Tensor,
    trajectory: Trajectory,
    extra_mixing: Callable[..., tf.Tensor],
    num_mixing: int | tf.Tensor,
    num_particles: int | tf.Tensor = 1,
) -> tuple[StepDensities, ChunkedMixture | ComponentMixture]:
    """Returns the log-densities of trajectories, each `[T, M B]`, and what makes the mixture's; see `make_mixture`.

    Args:
        cell: the stochastic cell that made the trajectories.
        observations: x, `[T, M B, D]`.
        emission_parameters: `[T, M B, P]`, the cell's at the trajectories.
        trajectory: of the generating draw psi^0.
        extra_mixing: noise of the extra draws; see `ChunkedMixture`.
        num_mixing: K.
        num_particles: M.
    """
    densities = step_densities(cell, observations, emission_parameters, trajectory)
    parts = (observations, trajectory, densities.posterior, extra_mixing, num_mixing, num_particles)
    return densities, make_mixture(cell.encoder, *parts)


class _Layout(NamedTuple):
    """How the rows `[T, M B]` are cut into chunks of `group` particles by `rows` of their T B rows.

    Either a chunk takes whole particles or its rows are of one; what does not divide is filled with zeros.
    """

    shape: tuple  # T, M, B
    group: int | tf.Tensor
    rows: int | tf.Tensor
    groups: int | tf.Tensor
    blocks: int | tf.Tensor

    @classmethod
    def of(cls, values: tf.Tensor, num_particles, num_mixing) -> "_Layout":
        dynamic = tf.shape(values)
        num_steps, num_rows = (values.shape[axis] or dynamic[axis] for axis in (0, 1))
        batch_size = num_rows // num_particles
        each = num_steps * batch_size
        draws = _maximum(num_mixing, 1)
        rows, blocks = _cut(each, CHUNK_DRAWS // draws)
        group, groups = _cut(num_particles, CHUNK_DRAWS // (draws * _maximum(each, 1)))
        return cls((num_steps, num_particles, batch_size), group, rows, groups, blocks)

    @property
    def num_chunks(self) -> int | tf.Tensor:
        return self.groups * self.blocks

    def start(self, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the first particle and the first of its rows of a chunk."""
        return index // self.blocks * self.group, index % self.blocks * self.rows

    def array(self, values: tf.Tensor) -> tf.TensorArray:
        """Returns an empty array for the chunks of values `[T, M B, ..]`."""
        sizes = [size if isinstance(size, int) else None for size in (self.group, self.rows)]
        return tf.TensorArray(values.dtype, self.num_chunks, element_shape=[*sizes, *values.shape[2:]])

    def to_blocks(self, values: tf.Tensor) -> tf.Tensor:
        """Returns values `[T, M B, ..]` by chunk, `[chunks, group, rows, ..]`."""
        (num_steps, num_particles, batch_size), rest = self.shape, values.shape[2:]
        values = tf.reshape(values, [num_steps, num_particles, batch_size, *rest])
        values = tf.reshape(_exchange(values, 0, 1), [num_particles, num_steps * batch_size, *rest])
        missing = [self.groups * self.group - num_particles, self.blocks * self.rows - num_steps * batch_size]
        values = tf.pad(values, [[0, missing[0]], [0, missing[1]], *[[0, 0]] * len(rest)])
        values = tf.reshape(values, [self.groups, self.group, self.blocks, self.rows, *rest])
        return tf.reshape(_exchange(values, 1, 2), [self.num_chunks, self.group, self.rows, *rest])

    def from_blocks(self, values: tf.Tensor) -> tf.Tensor:
        """Returns values `[T, M B, ..]` from those by chunk, `[chunks, group, rows, ..]`."""
        (num_steps, num_particles, batch_size), rest = self.shape, values.shape[3:]
        values = _exchange(tf.reshape(values, [self.groups, self.blocks, self.group, self.rows, *rest]), 1, 2)
        values = tf.reshape(values, [self.groups * self.group, self.blocks * self.rows, *rest])
        values = values[:num_particles, : num_steps * batch_size]
        values = _exchange(tf.reshape(values, [num_particles, num_steps, batch_size, *rest]), 0, 1)
        return tf.reshape(values, [num_steps, num_particles * batch_size, *rest])


def _cut(size, largest):
    """Returns size and number of equal parts that are at most, about, so large, and at least 1."""
    # At least one part, though of filling: TensorFlow cannot stack an array of none.
    count = _maximum(-(-size // _maximum(largest, 1)), 1)
    return _maximum(-(-size // count), 1), count


def _maximum(left, right):
    return max(left, right) if isinstance(left, int) and isinstance(right, int) else tf.maximum(left, right)


def _exchange(values: tf.Tensor, first: int, second: int) -> tf.Tensor:
    """Exchanges two axes."""
    order = list(range(values.shape.rank))
    order[first], order[second] = second, first
    return tf.transpose(values, order)


def _merge(values: tf.Tensor) -> tf.Tensor:
    """Merges the first two axes."""
    return tf.reshape(values, tf.concat([[-1], tf.shape(values)[2:]], axis=0))


def _attach(value: tf.Tensor, targets: list[tf.Tensor], gradients: list[tf.Tensor]) -> tf.Tensor:
    """Returns a scalar whose gradient with respect to the targets is as given."""
    gradients = [tf.stop_gradient(gradient) for gradient in gradients]

    @tf.custom_gradient
    def scaled(upstream, *targets):  # it does depend on the targets, but how is not known
        def refuse(*_):
            raise LookupError("The mixture's second derivative is not defined: differentiate `model.bound`.")

        parts = zip(gradients, targets, strict=True)
        return [tf.cast(upstream, target.dtype) * tf.cast(gradient, target.dtype) for gradient, target in parts], refuse

    @tf.custom_gradient
    def attached(value, *targets):
        return tf.identity(value), lambda upstream: (tf.zeros_like(value), *scaled(upstream, *targets))

    return attached(tf.stop_gradient(value), *targets)
