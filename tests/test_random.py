"""Noise: the same bits in eager, graph and XLA; prefixes; moments; seeds; the stream."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from sisrnn_tf.core import random
from tests.reference import noise as reference

SEED = (12, -7)
DRAWS = {"uniform": random.uniform, "normal": random.normal, "centered_bernoulli": random.centered_bernoulli}


def _three_ways(function, *args):
    """Results of a function of tensors in eager, graph and XLA."""
    ways = (function, tf.function(function), tf.function(function, jit_compile=True))
    return [way(*args).numpy() for way in ways]


def test_bits_are_those_of_splitmix64():
    number = 12 + ((-7 % 2**32) << 32)
    np.testing.assert_array_equal(random.as_seed(number), SEED)
    for count in (1, 2, 1001):
        np.testing.assert_array_equal(random.bits(count, random.as_seed(SEED)), reference.words(number, count))
    folded = random.fold_in(random.as_seed(SEED), tf.constant([0, 5, -1, 2**31 - 1]))
    expected = [reference.fold_in(number, data) for data in (0, 5, -1, 2**31 - 1)]
    np.testing.assert_array_equal(folded.numpy().view("uint64")[:, 0], np.array(expected, "uint64"))


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("shape", [(2, 3, 7), (2, 3), (2, 3, 5, 20)])
def test_many_seeds_draw_as_each_alone(name, shape):
    """In eager, graph and XLA, up to the rounding of cosines."""
    seeds = random.fold_in(random.as_seed(SEED), tf.reshape(tf.range(6), [2, 3]))
    for drawn in _three_ways(lambda seeds: DRAWS[name](shape, seeds), seeds):
        for row in np.ndindex(2, 3):
            np.testing.assert_allclose(drawn[row], DRAWS[name](shape[2:], seeds[row]), rtol=1e-5, atol=1e-6)


def test_bits_agree_between_eager_graph_and_xla():
    eager, graph, xla = _three_ways(lambda seed: random.bits(1001, seed), random.as_seed(SEED))
    np.testing.assert_array_equal(eager, graph)
    np.testing.assert_array_equal(eager, xla)


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
@pytest.mark.parametrize("name", DRAWS)
def test_draws_agree_between_eager_graph_and_xla(name, dtype):
    eager, graph, xla = _three_ways(lambda seed: DRAWS[name]([7, 11, 3], seed, dtype), random.as_seed(SEED))
    assert eager.dtype == dtype.as_numpy_dtype and eager.shape == (7, 11, 3)
    for other in (graph, xla):
        if name == "normal":
            np.testing.assert_allclose(eager, other, rtol=2e-6, atol=1e-6)
        else:
            np.testing.assert_array_equal(eager, other)


@pytest.mark.parametrize("name", DRAWS)
def test_a_shape_may_be_a_tensor(name):
    draw = DRAWS[name]
    dynamic = tf.function(lambda shape, seed: draw(shape, seed))(tf.constant([5, 3]), random.as_seed(SEED))
    np.testing.assert_allclose(dynamic, draw([5, 3], random.as_seed(SEED)), rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("name", DRAWS)
@given(short=st.integers(0, 70), extra=st.integers(0, 70), seed=st.integers(-(2**63), 2**64 - 1))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_a_longer_draw_extends_a_shorter_one(name, short, extra, seed):
    seed = random.as_seed(seed)
    long = DRAWS[name]([short + extra, 3], seed)
    np.testing.assert_allclose(DRAWS[name]([short, 3], seed), long[:short], rtol=1e-6, atol=1e-6)


def test_uniform_is_the_top_24_bits_at_midpoints():
    seed = random.as_seed(SEED)
    words = random.bits(100, seed).numpy()
    np.testing.assert_array_equal(random.uniform([100], seed, tf.float64), ((words >> 8) + 0.5) / 2**24)


def test_centered_bernoulli_is_the_bits_from_the_lowest_up():
    seed = random.as_seed(SEED)
    words = random.bits(4, seed).numpy()
    expected = [((int(word) >> bit) & 1) - 0.5 for word in words for bit in range(32)]
    np.testing.assert_array_equal(random.centered_bernoulli([128], seed), expected)


def test_normal_is_the_box_muller_transform_of_the_uniform_draw():
    seed = random.as_seed(SEED)
    first, second = random.uniform([50, 2], seed, tf.float64).numpy().T
    radius, angle = np.sqrt(-2 * np.log(first)), 2 * np.pi * second
    expected = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1).reshape(-1)
    np.testing.assert_allclose(random.normal([100], seed, tf.float64), expected, rtol=1e-9)


# Mean and variance of each power of one draw: E x^p, Var x^p.
MOMENTS = {
    "uniform": {1: (1 / 2, 1 / 12), 2: (1 / 3, 4 / 45), 3: (1 / 4, 9 / 112)},
    "normal": {1: (0, 1), 2: (1, 2), 3: (0, 15), 4: (3, 96)},
    "centered_bernoulli": {1: (0, 1 / 4), 3: (0, 1 / 64)},
}


@pytest.mark.parametrize("name", DRAWS)
def test_moments(name):
    """Each moment within 5 standard errors: a false alarm in one of 1.7 million per moment, were the seed fresh."""
    size = 200_000
    draws = DRAWS[name]([size], random.as_seed(3), tf.float64).numpy()
    for power, (mean, variance) in MOMENTS[name].items():
        assert abs(np.mean(draws**power) - mean) < 5 * np.sqrt(variance / size), power


@pytest.mark.parametrize("name", DRAWS)
def test_neighbors_seeds_and_folds_are_uncorrelated(name):
    """Correlations within 5 standard errors (1 / sqrt(n)): a false alarm in one of 1.7 million each."""
    size, seed = 100_000, random.as_seed(5)
    draws = DRAWS[name]([size], seed, tf.float64).numpy()
    others = [np.roll(draws, 1), DRAWS[name]([size], random.as_seed(6), tf.float64).numpy()]
    others += [DRAWS[name]([size], random.fold_in(seed, data), tf.float64).numpy() for data in (0, 1)]
    for other in others:
        assert abs(np.corrcoef(draws, other)[0, 1]) < 5 / np.sqrt(size)


def test_an_int_seed_fills_the_pair():
    np.testing.assert_array_equal(random.as_seed(5), [5, 0])
    np.testing.assert_array_equal(random.as_seed(2**32 + 5), [5, 1])
    np.testing.assert_array_equal(random.as_seed(-1), [-1, -1])
    np.testing.assert_array_equal(random.as_seed(2**64 - 1), [-1, -1])


@pytest.mark.parametrize("seed", [(3, -4), [3, -4], np.array([3, -4]), tf.constant([3, -4])])
def test_a_pair_is_a_seed(seed):
    result = random.as_seed(seed)
    assert result.dtype == tf.int32
    np.testing.assert_array_equal(result, [3, -4])


@pytest.mark.parametrize(
    "seed", [1.5, True, (1, 2, 3), (1.0, 2.0), "one", [[1, 2]], (2**31, 0), (-(2**31) - 1, 0), (2**70, 0)]
)
def test_a_bad_seed_is_refused(seed):
    with pytest.raises(ValueError, match="`seed` must be an int or a pair of ints"):
        random.as_seed(seed)


def test_a_tensor_of_another_type_is_no_seed():
    with pytest.raises(ValueError, match="`seed` must be an int32 tensor"):
        random.as_seed(tf.constant([3, 4], tf.int64))


def test_fold_in_agrees_between_eager_graph_and_xla():
    eager, graph, xla = _three_ways(lambda seed: random.fold_in(seed, 9), random.as_seed(SEED))
    np.testing.assert_array_equal(eager, graph)
    np.testing.assert_array_equal(eager, xla)
    assert (eager != random.fold_in(random.as_seed(SEED), 10).numpy()).any()


def test_a_stream_never_repeats_and_restarts():
    stream = random.RandomStream(4)
    seeds = [tuple(stream.next_seed().numpy()) for _ in range(50)]
    assert len(set(seeds)) == 50
    stream.restart()
    assert tuple(stream.next_seed().numpy()) == seeds[0]
    assert tuple(random.RandomStream(5).next_seed().numpy()) != seeds[0]


def test_a_stream_is_the_same_in_eager_graph_and_xla():
    plain, graph, xla = (random.RandomStream(4) for _ in range(3))
    in_graph, in_xla = tf.function(graph.next_seed), tf.function(xla.next_seed, jit_compile=True)
    for _ in range(3):
        expected = plain.next_seed().numpy()
        np.testing.assert_array_equal(in_graph(), expected)
        np.testing.assert_array_equal(in_xla(), expected)


def test_checkpoints_restore_the_position(tmp_path):
    stream, other = random.RandomStream(4), random.RandomStream(4)
    stream.next_seed()
    path = tf.train.Checkpoint(stream=stream).write(str(tmp_path / "checkpoint"))
    expected = stream.next_seed().numpy()
    tf.train.Checkpoint(stream=other).read(path).assert_consumed()
    np.testing.assert_array_equal(other.next_seed(), expected)


def test_models_restore_the_position(tmp_path, make_model, observations):
    model = make_model("SISRNN", seed=3)
    model(observations)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.stream.next_seed(), model.stream.next_seed())
    np.testing.assert_array_equal(loaded.evaluation_stream.next_seed(), model.evaluation_stream.next_seed())


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_uniform_stays_inside_the_open_interval_at_both_ends(dtype):
    ends = random._uniform_from(tf.constant([0, 2**32 - 1], tf.uint32), dtype).numpy()
    assert 0 < ends[0] < 1e-7
    assert 1 - 1e-7 < ends[1] < 1
