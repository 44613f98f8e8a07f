"""Fills in what is missing in sequences, given what is observed before and after it.

python -m launch.impute --workdir=runs/csv-sisrnn --input=gaps.npz --output=filled.npz
"""

import pathlib
import sys

import numpy as np
from absl import app
from absl import logging as absl_logging
from absl.flags import FLAGS, mark_flag_as_required

from flags import help, workdir
from flags import imputation as imputation_flags
from flags.arguments import flags_only
from sisrnn_tf import imputation, training
from sisrnn_tf.validation import require
from sisrnn_tf.workdir import Workdir, write_npz


@flags_only
def main() -> None:
    """Runs the launcher."""
    absl_logging.set_verbosity(absl_logging.WARNING)  # TensorFlow's notes come this way
    folder = Workdir(FLAGS.workdir)
    output = pathlib.Path(FLAGS.output or folder.path / "imputed.npz")
    try:
        run = training.load_best(folder)
        is_text = run.vocabulary is not None
        require(not is_text, "workdir", "of a model that goes step by step, not of sentences", FLAGS.workdir)
        observations, mask = imputation.read(pathlib.Path(FLAGS.input), run.spec)
        options = {"num_samples": FLAGS.num_samples, "num_importance": FLAGS.num_importance}
        filled = imputation.impute(run.model, run.spec, observations, mask, seed=FLAGS.sampling_seed, **options)
        output.parent.mkdir(parents=True, exist_ok=True)
    except (ValueError, OSError) as error:
        sys.exit(f"ERROR: {error}")
    write_npz(output, **filled, lengths=mask.sum(axis=1))
    count = int(np.isnan(observations[mask]).sum())
    print(f"Filled {count:,} values of {len(observations):,} sequences; wrote {output}")


if __name__ == "__main__":
    for required in ("workdir", "input"):
        mark_flag_as_required(required)
    app.run(main, flags_parser=help.parser(workdir, imputation_flags))
