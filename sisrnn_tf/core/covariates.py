"""Covariates of batches: what is known of each step, and not scored; brought to one form and checked."""

from collections.abc import Sequence

import tensorflow as tf

from sisrnn_tf.core.arrays import to_tensor
from sisrnn_tf.core.types import Array
from sisrnn_tf.core.validation import require


def to_values(covariates: Array | None, sizes: Sequence[int | None], size: int, dtype: tf.DType) -> tf.Tensor | None:
    """Returns what is known of steps, `[B, T, U]`; None where U is 0.

    Args:
        covariates: u, as given.
        sizes: B and T, None where they are not known.
        size: U.
        dtype: of the model's densities.

    Raises:
        ValueError: they are missing, or there must be none, or they have not their shape.
    """
    if not size:
        require(covariates is None, "covariates", "left out: the model has covariate_size=0", "a value")
        return None
    expected = f"of the shape {(*sizes, size)}, as the model has covariate_size={size}"
    require(covariates is not None, "covariates", expected, covariates)
    values = tf.cast(to_tensor("covariates", covariates), dtype)
    fits = values.shape.rank == 3 and values.shape.is_compatible_with([*sizes, size])
    require(fits, "covariates", expected, values.shape)
    return values


def check(covariates: tf.Tensor, mask: tf.Tensor | None) -> None:
    """Checks the values of eager covariates.

    Args:
        covariates: u, `[B, T, U]`.
        mask: bool `[B, T]`, True on real steps; None where every step is real.

    Raises:
        ValueError: one of a real step is NaN or infinite.
    """
    bad = ~tf.reduce_all(tf.math.is_finite(covariates), axis=-1)
    bad = bad if mask is None else bad & mask
    known = not bool(tf.reduce_any(bad))
    require(known, "covariates", "finite at each real step: they are known, and none can be missing", "NaN or infinity")


def of_whole(
    covariates: Array | None, sizes: Sequence[int | tf.Tensor], size: int, dtype: tf.DType
) -> tf.Tensor | None:
    """Returns covariates of sequences without padding, `[B, T, U]`, checked where they are eager; None where U is 0.

    Args:
        covariates, size, dtype: as of `to_values`.
        sizes: B and T, which may be tensors.

    Raises:
        ValueError: what `to_values` and `check` raise.
    """
    known = [None if tf.is_tensor(each) else each for each in sizes]
    values = to_values(covariates, known, size, dtype)
    if values is not None and tf.executing_eagerly():
        check(values, None)
    return values


def part(values: tf.Tensor, mask: tf.Tensor | None, num_steps: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns covariates of contexts, `[B, C, U]`, and of the steps after the end of each, `[B, F, U]`, these checked.

    Args:
        values: of both, `[B, C + F, U]`.
        mask: of the contexts, bool `[B, C]`; None where every step is real.
        num_steps: F.

    Raises:
        ValueError: what `check` raises.
    """
    future = values[:, -num_steps:]
    if mask is not None:
        ends = tf.reduce_sum(tf.cast(mask, tf.int32), axis=1)
        future = tf.gather(values, ends[:, tf.newaxis] + tf.range(num_steps), batch_dims=1)
    if tf.executing_eagerly():
        check(future, None)
    return values[:, :-num_steps], future
