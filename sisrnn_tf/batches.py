"""Batches: what a model accepts, brought to one form and checked."""

from collections.abc import Iterator, Mapping

import keras
import numpy as np
import tensorflow as tf

from sisrnn_tf.types import Batch
from sisrnn_tf.validation import require_int

KEYS = ("observations", "mask", "weight")
_SHAPES = {2: "[B, T]", 3: "[B, T, D]"}  # by rank


def to_batch(inputs, rank: int = 3) -> Batch:
    """Returns inputs as a `Batch`.

    Args:
        inputs: observations `[B, T, D]`, or a dictionary of `observations` and, optionally, `mask` and `weight`.
        rank: of the observations: 3, or 2 for sentences `[B, T]`.

    Raises:
        ValueError: a key is unknown, `observations` is missing, or is not of that rank.
    """
    parts = inputs if isinstance(inputs, Mapping) else {"observations": inputs}
    unknown = sorted(set(parts) - set(KEYS))
    if unknown or "observations" not in parts:
        raise ValueError(
            f"A batch must be an array {_SHAPES[rank]} or a dictionary with `observations` and, optionally, `mask` and "
            f"`weight`. Received the keys {sorted(parts)}"
        )
    observations = tf.convert_to_tensor(parts["observations"])
    if observations.shape.rank != rank:
        raise ValueError(f"`observations` must have the shape {_SHAPES[rank]}. Received shape {observations.shape}")
    mask, weight = parts.get("mask"), parts.get("weight")
    return Batch(
        observations,
        None if mask is None else tf.cast(mask, tf.bool),
        None if weight is None else tf.convert_to_tensor(weight),
    )


def check_batch(inputs, likelihood, rank: int = 3) -> None:
    """Checks the values of one batch.

    Args:
        inputs: as of `to_batch`, eager.
        likelihood: the emission that is to score the observations.
        rank: of the observations, as of `to_batch`.

    Raises:
        ValueError: what `to_batch` raises; or the feature size is not the emission's; a value is NaN, infinite or
            outside the emission's support; or a mask is not right padding of sequences of at least one step.
    """
    batch = to_batch(inputs, rank)
    observations = batch.observations.numpy()
    mask = np.ones(observations.shape[:2], bool) if batch.mask is None else batch.mask.numpy()
    check_features(batch, likelihood)
    check_mask(batch)
    if 0 in observations.shape[:2]:
        raise ValueError(f"`observations` must not be empty. Received shape {observations.shape}")
    if not mask[:, 0].all():
        raise ValueError(
            "`mask` must be right padding, True at the first step of each sequence. Received a row that begins with "
            "False: a zero-length sequence, or padding on the left"
        )
    real = observations[mask]  # [steps, D]
    if not np.isfinite(real).all():
        raise ValueError("`observations` must be finite. Received NaN or infinity; clean the data or mask those steps")
    likelihood.check(real)


def check_features(batch: Batch, likelihood) -> None:
    """Checks that observations, where they have a feature axis, have as many features as the emission.

    Raises:
        ValueError: they have not.
    """
    shape = batch.observations.shape
    if shape.rank == 3 and shape[-1] != likelihood.event_size:
        raise ValueError(
            f"`observations` must have {likelihood.event_size} features, the emission's event size. "
            f"Received shape {shape}"
        )


def check_mask(batch: Batch) -> None:
    """Checks that the mask is right padding; inside a graph, where values are unknown, only its shape.

    Raises:
        ValueError: the mask has not the shape `[B, T]` of the observations, or a step follows a masked one.
    """
    mask, shape = batch.mask, batch.observations.shape[:2]
    if mask is None:
        return
    if not mask.shape.is_compatible_with(shape):
        raise ValueError(f"`mask` must have the shape {shape}. Received shape {mask.shape}")
    if tf.executing_eagerly():
        mask = mask.numpy()
        if (mask[:, 1:] & ~mask[:, :-1]).any():
            raise ValueError("`mask` must be right padding, True up to a sequence's length. Received a gap")


def to_size(name: str, value) -> int | tf.Tensor:
    """Returns a size, checked where it is known: inside a graph it may be a scalar tensor.

    Raises:
        ValueError: it is no int of at least 1.
    """
    return value if tf.is_tensor(value) and not hasattr(value, "numpy") else require_int(name, value, 1)


def inputs_of(data):
    """Returns the inputs from what Keras hands to a step of training or evaluation.

    Args:
        data: a batch, alone or in a tuple.

    Raises:
        ValueError: there are targets or sample weights beside it.
    """
    inputs, targets, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    refuse_beside(y=targets, sample_weight=sample_weight)
    return inputs


def refuse_beside(**arguments) -> None:
    """Refuses what Keras takes beside the inputs: y, sample_weight, class_weight.

    Raises:
        ValueError: one of them is not None.
    """
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(
                f"`{name}` must be left out: the model scores its inputs, whose weights are the key `weight` of a "
                f"batch. Received: {name}={type(value).__name__}"
            )


def _resume(first, rest: Iterator):
    yield first
    yield from rest


def first_batch(x, batch_size: int | None):
    """Returns the first batch of what `fit` accepts, and a value to pass to `fit` in its place.

    Args:
        x: a `tf.data.Dataset`, one that a strategy distributes, a `keras.utils.PyDataset`, an iterator, an array, or a
            dictionary of arrays.
        batch_size: of arrays; None for Keras' 32.

    Raises:
        ValueError: there is no first batch.
    """
    if isinstance(x, Mapping) or hasattr(x, "shape") or isinstance(x, list):
        return keras.tree.map_structure(lambda part: part[: batch_size or 32], x), x
    if isinstance(x, keras.utils.PyDataset):
        batch = x[0]
    else:
        iterator = iter(x.take(1) if isinstance(x, tf.data.Dataset) else x)
        batch = next(iterator, None)
        if batch is None:
            raise ValueError(f"`x` must hold at least one batch. Received an empty data set: x={x}")
        if iterator is x:  # what was taken is put back
            x = _resume(batch, iterator)
    if isinstance(x, tf.distribute.DistributedDataset):  # the first replica's part says enough
        batch = {name: getattr(part, "values", [part])[0] for name, part in batch.items()}
    return keras.utils.unpack_x_y_sample_weight(batch)[0], x
