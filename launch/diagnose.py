"""Diagnoses the posterior of the best epoch of a trained model: its shape, what the mixing adds, what latents carry.

python -m launch.diagnose --workdir=runs/digits-sisrnn
python -m launch.diagnose --workdir=runs/digits-sisrnn --gaps
"""

from typing import TYPE_CHECKING

from absl.flags import FLAGS

from flags import diagnostics as diagnostics_flags
from flags import workdir
from flags.arguments import flags_only, refuse_useless
from launch import console
from launch.command import Command
from sisrnn_tf.runs.workdir import Workdir

if TYPE_CHECKING:
    from sisrnn_tf.data.spec import SequenceDataset
    from sisrnn_tf.runs.training import TrainedRun


@flags_only
def main() -> None:
    """Runs the launcher."""
    if not FLAGS.gaps:
        refuse_useless(
            [name for name in diagnostics_flags.OF_GAPS if FLAGS[name].present], "A diagnosis without --gaps"
        )
    folder = Workdir(FLAGS.workdir)
    config = folder.read_config()
    folder.check_writable()
    console.import_tensorflow()
    from sisrnn_tf import factory
    from sisrnn_tf.analysis import diagnostics
    from sisrnn_tf.runs import run_diagnostics, run_gaps, training

    if FLAGS.gaps:
        run_gaps.require_one_latent_a_step(config)
    run = training.load_best(folder)
    dataset = factory.make_data(run.config.data, run.config.training.seed)
    sizes = (FLAGS.num_sequences, FLAGS.num_noise_draws)
    record = run_diagnostics.diagnose(folder, run, dataset, FLAGS.split, *sizes, FLAGS.sampling_seed)
    print(f"Diagnostics: {folder.diagnostics}")
    pictures = [folder.plots / f"{name}.png" for name in ("marginals", "information")]
    print(f"Pictures: {', '.join(str(path) for path in pictures if path.exists())}")
    print(diagnostics.describe(record))
    if FLAGS.gaps:
        _show_gaps(folder, run, dataset)


def _show_gaps(folder: Workdir, run: "TrainedRun", dataset: "SequenceDataset") -> None:
    from sisrnn_tf.analysis import gaps
    from sisrnn_tf.runs import run_gaps

    sizes = (FLAGS.gap_epochs, FLAGS.gap_eval_sequences, FLAGS.gap_sequences, FLAGS.gap_steps, FLAGS.gap_importance)
    settings = run_gaps.Settings(*sizes, FLAGS.sampling_seed)
    record = run_gaps.measure(folder, run, dataset, settings, lambda label: print(f"Measured: {label}", flush=True))
    print(f"Gaps: {folder.gaps}")
    print(gaps.describe(record))


COMMAND = Command(main, (workdir, diagnostics_flags), ("workdir",))

if __name__ == "__main__":
    COMMAND.run()
