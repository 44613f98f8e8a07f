"""Writes the report of a run: one HTML page with its likelihoods, pictures and configuration that opens offline.

python -m launch.report --workdir=runs/digits-sisrnn
"""

from absl.flags import FLAGS

from flags import report as report_flags
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
    console.import_tensorflow()
    from sisrnn_tf.runs import report

    print(f"Report: {report.write(folder, FLAGS.output or folder.report)}")


COMMAND = Command(main, (workdir, report_flags), ("workdir",))

if __name__ == "__main__":
    COMMAND.run()
