"""Fills in what is missing in sequences, given what is observed before and after it.

python -m launch.impute --workdir=runs/csv-sisrnn --input=gaps.csv --output=filled.csv
"""

import pathlib
from typing import TYPE_CHECKING

import numpy as np
from absl.flags import FLAGS

from flags import imputation as imputation_flags
from flags import workdir
from flags.arguments import flags_only
from launch import console
from launch.command import Command
from sisrnn_tf.core.validation import require
from sisrnn_tf.runs.outputs import Output
from sisrnn_tf.runs.workdir import Workdir

if TYPE_CHECKING:
    from sisrnn_tf.data.frames import Collection
    from sisrnn_tf.runs.imputed import Imputed


@flags_only
def main() -> None:
    """Runs the launcher."""
    folder, given = Workdir(FLAGS.workdir), pathlib.Path(FLAGS.input)
    path = pathlib.Path(FLAGS.output or folder.path / f"imputed{'.npz' if given.suffix == '.npz' else '.csv'}")
    require(path.suffix in (".csv", ".npz"), "output", "a .csv or an .npz file", str(path))
    output, picture = (Output("output", each, [given]) for each in (path, path.with_suffix(".png")))
    folder.read_config()
    console.import_tensorflow()
    from sisrnn_tf.analysis import plotting
    from sisrnn_tf.data import frames, kinds
    from sisrnn_tf.runs import predictor

    run = predictor.load(folder.path)
    table = frames.read(given, run.spec)
    options = (FLAGS.num_samples, FLAGS.num_importance, FLAGS.sampling_seed)
    filled = run.impute(table._replace(frame=None), *options)
    where = _write(output, table, filled)
    count = sum(int(np.isnan(sequence).sum()) for sequence in table.sequences)
    print(f"Filled {count:,} values of {len(table.sequences):,} sequences by epoch {run.epoch}; wrote {where}")
    if run.spec.kind is kinds.SERIES and count:
        names, features = [str(key) for key in table.keys], list(table.features)
        title = f"What is missing in {given.name}"
        figure = plotting.fills(table.sequences, np.asarray(filled.samples), title, names, features)
        print(f"Picture: {picture.write(lambda file: plotting.write(figure, file, '.png'))}")


def _write(output: Output, table: "Collection", filled: "Imputed") -> str:
    """Writes the sequences with their names, as .npz with the draws too, and returns where."""
    from sisrnn_tf.data import frames
    from sisrnn_tf.data.spec import pad

    if output.path.suffix == ".csv":
        content = frames.to_csv(frames.steps(table, filled.observations))
        return output.write(lambda file: file.write(content))
    arrays = {"observations": pad(filled.observations, np.nan), "samples": filled.samples, "lengths": table.lengths}
    return output.write(lambda file: np.savez_compressed(file, **arrays, sequence=np.array(table.keys)))


COMMAND = Command(main, (workdir, imputation_flags), ("workdir", "input"))

if __name__ == "__main__":
    COMMAND.run()
