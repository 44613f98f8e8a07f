"""Fills in what is missing in sequences, given what is observed before and after it.

python -m launch.impute --workdir=runs/csv-sisrnn --input=gaps.csv --output=filled.csv
"""

import pathlib

import numpy as np
from absl import app
from absl.flags import FLAGS, mark_flag_as_required

from flags import help, workdir
from flags import imputation as imputation_flags
from flags.arguments import flags_only
from sisrnn_tf.core.validation import require
from sisrnn_tf.data import tables
from sisrnn_tf.data.spec import Sequences
from sisrnn_tf.runs import predictor
from sisrnn_tf.runs.outputs import Output
from sisrnn_tf.runs.workdir import Workdir


@flags_only
def main() -> None:
    """Runs the launcher."""
    folder, given = Workdir(FLAGS.workdir), pathlib.Path(FLAGS.input)
    path = pathlib.Path(FLAGS.output or folder.path / f"imputed{given.suffix}")
    require(path.suffix in (".csv", ".npz"), "output", "a .csv or an .npz file", str(path))
    output = Output("output", path, [given])
    run = predictor.load(folder.path)
    table = tables.read(given, run.spec)
    options = (FLAGS.num_samples, FLAGS.num_importance, FLAGS.sampling_seed)
    filled = run.impute(table._replace(frame=None), *options)
    where = _write(output, table, filled)
    count = sum(int(np.isnan(sequence).sum()) for sequence in table.sequences)
    print(f"Filled {count:,} values of {len(table.sequences):,} sequences by epoch {run.epoch}; wrote {where}")


def _write(output: Output, table: tables.Table, filled: predictor.Imputed) -> str:
    """Writes the sequences with their names, as .npz with the draws too, and returns where."""
    if output.path.suffix == ".csv":
        content = tables.to_csv(tables.steps(table, filled.observations))
        return output.write(lambda file: file.write(content))
    padded = Sequences.of(filled.observations, np.nan)
    arrays = {"observations": padded.observations, "samples": filled.samples, "lengths": padded.lengths}
    return output.write(lambda file: np.savez_compressed(file, **arrays, sequence=np.array(table.keys)))


if __name__ == "__main__":
    for required in ("workdir", "input"):
        mark_flag_as_required(required)
    app.run(main, flags_parser=help.parser(workdir, imputation_flags))
