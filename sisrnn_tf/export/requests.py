"""What a request of a signature holds, and the checks that are part of its graph: a server knows no others.

Each check returns the tensors that it is about, to be used in their place: nothing is computed of what is refused.
"""

from collections.abc import Sequence

import tensorflow as tf

from sisrnn_tf.emissions import Emission

# Scalars that have a name in all signatures.
SEED = tf.TensorSpec([2], tf.int32, "seed")
BATCH, STEPS = tf.TensorSpec([], tf.int32, "batch"), tf.TensorSpec([], tf.int32, "steps")
_NOTHING = -2  # stands beyond the last axis of a shape


def describe_shape(spec: tf.TensorSpec) -> str:
    """Returns a shape in words, the first two sizes by their letters where they are free."""
    return f"[{', '.join('BT'[axis] if size is None else str(size) for axis, size in enumerate(spec.shape))}]"


def check_shapes(specs: Sequence[tf.TensorSpec], *inputs: tf.Tensor) -> list[tf.Tensor]:
    """Refuses inputs that have not the shapes of a signature, or no sequence or step: a server takes any shape.

    Args:
        specs: of the signature.
        *inputs: what came.
    """
    checks = []
    for spec, value in zip(specs, inputs, strict=True):
        shape = _received_shape(value)
        sizes = [-1 if size is None else size for size in spec.shape] + [_NOTHING]
        received = tf.concat([shape, [_NOTHING] * len(sizes)], axis=0)[: len(sizes)]
        fits = tf.where(tf.equal(sizes, -1), received > 0, tf.equal(received, sizes))
        free = " and ".join("BT"[axis] for axis, size in enumerate(spec.shape) if size is None)
        at_least = f", {free} at least 1" if free else ""
        message = f"`{spec.name}` must have the shape {describe_shape(spec)}{at_least}. Received the shape"
        checks.append((tf.reduce_all(fits), message, shape))
    return _after(checks, *inputs)


def check_mask(observations: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Refuses a mask `[B, T]` that has not the shape of the observations `[B, T, D]`, or is no right padding."""
    fits = tf.reduce_all(tf.shape(mask) == tf.shape(observations)[:2])
    message = "`mask` must have the shape [B, T] of `observations`. Received the shape"
    observations, mask = _after([(fits, message, tf.shape(mask))], observations, mask)
    broken = tf.reduce_any(mask[:, 1:] & ~mask[:, :-1], axis=1) | ~mask[:, 0]
    message = (
        "`mask` must be right padding, true from the first step of each sequence up to its length. Received a gap, "
        "padding on the left or no step in the sequences"
    )
    observations, mask = _after([(~tf.reduce_any(broken), message, tf.where(broken)[:, 0])], observations, mask)
    return observations, mask


def check_values(
    name: str, observations: tf.Tensor, values: tf.Tensor, known: tf.Tensor, emission: Emission
) -> tf.Tensor:
    """Refuses observations that the emission cannot give, where they are known; returns those in the model's units.

    Args:
        name: of the input.
        observations: in the user's units, `[.., D]`.
        values: the same in the model's.
        known: bool `[.., D]`, False on padding and on missing values.
        emission: the emission.
    """
    possible = emission.possible(values) | ~known
    message = f"`{name}` must be {emission.expected} for the emission {emission}. Received the value"
    (values,) = _after([(tf.reduce_all(possible), message, tf.boolean_mask(observations, ~possible)[:1])], values)
    return values


def check_covariates(
    covariates: tf.Tensor, values: tf.Tensor, sizes: Sequence[tf.Tensor], mask: tf.Tensor | None = None
) -> tf.Tensor:
    """Refuses covariates of other sequences or steps than what they go with, or not finite on real steps.

    Args:
        covariates: in the user's units, `[B, T, U]`, or of a single step `[B, U]`.
        values: the same in the model's, which are returned.
        sizes: B and T, or B alone.
        mask: bool `[B, T]`, True on real steps; None where all are.
    """
    received = tf.shape(covariates)[: len(sizes)]
    message = "`covariates` must be of as many sequences and steps as what they go with. Received the shape"
    covariates, values = _after([(tf.reduce_all(received == sizes), message, received)], covariates, values)
    known = tf.math.is_finite(values)
    if mask is not None:
        known |= ~mask[..., tf.newaxis]
    message = "`covariates` must be finite. Received the value"
    (values,) = _after([(tf.reduce_all(known), message, tf.boolean_mask(covariates, ~known)[:1])], values)
    return values


def check_words(words: tf.Tensor, marks: Sequence[str]) -> tf.Tensor:
    """Refuses words `[N]` among which is a mark of a sentence's begin or end."""
    is_mark = tf.reduce_any(words[:, tf.newaxis] == tf.constant(marks), axis=1)
    message = "`sentences` must be one sentence each, with marks of begin and end in no other place. Received the mark"
    (words,) = _after([(~tf.reduce_any(is_mark), message, tf.boolean_mask(words, is_mark)[:1])], words)
    return words


def check_state(observation: tf.Tensor, hidden: tf.Tensor, log_weights: tf.Tensor) -> list[tf.Tensor]:
    """Refuses a state that no step gave: of more or fewer sequences than the observation `[B, D]`, or not finite.

    Args:
        observation: `[B, D]`.
        hidden: `[B, M, H]`.
        log_weights: `[B, M]`; -inf of a particle that is lost, but not of all.
    """
    count = tf.shape(observation)[0]
    checks = [
        (
            tf.shape(part)[0] == count,
            f"`{name}` must be of as many sequences as `observation`. Received",
            tf.shape(part),
        )
        for name, part in (("hidden", hidden), ("particle_log_weights", log_weights))
    ]
    observation, hidden, log_weights = _after(checks, observation, hidden, log_weights)
    wrong = ~tf.reduce_all(tf.math.is_finite(hidden), axis=[1, 2])
    largest = tf.reduce_max(log_weights, axis=1)
    lost = ~tf.math.is_finite(largest) | tf.reduce_any(tf.math.is_nan(log_weights), axis=1)
    checks = [
        (~tf.reduce_any(wrong), "`hidden` must be finite. It is not in the sequences", tf.where(wrong)[:, 0]),
        (
            ~tf.reduce_any(lost),
            "`particle_log_weights` must be numbers below infinity, finite for a particle of each sequence at least. "
            "They are not in the sequences",
            tf.where(lost)[:, 0],
        ),
    ]
    return _after(checks, observation, hidden, log_weights)


def check_sizes(batch: tf.Tensor, steps: tf.Tensor, max_generated: int) -> list[tf.Tensor]:
    """Refuses sizes that are not positive, or whose product is above the most that may be generated at once."""
    sizes = {"batch": batch, "steps": steps}
    checks = [(size > 0, f"`{name}` must be at least 1. Received", size) for name, size in sizes.items()]
    batch, steps = _after(checks, batch, steps)
    total = tf.cast(batch, tf.int64) * tf.cast(steps, tf.int64)
    message = f"`batch` times `steps` must be at most {max_generated}, the limit of this export. Received"
    return _after([(total <= max_generated, message, total)], batch, steps)


@tf.function(autograph=False, experimental_attributes={"_noinline": True})
def _shape_of(value: tf.Tensor) -> tf.Tensor:
    return tf.shape(value)


def _received_shape(value: tf.Tensor) -> tf.Tensor:
    """Returns the shape that an input has: TensorFlow believes the signature's, and leaves out what checks it.

    So it is asked for in a function that knows none, and that is not made a part of one that does.
    """
    return _shape_of.get_concrete_function(tf.TensorSpec(None, value.dtype))(value)


def _after(checks: Sequence[tuple[tf.Tensor, str, tf.Tensor]], *values: tf.Tensor) -> list[tf.Tensor]:
    """Returns values, computed only if each condition of (condition, what is expected, what was received) holds."""
    asserts = [tf.debugging.Assert(condition, [message, received]) for condition, message, received in checks]
    with tf.control_dependencies(asserts):
        return [tf.identity(value) for value in values]
