"""Batches: what a model accepts, brought to one form and checked.

A likelihood of what cannot be observed is none. Where values are known, in eager calls and of arrays, such input is a
ValueError. Inside a graph no error can be raised: there `clean` gives a sequence that cannot be scored the weight NaN
and values that harm no gradient, losses are NaN by that weight, and `mark` makes NaN of all else that is returned.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from sisrnn_tf.core import covariates
from sisrnn_tf.core.arrays import to_tensor
from sisrnn_tf.core.types import Array, Batch, Inputs, Observable
from sisrnn_tf.core.validation import require, require_int, require_memory

KEYS = ("observations", "mask", "weight", "observed", "covariates")
# Values that a check looks at at a time: it needs no second copy of a large array.
_CHUNK_VALUES = 2**22
# Standard deviations, as a mean over steps: no data is as far from its own.
_FAR = 10.0


def to_batch(inputs: Inputs, emission: Observable, dtype: tf.DType, covariate_size: int = 0) -> Batch:
    """Returns inputs as a `Batch`, checked but for its values; observations with features are cast.

    Args:
        inputs: observations `[B, T, D]`, or `[B, T]` of an emission without features; or a dictionary of
            `observations` and, optionally, `mask` `[B, T]`, `weight` `[B]` and `observed`, bool `[B, T, D]`, or
            `[B, T]` where steps are missing whole; what is missing may hold anything, NaN too, and becomes 0. A model
            with covariates wants `covariates`, `[B, T, U]`, too.
        emission: the emission that is to score the observations.
        dtype: of the model's densities.
        covariate_size: U, of the model.

    Raises:
        ValueError: a key is unknown, `observations` is missing, or something has not its shape or type.
    """
    form = "[B, T, D]" if emission.has_features else "[B, T]"
    parts = inputs if isinstance(inputs, Mapping) else {"observations": inputs}
    unknown = sorted(map(str, set(parts) - set(KEYS)))
    if unknown or "observations" not in parts:
        raise ValueError(
            f"A batch must be an array {form} or a dictionary with `observations` and, optionally, `mask`, `weight`, "
            f"`observed` and `covariates`. Received the keys {sorted(map(str, parts))}"
        )
    observations = to_tensor("observations", parts["observations"])
    shape = observations.shape
    if shape.rank != (3 if emission.has_features else 2):
        raise ValueError(f"`observations` must have the shape {form}. Received shape {shape}")
    if emission.has_features:
        observations = tf.cast(observations, dtype)
        if shape[-1] != emission.event_size:
            raise ValueError(
                f"`observations` must have {emission.event_size} features, the emission's event size. "
                f"Received shape {shape}"
            )
    if 0 in shape[:2]:
        raise ValueError(
            f"`observations` must not be empty: at least one sequence of at least one step. Received shape {shape}"
        )
    others = {name: parts.get(name) for name in ("mask", "weight")}
    given = {name: to_tensor(name, value) for name, value in others.items() if value is not None}
    for name, value in given.items():
        expected = shape[: 2 if name == "mask" else 1]
        if not value.shape.is_compatible_with(expected) or value.shape.rank is None:
            raise ValueError(f"`{name}` must have the shape {expected}. Received shape {value.shape}")
    mask = None if "mask" not in given else tf.cast(given["mask"], tf.bool)
    batch = Batch(observations, mask, given.get("weight"))
    batch = batch._replace(covariates=covariates.to_values(parts.get("covariates"), shape[:2], covariate_size, dtype))
    if parts.get("observed") is None:
        return batch
    observed = to_observed(parts["observed"], observations, emission)
    return batch._replace(observations=tf.where(observed, observations, 0.0), observed=observed)


def to_observed(observed: Array, observations: tf.Tensor, emission: Observable) -> tf.Tensor:
    """Returns which values are observed, bool `[B, T, D]`.

    Args:
        observed: bool `[B, T, D]`, or `[B, T]` where steps are missing whole.
        observations: x, `[B, T, D]`.
        emission: the emission that is to score the observations.

    Raises:
        ValueError: it has not its shape or type, or the observations are words.
    """
    require(emission.has_features, "observed", "left out: a sentence has no missing words", "a value")
    observed, shape = to_tensor("observed", observed), observations.shape
    require(observed.dtype == tf.bool, "observed", "bool", observed.dtype.name)
    if observed.shape.rank == 2:
        observed = observed[..., tf.newaxis]
    fits = observed.shape.rank == 3 and any(
        observed.shape.is_compatible_with([*shape[:2], size]) for size in (1, shape[2])
    )
    require(fits, "observed", f"of the shape {shape} or {shape[:2]}", observed.shape)
    return tf.broadcast_to(observed, tf.shape(observations)) if observed.shape[2] != shape[2] else observed


def check_arrays(
    arrays: np.ndarray | tf.Tensor | Mapping[str, np.ndarray | tf.Tensor],
    emission: Observable,
    dtype: tf.DType,
    covariate_size: int = 0,
) -> None:
    """Checks arrays of any number of sequences, of `arrays.to_arrays`, as one batch; arguments as of `to_batch`.

    Raises:
        ValueError: what `to_batch` and `check_batch` raise.
    """
    parts = arrays if isinstance(arrays, Mapping) else {"observations": arrays}
    shape = tuple(parts["observations"].shape) if "observations" in parts else ()
    size = max(1, _CHUNK_VALUES // max(1, math.prod(shape[1:])))
    for first in range(0, max(1, shape[0] if shape else 1), size):
        part = {name: array[first : first + size] if array.shape else array for name, array in parts.items()}
        check_batch(to_batch(part, emission, dtype, covariate_size), emission)


def check_batch(batch: Batch, emission: Observable) -> None:
    """Checks the values of one eager batch of `to_batch`.

    Args:
        batch: eager.
        emission: the emission that is to score the observations.

    Raises:
        ValueError: a value is NaN, infinite or outside the emission's support; the mask is not right padding of
            sequences of at least one step; or a weight is negative or not finite.
    """
    observations, mask, weight, observed, known = batch
    if mask is not None:
        values = mask.numpy()
        if (values[:, 1:] & ~values[:, :-1]).any():
            raise ValueError("`mask` must be right padding, True up to a sequence's length. Received a gap")
        if not values[:, 0].all():
            raise ValueError(
                "`mask` must be right padding, True at the first step of each sequence. Received a row that begins "
                "with False: a zero-length sequence, or padding on the left"
            )
    if weight is not None and not tf.reduce_all(_is_weight(weight)):
        first = weight.numpy()[~_is_weight(weight).numpy()][0]
        raise ValueError(f"`weight` must be finite and at least 0. Received the value {first}")
    if known is not None:
        covariates.check(known, mask)
    impossible = ~emission.support(observations, observed)
    impossible = (impossible if mask is None else impossible & mask).numpy()
    if impossible.any():
        values = observations.numpy()[impossible]  # [steps, D]
        if not np.isfinite(values).all():
            raise ValueError(
                "`observations` must be finite. Received NaN or infinity; clean the data, mask those steps, or say by "
                "`observed`, bool like the observations, which values are missing"
            )
        emission.check(values)


def _is_weight(weight: tf.Tensor) -> tf.Tensor:
    weight = tf.cast(weight, tf.float64)
    return tf.math.is_finite(weight) & (weight >= 0)


def is_far(batch: Batch) -> bool:
    """Returns whether a feature of an eager batch is far from what normalized values are, in the mean over its steps.

    Args:
        batch: of `to_batch`, with features.
    """
    sizes = tf.abs(batch.observations)
    if batch.mask is not None:
        sizes = tf.boolean_mask(sizes, batch.mask)
    means = tf.reduce_mean(tf.reshape(sizes, [-1, sizes.shape[-1]]), axis=0)
    return bool(tf.reduce_any(means > _FAR))


def clean(batch: Batch, emission: Observable) -> Batch:
    """Returns a batch that can be scored, its padding 0, and a weight of NaN for each sequence that could not be.

    Args:
        batch: of `to_batch`; may be of a graph.
        emission: the emission that is to score the observations.
    """
    observations, mask, weight, observed, given = batch
    if observed is not None:
        observed = tf.reshape(observed, tf.shape(observations))
    possible = emission.support(observations, observed)  # [B, T]
    if given is not None:
        given = tf.reshape(given, [*tf.unstack(tf.shape(possible)), given.shape[2]])
        possible &= tf.reduce_all(tf.math.is_finite(given), axis=-1)
    known = possible
    if mask is not None:
        mask = tf.reshape(mask, tf.shape(possible))  # a size that was unknown until now may not broadcast
        gap = mask & ~tf.concat([mask[:, :1], mask[:, :-1]], axis=1)
        known = (possible | ~mask) & ~gap & mask[:, :1]
        possible &= mask
    where = possible[..., tf.newaxis] if emission.has_features else possible
    observations = tf.where(where, observations, tf.zeros([], observations.dtype))
    given = None if given is None else tf.where(where, given, tf.zeros([], given.dtype))
    weight = tf.ones_like(possible[:, 0], tf.float32) if weight is None else weight
    weight = tf.reshape(weight, tf.shape(possible)[:1])
    weight = weight if weight.dtype.is_floating else tf.cast(weight, tf.float32)
    known = tf.reduce_all(known, axis=1) & _is_weight(weight)
    return Batch(observations, mask, tf.where(known, weight, np.nan), observed, given)


def prepare(inputs: Inputs, emission: Observable, dtype: tf.DType, covariate_size: int = 0) -> Batch:
    """Returns inputs as a batch that can be scored: checked where they are eager, else cleaned.

    Args:
        inputs, emission, dtype, covariate_size: as of `to_batch`.

    Raises:
        ValueError: what `to_batch` and `check_batch` raise.
    """
    batch = to_batch(inputs, emission, dtype, covariate_size)
    if not tf.executing_eagerly():
        return clean(batch, emission)
    check_batch(batch, emission)
    return batch


def mark(values: Any, weight: tf.Tensor | None, axis: int = 0) -> Any:
    """Returns values with NaN for the sequences that could not be scored.

    Args:
        values: a structure of tensors; those of floats have an axis of B.
        weight: of `clean`, `[B]`; None where every sequence could.
        axis: that of B.
    """
    if weight is None:
        return values
    unknown = tf.math.is_nan(weight)

    def mark_one(value):
        shape = [1] * axis + [-1] + [1] * (value.shape.rank - axis - 1)
        return tf.where(tf.reshape(unknown, shape), tf.constant(np.nan, value.dtype), value)

    return tf.nest.map_structure(lambda value: mark_one(value) if value.dtype.is_floating else value, values)


def to_size(name: str, value: int | tf.Tensor) -> tf.Tensor:
    """Returns a size as a scalar tensor, checked where it is known: as an int each would be a trace of its own.

    Raises:
        ValueError: it is no int of at least 1.
    """
    is_unknown = tf.is_tensor(value) and not hasattr(value, "numpy")  # inside a graph
    return value if is_unknown else tf.constant(require_int(name, value, 1))


def require_room(width: int, **sizes: int | tf.Tensor) -> None:
    """Raises a ValueError where results would not fit in memory, as far as their sizes are known outside a graph.

    Args:
        width: values of an entry.
        **sizes: whose product is the number of entries.
    """
    if not any(tf.is_tensor(size) and not hasattr(size, "numpy") for size in sizes.values()):
        known = {name: int(size) for name, size in sizes.items()}
        require_memory(math.prod(known.values()) * width, **known)
