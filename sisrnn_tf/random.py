"""Seeds and noise: philox bits only, so that eager, graph and XLA runs draw the same.

The float draws of Keras, TFP and `tf.random` differ between those three; integer bits do not. Everything random in a
loss or an estimator is made here, from bits. The first n values of a longer draw are the draw of n values, so with
time as the leading axis a longer sequence extends the noise of a shorter one.
"""

import numbers

import keras
import tensorflow as tf

Seed = int | tuple[int, int] | tf.Tensor

# All 8 bits of each byte, lowest first: one table row is cheaper than eight shifts.
_BYTE_BITS = tuple(tuple((byte >> bit) & 1 for bit in range(8)) for byte in range(256))


def as_seed(seed: Seed) -> tf.Tensor:
    """Returns a seed as int32 `[2]`.

    Args:
        seed: an int, a pair of ints, or an int32 tensor `[2]`.

    Raises:
        ValueError: the seed is none of these.
    """
    if isinstance(seed, numbers.Integral) and not isinstance(seed, bool):
        return tf.bitcast(tf.constant(int(seed) % 2**64, tf.uint64), tf.int32)
    seed = tf.convert_to_tensor(seed)
    if seed.shape != (2,) or not seed.dtype.is_integer:
        raise ValueError(f"`seed` must be an int or a pair of ints. Received: seed={seed}")
    return tf.cast(seed, tf.int32)


def fold_in(seed: tf.Tensor, data: int | tf.Tensor) -> tf.Tensor:
    """Returns a new seed, int32 `[2]`, that depends on `seed` and on the integer `data`."""
    return tf.random.experimental.stateless_fold_in(seed, tf.cast(data, tf.int32), alg="philox")


def bits(num_words: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draws uint32 words `[num_words]` whose bits are independent and fair."""
    return tf.random.stateless_uniform([num_words], seed, minval=None, maxval=None, dtype=tf.uint32, alg="philox")


# float32 rounds the last of the midpoints below to 1, where the logarithm of its complement is lost.
_BELOW_ONE = 1 - 2.0**-24


def _uniform_from(words: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Maps uint32 words to the 2^24 midpoints of (0, 1), as far as the dtype tells them apart."""
    midpoints = (tf.cast(tf.bitwise.right_shift(words, tf.constant(8, tf.uint32)), dtype) + 0.5) * 2.0**-24
    return tf.minimum(midpoints, tf.constant(_BELOW_ONE, dtype))


def uniform(shape, seed: tf.Tensor, dtype: tf.DType = tf.float32) -> tf.Tensor:
    """Draws from the open interval (0, 1).

    Args:
        shape: of the result; ints or a tensor.
        seed: int32 `[2]`.
        dtype: float32 or float64.
    """
    return tf.reshape(_uniform_from(bits(tf.reduce_prod(shape), seed), dtype), shape)


def normal(shape, seed: tf.Tensor, dtype: tf.DType = tf.float32) -> tf.Tensor:
    """Draws from the standard normal distribution by the Box-Muller transform; arguments as of `uniform`."""
    size = tf.reduce_prod(shape)
    pairs = tf.reshape(_uniform_from(bits((size + 1) // 2 * 2, seed), dtype), [-1, 2])
    radius = tf.sqrt(-2.0 * tf.math.log(pairs[:, 0]))
    angle = 2.0 * 3.141592653589793 * pairs[:, 1]
    values = tf.stack([radius * tf.cos(angle), radius * tf.sin(angle)], axis=-1)  # [pairs, 2]
    return tf.reshape(tf.reshape(values, [-1])[:size], shape)


def centered_bernoulli(shape, seed: tf.Tensor, dtype: tf.DType = tf.float32) -> tf.Tensor:
    """Draws -1/2 or 1/2 with equal probability; arguments as of `uniform`, any float dtype.

    Centered, because the mean of {0, 1} noise makes every noise weight a bias too.
    """
    size = tf.reduce_prod(shape)
    octets = tf.reshape(tf.bitcast(bits((size + 31) // 32, seed), tf.uint8), [-1])
    table = tf.constant(_BYTE_BITS, dtype) - 0.5
    values = tf.gather(table, tf.cast(octets, tf.int32))  # [octets, 8]
    return tf.reshape(tf.reshape(values, [-1])[:size], shape)


@keras.saving.register_keras_serializable("sisrnn_tf")
class RandomStream(keras.layers.Layer):
    """An endless stream of seeds whose position is a weight, so that checkpoints restore it.

    Under `tf.distribute` the replicas share the position and fold in their number, so each draws its own noise.

    Args:
        seed: int, where the stream starts.
    """

    def __init__(self, seed: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
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
