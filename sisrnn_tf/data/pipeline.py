"""From sequences in memory to batches: shuffled by index, so that any step can be made without those before it."""

import numpy as np
import tensorflow as tf

from sisrnn_tf import random
from sisrnn_tf.data.spec import SPLITS, SequenceDataset, Sequences
from sisrnn_tf.validation import require

# Keeps the seeds of fresh draws in training apart from those in evaluation, which adds the number of the split.
_TRAINING_DRAW, _EVALUATION_DRAW = 0, 1


def steps_per_epoch(sequences: Sequences, batch_size: int) -> int:
    """Returns the whole batches in an epoch: fewer than one batch is dropped, different sequences each time.

    Raises:
        ValueError: `batch_size` is not positive, or there are fewer sequences than a batch has.
    """
    if not 1 <= batch_size <= len(sequences):
        raise ValueError(
            f"`batch_size` must be at least 1 and at most the number of training sequences, {len(sequences)}. "
            f"Received: batch_size={batch_size}"
        )
    return len(sequences) // batch_size


def training_batches(
    dataset: SequenceDataset, batch_size: int, seed: int, first_step: int = 0, num_steps: int | None = None
) -> tf.data.Dataset:
    """Returns batches of the training split, each a function of the seed and its step alone.

    So a data set that starts at step s yields what one that started at 0 yields from its element s on.

    Args:
        dataset: the data.
        batch_size: B.
        seed: of the order and of fresh draws.
        first_step: global step of the first batch.
        num_steps: how many batches; None for no end.

    Returns:
        Batches {"observations": float32 `[B, T, D]`, "mask": bool `[B, T]`, "weight": float32 `[B]`}.

    Raises:
        ValueError: `batch_size` is out of its range, or `first_step` is negative.
    """
    steps = steps_per_epoch(dataset.train, batch_size)
    require(first_step >= 0, "first_step", "at least 0", first_step)
    count = len(dataset.train)
    gather = _gatherer(dataset, dataset.train)

    def make_batch(step):
        epoch, offset = step // steps, step % steps
        positions = offset * batch_size + tf.range(batch_size, dtype=tf.int64)
        order_seed = tf.stack([tf.constant(seed, tf.int64), epoch])
        indices = tf.random.experimental.index_shuffle(positions, order_seed, tf.constant(count - 1, tf.int64))
        batch = gather(tf.ensure_shape(indices, [batch_size]), _draw_seed(seed, _TRAINING_DRAW, step))
        return batch | {"weight": tf.ones([batch_size])}

    last_step = np.iinfo(np.int64).max if num_steps is None else first_step + num_steps
    batches = tf.data.Dataset.range(first_step, last_step).map(make_batch, num_parallel_calls=2, deterministic=True)
    return batches.prefetch(2)


def num_evaluated(sequences: Sequences, max_sequences: int | None) -> int:
    """Returns how many of a split's sequences are evaluated where at most so many are; None for all."""
    return len(sequences) if max_sequences is None else min(max_sequences, len(sequences))


def evaluation_batches(
    dataset: SequenceDataset, split: str, batch_size: int, max_sequences: int | None = None, seed: int = 0
) -> tf.data.Dataset:
    """Returns batches of a split in its order, the last filled up with rows of weight 0; the same at each reading.

    Args:
        dataset: the data.
        split: `train`, `validation` or `test`.
        batch_size: B.
        max_sequences: at most so many, evenly spaced, since files are often sorted; None for all.
        seed: of fresh draws, which depend on the split and the batch too.

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
    gather = _gatherer(dataset, sequences)
    stream = _EVALUATION_DRAW + SPLITS.index(split)

    def make_batch(number):
        positions = number * batch_size + tf.range(batch_size, dtype=tf.int64)
        real = positions < count
        # A filling row is a copy of the first sequence: it can be scored, and its weight drops it.
        indices = tf.where(real, positions * len(sequences) // count, 0)
        batch = gather(indices, _draw_seed(seed, stream, number))
        return batch | {"weight": tf.cast(real, tf.float32)}

    return tf.data.Dataset.range(-(-count // batch_size)).map(make_batch).prefetch(2)


def _draw_seed(seed: int, stream: int, number: tf.Tensor) -> tf.Tensor:
    return random.fold_in(random.as_seed((seed, stream)), number)


def _gatherer(dataset: SequenceDataset, sequences: Sequences):
    """Returns a function (indices int64 `[B]`, seed int32 `[2]`) -> observations and mask."""
    with tf.device("CPU"):
        stored, lengths = tf.constant(sequences.observations), tf.constant(sequences.lengths)
    num_steps = sequences.observations.shape[1]

    def gather(indices, seed):
        observations = tf.gather(stored, indices)
        drawn = tf.cast(observations, tf.float32) if dataset.draw is None else dataset.draw(observations, seed)
        return {"observations": drawn, "mask": tf.sequence_mask(tf.gather(lengths, indices), num_steps)}

    return gather
