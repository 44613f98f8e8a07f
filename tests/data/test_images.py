import numpy as np
import pytest
import tensorflow as tf

from sisrnn_tf.data import images
from sisrnn_tf.data.checks import check
from sisrnn_tf.data.spec import SPLITS

MAXIMUM = 16


@pytest.fixture
def levels():
    generator = np.random.default_rng(0)
    return {name: generator.integers(MAXIMUM + 1, size=(5, 2, 3), dtype=np.uint8) for name in SPLITS}


def _make(levels, binarization, layout="rows", seed=0):
    return images.from_levels("shades", levels, MAXIMUM, binarization, layout, seed)


def test_layouts():
    pictures = np.arange(12).reshape(2, 2, 3)
    rows, pixels = images.to_sequences(pictures, "rows"), images.to_sequences(pictures, "pixels")
    np.testing.assert_array_equal(rows.observations, pictures)
    np.testing.assert_array_equal(pixels.observations[1, :, 0], [6, 7, 8, 9, 10, 11])
    assert rows.lengths.tolist() == [2, 2] and pixels.lengths.tolist() == [6, 6]
    assert rows.lengths.dtype == np.int32


@pytest.mark.parametrize("layout, shape", [("rows", (5, 2, 3)), ("pixels", (5, 6, 1))])
@pytest.mark.parametrize("binarization", images.LEVELS)
def test_every_convention(levels, binarization, layout, shape):
    dataset = _make(levels, binarization, layout)
    check(dataset)
    assert all(dataset.split(name).observations.shape == shape for name in SPLITS)
    assert dataset.image_shape == (2, 3)
    assert (dataset.num_steps, dataset.observation_size) == shape[1:]
    assert dataset.emission == ("intensities" if binarization == "grey" else "bernoulli")
    assert (dataset.draw is not None) == (binarization == "dynamic")
    assert binarization in dataset.convention
    assert f"{layout} (T={shape[1]}, D={shape[2]})" in dataset.convention


def test_threshold_is_above_half():
    pictures = np.arange(MAXIMUM + 1, dtype=np.uint8).reshape(1, 1, -1)
    dataset = _make(dict.fromkeys(SPLITS, pictures), "threshold")
    np.testing.assert_array_equal(dataset.train.observations[0, 0], [0] * 9 + [1] * 8)  # 8 of 16 is not above


def test_grey_is_the_fraction_of_the_maximum(levels):
    observations = _make(levels, "grey").train.observations
    assert observations.dtype == np.float32
    np.testing.assert_allclose(observations, levels["train"] / 16)
    assert "not a likelihood" in _make(levels, "grey").convention


def test_sampled_is_fixed_by_its_seed(levels):
    first, again, other = _make(levels, "sampled"), _make(levels, "sampled"), _make(levels, "sampled", seed=1)
    assert "sampled (seed 1)" in other.convention
    for name in SPLITS:
        np.testing.assert_array_equal(first.split(name).observations, again.split(name).observations)
    assert not np.array_equal(first.train.observations, other.train.observations)


def test_sampled_splits_differ():
    grey = np.full((50, 2, 3), MAXIMUM // 2, np.uint8)
    dataset = _make(dict.fromkeys(SPLITS, grey), "sampled")
    assert not np.array_equal(dataset.train.observations, dataset.validation.observations)
    assert not np.array_equal(dataset.validation.observations, dataset.test.observations)


@pytest.mark.parametrize("maximum", [1, 16, 255])
def test_sampled_and_dynamic_have_the_intensity_as_mean(maximum):
    count = 4000
    level = np.unique(np.linspace(0, maximum, 9).astype(np.uint8))
    pictures = np.broadcast_to(level, (count, 1, len(level)))
    sampled = images.from_levels("s", dict.fromkeys(SPLITS, pictures), maximum, "sampled", "rows", 0)
    drawn = images.draw(tf.constant(pictures), maximum, tf.constant([3, 4])).numpy()
    for values in (sampled.train.observations, drawn):
        mean = values.mean(axis=(0, 1))
        np.testing.assert_allclose(mean, level / maximum, atol=5 * 0.5 / np.sqrt(count))
        assert mean[0] == 0 and mean[-1] == 1  # without ink never, with full ink always


def test_draw_agrees_between_eager_graph_and_xla():
    levels = tf.constant(np.random.default_rng(0).integers(256, size=(6, 5, 4), dtype=np.uint8))
    seed = tf.constant([1, 2])
    eager = images.draw(levels, 255, seed)
    assert eager.dtype == tf.float32 and eager.shape == levels.shape
    for jit_compile in (False, True):
        compiled = tf.function(lambda levels, seed: images.draw(levels, 255, seed), jit_compile=jit_compile)
        np.testing.assert_array_equal(compiled(levels, seed), eager)
    assert not np.array_equal(images.draw(levels, 255, tf.constant([1, 3])), eager)


def test_binary_images_stay_as_they_are(levels):
    binary = {name: (picture > 8).astype(np.uint8) for name, picture in levels.items()}
    dataset = images.from_binary("b", binary, "larochelle", "rows")
    check(dataset)
    for name in SPLITS:
        np.testing.assert_array_equal(dataset.split(name).observations, binary[name])
    assert "larochelle, rows (T=2, D=3)" in dataset.convention
