"""Diagnoses the posterior of the best epoch of a trained model: its shape, what the mixing adds, what latents carry.

python -m launch.diagnose --workdir=runs/digits-sisrnn
"""

from absl.flags import FLAGS

from flags import diagnostics as diagnostics_flags
from flags import workdir
from flags.arguments import flags_only
from launch import console
from launch.command import Command
from sisrnn_tf.runs.workdir import Workdir


@flags_only
def main() -> None:
    """Runs the launcher."""
    folder = Workdir(FLAGS.workdir)
    folder.read_config()
    folder.check_writable()
    console.import_tensorflow()
    from sisrnn_tf import factory
    from sisrnn_tf.analysis import diagnostics
    from sisrnn_tf.runs import run_diagnostics, training

    run = training.load_best(folder)
    dataset = factory.make_data(run.config.data, run.config.training.seed)
    sizes = (FLAGS.num_sequences, FLAGS.num_noise_draws)
    record = run_diagnostics.diagnose(folder, run, dataset, FLAGS.split, *sizes, FLAGS.sampling_seed)
    print(f"Diagnostics: {folder.diagnostics}")
    pictures = [folder.plots / f"{name}.png" for name in ("marginals", "information")]
    print(f"Pictures: {', '.join(str(path) for path in pictures if path.exists())}")
    print(diagnostics.describe(record))


COMMAND = Command(main, (workdir, diagnostics_flags), ("workdir",))

if __name__ == "__main__":
    COMMAND.run()
