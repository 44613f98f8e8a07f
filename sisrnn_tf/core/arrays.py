"""Arrays of numbers, from whatever holds them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from sisrnn_tf.core.types import Array, Inputs


def to_array(name: str, value: Any) -> np.ndarray | tf.Tensor:
    """Returns an array of real numbers or bools; lists, which Keras would cut along time, are stacked.

    Args:
        name: of the argument.
        value: an array, a tensor, or a list of them or of numbers.

    Raises:
        ValueError: its rows differ in shape, or it holds something else than numbers.
    """
    received = type(value).__name__
    try:
        if isinstance(value, tf.RaggedTensor | tf.SparseTensor):
            raise TypeError
        if isinstance(value, list | tuple) and any(map(tf.is_tensor, value)):
            value = tf.stack(value)
        array: Any = value if tf.is_tensor(value) else np.asarray(value)
        dtype = tf.as_dtype(array.dtype)
        received += f" of the type {array.dtype if dtype == tf.string else dtype.name}"
        is_number = dtype.is_floating or dtype.is_integer or dtype.is_bool
    except (ValueError, TypeError, tf.errors.InvalidArgumentError):
        is_number = False
    if not is_number:
        raise ValueError(
            f"`{name}` must be one array of real numbers; sequences of different lengths are filled up at their end, "
            f"and `mask` says which steps are real. Received: {received}"
        )
    return array


def to_tensor(name: str, value: Array) -> tf.Tensor:
    """Returns a tensor of real numbers or bools; arguments and errors as of `to_array`."""
    return tf.convert_to_tensor(to_array(name, value))


def size_of(tensor: tf.Tensor, axis: int) -> int | tf.Tensor:
    """Returns the size of an axis: an int where it is known, as XLA needs it, else a scalar tensor."""
    return tensor.shape[axis] or tf.shape(tensor)[axis]


def to_arrays(inputs: Inputs) -> np.ndarray | tf.Tensor | dict:
    """Returns an array, or a dictionary of arrays, of inputs in memory; see `to_array`.

    Raises:
        ValueError: a part is no array of real numbers, or the parts differ in the number of their rows.
    """
    if not isinstance(inputs, Mapping):
        return to_array("observations", inputs)
    arrays = {name: to_array(name, value) for name, value in inputs.items() if value is not None}
    sizes = {name: tuple(array.shape)[:1] for name, array in arrays.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"The parts of a batch must have equally many rows, its sequences. Received: {sizes}")
    return arrays
