"""A training step as a pure function, exported as StableHLO that JAX's runtime runs where there is no TensorFlow.

python -m benchmarks.portable_step --configuration=a --output_dir=/tmp/portable
python -m benchmarks.portable_run --input_dir=/tmp/portable --num_steps=100            # needs jax, no TensorFlow

The folder then holds step.GPU.mlir and step.CPU.mlir, and arguments.npz: the arguments in the order of the function,
and as expected_losses what TensorFlow makes of the first steps.
"""

import os
import pathlib

import numpy as np
from absl import app, flags

from benchmarks.configuration import ADAM, CONFIGURATIONS, Configuration
from flags.arguments import flags_only

FLAGS = flags.FLAGS
flags.DEFINE_enum("configuration", "a", CONFIGURATIONS, "Which sizes.")
flags.DEFINE_string("output_dir", None, "Where to write.", required=True)
_CHECKED_STEPS = 5


def make_step(configuration: Configuration):
    """Returns the model whose step it is, and the step.

    The step takes and returns tensors only, in one flat order: the weights, Adam's first and second moments, and the
    count of steps, a float32 scalar; then it takes x, `[B, T, D]`, and a seed, int32 `[2]`, and returns the loss.

        (weights.., first.., second.., count, x, seed) -> (weights.., first.., second.., count, loss)
    """
    import keras
    import tensorflow as tf

    from benchmarks import reference

    model = reference.build_model(configuration)
    variables = model.trainable_variables
    size = len(variables)

    def gradients(weights, observations, seed):
        with keras.StatelessScope(list(zip(variables, weights, strict=True))), tf.GradientTape() as tape:
            tape.watch(weights)
            loss = _loss(model, observations, seed, configuration.num_mixing)
        return loss, tape.gradient(loss, weights)

    def step(*arguments):
        weights, first, second = (arguments[start * size : (start + 1) * size] for start in range(3))
        count, observations, seed = arguments[3 * size :]
        loss, slopes = gradients(weights, observations, seed)
        count += 1.0
        rate = configuration.learning_rate * tf.sqrt(1 - ADAM["beta_2"] ** count) / (1 - ADAM["beta_1"] ** count)
        first = [old + (1 - ADAM["beta_1"]) * (slope - old) for old, slope in zip(first, slopes, strict=True)]
        second = [
            old + (1 - ADAM["beta_2"]) * (tf.square(slope) - old) for old, slope in zip(second, slopes, strict=True)
        ]
        moments = zip(weights, first, second, strict=True)
        weights = [old - rate * mean / (tf.sqrt(square) + ADAM["epsilon"]) for old, mean, square in moments]
        return *weights, *first, *second, count, loss

    return model, step


def _loss(model, observations, seed, num_mixing: int):
    """Returns minus the mean of L_K, made as the model's own training step makes it."""
    from benchmarks import reference
    from sisrnn_tf.inference.sivi import SIVI

    passed = reference.pass_over(model, observations, seed)
    return -SIVI(num_mixing).training_value(passed, None, 1.0)[0]


def initial_arguments(model, configuration: Configuration) -> list[np.ndarray]:
    """Returns the step's arguments but for the seed."""
    from benchmarks import reference

    weights = [variable.numpy() for variable in model.trainable_variables]
    zeros = [np.zeros_like(weight) for weight in weights]
    observations = reference.observations_of(configuration, configuration.batch_size, 1)
    return [*weights, *zeros, *zeros, np.float32(0.0), observations]


def take_steps(step, arguments: list[np.ndarray], num_steps: int) -> tuple[list[float], list]:
    """Returns the losses of so many steps, whose seeds are (0, 0), (0, 1).., and the last state."""
    *state, observations = arguments
    losses = []
    for number in range(num_steps):
        *state, loss = step(*state, observations, np.array([0, number], np.int32))
        losses.append(float(loss))
    return losses, state


@flags_only
def main() -> None:
    """Exports the step."""
    import tensorflow as tf

    configuration = CONFIGURATIONS[FLAGS.configuration]
    folder = pathlib.Path(FLAGS.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    model, step = make_step(configuration)
    arguments = initial_arguments(model, configuration)
    function = tf.function(step, jit_compile=True, autograph=False)
    tensors = [tf.constant(argument) for argument in (*arguments, np.array([0, 0], np.int32))]
    for platform in ("CPU", "GPU"):
        text = function.experimental_get_compiler_ir(*tensors)(stage="stablehlo", platform_name=platform)
        (folder / f"step.{platform}.mlir").write_text(text if isinstance(text, str) else text.decode())
    losses, _ = take_steps(tf.function(step, autograph=False), arguments, _CHECKED_STEPS)
    named = {f"argument_{index}": argument for index, argument in enumerate(arguments)}
    np.savez(folder / "arguments.npz", **named, expected_losses=losses)
    print(f"Wrote {folder}: losses of the first {_CHECKED_STEPS} steps {losses}")


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    app.run(main)
