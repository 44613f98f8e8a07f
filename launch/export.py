"""Exports the best epoch of a trained model: as a SavedModel, which TensorFlow Serving serves, or a folder to hand on.

python -m launch.export --workdir=runs/digits-sisrnn --export_dir=models/sisrnn/1
python -m launch.export --workdir=runs/digits-sisrnn --format=folder --export_dir=shared/digits
"""

import pathlib
from typing import TYPE_CHECKING

from absl.flags import FLAGS

from flags import export as export_flags
from flags import workdir
from flags.arguments import flags_only, refuse_useless
from launch import console
from launch.command import Command
from sisrnn_tf.core import atomic
from sisrnn_tf.core.validation import require
from sisrnn_tf.runs.workdir import Workdir, require_writable

if TYPE_CHECKING:
    from sisrnn_tf import export
    from sisrnn_tf.runs import training


@flags_only
def main() -> None:
    """Runs the launcher."""
    folder, path = Workdir(FLAGS.workdir), pathlib.Path(FLAGS.export_dir)
    others = [name for format, names in export_flags.OF_FORMAT.items() if format != FLAGS.format for name in names]
    refuse_useless([name for name in others if FLAGS[name].present], f"--format={FLAGS.format}")
    is_version = path.name.isascii() and path.name.isdecimal()
    good = is_version or FLAGS.format != "savedmodel"
    require(good, "export_dir", "NAME/NUMBER, as models/sisrnn/1, for TensorFlow Serving", FLAGS.export_dir)
    require_writable("export_dir", path, path.parent)
    folder.read_config()
    console.import_tensorflow()
    from sisrnn_tf import export
    from sisrnn_tf.runs import sharing, training

    if FLAGS.format == "folder":
        sharing.check_new(path)
    else:
        export.check_new("export_dir", path)
    run = training.load_best(folder)
    if FLAGS.format == "folder":
        sharing.write(folder, run, path, FLAGS.provenance)
    else:
        _serve(folder, run, path)
    print(f"Exported epoch {run.epoch} to {path}; its card is {path / 'README.md'}")


def _serve(folder: Workdir, run: "training.TrainedRun", path: pathlib.Path) -> None:
    """Writes a SavedModel."""
    from sisrnn_tf.data import kinds

    num_mixing = run.config.training.eval_num_mixing if FLAGS.num_mixing is None else FLAGS.num_mixing
    with atomic.named(path):
        run.model.export(
            path,
            num_mixing=num_mixing,
            num_importance=FLAGS.num_importance,
            normalization=run.spec.normalization,
            covariate_normalization=run.spec.covariate_normalization,
            vocabulary=run.vocabulary,
            origin=_origin(folder, run),
            max_generated=FLAGS.max_generated,
            nan_is_missing=run.spec.kind is kinds.SERIES,  # as in their files
        )


def _origin(folder: Workdir, run: "training.TrainedRun") -> "export.Origin":
    from sisrnn_tf import export
    from sisrnn_tf.analysis import likelihood_records
    from sisrnn_tf.runs import latents, run_files

    records = run_files.read_evaluation(folder.evaluation, run.spec.convention)
    metrics = [likelihood_records.describe(record) for record in records if record.get("epoch") == run.epoch]
    use = latents.read(folder)
    latent = None if use is None else use.describe()
    return export.Origin(run.config.to_json(), run.spec.to_json(), run.spec.describe(), run.epoch, metrics, latent)


COMMAND = Command(main, (workdir, export_flags), ("workdir", "export_dir"))

if __name__ == "__main__":
    COMMAND.run()
