"""Seeds and noise: philox bits only, so that eager, graph and XLA runs draw the same.

The float draws of Keras, TFP and `tf.random` differ between those three; integer bits do not. Everything random in a
loss or an estimator is made here, from bits. The first n values of a longer draw are the draw of n values, so with
time as the leading axis a longer sequence extends the noise of a shorter one. A draw
can begin anywhere in the endless sequence of its seed, so that a part of it can be made without the rest.
"""

import numbers
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from sisrnn_tf.validation import require

# As `tf.random.stateless_uniform(alg="philox")` makes key and counter of a seed; there the counter starts at 0.
_PHILOX = 1
_SCRAMBLING_KEY = 0x02461E293EC8F720

Seed = int | tuple[int, int] | tf.Tensor

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
    if isinstance(seed, numbers.Integral) and not isinstance(seed, bool):
        return tf.bitcast(tf.constant(require_seed(seed) % 2**64, tf.uint64), tf.int32)
    if not tf.is_tensor(seed):
        values = np.asarray(seed)
        limits = np.iinfo(np.int32)
        is_pair = values.shape == (2,) and values.dtype.kind in "iu"
        if not is_pair or not ((values >= limits.min) & (values <= limits.max)).all():
            raise ValueError(f"`seed` must be an int or a pair of ints of 32 bits. Received: seed={seed}")
        return tf.constant(values, tf.int32)
    if seed.shape != (2,) or seed.dtype != tf.int32:
        raise ValueError(f"`seed` must be an int32 tensor of shape [2]. Received: {seed.dtype.name}, {seed.shape}")
    return seed


def fold_in(seed: tf.Tensor, data: int | tf.Tensor) -> tf.Tensor:
    """Returns a new seed, int32 `[2]`, that depends on `seed` and on the integer `data`."""
    return tf.random.experimental.stateless_fold_in(seed, tf.cast(data, tf.int32), alg="philox")


# Philox makes four words a counter, so the endless sequence of a seed can be entered at any multiple of four.
_WORDS_PER_COUNTER = 4


def bits(num_words: int | tf.Tensor, seed: tf.Tensor, first_counter: int | tf.Tensor = 0) -> tf.Tensor:
    """Draws uint32 words `[num_words]` whose bits are independent and fair.

    Args:
        num_words: int or scalar tensor.
        seed: int32 `[2]`.
        first_counter: how many groups of four words of the seed's endless sequence to leave out.
    """
    mixed = _philox([4], tf.constant([_SCRAMBLING_KEY], tf.uint64), tf.cast(seed, tf.uint64))
    key, high = (tf.bitcast(mixed[start : start + 2], tf.uint64) for start in (0, 2))
    return _philox([num_words], key[tf.newaxis], tf.stack([tf.cast(first_counter, tf.uint64), high]))


def _philox(shape: list, key: tf.Tensor, counter: tf.Tensor) -> tf.Tensor:
    """Draws uint32 words from a key uint64 `[1]` and a counter uint64 `[2]`."""
    return tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=shape, key=key, counter=counter, alg=_PHILOX, dtype=tf.uint32
    )


def _values(shape, first: int | tf.Tensor, values_per_word: int, draw: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]):
    """Returns values first, first + 1, .. of an endless sequence, of which draw(words, counter) gives whole counters.

    Args:
        shape: of the result; ints or a tensor.
        first: number of the first value.
        values_per_word: how many values a word makes.
        draw: (number of words, first counter) -> values `[number of words * values_per_word]`.
    """
    size = tf.reduce_prod(shape)
    group = _WORDS_PER_COUNTER * values_per_word
    if isinstance(first, int) and first == 0:
        num_words = (size + values_per_word - 1) // values_per_word
        return tf.reshape(draw((num_words + 1) // 2 * 2, 0)[:size], shape)  # normals need pairs
    # Enough for any offset within the first group: the number of words is static where the shape is.
    num_groups = (size + 2 * group - 2) // group
    first = tf.cast(first, tf.int64)
    values = draw(num_groups * _WORDS_PER_COUNTER, first // group)
    return tf.reshape(tf.slice(values, [first % group], [tf.cast(size, tf.int64)]), shape)


# float32 rounds the last of the midpoints below to 1, where the logarithm of its complement is lost.
_BELOW_ONE = 1 - 2.0**-24


def _uniform_from(words: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Maps uint32 words to the 2^24 midpoints of (0, 1), as far as the dtype tells them apart."""
    midpoints = (tf.cast(tf.bitwise.right_shift(words, tf.constant(8, tf.uint32)), dtype) + 0.5) * 2.0**-24
    return tf.minimum(midpoints, tf.constant(_BELOW_ONE, dtype))


def _normal_from(words: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Maps pairs of uint32 words to pairs of standard normals by the Box-Muller transform."""
    pairs = tf.reshape(_uniform_from(words, dtype), [-1, 2])
    radius = tf.sqrt(-2.0 * tf.math.log(pairs[:, 0]))
    angle = 2.0 * 3.141592653589793 * pairs[:, 1]
    return tf.reshape(tf.stack([radius * tf.cos(angle), radius * tf.sin(angle)], axis=-1), [-1])


def _centered_bernoulli_from(words: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Maps each uint32 word to 32 values, -1/2 or 1/2."""
    octets = tf.reshape(tf.bitcast(words, tf.uint8), [-1])
    return tf.reshape(tf.gather(tf.constant(_BYTE_BITS, dtype) - 0.5, tf.cast(octets, tf.int32)), [-1])


def values_before(index: int | tf.Tensor, shape) -> int | tf.Tensor:
    """Returns the number of the first value of entry `index` of an endless array `[.., *shape[1:]]`."""
    if isinstance(index, int) and index == 0:
        return 0
    return tf.cast(index, tf.int64) * tf.cast(tf.reduce_prod(shape[1:]), tf.int64)


def uniform(shape, seed: tf.Tensor, dtype: tf.DType = tf.float32, first: int | tf.Tensor = 0) -> tf.Tensor:
    """Draws from the open interval (0, 1).

    Args:
        shape: of the result; ints or a tensor.
        seed: int32 `[2]`.
        dtype: float32 or float64.
        first: number of the first value in the endless sequence of the seed; int or scalar tensor.
    """
    return _values(shape, first, 1, lambda count, counter: _uniform_from(bits(count, seed, counter), dtype))


def normal(shape, seed: tf.Tensor, dtype: tf.DType = tf.float32, first: int | tf.Tensor = 0) -> tf.Tensor:
    """Draws from the standard normal distribution; arguments as of `uniform`."""
    return _values(shape, first, 1, lambda count, counter: _normal_from(bits(count, seed, counter), dtype))


def centered_bernoulli(shape, seed: tf.Tensor, dtype: tf.DType = tf.float32, first: int | tf.Tensor = 0) -> tf.Tensor:
    """Draws -1/2 or 1/2 with equal probability; arguments as of `uniform`, any float dtype.

    Centered, because the mean of {0, 1} noise makes every noise weight a bias too.
    """
    return _values(shape, first, 32, lambda count, counter: _centered_bernoulli_from(bits(count, seed, counter), dtype))


@keras.saving.register_keras_serializable("sisrnn_tf")
class RandomStream(keras.layers.Layer):
    """An endless stream of seeds whose position is a weight, so that checkpoints restore it.

    Under `tf.distribute` the replicas share the position and fold in their number, so each draws its own noise.

    Args:
        seed: int, where the stream starts.
    """

    def __init__(self, seed: int = 0, **kwargs):
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

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "seed": self.seed}
