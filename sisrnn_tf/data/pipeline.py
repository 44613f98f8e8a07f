"""From sequences in memory to batches: shuffled by index, so that any step can be made without those before it."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from sisrnn_tf.core import random
from sisrnn_tf.core.validation import require
from sisrnn_tf.data.spec import SPLITS, SequenceDataset, Sequences

# Keeps the seeds of fresh draws in training apart from those in evaluation, which adds the number of the split.
_TRAINING_DRAW, _EVALUATION_DRAW = 0, 1
# Batches that are formed together of sequences of different lengths: sorted, neighbors are almost equally long.
_POOL = 50


def steps_per_epoch(sequences: Sequences, batch_size: int) -> int:
    """Returns the whole batches in an epoch: fewer than one batch is dropped, different sequences each time.

    Raises:
        ValueError: `batch_size` is not positive, or there are fewer sequences than a batch has.
    """
    if not 1 <= batch_size <= len(sequences):
        raise ValueError(
            f"`batch_size` must be at least 1 and at most the number of training sequences, {len(sequences)}. "
            f"Received: batch_size={batch_size}. Choose a smaller one, or leave --batch_size out"
        )
    return len(sequences) // batch_size


def training_batches(
    dataset: SequenceDataset,
    batch_size: int,
    seed: int,
    first_step: int = 0,
    num_steps: int | None = None,
    few_lengths: bool = False,
) -> tf.data.Dataset:
    """Returns batches of the training split, each a function of the seed and its step alone.

    So a data set that starts at step s yields what one that started at 0 yields from its element s on. Where sequences
    differ in length, batches are made of neighbors in length, chosen afresh in each epoch, and end with their longest:
    little of them is padding.

    Args:
        dataset: the data.
        batch_size: B.
        seed: of the order and of fresh draws.
        first_step: global step of the first batch.
        num_steps: how many batches; None for no end.
        few_lengths: where sequences differ in length, pad batches to one of few: XLA compiles each anew.

    Returns:
        Batches {"observations": float32 `[B, T, D]` or int32 `[B, T]`, "mask": bool `[B, T]`, "weight": float32 `[B]`},
        and "observed", bool `[B, T, D]`, where values of the split are missing, and "covariates", float32 `[B, T, U]`,
        where there are such.

    Raises:
        ValueError: `batch_size` is out of its range, or `first_step` is negative.
    """
    steps = steps_per_epoch(dataset.train, batch_size)
    require(first_step >= 0, "first_step", "at least 0", first_step)
    gather = _gatherer(dataset, dataset.train, few_lengths)
    choose = _chooser(dataset.train, batch_size, seed)

    def make_batch(step):
        indices = choose(step // steps, step % steps, steps)
        batch = gather(tf.ensure_shape(indices, [batch_size]), _draw_seed(seed, _TRAINING_DRAW, step))
        return batch | {"weight": tf.ones([batch_size])}

    last_step = np.iinfo(np.int64).max if num_steps is None else first_step + num_steps
    batches = tf.data.Dataset.range(first_step, last_step).map(make_batch, num_parallel_calls=2, deterministic=True)
    if num_steps is None:  # said, several processes need not ask each other at every step whether there is a next
        batches = batches.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
    return batches.prefetch(2)


def distribute(batches: tf.data.Dataset, strategy: tf.distribute.Strategy) -> tf.distribute.DistributedDataset:
    """Returns batches cut into equal shards of neighboring rows, one a replica; a process makes those of its own.

    Args:
        batches: of a size that the number of replicas divides.
        strategy: says which replicas there are; batches for a single one stay whole.
    """

    def make_local(context: tf.distribute.InputContext) -> tf.data.Dataset:
        if context.num_replicas_in_sync == 1:
            return batches
        count = context.num_replicas_in_sync // context.num_input_pipelines
        cut = _cutter(context.num_replicas_in_sync, context.input_pipeline_id * count, count)
        return batches.map(lambda batch: tf.nest.map_structure(cut, batch)).unbatch().prefetch(2 * count)

    return strategy.distribute_datasets_from_function(make_local)


def _cutter(num_shards: int, first: int, count: int):
    """Returns a function `[B, ..]` -> shards first..first + count - 1 of so many, `[count, B / num_shards, ..]`."""

    def cut(part):
        size = part.shape[0] // num_shards
        rows = part[first * size : (first + count) * size]
        shards = tf.reshape(rows, tf.concat([[count, size], tf.shape(part)[1:]], axis=0))
        return tf.ensure_shape(shards, [count, size, *part.shape[1:]])

    return cut


def num_evaluated(sequences: Sequences, max_sequences: int | None) -> int:
    """Returns how many of a split's sequences are evaluated where at most so many are; None for all."""
    return len(sequences) if max_sequences is None else min(max_sequences, len(sequences))


def evaluated(sequences: Sequences, max_sequences: int | None) -> np.ndarray:
    """Returns the numbers of those sequences of a split that are evaluated, in the order in which they come."""
    count = num_evaluated(sequences, max_sequences)
    order = np.arange(count, dtype=np.int64) * len(sequences) // count
    if _differ(sequences):
        order = order[np.argsort(sequences.lengths[order], kind="stable")]
    return order


def evaluation_batches(
    dataset: SequenceDataset,
    split: str,
    batch_size: int,
    max_sequences: int | None = None,
    seed: int = 0,
    few_lengths: bool = False,
) -> tf.data.Dataset:
    """Returns batches of a split, the last filled up with rows of weight 0; the same at each reading.

    They come in the split's order, or by length where sequences differ in it.

    Args:
        dataset: the data.
        split: `train`, `validation` or `test`.
        batch_size: B.
        max_sequences: at most so many, evenly spaced, since files are often sorted; None for all.
        seed: of fresh draws, which depend on the split and the sequence too, and not on its batch.
        few_lengths: as of `training_batches`.

    Returns:
        Batches as of `training_batches`.

    Raises:
        ValueError: the split is unknown or empty, or `batch_size` or `max_sequences` is not positive.
    """
    sequences = dataset.split(split)
    require(batch_size >= 1, "batch_size", "at least 1", batch_size)
    if max_sequences is not None:
        require(max_sequences >= 1, "max_sequences", "at least 1", max_sequences)
    if not len(sequences):
        raise ValueError(f"The {split} split of {dataset.name} is empty: there is nothing to evaluate.")
    count = num_evaluated(sequences, max_sequences)
    gather = _gatherer(dataset, sequences, few_lengths)
    stream = _EVALUATION_DRAW + SPLITS.index(split)
    order = tf.constant(evaluated(sequences, max_sequences))

    def make_batch(number):
        positions = number * batch_size + tf.range(batch_size, dtype=tf.int64)
        real = positions < count
        # A filling row is a copy of a sequence: it can be scored, and its weight drops it.
        indices = tf.gather(order, tf.where(real, positions, 0))
        batch = gather(indices, _draw_seed(seed, stream, indices))
        return batch | {"weight": tf.cast(real, tf.float32)}

    return tf.data.Dataset.range(-(-count // batch_size)).map(make_batch).prefetch(2)


def with_gaps(batch: Mapping[str, tf.Tensor]) -> np.ndarray:
    """Returns the observations of a batch, `[B, T, D]`, NaN where they are missing."""
    observations = batch["observations"].numpy()
    return np.where(batch["observed"].numpy(), observations, np.nan) if "observed" in batch else observations


def _draw_seed(seed: int, stream: int, number: tf.Tensor) -> tf.Tensor:
    return random.fold_in(random.as_seed((seed, stream)), number)


def _differ(sequences: Sequences) -> bool:
    """Returns whether sequences differ in length."""
    return bool((sequences.lengths != sequences.lengths[0]).any())


def _chooser(sequences: Sequences, batch_size: int, seed: int):
    """Returns a function (epoch, batch of the epoch, batches of an epoch) -> indices of its sequences, int64 `[B]`."""
    last = tf.constant(len(sequences) - 1, tf.int64)
    lengths = tf.constant(sequences.lengths) if _differ(sequences) else None

    def shuffled(epoch, positions):
        order_seed = tf.stack([tf.constant(seed, tf.int64), epoch])
        return tf.random.experimental.index_shuffle(positions, order_seed, last)

    def choose(epoch, offset, steps):
        if lengths is None:
            return shuffled(epoch, offset * batch_size + _range(batch_size))
        first = offset // _POOL * _POOL  # batch of the pool
        num_batches = tf.minimum(steps - first, _POOL)
        pool = shuffled(epoch, first * batch_size + _range(num_batches * batch_size))
        pool = tf.gather(pool, tf.argsort(tf.gather(lengths, pool), stable=True))
        # Else every epoch would go from short sequences to long ones, again and again.
        place_seed = tf.stack([tf.constant(seed, tf.int64), -1 - epoch])
        place = tf.random.experimental.index_shuffle(offset - first, place_seed, num_batches - 1)
        return tf.slice(pool, [place * batch_size], [batch_size])

    return choose


def _range(count) -> tf.Tensor:
    return tf.range(count, dtype=tf.int64)


def _rungs(longest: int) -> list[int]:
    """Returns lengths up to the longest, each about 1.4 of the one before: a sixth of a batch is padding on average."""
    rungs = [longest]
    while rungs[-1] > 8:
        rungs.append(-(-rungs[-1] * 5 // 7))
    return rungs[::-1]


def _gatherer(dataset: SequenceDataset, sequences: Sequences, few_lengths: bool):
    """Returns a function (indices int64 `[B]`, seed int32 `[2]` or `[B, 2]`) -> a batch without weights."""
    with tf.device("CPU"):
        stored, lengths = tf.constant(sequences.observations), tf.constant(sequences.lengths)
        optional = {"observed": sequences.observed, "covariates": sequences.covariates}
        beside = {name: tf.constant(part) for name, part in optional.items() if part is not None}
    rungs = tf.constant(_rungs(sequences.observations.shape[1]))
    num_steps, differ = sequences.observations.shape[1], _differ(sequences)

    def gather(indices, seed):
        observations, real = tf.gather(stored, indices), tf.gather(lengths, indices)
        if dataset.draw is not None:
            observations = dataset.draw(observations, seed)
        elif not dataset.kind.has_words:
            observations = tf.cast(observations, tf.float32)
        longest = tf.reduce_max(real) if differ else num_steps
        if differ and few_lengths:
            longest = tf.gather(rungs, tf.searchsorted(rungs, longest[tf.newaxis]))[0]
        batch = {"observations": observations[:, :longest], "mask": tf.sequence_mask(real, longest)}
        return batch | {name: tf.gather(part, indices)[:, :longest] for name, part in beside.items()}

    return gather
