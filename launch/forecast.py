"""Forecasts series past their end, or held-out ones from past origins, measured by what did follow (a backtest).

python -m launch.forecast --workdir=runs/csv-sisrnn --input=series.csv --num_steps=10
python -m launch.forecast --workdir=runs/csv-sisrnn --context_steps=20 --num_steps=10 --num_origins=3 --stride=5
"""

import pathlib
from typing import TYPE_CHECKING

from absl.flags import FLAGS

from flags import forecasting, workdir
from flags.arguments import flags_only, refuse_useless
from launch import console
from launch.command import Command
from sisrnn_tf.core.validation import require
from sisrnn_tf.runs.workdir import Workdir

if TYPE_CHECKING:
    from sisrnn_tf.runs.predictor import Predictor
    from sisrnn_tf.runs.run_forecasts import Draws, Forecast

_BACKTEST = ("split", "num_sequences", "context_steps", "num_origins", "stride", "season_length")


@flags_only
def main() -> None:
    """Runs the launcher."""
    folder = Workdir(FLAGS.workdir)
    _require_flags()
    folder.read_config()
    console.import_tensorflow()
    from sisrnn_tf.analysis import backtests
    from sisrnn_tf.runs import run_forecasts

    where = pathlib.Path(FLAGS.output_dir or folder.forecasts)
    files = run_forecasts.outputs(where, [] if FLAGS.input is None else [FLAGS.input], FLAGS.input is None)
    found = _backtest(folder) if FLAGS.input is None else _continue(folder)
    said = run_forecasts.write(found, files)
    print(f"Forecasts {found.samples.shape}, [draws, sequences, steps, features]:")
    print("\n".join(f"  {line}" for line in said.values()))
    if found.record is not None and found.season is not None:
        print(f"\n{found.title}, {found.record['num_windows']} forecasts, {found.season.describe()}:")
        print(backtests.table(found.record["records"]))


def _require_flags() -> None:
    if FLAGS.input is None:
        expected = "given: a backtest's steps before a forecast; or --input"
        require(FLAGS.context_steps is not None, "context_steps", expected, None)
    else:
        refuse_useless([name for name in _BACKTEST if FLAGS[name].present], "A forecast of --input")
        require(FLAGS.num_steps is not None, "num_steps", "given with --input: how many steps to forecast", None)


def _continue(folder: Workdir) -> "Forecast":
    from sisrnn_tf.runs import run_forecasts

    run = _load(folder)
    return run_forecasts.continue_file(run, pathlib.Path(FLAGS.input), _draws(FLAGS.num_steps))


def _backtest(folder: Workdir) -> "Forecast":
    from sisrnn_tf import factory
    from sisrnn_tf.runs import run_forecasts

    run, context_steps = _load(folder), FLAGS.context_steps
    left = run.spec.num_steps - context_steps
    require(left > 0, "context_steps", f"below the {run.spec.num_steps} steps of the data", context_steps)
    dataset = factory.make_data(run.config.data, run.config.training.seed)
    folder.check_data(run.spec.of(dataset).to_json())
    origins = run_forecasts.Origins(*(FLAGS[name].value for name in _BACKTEST))
    return run_forecasts.backtest(run, dataset, origins, _draws(FLAGS.num_steps or left))


def _load(folder: Workdir) -> "Predictor":
    from sisrnn_tf.runs import predictor

    run = predictor.load(folder.path)
    require(run.model.has_steps, "workdir", "of a model that goes step by step, not of sentences", FLAGS.workdir)
    return run


def _draws(num_steps: int) -> "Draws":
    from sisrnn_tf.runs.run_forecasts import Draws

    return Draws(num_steps, FLAGS.num_samples, FLAGS.num_importance, FLAGS.temperature, FLAGS.sampling_seed)


COMMAND = Command(main, (workdir, forecasting), ("workdir",))

if __name__ == "__main__":
    COMMAND.run()
