"""What a request of a signature holds, and the checks that are part of its graph: a server knows no others."""

import tensorflow as tf

# Scalars that have a name in all signatures.
SEED = tf.TensorSpec([2], tf.int32, "seed")
BATCH, STEPS = tf.TensorSpec([], tf.int32, "batch"), tf.TensorSpec([], tf.int32, "steps")


def check_sizes(batch: tf.Tensor, steps: tf.Tensor) -> None:
    """Refuses sizes that are not positive."""
    for name, size in (("batch", batch), ("steps", steps)):
        tf.debugging.assert_positive(size, f"`{name}` must be at least 1")


def check_mask(observations: tf.Tensor, mask: tf.Tensor) -> None:
    """Refuses a mask `[B, T]` that has not the shape of the observations `[B, T, D]`, or is no right padding."""
    tf.debugging.assert_equal(
        tf.shape(mask), tf.shape(observations)[:2], "`mask` must have the shape [B, T] of `observations`"
    )
    gap = tf.reduce_any(mask[:, 1:] & ~mask[:, :-1])
    tf.debugging.assert_equal(gap, False, "`mask` must be right padding, true up to a sequence's length")


def check_state(observation: tf.Tensor, *state: tf.Tensor) -> None:
    """Refuses a state `[B, ..]` of more or fewer sequences than the observation `[B, D]` has."""
    for part in state:
        message = "The state must have as many sequences as `observation`"
        tf.debugging.assert_equal(tf.shape(part)[0], tf.shape(observation)[0], message)
