"""Decoders of sentences: step by step is all at once, nothing looks ahead, the memory is attention over one slot."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from sisrnn_tf.core import random
from sisrnn_tf.core.networks import dropout
from sisrnn_tf.models.decoders import LSTMDecoder, TransformerDecoder
from sisrnn_tf.models.decoders.transformer import TransformerBlock, sinusoidal_positions

B, T, E, Z = 3, 6, 8, 2
KINDS = ("transformer", "lstm")


def make(kind, **kwargs):
    keras.utils.set_random_seed(2)
    layer = TransformerDecoder(E, 2, 2, **kwargs) if kind == "transformer" else LSTMDecoder(E, 5, **kwargs)
    layer.build((None, None, E), Z)
    rng = np.random.default_rng(0)
    for weight in layer.weights:
        weight.assign(rng.normal(scale=0.5, size=weight.shape))
    return layer


def values(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=shape))


@pytest.mark.parametrize("kind", KINDS)
def test_step_by_step_gives_what_all_at_once_gives(kind):
    layer, inputs, latent = make(kind, dtype="float64"), values(B, T, E), values(B, Z, seed=1)
    cache, outputs = layer.initial_cache(latent, T + 2), []  # with room to spare
    for time in range(T):
        features, cache = layer.step(inputs[:, time], cache, time)
        outputs.append(features)
    np.testing.assert_allclose(tf.stack(outputs, axis=1), layer(inputs, latent), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_word_depends_on_the_words_before_it_and_on_the_latent(kind):
    layer, inputs, latent = make(kind, dtype="float64"), values(B, T, E), values(B, Z, seed=1)
    before = layer(inputs, latent).numpy()
    changed = inputs.numpy()
    changed[:, 3, 0] += 1.0
    moved = np.abs(layer(tf.constant(changed), latent) - before).max(axis=-1)  # [B, T]
    assert (moved[:, :3] == 0).all() and (moved[:, 3:] > 1e-9).all()
    assert (np.abs(layer(inputs, latent + 1.0) - before).max(axis=-1) > 1e-9).all()


def test_the_memory_is_attention_over_one_slot():
    """Keras' attention to a memory of one slot, with any query, is the block's one matrix on z."""
    keras.utils.set_random_seed(0)
    attention = keras.layers.MultiHeadAttention(4, E // 4, dtype="float64")
    query, memory = values(B, T, E), values(B, 1, Z, seed=1)
    expected = attention(query, memory)
    block = TransformerBlock(E, 4, 4, 0.0, dtype="float64")
    block.build((None, None, E), Z)
    value, output = attention.value_dense, attention.output_dense
    block.memory.kernel.assign(tf.einsum("zhd,hde->ze", value.kernel, output.kernel))
    block.memory.bias.assign(tf.einsum("hd,hde->e", value.bias, output.kernel) + output.bias)
    received = block.memory(memory[:, 0])[:, tf.newaxis]
    np.testing.assert_allclose(tf.broadcast_to(received, expected.shape), expected, rtol=1e-12, atol=1e-12)


def test_positions():
    positions = sinusoidal_positions(50, 6, "float32").numpy()
    rates = 10_000.0 ** (-np.arange(3) / 3)
    angles = np.arange(50)[:, np.newaxis] * rates
    np.testing.assert_allclose(positions, np.concatenate([np.sin(angles), np.cos(angles)], axis=1), atol=1e-5)
    np.testing.assert_array_equal(sinusoidal_positions(7, 6, "float32"), positions[:7])


def test_dropout_keeps_the_mean_and_is_a_function_of_its_seed():
    ones, seed = tf.ones([200_000]), random.as_seed(1)
    dropped = dropout(ones, 0.3, seed).numpy()
    np.testing.assert_allclose(np.unique(dropped), [0, 1 / 0.7], rtol=1e-6)
    assert abs(np.mean(dropped == 0) - 0.3) < 5 * np.sqrt(0.21 / 200_000)
    for function in (tf.function(dropout), tf.function(dropout, jit_compile=True)):
        np.testing.assert_array_equal(function(ones, 0.3, seed), dropped)
    assert dropout(ones, 0.3, None) is ones and dropout(ones, 0.0, seed) is ones


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_is_on_where_there_is_a_seed(kind):
    layer, inputs, latent = make(kind, dropout_rate=0.5, dtype="float64"), values(B, T, E), values(B, Z, seed=1)
    first, again, other = (layer(inputs, latent, random.as_seed(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
    assert np.abs(first - layer(inputs, latent)).max() > 1e-3


@pytest.mark.parametrize(
    "make_layer, name",
    [
        (lambda: TransformerDecoder(8, num_heads=3), "size"),
        (lambda: TransformerDecoder(9, num_heads=9), "size"),
        (lambda: TransformerDecoder(8, num_blocks=0), "num_blocks"),
        (lambda: TransformerDecoder(8, dropout_rate=1.0), "dropout_rate"),
        (lambda: LSTMDecoder(8, 0), "units"),
        (lambda: LSTMDecoder(8, 5, dropout_rate=-0.1), "dropout_rate"),
    ],
)
def test_errors(make_layer, name):
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        make_layer()
