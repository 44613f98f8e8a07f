import numpy as np
from sklearn.datasets import load_digits

from sisrnn_tf.data import digits
from sisrnn_tf.data.spec import SPLITS


def _rows(images):
    return sorted(image.tobytes() for image in images)


def test_splits_cover_all_digits_once():
    splits = digits.read()
    assert {name: images.shape for name, images in splits.items()} == {
        "train": (1297, 8, 8),
        "validation": (250, 8, 8),
        "test": (250, 8, 8),
    }
    assert all(images.dtype == np.uint8 for images in splits.values())
    every_digit = load_digits().images.astype(np.uint8)
    # All 1,797 scans are different, so equal multisets mean disjoint splits that cover everything.
    assert len(set(_rows(every_digit))) == 1797
    assert _rows(np.concatenate([splits[name] for name in SPLITS])) == _rows(every_digit)


def test_levels_reach_the_maximum():
    splits = digits.read()
    assert max(images.max() for images in splits.values()) == digits.MAXIMUM


def test_splits_are_shuffled_and_the_same_each_time():
    first, second = digits.read(), digits.read()
    assert not np.array_equal(first["train"], load_digits().images[:1297].astype(np.uint8))
    for name in SPLITS:
        np.testing.assert_array_equal(first[name], second[name])
