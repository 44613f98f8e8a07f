"""A self-attention decoder with the latent as its memory, as in the VAE-transformer."""

import math
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core import random
from sisrnn_tf.core.networks import dropout
from sisrnn_tf.core.types import Shape
from sisrnn_tf.core.validation import require, require_int
from sisrnn_tf.models.decoders.part import DecoderPart


def sinusoidal_positions(num_steps: int | tf.Tensor, size: int, dtype: str) -> tf.Tensor:
    """Returns the positions of Vaswani et al. (2017, section 3.5), `[T, E]`.

        position(t)[i] = sin(t / 10000^(2 i / E)),    position(t)[E / 2 + i] = cos of the same

    Args:
        num_steps: T, int or scalar tensor.
        size: E, even.
        dtype: of the result.
    """
    wide = tf.float64 if dtype == "float64" else tf.float32  # bfloat16 does not tell the steps apart
    frequencies = tf.exp(-math.log(10_000.0) * tf.range(size // 2, dtype=wide) / (size // 2))
    angles = tf.cast(tf.range(num_steps), wide)[:, tf.newaxis] * frequencies  # [T, E / 2]
    return tf.cast(tf.concat([tf.sin(angles), tf.cos(angles)], axis=-1), dtype)


@keras.saving.register_keras_serializable("sisrnn_tf")
class TransformerBlock(DecoderPart):
    """Causal self-attention, the memory z, and a feed-forward network, each added to what comes in.

    Layer normalization stands before the first and the last (Xiong et al. 2020). Attention over a memory of one slot
    gives it weight 1 whatever the query asks for, so of the cross-attention to z only its value and output projections
    are left, two linear maps in a row: one matrix from z to E, the same for all words.

    Args:
        size: E, a multiple of `num_heads`.
        num_heads: attention heads.
        feed_forward_factor: hidden units of the feed-forward network, in units of E.
        dropout_rate: of all three outputs.
    """

    def __init__(self, size: int, num_heads: int, feed_forward_factor: int, dropout_rate: float, **kwargs: Any):
        super().__init__(size, dropout_rate, **kwargs)
        self.num_heads, self.feed_forward_factor = num_heads, feed_forward_factor
        policy = {"dtype": self.dtype_policy}
        self.attention_norm = keras.layers.LayerNormalization(epsilon=1e-5, name="attention_norm", **policy)
        self.attention = keras.layers.MultiHeadAttention(num_heads, size // num_heads, name="attention", **policy)
        self.memory = keras.layers.Dense(size, name="memory", **policy)
        self.feed_forward_norm = keras.layers.LayerNormalization(epsilon=1e-5, name="feed_forward_norm", **policy)
        units = feed_forward_factor * size
        self.feed_forward = keras.layers.Dense(units, activation="relu", name="feed_forward", **policy)
        self.feed_forward_output = keras.layers.Dense(size, name="feed_forward_output", **policy)

    def make_weights(self, inputs_shape: Shape, latent_size: int) -> None:
        """See `DecoderPart`."""
        self.attention_norm.build(inputs_shape)
        self.attention.build(inputs_shape, inputs_shape)
        self.memory.build((None, latent_size))
        self.feed_forward_norm.build(inputs_shape)
        self.feed_forward.build(inputs_shape)
        self.feed_forward_output.build((*inputs_shape[:-1], self.feed_forward.units))

    def call(self, inputs: tf.Tensor, latent: tf.Tensor, dropout_seed: tf.Tensor | None = None) -> tf.Tensor:
        """Maps `[B, T, E]` and z `[B, Z]` to `[B, T, E]`."""
        normed = self.attention_norm(inputs)
        attended = self.attention(normed, normed, use_causal_mask=True)
        return self._rest(inputs, attended, self.memory(latent)[:, tf.newaxis], dropout_seed)

    def _rest(self, inputs, attended, memory, dropout_seed=None):
        seeds = [None if dropout_seed is None else random.fold_in(dropout_seed, index) for index in range(3)]
        outputs = inputs + dropout(attended, self.dropout_rate, seeds[0])
        outputs = outputs + dropout(memory, self.dropout_rate, seeds[1])
        forward = self.feed_forward_output(self.feed_forward(self.feed_forward_norm(outputs)))
        return outputs + dropout(forward, self.dropout_rate, seeds[2])

    def initial_cache(self, latent: tf.Tensor, num_steps: int | tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Returns keys and values of no step yet, each `[B, num_steps, heads, E / heads]`, and the memory `[B, E]`."""
        shape = [tf.shape(latent)[0], num_steps, self.num_heads, self.size // self.num_heads]
        empty = tf.zeros(shape, self.compute_dtype)
        return empty, empty, self.memory(latent)

    def step(self, inputs: tf.Tensor, cache: tuple, time: tf.Tensor) -> tuple[tf.Tensor, tuple]:
        """Returns outputs `[B, E]` of step `time` from inputs `[B, E]`, and the cache with its key and value."""
        keys, values, memory = cache
        normed = self.attention_norm(inputs)[:, tf.newaxis]  # [B, 1, E]
        here = tf.range(tf.shape(keys)[1]) == time  # [num_steps]
        keys = tf.where(here[:, tf.newaxis, tf.newaxis], self.attention.key_dense(normed), keys)
        values = tf.where(here[:, tf.newaxis, tf.newaxis], self.attention.value_dense(normed), values)
        query = self.attention.query_dense(normed) * (self.size // self.num_heads) ** -0.5
        scores = tf.einsum("bqhd,bthd->bhqt", query, keys)  # [B, heads, 1, num_steps]
        scores = tf.where(tf.range(tf.shape(keys)[1]) <= time, scores, -math.inf)
        attended = tf.einsum("bhqt,bthd->bqhd", tf.nn.softmax(scores), values)
        attended = self.attention.output_dense(attended)[:, 0]  # [B, E]
        return self._rest(inputs, attended, memory), (keys, values, memory)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "feed_forward_factor": self.feed_forward_factor,
        }


@keras.saving.register_keras_serializable("sisrnn_tf")
class TransformerDecoder(DecoderPart):
    """A transformer over the words so far, with z in the memory of each block.

    The sizes of Liu & Liu, *A Transformer-Based Variational Autoencoder for Sentence Generation* (2019), are the
    defaults.

    Args:
        size: E, even and a multiple of `num_heads`.
        num_blocks: how many blocks.
        num_heads: attention heads.
        feed_forward_factor: hidden units of a feed-forward network, in units of E.
        dropout_rate: of the inputs and of what each part of a block adds.

    Call arguments:
        inputs: the words before each one, embedded, `[B, T, E]`.
        latent: z, `[B, Z]`.
        dropout_seed: int32 `[2]`; None for no dropout.

    Returns:
        Features of each word, `[B, T, E]`.
    """

    def __init__(
        self,
        size: int = 512,
        num_blocks: int = 3,
        num_heads: int = 8,
        feed_forward_factor: int = 4,
        dropout_rate: float = 0.2,
        **kwargs: Any,
    ):
        super().__init__(size, dropout_rate, **kwargs)
        self.num_blocks, self.num_heads = (
            require_int("num_blocks", num_blocks, 1),
            require_int("num_heads", num_heads, 1),
        )
        require(size % num_heads == 0 and size % 2 == 0, "size", f"even and a multiple of num_heads={num_heads}", size)
        self.feed_forward_factor = require_int("feed_forward_factor", feed_forward_factor, 1)
        self.blocks = [
            TransformerBlock(
                size, num_heads, feed_forward_factor, dropout_rate, dtype=self.dtype_policy, name=f"block_{index}"
            )
            for index in range(num_blocks)
        ]
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5, dtype=self.dtype_policy, name="norm")

    def make_weights(self, inputs_shape: Shape, latent_size: int) -> None:
        """See `DecoderPart`."""
        for block in self.blocks:
            block.build(inputs_shape, latent_size)
        self.norm.build(inputs_shape)

    def call(self, inputs: tf.Tensor, latent: tf.Tensor, dropout_seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the features; see the class."""
        latent = tf.cast(latent, self.compute_dtype)
        outputs = inputs + sinusoidal_positions(tf.shape(inputs)[1], self.size, self.compute_dtype)
        seeds = [None] * (self.num_blocks + 1)
        if dropout_seed is not None:
            seeds = [random.fold_in(dropout_seed, index) for index in range(self.num_blocks + 1)]
        outputs = dropout(outputs, self.dropout_rate, seeds[-1])
        for block, seed in zip(self.blocks, seeds[:-1], strict=True):
            outputs = block(outputs, latent, seed)
        return self.norm(outputs)

    def initial_cache(self, latent: tf.Tensor, num_steps: int | tf.Tensor) -> tuple:
        """Returns what `step` needs for up to so many steps: positions, and of each block keys, values and memory."""
        latent = tf.cast(latent, self.compute_dtype)
        positions = sinusoidal_positions(num_steps, self.size, self.compute_dtype)
        return positions, tuple(block.initial_cache(latent, num_steps) for block in self.blocks)

    def step(self, inputs: tf.Tensor, cache: tuple, time: tf.Tensor) -> tuple[tf.Tensor, tuple]:
        """Returns features `[B, E]` of step `time` from inputs `[B, E]`, and the cache for the next."""
        positions, caches = cache
        outputs, kept = inputs + positions[time], []
        for block, block_cache in zip(self.blocks, caches, strict=True):
            outputs, block_cache = block.step(outputs, block_cache, time)
            kept.append(block_cache)
        return self.norm(outputs), (positions, tuple(kept))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "num_blocks": self.num_blocks,
            "num_heads": self.num_heads,
            "feed_forward_factor": self.feed_forward_factor,
        }
