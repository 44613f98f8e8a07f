"""Forecasts held-out sequences after their beginnings: draws and quantiles as .npz, and a picture.

python -m launch.forecast --workdir=runs/csv-sisrnn --context_steps=20 --num_steps=10
"""

import pathlib

import numpy as np
from absl import app
from absl.flags import FLAGS, mark_flag_as_required

from flags import forecasting, help, workdir
from flags.arguments import flags_only
from sisrnn_tf import factory
from sisrnn_tf.analysis import forecasts, plotting
from sisrnn_tf.core.validation import require
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.runs import predictor
from sisrnn_tf.runs.outputs import Output
from sisrnn_tf.runs.workdir import Workdir


@flags_only
def main() -> None:
    """Runs the launcher."""
    folder = Workdir(FLAGS.workdir)
    path = pathlib.Path(FLAGS.output_dir or folder.path / "forecasts", "forecasts")
    arrays, picture = (Output("output_dir", path.with_suffix(ending)) for ending in (".npz", ".png"))
    found, spec = _forecast(folder)
    where = arrays.write(lambda file: np.savez_compressed(file, **found))
    print(f"Wrote forecasts {found['samples'].shape} to {where}")
    figure = plotting.fans(found["context"], found["samples"], found["truth"], f"Forecasts, {FLAGS.split} split")
    print(f"Picture: {picture.write(lambda file: plotting.write(figure, file, '.png'))}")
    print(forecasts.describe(found, spec))


def _forecast(folder: Workdir) -> tuple[dict, DataSpec]:
    run = predictor.load(folder.path)
    require(run.model.has_steps, "workdir", "of a model that goes step by step, not of sentences", FLAGS.workdir)
    left = run.spec.num_steps - FLAGS.context_steps
    require(left > 0, "context_steps", f"below the {run.spec.num_steps} steps of the data", FLAGS.context_steps)
    dataset = factory.make_data(run.config.data, run.config.training.seed)
    folder.check_data(run.spec.of(dataset).to_json())
    num_steps = FLAGS.num_steps or left
    context, truth = forecasts.contexts(dataset, FLAGS.split, FLAGS.context_steps, num_steps, FLAGS.num_sequences)
    options = (FLAGS.num_samples, FLAGS.num_importance, FLAGS.temperature, FLAGS.sampling_seed)
    samples = run.forecast(context, num_steps, *options)
    found = {
        "context": context,
        "truth": truth,
        "samples": samples,
        "quantiles": np.quantile(samples, forecasts.LEVELS, axis=0).astype(samples.dtype),
        "levels": np.array(forecasts.LEVELS),
    }
    return found, run.spec


if __name__ == "__main__":
    for required in ("workdir", "context_steps"):
        mark_flag_as_required(required)
    app.run(main, flags_parser=help.parser(workdir, forecasting))
