"""Seeds and noise: integer arithmetic only, so that eager, graph and XLA runs draw the same.

The float draws of Keras, TFP and `tf.random` differ between those three; integers do not. Everything random in a loss
or an estimator is made here. A seed is 64 bits; its words, and the seeds that integers make of it, are those of
SplitMix64 (Steele, Lea & Flood 2014), a counter behind a mixing function:

    word w             mix(~seed + (w + 1) gamma)
    fold_in(seed, d)   mix( seed + (d + 1) gamma)

Both are plain functions of arrays, so many seeds draw in one operation, and every word of every seed can be had without
those before it: which batch, chunk or stream a value is drawn in makes no difference. Philox, which has the same bits
everywhere too, wants an operation for each seed.
"""

import math
import numbers
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from sisrnn_tf.core.types import Sizes
from sisrnn_tf.core.validation import require

_GAMMA = 0x9E3779B97F4A7C15
_MULTIPLIERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_SHIFTS = (30, 27, 31)

Seed: TypeAlias = int | tuple[int, int] | tf.Tensor

# All 8 bits of each byte, lowest first: one table row is cheaper than eight shifts.
_BYTE_BITS = tuple(tuple((byte >> bit) & 1 for bit in range(8)) for byte in range(256))


def require_seed(seed: int) -> int:
    """Returns an int that is a seed, NumPy's as Python's own.

    Raises:
        ValueError: it is no int, or has more than 64 bits.
    """
    is_int = isinstance(seed, numbers.Integral) and not isinstance(seed, bool)
    require(is_int and -(2**63) <= seed < 2**64, "seed", "an int of at most 64 bits", seed)
    return int(seed)


def as_seed(seed: Seed) -> tf.Tensor:
    """Returns a seed as int32 `[2]`.

    Args:
        seed: an int, a pair of ints, or an int32 tensor `[2]`.

    Raises:
        ValueError: the seed is none of these.
    """
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool):
        return tf.bitcast(tf.constant(require_seed(int(seed)) % 2**64, tf.uint64), tf.int32)
    if not tf.is_tensor(seed):
        values = np.asarray(seed)
        limits = np.iinfo(np.int32)
        is_pair = values.shape == (2,) and values.dtype.kind in "iu"
        if not is_pair or not ((values >= limits.min) & (values <= limits.max)).all():
            raise ValueError(f"`seed` must be an int or a pair of ints of 32 bits. Received: seed={seed}")
        return tf.constant(values, tf.int32)
    tensor = tf.convert_to_tensor(seed)
    if tensor.shape != (2,) or tensor.dtype != tf.int32:
        raise ValueError(f"`seed` must be an int32 tensor of shape [2]. Received: {tensor.dtype.name}, {tensor.shape}")
    return tensor


def fold_in(seed: tf.Tensor, data: int | tf.Tensor) -> tf.Tensor:
    """Returns new seeds, int32 `[.., 2]`, that depend on seeds `[.., 2]` and on integers `[..]`; they broadcast."""
    return tf.bitcast(_element(tf.bitcast(seed, tf.uint64), data), tf.int32)


def _element(state: tf.Tensor, index: int | tf.Tensor) -> tf.Tensor:
    """Returns element `index` of the sequence that begins at a state; both are integers `[..]`, and broadcast."""
    # Through int64: negative numbers wrap around, as the arithmetic of uint64 does.
    count = tf.cast(tf.cast(index, tf.int64) + 1, tf.uint64)
    value = state + count * tf.constant(_GAMMA, tf.uint64)
    for shift, multiplier in zip(_SHIFTS[:2], _MULTIPLIERS, strict=True):
        value = _fold(value, shift) * tf.constant(multiplier, tf.uint64)
    return _fold(value, _SHIFTS[2])


def _fold(value: tf.Tensor, shift: int) -> tf.Tensor:
    return tf.bitwise.bitwise_xor(value, tf.bitwise.right_shift(value, tf.constant(shift, tf.uint64)))


def bits(num_words: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draws uint32 words `[.., num_words]` whose bits are independent and fair.

    Args:
        num_words: int or scalar tensor.
        seed: int32 `[.., 2]`.
    """
    count = (num_words + 1) // 2
    state = tf.bitwise.invert(tf.bitcast(seed, tf.uint64))[..., tf.newaxis]
    pairs = tf.bitcast(_element(state, tf.range(count)), tf.uint32)  # [.., count, 2]
    words = tf.reshape(pairs, tf.concat([tf.shape(seed)[:-1], [2 * count]], axis=0))
    return words if isinstance(num_words, int) and num_words % 2 == 0 else words[..., :num_words]


def _values(shape, seed: tf.Tensor, values_per_word: int, to_values) -> tf.Tensor:
    """Returns values of a shape whose first axes are those of the seeds, each of which draws the rest of it.

    Args:
        shape: of the result; ints or a tensor.
        seed: int32 `[2]` or `[*shape[:r], 2]`.
        values_per_word: how many values a word makes.
        to_values: (words uint32 `[.., n]`, size) -> at least so many of their values, `[.., size or more]`.
    """
    own = shape[seed.shape.rank - 1 :]
    # Python's product where it can be: a size that is known keeps XLA's shapes static.
    known = not tf.is_tensor(shape) and all(isinstance(axis, int) for axis in own)
    size = math.prod(own) if known else tf.reduce_prod(own)
    num_words = (size + values_per_word - 1) // values_per_word
    values = to_values(bits((num_words + 1) // 2 * 2, seed), size)  # normals need pairs
    return tf.reshape(values[..., :size], shape)


# float32 rounds the last of the midpoints below to 1, where the logarithm of its complement is lost.
_BELOW_ONE = 1 - 2.0**-24


def _uniform_from(words: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Maps uint32 words to the 2^24 midpoints of (0, 1), as far as the dtype tells them apart."""
    midpoints = (tf.cast(tf.bitwise.right_shift(words, tf.constant(8, tf.uint32)), dtype) + 0.5) * 2.0**-24
    return tf.minimum(midpoints, tf.constant(_BELOW_ONE, dtype))


def _normal_from(words: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Maps pairs of uint32 words to pairs of standard normals by the Box-Muller transform."""
    uniforms = _uniform_from(words, dtype)
    pairs = tf.reshape(uniforms, [-1, 2])
    radius = tf.sqrt(-2.0 * tf.math.log(pairs[:, 0]))
    angle = 2.0 * 3.141592653589793 * pairs[:, 1]
    normals = tf.stack([radius * tf.cos(angle), radius * tf.sin(angle)], axis=-1)
    return tf.reshape(normals, tf.shape(uniforms))


def _centered_bernoulli_from(words: tf.Tensor, size: int | tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Maps uint32 words `[.., n]` to at least `size` values -1/2 or 1/2, 32 a word, in whole bytes."""
    leading = tf.shape(words)[:-1]
    octets = tf.reshape(tf.bitcast(words, tf.uint8), tf.concat([leading, [-1]], axis=0))
    octets = octets[..., : (size + 7) // 8]  # cut here: floats are many
    values = tf.gather(tf.constant(_BYTE_BITS, dtype) - 0.5, tf.cast(octets, tf.int32))  # [.., octets, 8]
    return tf.reshape(values, tf.concat([leading, [-1]], axis=0))


def uniform(shape: Sizes, seed: tf.Tensor, dtype: tf.DType = tf.float32) -> tf.Tensor:
    """Draws from the open interval (0, 1).

    Args:
        shape: of the result; ints or a tensor.
        seed: int32 `[2]`, or `[*shape[:r], 2]`: each seed then draws the rest of the shape for itself.
        dtype: float32 or float64.
    """
    return _values(shape, seed, 1, lambda words, _: _uniform_from(words, dtype))


def normal(shape: Sizes, seed: tf.Tensor, dtype: tf.DType = tf.float32) -> tf.Tensor:
    """Draws from the standard normal distribution; arguments as of `uniform`."""
    return _values(shape, seed, 1, lambda words, _: _normal_from(words, dtype))


def centered_bernoulli(shape: Sizes, seed: tf.Tensor, dtype: tf.DType = tf.float32) -> tf.Tensor:
    """Draws -1/2 or 1/2 with equal probability; arguments as of `uniform`, any float dtype.

    Centered, because the mean of {0, 1} noise makes every noise weight a bias too.
    """
    return _values(shape, seed, 32, lambda words, size: _centered_bernoulli_from(words, size, dtype))


@keras.saving.register_keras_serializable("sisrnn_tf")
class RandomStream(keras.layers.Layer):
    """An endless stream of seeds whose position is a weight, so that checkpoints restore it.

    Under `tf.distribute` the replicas share the position and fold in their number, so each draws its own noise.

    Args:
        seed: int, where the stream starts.
    """

    def __init__(self, seed: int = 0, **kwargs: Any):
        super().__init__(**kwargs)
        self.seed = require_seed(seed)
        # int64: int32 variables live on the CPU and break XLA on GPU.
        self.position = self.add_weight(
            name="position",
            shape=(),
            dtype="int64",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
        )
        self.built = True

    def next_seed(self) -> tf.Tensor:
        """Returns the seed int32 `[2]` at this position, and moves on by one."""
        seed = fold_in(as_seed(self.seed), tf.convert_to_tensor(self.position))
        self.position.assign_add(1)
        replica = tf.distribute.get_replica_context()
        if replica is not None and replica.num_replicas_in_sync > 1:
            seed = fold_in(seed, replica.replica_id_in_sync_group)
        return seed

    def restart(self) -> None:
        """Moves back to the start of the stream."""
        self.position.assign(0)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "seed": self.seed}
