"""Images as sequences: the conventions that move their score by many nats."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sisrnn_tf.data.spec import SPLITS, SequenceDataset, Sequences

if TYPE_CHECKING:
    import tensorflow as tf

LEVELS = ("sampled", "dynamic", "threshold", "grey")  # what can be made of grey levels


def to_sequences(images: np.ndarray, layout: str) -> Sequences:
    """Returns images `[N, rows, columns]` as sequences: of their rows, or of their pixels, row by row.

    Args:
        images: any dtype.
        layout: `rows` or `pixels`.
    """
    count, rows, columns = images.shape
    shape = (count, rows, columns) if layout == "rows" else (count, rows * columns, 1)
    observations = images.reshape(shape)
    return Sequences(observations, np.full(count, shape[1], np.int32))


def from_binary(name: str, images: Mapping[str, np.ndarray], convention: str, layout: str) -> SequenceDataset:
    """Returns a data set of binary images.

    Args:
        name: of the data set.
        images: split -> uint8 `[N, rows, columns]` of 0 and 1.
        convention: how they became binary.
        layout: `rows` or `pixels`.
    """
    return _make(name, images, convention, layout, "bernoulli", None)


def from_levels(
    name: str, images: Mapping[str, np.ndarray], maximum: int, binarization: str, layout: str, seed: int
) -> SequenceDataset:
    """Returns a data set of grey images under a convention.

    Args:
        name: of the data set.
        images: split -> uint8 `[N, rows, columns]` of levels 0..maximum.
        maximum: the level of white.
        binarization: one of `LEVELS`.
        layout: `rows` or `pixels`.
        seed: of `sampled`.
    """
    if binarization == "dynamic":
        return _make(name, images, "dynamic", layout, "bernoulli", lambda levels, key: draw(levels, maximum, key))
    if binarization == "threshold":
        binary = {split: (levels > maximum / 2).astype(np.uint8) for split, levels in images.items()}
        return from_binary(name, binary, "threshold", layout)
    if binarization == "sampled":
        generator = np.random.Generator(np.random.Philox(seed))
        binary = {
            split: (generator.integers(maximum, size=images[split].shape) < images[split]).astype(np.uint8)
            for split in SPLITS
        }
        return from_binary(name, binary, f"sampled (seed {seed})", layout)
    grey = {split: (levels / maximum).astype(np.float32) for split, levels in images.items()}
    return _make(name, grey, "grey (cross-entropy, not a likelihood)", layout, "intensities", None)


def draw(levels: "tf.Tensor", maximum: int, seed: "tf.Tensor") -> "tf.Tensor":
    """Draws Bernoulli(level / maximum) for each level, exactly, from integer bits.

    Args:
        levels: uint8 0..maximum.
        maximum: the level of white.
        seed: int32 `[2]`, or `[B, 2]`: each seed then draws its own row of the levels.

    Returns:
        float32 of 0 and 1, in the shape of `levels`.
    """
    import tensorflow as tf  # here, because a command is checked before that is imported

    from sisrnn_tf.core import random

    shape = tf.shape(levels)
    num_words = tf.reduce_prod(shape[seed.shape.rank - 1 :])
    bits = tf.reshape(random.bits(num_words, seed), shape)
    # A word below level * 2^32 / maximum has probability level / maximum to within 2^-32, with no float in between.
    threshold = tf.cast(levels, tf.uint64) * tf.constant(2**32, tf.uint64) // tf.constant(maximum, tf.uint64)
    return tf.cast(tf.cast(bits, tf.uint64) < threshold, tf.float32)


def _make(name, images, convention, layout, emission, draw_function) -> SequenceDataset:
    splits: dict[str, Any] = {split: to_sequences(images[split], layout) for split in SPLITS}
    num_steps, size = splits["train"].observations.shape[1:]
    return SequenceDataset(
        name=name,
        convention=f"{name}, {convention}, {layout} (T={num_steps}, D={size})",
        emission=emission,
        draw=draw_function,
        image_shape=images["train"].shape[1:],
        **splits,
    )
