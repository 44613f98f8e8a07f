"""What `launch.train` adds to a training step: input pipeline, metrics, callbacks and checkpoints, on one thread.

python -m benchmarks.fit --num_mixing=1 --output=fit.json
"""

import dataclasses
import os
import pathlib
import tempfile
import time

import numpy as np
from absl import app, flags

from benchmarks import machine
from benchmarks.configuration import CONFIGURATIONS, Configuration
from benchmarks.process import ONE_THREAD
from flags.arguments import flags_only

FLAGS = flags.FLAGS
flags.DEFINE_integer("num_mixing", 1, "K.", lower_bound=0)
flags.DEFINE_integer("num_steps", 100, "Training steps that count, after an epoch that does not.", lower_bound=1)
flags.DEFINE_integer("rounds", 3, "Measurements of each, in turns.", lower_bound=1)
flags.DEFINE_string("output", None, "Where to write the numbers, as JSON.")


def _batches(configuration: Configuration, num_steps: int):
    """Returns the batches of an epoch of so many steps, as `launch.train` makes them."""
    from benchmarks import reference  # TensorFlow, only after the process is bound to its threads
    from sisrnn_tf.data import pipeline
    from sisrnn_tf.data.spec import SequenceDataset, Sequences

    observations = reference.observations_of(configuration, num_steps * configuration.batch_size, 1)
    train = Sequences(observations.astype(np.uint8), np.full(len(observations), configuration.num_steps))
    shape = (configuration.num_steps, configuration.event_size)
    dataset = SequenceDataset("random", "random", "bernoulli", train, train, train, None, shape)
    return pipeline.training_batches(dataset, configuration.batch_size, seed=0)


def _bare(configuration: Configuration, batches):
    """Returns a function that takes so many steps on one batch, again and again."""
    import tensorflow as tf

    from benchmarks import reference

    model = reference.compiled_model(configuration)
    model.make_train_function()
    iterator = iter(tf.data.Dataset.from_tensors(next(iter(batches))).repeat())

    def run(num_steps):
        for _ in range(num_steps):
            model.train_function(iterator)

    return run


def _fit(configuration: Configuration, batches, num_steps: int, folder: pathlib.Path):
    """Returns a function that trains for an epoch as `launch.train` does, but without validation."""
    import keras

    from benchmarks import reference
    from sisrnn_tf.inference import schedules
    from sisrnn_tf.runs import callbacks, checkpoints

    model = reference.compiled_model(configuration)
    series = checkpoints.Checkpoints(folder, "last", checkpoints.training_variables(model), 3)
    parts = [
        callbacks.ScheduleCallback(None, schedules.ConstantKLWeight()),
        callbacks.NaNGuard(),
        keras.callbacks.TensorBoard(folder, write_graph=False),
        callbacks.Progress(10**9, num_steps, "NLL <="),
        callbacks.MetricsLog(folder / "metrics.jsonl"),
        callbacks.CheckpointCallback(series, num_steps, 10**9),
    ]
    return lambda steps: model.fit(batches, steps_per_epoch=steps, callbacks=parts, shuffle=False, verbose=0)


@flags_only
def main() -> None:
    """Times both in turns."""
    configuration = dataclasses.replace(CONFIGURATIONS["a"], num_mixing=FLAGS.num_mixing)
    with tempfile.TemporaryDirectory() as folder:
        batches = _batches(configuration, FLAGS.num_steps)
        fit = _fit(configuration, batches, FLAGS.num_steps, pathlib.Path(folder))
        runs = {"bare": _bare(configuration, batches), "fit": fit}
        seconds = {name: [] for name in runs}
        for run in runs.values():
            run(FLAGS.num_steps)
        for _ in range(FLAGS.rounds):
            for name, run in runs.items():
                start = time.perf_counter()
                run(FLAGS.num_steps)
                seconds[name].append(time.perf_counter() - start)
    medians = {name: 1e3 * float(np.median(values)) / FLAGS.num_steps for name, values in seconds.items()}
    ratio = medians["fit"] / medians["bare"]
    print(f"bare step {medians['bare']:.1f} ms, in fit {medians['fit']:.1f} ms: {ratio:.3f} of it (wall clock)")
    if FLAGS.output:
        machine.write_json(machine.result(seconds=seconds, ratio=ratio), FLAGS.output)


if __name__ == "__main__":
    os.environ.update(ONE_THREAD)
    app.run(main)
