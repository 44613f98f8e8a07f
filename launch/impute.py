"""Fills in what is missing in sequences, given what is observed before and after it.

python -m launch.impute --workdir=runs/csv-sisrnn --input=gaps.npz --output=filled.npz
"""

import pathlib
from typing import Any

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


@flags_only
def main() -> None:
    """Runs the launcher."""
    folder = Workdir(FLAGS.workdir)
    output = Output("output", FLAGS.output or folder.path / "imputed.npz", [FLAGS.input])
    folder.read_config()
    console.import_tensorflow()
    from sisrnn_tf.analysis import imputation
    from sisrnn_tf.runs import training

    run = training.load_best(folder)
    require(run.model.has_steps, "workdir", "of a model that goes step by step, not of sentences", FLAGS.workdir)
    observations, mask = imputation.read(pathlib.Path(FLAGS.input), run.spec)
    options = {"num_samples": FLAGS.num_samples, "num_importance": FLAGS.num_importance}
    filled = imputation.impute(run.model, run.spec, observations, mask, seed=FLAGS.sampling_seed, **options)
    arrays: dict[str, Any] = {**filled, "lengths": mask.sum(axis=1)}
    where = output.write(lambda file: np.savez_compressed(file, **arrays))
    count = int(np.isnan(observations[mask]).sum())
    print(f"Filled {count:,} values of {len(observations):,} sequences; wrote {where}")


COMMAND = Command(main, (workdir, imputation_flags), ("workdir", "input"))

if __name__ == "__main__":
    COMMAND.run()
