"""log ghat of many rows at once, at the cost of its arithmetic: a chunk of rows with all their mixing draws at a time.

A row is a step of a sequence, or of a particle of one. A chunk is so small that it stays in the processor's cache, and
its gradient is formed right after its value: nothing is kept for a backward pass, so memory does not grow with K, and
nothing is computed twice.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from sisrnn_tf.core.arrays import size_of
from sisrnn_tf.core.types import Gaussian, Trajectory
from sisrnn_tf.inference import noise


class ChunkedMixture:
    """log ghat at the steps of trajectories; the noise of the extra draws is drawn chunk by chunk.

    Args:
        posterior: the posterior of the cell that made the trajectories.
        context: the posterior's, `[T, rows, C]`.
        latent: z_t, `[T, rows, Z]`.
        own: psi_t^0, each `[T, rows, Z]`.
        seeds: of the rows, int32 `[T, rows, 2]`; see `noise`.
        num_mixing: K, int or scalar tensor.
    """

    def __init__(
        self,
        posterior: keras.layers.Layer,
        context: tf.Tensor,
        latent: tf.Tensor,
        own: Gaussian,
        seeds: tf.Tensor,
        num_mixing: int | tf.Tensor,
    ):
        self.posterior, self.num_mixing = posterior, num_mixing
        self._inputs = (context, latent, *own)
        self._layout = _Layout.of(latent, posterior.chunk_rows(num_mixing))
        self._seeds = self._layout.to_chunks(seeds)

    def log_density(self) -> tf.Tensor:
        """Returns log ghat, `[T, rows]`, to be differentiated, if at all, by TensorFlow, at the memory of all draws."""
        chunks = [self._layout.to_chunks(part, 1) for part in self._inputs]

        def add(index, values):
            value = self._chunk([part[index] for part in chunks], self._seeds[index])
            return index + 1, values.write(index, value)

        _, values = self._loop(add, (self._layout.array(self._inputs[1].dtype),))
        return self._layout.from_chunks(values.stack())

    def weighted_sum(self, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns sum_r w_r log ghat_r, a scalar, and log ghat, `[T, rows]`, of which only the scalar has a gradient.

        Its first derivative, with respect to all but the weights, is made together with it.

        Args:
            weights: w, `[T, rows]`; all there is: of the mask, of beta, of the mean over the batch, of particles.

        Raises:
            LookupError: at a second derivative, which there is not.
        """
        weights = tf.stop_gradient(weights)
        layout, count = self._layout, len(self._inputs)
        variables = [variable.value for variable in self.posterior.trainable_variables]
        chunks = [layout.to_chunks(tf.stop_gradient(part), 1) for part in self._inputs]
        chunk_weights = layout.to_chunks(weights)

        def add(index, values, *sums):
            inputs = [part[index] for part in chunks]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch([*inputs, *variables])
                value = self._chunk(inputs, self._seeds[index])
                total = tf.reduce_sum(chunk_weights[index] * value)
            gradients = tape.gradient(total, [*inputs, *variables], unconnected_gradients="zero")
            written = [array.write(index, part) for array, part in zip(sums[:count], gradients[:count], strict=True)]
            added = [old + new for old, new in zip(sums[count:], gradients[count:], strict=True)]
            return index + 1, values.write(index, tf.stop_gradient(value)), *written, *added

        starts = [layout.array(part.dtype, part.shape[2:]) for part in self._inputs]
        starts += [tf.zeros_like(variable) for variable in variables]
        _, values, *sums = self._loop(add, (layout.array(weights.dtype), *starts))
        values = tf.stop_gradient(layout.from_chunks(values.stack()))
        gradients = [layout.from_chunks(array.stack()) for array in sums[:count]] + sums[count:]
        targets = [*self._inputs, *(tf.convert_to_tensor(variable) for variable in variables)]
        return _attach(tf.reduce_sum(weights * values), targets, gradients), values

    def _chunk(self, inputs: Sequence[tf.Tensor], seeds: tf.Tensor) -> tf.Tensor:
        """Returns log ghat of a chunk, `[rows]`, from context, z, loc, scale and seeds, each `[rows, ..]`."""
        context, latent, loc, scale = inputs
        seeds = noise.extra_mixing_seeds(seeds)
        return self.posterior.log_mixture_of_draws(context, latent, Gaussian(loc, scale), seeds, self.num_mixing)

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


class PointMass:
    """log ghat where all mixing draws are equal: log q(z_t | psi_t^0), by plain operations.

    Args:
        log_density: log q(z_t | psi_t^0), `[T, rows]`.
    """

    num_mixing = 0

    def __init__(self, log_density: tf.Tensor):
        self._log_density = log_density

    def log_density(self) -> tf.Tensor:
        """Returns log ghat, `[T, rows]`."""
        return self._log_density

    def weighted_sum(self, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns sum_r w_r log ghat_r, a scalar, and log ghat, `[T, rows]`; only the scalar has a gradient."""
        return tf.reduce_sum(weights * self._log_density), tf.stop_gradient(self._log_density)


def mixture_of(
    cell: keras.layers.Layer,
    observation: tf.Tensor,
    features: tf.Tensor | None,
    trajectory: Trajectory,
    own_log_density: tf.Tensor,
    seeds: tf.Tensor,
    num_mixing: int | tf.Tensor,
) -> ChunkedMixture | PointMass:
    """Returns what makes log ghat of trajectories.

    Args:
        cell: the stochastic cell that made them.
        observation: x, `[T, rows, D]`.
        features: of the posterior, `[T, rows, F]`, or None.
        trajectory: of the generating draw psi^0, `[T, rows, ..]`.
        own_log_density: log q(z_t | psi_t^0), `[T, rows]`.
        seeds: of the rows, int32 `[T, rows, 2]`.
        num_mixing: K.
    """
    posterior = cell.posterior_part
    if posterior.noise_size == 0:
        return PointMass(own_log_density)
    context = cell.posterior_context(observation, trajectory.previous_hidden, features)
    return ChunkedMixture(posterior, context, trajectory.latent, trajectory.posterior, seeds, num_mixing)


class _Layout(NamedTuple):
    """How rows `[T, rows]` are cut into equal chunks; what does not divide is filled up."""

    shape: tuple  # T, rows
    size: int | tf.Tensor  # rows of a chunk
    num_chunks: int | tf.Tensor

    @classmethod
    def of(cls, values: tf.Tensor, chunk_rows: int | tf.Tensor) -> "_Layout":
        shape = size_of(values, 0), size_of(values, 1)
        return cls(shape, *_cut(shape[0] * shape[1], chunk_rows))

    def array(self, dtype: tf.DType, shape=()) -> tf.TensorArray:
        """Returns an empty array for the chunks of values `[T, rows, *shape]`."""
        size = self.size if isinstance(self.size, int) else None
        return tf.TensorArray(dtype, self.num_chunks, element_shape=[size, *shape])

    def to_chunks(self, values: tf.Tensor, filling: int = 0) -> tf.Tensor:
        """Returns values `[T, rows, ..]` by chunk, `[chunks, size, ..]`; 1 fills up scales, too."""
        rows, rest = self.shape[0] * self.shape[1], values.shape[2:]
        values = tf.reshape(values, [rows, *rest])
        values = tf.pad(
            values, [[0, self.num_chunks * self.size - rows], *[[0, 0]] * len(rest)], constant_values=filling
        )
        return tf.reshape(values, [self.num_chunks, self.size, *rest])

    def from_chunks(self, values: tf.Tensor) -> tf.Tensor:
        """Returns values `[T, rows, ..]` from those by chunk, `[chunks, size, ..]`."""
        rest = values.shape[2:]
        values = tf.reshape(values, [self.num_chunks * self.size, *rest])[: self.shape[0] * self.shape[1]]
        return tf.reshape(values, [*self.shape, *rest])


def _cut(size, largest):
    """Returns size and number of equal parts that are at most, about, so large, and at least 1."""
    # At least one part, though of filling: TensorFlow cannot stack an array of none.
    count = _maximum(-(-size // largest), 1)
    return _maximum(-(-size // count), 1), count


def _maximum(left, right):
    return max(left, right) if isinstance(left, int) and isinstance(right, int) else tf.maximum(left, right)


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
