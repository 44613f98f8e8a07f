"""Refinement of a posterior by gradient steps on each sequence's own bound, and the gradient through those steps.

Kim et al., Semi-Amortized Variational Autoencoders (2018), Algorithms 1 and 2.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf


class Ascent(NamedTuple):
    """How a bound is climbed: plain gradient ascent with momentum.

    Attributes:
        steps: how many, at least 1.
        rate: of a step, per nat of the sequence's own bound.
        momentum: the share of the last step's direction that the next one keeps, in [0, 1).
        clip: largest norm of each half of a row's gradient: that of locs, and that of log-variances.
    """

    steps: int
    rate: float
    momentum: float
    clip: float


# (number of the step, shift `[B, 2 Z]`, what else it depends on, `[B, C]`) -> a bound of each row, `[B]`.
Bound = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]


def refine(
    bound: Bound, context: tf.Tensor, start: tf.Tensor, variables: Sequence[keras.Variable], ascent: Ascent
) -> tf.Tensor:
    """Returns the shift that gradient ascent finds for each row, `[B, 2 Z]`.

        v_{k+1} = momentum v_k + clip(grad bound_k(shift_k)),    shift_{k+1} = shift_k + rate v_{k+1}

    It has a gradient with respect to context and variables, through all steps, which goes back over them and makes at
    each the products of the bound's second derivative with a vector, exactly, by a tape within a tape; the published
    code makes finite differences of them, and clips those as well. The shifts alone are kept, and what each step
    computes is made again: memory does not grow with the steps.

    Args:
        bound: of each row as a function of its own row of the shift and of the context.
        context: what the bound depends on, beside the shift and the variables, and has to be differentiated by.
        start: shift_0; no gradient goes through it.
        variables: those of the bound.
        ascent: how to climb.

    Raises:
        LookupError: at a second derivative, which there is not.
    """
    given = tf.stop_gradient(context)
    shift, shifts = _climb(bound, given, tf.stop_gradient(start), ascent)
    targets = [context, *(tf.convert_to_tensor(variable) for variable in variables)]

    @tf.custom_gradient
    def attached(value, *targets):
        def backward(upstream):
            pulled = _pull(bound, given, shifts, tf.stop_gradient(upstream), variables, ascent)
            return tf.zeros_like(value), *_once([upstream, *targets], pulled)

        return tf.identity(value), backward

    return attached(shift, *targets)


def direction(bound: Bound, step: tf.Tensor, shift: tf.Tensor, context: tf.Tensor, clip: float) -> tf.Tensor:
    """Returns the clipped gradient of each row's bound with respect to its shift, `[B, 2 Z]`; arguments as above."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(shift)
        total = tf.reduce_sum(bound(step, shift, context))
    gradient = tape.gradient(total, shift)
    halves = tf.split(gradient, 2, axis=-1)
    return tf.concat([tf.clip_by_norm(half, clip, axes=[-1]) for half in halves], axis=-1)


def _climb(bound, context, start, ascent: Ascent):
    """Returns the last shift, `[B, 2 Z]`, and all those before it, `[steps, B, 2 Z]`, without a gradient."""

    def step(index, shift, velocity, shifts):
        gradient = direction(bound, index, shift, context, ascent.clip)
        shifts = shifts.write(index, shift)
        velocity = ascent.momentum * velocity + tf.stop_gradient(gradient)
        return index + 1, shift + ascent.rate * velocity, velocity, shifts

    shifts = tf.TensorArray(start.dtype, ascent.steps, element_shape=start.shape)
    _, shift, _, shifts = _loop(step, (start, tf.zeros_like(start), shifts), ascent.steps)
    return tf.stop_gradient(shift), tf.stop_gradient(shifts.stack())


def _pull(bound, context, shifts, upstream, variables, ascent: Ascent) -> list[tf.Tensor]:
    """Returns the gradient with respect to context and variables that one with respect to the last shift makes."""
    values = [variable.value for variable in variables]

    def step(index, of_shift, of_velocity, *sums):
        number = ascent.steps - 1 - index
        of_velocity += ascent.rate * of_shift
        shift = shifts[number]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([shift, context, *values])
            gradient = direction(bound, number, shift, context, ascent.clip)
            product = tf.reduce_sum(gradient * of_velocity)
        further, *gradients = tape.gradient(product, [shift, context, *values], unconnected_gradients="zero")
        added = [old + new for old, new in zip(sums, gradients, strict=True)]
        return index + 1, of_shift + further, ascent.momentum * of_velocity, *added

    zeros = [tf.zeros_like(upstream), tf.zeros_like(context), *map(tf.zeros_like, values)]
    _, _, _, *sums = _loop(step, (upstream, *zeros), ascent.steps)
    return sums


def _loop(body: Callable, values: tuple, steps: int) -> tuple:
    return tf.while_loop(
        lambda index, *_: index < steps,
        body,
        (tf.constant(0), *values),
        parallel_iterations=1,  # one step's activations at a time
        maximum_iterations=steps,
    )


def _once(sources: list[tf.Tensor], gradients: list[tf.Tensor]) -> list[tf.Tensor]:
    """Returns gradients that cannot be differentiated once more by what they depend on."""
    gradients = [tf.stop_gradient(gradient) for gradient in gradients]

    def refuse(*_):
        raise LookupError("The second derivative of a refinement is not defined: set `refinement_steps` to 0.")

    return tf.custom_gradient(lambda *_: ([tf.identity(gradient) for gradient in gradients], refuse))(*sources)
