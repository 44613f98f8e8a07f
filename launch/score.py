"""Scores sequences by the best epoch of a trained model, shard by shard.

python -m launch.score --workdir=runs/digits-sisrnn --input='data/*.npz' --output=scores --num_workers=4
python -m launch.score --workdir=runs/csv-sisrnn --input=new.csv --output=anomalies --per_step

The same command goes on where it was stopped.
"""

import itertools
import pathlib
import sys
from typing import TYPE_CHECKING

from absl import logging as absl_logging
from absl.flags import FLAGS
from tqdm import tqdm

from flags import scoring as scoring_flags
from flags import workdir
from flags.arguments import flags_only
from launch import console
from launch.command import Command
from sisrnn_tf.core.validation import require
from sisrnn_tf.data.coverage import Coverage
from sisrnn_tf.runs.workdir import Workdir

if TYPE_CHECKING:
    from sisrnn_tf.runs import scoring

_THRESHOLD = 0.99  # a quantile among validation steps


@flags_only
def main() -> None:
    """Runs the launcher."""
    absl_logging.set_verbosity(absl_logging.WARNING)  # TensorFlow's notes come this way
    require(FLAGS.per_step or FLAGS.threshold is None, "threshold", "left out without --per_step", FLAGS.threshold)
    require(FLAGS.machine < FLAGS.num_machines, "machine", f"below {FLAGS.num_machines}", FLAGS.machine)
    folder = Workdir(FLAGS.workdir)
    folder.read_config()
    console.import_tensorflow()
    from sisrnn_tf.data import layout, shards
    from sisrnn_tf.runs import run_files, scoring

    numbers = (FLAGS.num_mixing, FLAGS.num_importance, FLAGS.sampling_seed, FLAGS.batch_size)
    threshold = (_THRESHOLD if FLAGS.threshold is None else FLAGS.threshold) if FLAGS.per_step else None
    job = scoring.Job(FLAGS.workdir, pathlib.Path(FLAGS.output), *numbers, FLAGS.output_format, threshold)
    try:
        spec = run_files.read_spec(folder.data_spec)
        paths = shards.find(FLAGS.input, spec.kind.shard_endings)
        if spec.features is None and any(path.suffix in layout.ENDINGS for path in paths.values()):
            print(f"WARNING: {folder.data_spec} keeps no names of features: columns of .csv are taken by their place.")
        paths = dict(itertools.islice(paths.items(), FLAGS.machine, None, FLAGS.num_machines))
        results = list(tqdm(scoring.run(job, paths, FLAGS.num_workers), total=len(paths), unit="shard", disable=None))
    except (ValueError, OSError) as error:
        sys.exit(f"ERROR: {error}")
    _report(results)


def _report(results: list["scoring.Result"]) -> None:
    errors = [f"{result.name}: {result.error}" for result in results if result.error is not None]
    done = sum(result.was_done for result in results)
    count = sum(result.num_sequences for result in results)
    print(f"{count} sequences in {len(results) - len(errors)} shards, {done} of them done before, to {FLAGS.output}")
    if FLAGS.per_step:
        beyond = sum(result.num_beyond or 0 for result in results)
        print(f"{beyond} steps are beyond the threshold, which the pictures beside the values mark")
    coverage = Coverage.sum(result.coverage for result in results if result.coverage is not None)
    if coverage.num_words:
        print("WARNING: " * coverage.is_poor + coverage.describe())
    if errors:
        sys.exit(f"ERROR: {len(errors)} of {len(results)} shards were not scored:\n" + "\n".join(sorted(errors)))


COMMAND = Command(main, (workdir, scoring_flags), ("workdir", "input", "output"))

if __name__ == "__main__":
    COMMAND.run()
