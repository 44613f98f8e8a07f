"""Inputs of Keras' own methods, `fit` and the like: arrays and data sets, checked before work begins."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core.arrays import to_arrays


def inputs_of(data: Any) -> Any:
    """Returns the inputs from what Keras hands to a step of training or evaluation.

    Args:
        data: a batch, alone or in a tuple.

    Raises:
        ValueError: there are targets or sample weights beside it.
    """
    inputs, targets, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    refuse_beside(y=targets, sample_weight=sample_weight)
    return inputs


def refuse_beside(**arguments: Any) -> None:
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


def _is_data_set(x) -> bool:
    """Returns whether inputs come batch by batch, and are no arrays, lists or dictionary."""
    is_in_memory = isinstance(x, Mapping | list | tuple | str) or hasattr(x, "shape")
    return isinstance(x, keras.utils.PyDataset) or (hasattr(x, "__iter__") and not is_in_memory)


def checked(x: Any, check_arrays: Callable, check_batch: Callable) -> Any:
    """Returns inputs in the form in which Keras takes them, after a check.

    Args:
        x: an array, a list that stacks, or a dictionary of such, which are checked whole; or a `tf.data.Dataset`, one
            that a strategy distributes, a `keras.utils.PyDataset` or an iterator of batches, whose first is checked.
        check_arrays, check_batch: raise a ValueError for arrays and for a batch that the model cannot score.

    Raises:
        ValueError: what the checks raise, or there is no first batch.
    """
    if not _is_data_set(x):
        arrays = to_arrays(x)
        check_arrays(arrays)
        return arrays
    if isinstance(x, keras.utils.PyDataset):
        check_batch(inputs_of(x[0]))
        return x
    iterator = iter(x.take(1) if isinstance(x, tf.data.Dataset) else x)
    first = next(iterator, None)
    if first is None:
        raise ValueError(f"`x` must hold at least one batch. Received an empty data set: x={x}")
    if isinstance(x, tf.distribute.DistributedDataset):  # the first replica's part says enough
        check_batch({name: getattr(part, "values", [part])[0] for name, part in first.items()})
        return x
    check_batch(inputs_of(first))
    return _resume(first, iterator) if iterator is x else x  # what was taken is put back


def _resume(first, rest: Iterator):
    yield first
    yield from rest
