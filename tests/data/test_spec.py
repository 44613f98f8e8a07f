import dataclasses

import numpy as np
import pytest

from sisrnn_tf.data.checks import check
from sisrnn_tf.data.spec import SPLITS, DataSpec, Sequences
from tests.data.conftest import make_dataset


def _sequences(observations, lengths=None):
    count, num_steps = observations.shape[:2]
    return Sequences(observations, np.full(count, num_steps, np.int32) if lengths is None else np.array(lengths))


def _ones(dtype=np.float32):
    return np.ones((4, 3, 2), dtype)


def _dataset(emission="bernoulli", draw=None, **splits):
    parts = {name: _sequences(_ones()) for name in SPLITS} | splits
    return dataclasses.replace(make_dataset(**parts), emission=emission, draw=draw)


def test_good_data_passes():
    check(_dataset())
    check(_dataset(validation=_sequences(_ones(np.uint8), [1, 2, 3, 3])))
    check(_dataset("intensities", train=_sequences(_ones() / 3)))


def _with(value):
    observations = _ones()
    observations[2, 1, 0] = value
    observations[3, 1, 0] = value
    return _sequences(observations)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize(
    "emission, value, message",
    [
        ("bernoulli", np.nan, "be finite"),
        ("bernoulli", np.inf, "be finite"),
        ("intensities", -np.inf, "be finite"),
        ("bernoulli", 0.5, "be 0 or 1"),
        ("bernoulli", 2, "be 0 or 1"),
        ("intensities", 1.5, "lie between 0 and 1"),
        ("intensities", -0.1, "lie between 0 and 1"),
    ],
)
def test_bad_values(split, emission, value, message):
    with pytest.raises(ValueError, match=rf"Sequence 2 of the {split} split must {message}"):
        check(_dataset(emission, **{split: _with(value)}))


@pytest.mark.parametrize("length", [0, -1, 4])
def test_bad_lengths(length):
    sequences = _sequences(_ones(), [3, length, length, 3])
    with pytest.raises(
        ValueError, match=rf"Sequence 1 of the test split must have between 1 and T steps.*\[{length}\]"
    ):
        check(_dataset(test=sequences))


@pytest.mark.parametrize(
    "sequences, message",
    [
        (_sequences(np.ones((4, 3))), r"train split must hold observations \[N, T, D\].*\(4, 3\)"),
        (_sequences(_ones(), [3, 3]), r"must hold observations \[N, T, D\] and lengths \[N\].*\(2,\)"),
        (_sequences(_ones()[:0]), "train split of numbers is empty"),
        (_sequences(_ones()[:, :0]), "train split of numbers is empty"),
    ],
)
def test_bad_shapes(sequences, message):
    with pytest.raises(ValueError, match=message):
        check(_dataset(train=sequences))


def test_splits_must_agree_in_features():
    with pytest.raises(ValueError, match=r"same number of features. Received 1 in the test split and 2 in the train"):
        check(_dataset(test=_sequences(_ones()[..., :1])))


def test_intensities_to_draw_from_are_not_held_to_the_emission():
    check(_dataset(draw=lambda levels, seed: levels, train=_sequences(_ones(np.uint8) * 255)))


def test_unknown_split():
    with pytest.raises(ValueError, match=r"`split` must be one of train, validation, test. Received: split='valid'"):
        make_dataset().split("valid")


def test_names_of_features_are_kept_and_checked():
    spec = dataclasses.replace(DataSpec.of(make_dataset()), features=("a", "b"))
    assert DataSpec.from_json(spec.to_json()) == spec
    old = DataSpec.from_json(dataclasses.replace(spec, features=None).to_json())
    assert old.features is None and "features" not in old.to_json()
    for damage in (("a",), ("a", "a"), ("a", 1), "ab"):
        with pytest.raises(ValueError, match="damaged: `features` must be 2 different names"):
            DataSpec.from_json(dataclasses.replace(spec, features=damage).to_json())
    with pytest.raises(ValueError, match="specification of the data is damaged"):
        DataSpec.from_json("[" * 100_000)
