import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from sisrnn_tf.data import images, pipeline
from sisrnn_tf.data.spec import Sequences
from tests.data.conftest import make_dataset

SETTINGS = hypothesis.settings(max_examples=10, deadline=None, derandomize=True, database=None)


def _half_ink(levels, seed):
    return images.draw(tf.fill(tf.shape(levels), tf.constant(8, tf.uint8)), 16, seed)


def _first_feature(batches):
    """Which sequence each row is: `make_dataset` writes its number into it."""
    return np.array([batch["observations"][:, 0, 0].numpy() for batch in batches]).astype(int)


def _assert_equal(first, second):
    first, second = list(first), list(second)
    assert len(first) == len(second) > 0
    for left, right in zip(first, second, strict=True):
        for key in left:
            np.testing.assert_array_equal(left[key], right[key])


def test_form_of_training_batches():
    batches = pipeline.training_batches(make_dataset(10), 4, seed=0)
    assert batches.element_spec == {
        "observations": tf.TensorSpec((4, 3, 2), tf.float32),
        "mask": tf.TensorSpec((4, 3), tf.bool),
        "weight": tf.TensorSpec((4,), tf.float32),
    }
    np.testing.assert_array_equal(next(iter(batches))["weight"], np.ones(4))


def test_batches_of_different_lengths_end_with_their_longest():
    dataset = make_dataset(10, lengths=[1, 2, 3, 1, 2, 3, 1, 2, 3, 1])
    for batches in (
        pipeline.training_batches(dataset, 2, seed=0, num_steps=20),
        pipeline.evaluation_batches(dataset, "test", 4),
    ):
        assert batches.element_spec["observations"].shape[1] is None
        for batch in batches:
            numbers = batch["observations"][:, 0, 0].numpy().astype(int)
            lengths = numbers % 3 + 1
            np.testing.assert_array_equal(batch["mask"], np.arange(lengths.max()) < lengths[:, np.newaxis])
            assert batch["observations"].shape[1] == lengths.max()


def test_few_lengths_fit_all_batches_and_pad_little():
    lengths = np.random.default_rng(0).integers(1, 201, 2000)
    dataset = make_dataset(2000, num_steps=200, lengths=lengths)
    for batches in (
        pipeline.training_batches(dataset, 20, seed=0, num_steps=100, few_lengths=True),
        pipeline.evaluation_batches(dataset, "test", 20, few_lengths=True),
    ):
        masks = [batch["mask"].numpy() for batch in batches]
        assert len({mask.shape[1] for mask in masks}) <= 11
        assert sum(mask.sum() for mask in masks) > 0.8 * sum(mask.size for mask in masks)
    exact = pipeline.training_batches(dataset, 20, seed=0, num_steps=100)
    few = pipeline.training_batches(dataset, 20, seed=0, num_steps=100, few_lengths=True)
    for left, right in zip(exact, few, strict=True):  # the same batches but for padding
        length = left["mask"].shape[1]
        np.testing.assert_array_equal(right["mask"][:, :length], left["mask"])
        assert not right["mask"][:, length:].numpy().any()


@SETTINGS
@hypothesis.given(count=st.integers(2, 400), data=st.data(), seed=st.integers(0, 2**31 - 1))
def test_an_epoch_of_different_lengths_is_part_of_a_permutation(count, data, seed):
    batch_size = data.draw(st.integers(1, min(count, 5)))  # up to 400 batches: several pools
    dataset = make_dataset(count, num_steps=9, lengths=np.arange(count) % 9 + 1)
    steps = pipeline.steps_per_epoch(dataset.train, batch_size)
    seen = _first_feature(pipeline.training_batches(dataset, batch_size, seed, num_steps=steps)).ravel().tolist()
    assert len(set(seen)) == len(seen) == steps * batch_size


def test_little_of_a_batch_is_padding_and_epochs_are_not_sorted():
    lengths = np.random.default_rng(0).integers(1, 41, 1000)
    dataset = make_dataset(1000, num_steps=40, lengths=lengths)
    masks = [batch["mask"].numpy() for batch in pipeline.training_batches(dataset, 10, seed=0, num_steps=100)]
    assert np.mean([mask.mean() for mask in masks]) > 0.95  # at random it is 0.54
    longest = np.array([mask.shape[1] for mask in masks])
    assert abs(np.corrcoef(longest, np.arange(100) % 50)[0, 1]) < 0.3


class _Strategy:
    """Two processes of two replicas each; what it makes of their data is what each of them reads."""

    def distribute_datasets_from_function(self, make):
        return [make(tf.distribute.InputContext(2, process, num_replicas_in_sync=4)) for process in range(2)]


@pytest.mark.parametrize("lengths", [None, np.arange(20) % 3 + 1])
def test_replicas_share_the_rows_of_each_batch(lengths):
    dataset = make_dataset(20, lengths=lengths, draw=None if lengths is None else _half_ink)
    for batches in (
        pipeline.training_batches(dataset, 8, seed=0, num_steps=4),
        pipeline.evaluation_batches(dataset, "test", 8),
    ):
        readings = [list(local) for local in pipeline.distribute(batches, _Strategy())]
        for step, batch in enumerate(batches):
            shards = [shard for reading in readings for shard in reading[2 * step : 2 * step + 2]]
            assert [len(shard["weight"]) for shard in shards] == [2, 2, 2, 2]
            for key, value in batch.items():
                np.testing.assert_array_equal(tf.concat([shard[key] for shard in shards], axis=0), value)
        assert {len(reading) for reading in readings} == {2 * int(batches.cardinality())}
    spec = pipeline.distribute(batches, _Strategy())[0].element_spec
    assert spec["observations"].shape == (2, 3 if lengths is None else None, 2)


def test_a_single_replica_reads_whole_batches():
    batches = pipeline.training_batches(make_dataset(10), 4, seed=0, num_steps=2)
    assert pipeline.distribute(batches, tf.distribute.get_strategy()) is batches


def test_binary_and_drawn_observations_are_float32():
    for draw in (None, _half_ink):
        spec = pipeline.training_batches(make_dataset(draw=draw), 4, seed=0).element_spec
        assert spec["observations"] == tf.TensorSpec((4, 3, 2), tf.float32)


@SETTINGS
@hypothesis.given(count=st.integers(1, 40), data=st.data(), seed=st.integers(0, 2**31 - 1))
def test_each_epoch_is_part_of_a_permutation(count, data, seed):
    batch_size = data.draw(st.integers(1, count))
    dataset = make_dataset(count)
    steps = pipeline.steps_per_epoch(dataset.train, batch_size)
    batches = pipeline.training_batches(dataset, batch_size, seed, num_steps=2 * steps)
    for epoch in np.split(_first_feature(batches), 2):
        seen = epoch.ravel().tolist()
        assert len(set(seen)) == len(seen) == steps * batch_size > count - batch_size
        assert set(seen) <= set(range(count))


def test_epochs_and_seeds_differ_in_order_and_in_what_they_drop():
    dataset = make_dataset(50)
    epochs = np.split(_first_feature(pipeline.training_batches(dataset, 20, seed=0, num_steps=20)), 10)
    assert len({tuple(epoch.ravel()) for epoch in epochs}) == 10
    assert len({frozenset(range(50)) - set(epoch.ravel()) for epoch in epochs}) == 10
    assert set(np.ravel(epochs)) == set(range(50))
    other = _first_feature(pipeline.training_batches(dataset, 20, seed=1, num_steps=2))
    assert not np.array_equal(other, epochs[0])


@SETTINGS
@hypothesis.given(batch_size=st.integers(1, 10), first_step=st.integers(0, 12), drawn=st.booleans())
def test_resumed_batches_equal_uninterrupted_ones(batch_size, first_step, drawn):
    dataset = make_dataset(10, draw=_half_ink if drawn else None, lengths=np.arange(10) % 3 + 1)
    whole = pipeline.training_batches(dataset, batch_size, seed=5, num_steps=first_step + 4)
    rest = pipeline.training_batches(dataset, batch_size, seed=5, first_step=first_step, num_steps=4)
    _assert_equal(whole.skip(first_step), rest)


def test_batches_have_no_end():
    batches = pipeline.training_batches(make_dataset(10), 5, seed=0, first_step=10**12)
    assert len(list(batches.take(30))) == 30


def test_training_draws_afresh_each_step_and_seed():
    dataset = make_dataset(4, num_steps=20, draw=_half_ink)
    drawn = [batch["observations"].numpy() for batch in pipeline.training_batches(dataset, 4, seed=0, num_steps=6)]
    drawn += [batch["observations"].numpy() for batch in pipeline.training_batches(dataset, 4, seed=1, num_steps=6)]
    assert len({values.tobytes() for values in drawn}) == 12


@SETTINGS
@hypothesis.given(count=st.integers(1, 25), batch_size=st.integers(1, 30), limit=st.none() | st.integers(1, 30))
def test_evaluation_covers_the_split_in_order(count, batch_size, limit):
    dataset = make_dataset(count)
    expected = count if limit is None else min(count, limit)
    batches = pipeline.evaluation_batches(dataset, "test", batch_size, limit)
    assert batches.cardinality() == -(-expected // batch_size)
    assert batches.element_spec["observations"].shape == (batch_size, 3, 2)
    rows = {key: np.concatenate([batch[key].numpy() for batch in batches]) for key in ("mask", "weight")}
    numbers = _first_feature(batches).ravel()
    np.testing.assert_array_equal(rows["weight"], np.arange(len(numbers)) < expected)
    np.testing.assert_array_equal(numbers[:expected], np.arange(expected) * count // expected)  # evenly spaced
    np.testing.assert_array_equal(numbers[expected:], 0)
    assert rows["mask"].all()


@SETTINGS
@hypothesis.given(count=st.integers(2, 25), batch_size=st.integers(1, 30), limit=st.none() | st.integers(1, 30))
def test_evaluation_goes_by_length(count, batch_size, limit):
    lengths = np.random.default_rng(count).permutation(count) % 3 + 1
    dataset = make_dataset(count, lengths=lengths)
    expected = count if limit is None else min(count, limit)
    batches = pipeline.evaluation_batches(dataset, "test", batch_size, limit)
    numbers = _first_feature(batches).ravel()
    np.testing.assert_array_equal(np.concatenate([b["weight"] for b in batches]), np.arange(len(numbers)) < expected)
    assert sorted(numbers[:expected]) == (np.arange(expected) * count // expected).tolist()
    if (lengths != lengths[0]).any():
        assert (np.diff(lengths[numbers[:expected]]) >= 0).all()


def test_evaluation_draws_the_same_each_time_but_not_in_each_split_batch_or_seed():
    dataset = make_dataset(8, num_steps=20, draw=_half_ink)
    batches = pipeline.evaluation_batches(dataset, "validation", 4)
    _assert_equal(batches, batches)
    _assert_equal(batches, pipeline.evaluation_batches(dataset, "validation", 4))
    drawn = []
    for split, seed in (("validation", 0), ("test", 0), ("train", 0), ("validation", 1)):
        drawn += [batch["observations"].numpy() for batch in pipeline.evaluation_batches(dataset, split, 4, seed=seed)]
    # Training must not meet the draws of evaluation, whatever their seeds.
    for seed in range(8):
        drawn += [batch["observations"].numpy() for batch in pipeline.training_batches(dataset, 4, seed, num_steps=4)]
    assert len({values.tobytes() for values in drawn}) == len(drawn) == 8 + 32


def test_dynamic_digits_are_drawn_from_their_intensities():
    levels = np.tile(np.array([[0, 16]], np.uint8), (6, 3, 1))
    sequences = Sequences(levels, np.full(6, 3, np.int32))
    dataset = make_dataset(
        draw=lambda values, seed: images.draw(values, 16, seed), train=sequences, validation=sequences, test=sequences
    )
    for batches in (
        pipeline.training_batches(dataset, 4, seed=0, num_steps=2),
        pipeline.evaluation_batches(dataset, "test", 4),
    ):
        for batch in batches:
            np.testing.assert_array_equal(batch["observations"], levels[:4] / 16)


@pytest.mark.parametrize("batch_size", [0, -1, 11])
def test_wrong_training_batch_size(batch_size):
    message = rf"`batch_size` must be at least 1 and at most .*10. Received: batch_size={batch_size}"
    with pytest.raises(ValueError, match=message):
        pipeline.steps_per_epoch(make_dataset(10).train, batch_size)
    with pytest.raises(ValueError, match=message):
        pipeline.training_batches(make_dataset(10), batch_size, seed=0)


def test_wrong_arguments():
    dataset = make_dataset(10)
    with pytest.raises(ValueError, match=r"`first_step` must be at least 0. Received: first_step=-1"):
        pipeline.training_batches(dataset, 2, seed=0, first_step=-1)
    with pytest.raises(ValueError, match=r"`batch_size` must be at least 1. Received: batch_size=0"):
        pipeline.evaluation_batches(dataset, "test", 0)
    with pytest.raises(ValueError, match=r"`max_sequences` must be at least 1. Received: max_sequences=0"):
        pipeline.evaluation_batches(dataset, "test", 2, 0)
    with pytest.raises(ValueError, match="`split` must be one of"):
        pipeline.evaluation_batches(dataset, "dev", 2)
    empty = make_dataset(test=Sequences(dataset.test.observations[:0], dataset.test.lengths[:0]))
    with pytest.raises(ValueError, match="test split of numbers is empty"):
        pipeline.evaluation_batches(empty, "test", 2)
