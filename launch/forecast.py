"""Forecasts held-out sequences after their beginnings: draws and quantiles as .npz, and a picture.

python -m launch.forecast --workdir=runs/csv-sisrnn --context_steps=20 --num_steps=10
"""

import pathlib

import numpy as np
from absl.flags import FLAGS

from flags import forecasting, workdir
from flags.arguments import flags_only
from launch import console
from launch.command import Command
from sisrnn_tf.core.validation import require
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.runs.outputs import Output
from sisrnn_tf.runs.workdir import Workdir


@flags_only
def main() -> None:
    """Runs the launcher."""
    folder = Workdir(FLAGS.workdir)
    path = pathlib.Path(FLAGS.output_dir or folder.path / "forecasts", "forecasts")
    arrays, picture = (Output("output_dir", path.with_suffix(ending)) for ending in (".npz", ".png"))
    folder.read_config()
    console.import_tensorflow()
    from sisrnn_tf.analysis import forecasts, plotting

    found, spec = _forecast(folder)
    where = arrays.write(lambda file: np.savez_compressed(file, **found))
    print(f"Wrote forecasts {found['samples'].shape} to {where}")
    figure = plotting.fans(found["context"], found["samples"], found["truth"], f"Forecasts, {FLAGS.split} split")
    print(f"Picture: {picture.write(lambda file: plotting.write(figure, file, '.png'))}")
    print(forecasts.describe(found, spec))


def _forecast(folder: Workdir) -> tuple[dict, DataSpec]:
    from sisrnn_tf import factory
    from sisrnn_tf.analysis import forecasts
    from sisrnn_tf.runs import training

    run = training.load_best(folder)
    require(run.model.has_steps, "workdir", "of a model that goes step by step, not of sentences", FLAGS.workdir)
    left = run.spec.num_steps - FLAGS.context_steps
    require(left > 0, "context_steps", f"below the {run.spec.num_steps} steps of the data", FLAGS.context_steps)
    dataset = factory.make_data(run.config.data, run.config.training.seed)
    folder.check_data(run.spec.of(dataset).to_json())
    num_steps = FLAGS.num_steps or left
    context, truth = forecasts.contexts(dataset, FLAGS.split, FLAGS.context_steps, num_steps, FLAGS.num_sequences)
    found = forecasts.forecast(
        run.model,
        run.spec,
        context,
        truth,
        FLAGS.num_samples,
        num_importance=FLAGS.num_importance,
        temperature=FLAGS.temperature,
        seed=FLAGS.sampling_seed,
    )
    return found, run.spec


COMMAND = Command(main, (workdir, forecasting), ("workdir", "context_steps"))

if __name__ == "__main__":
    COMMAND.run()
