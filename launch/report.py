"""Writes the report of a run: one HTML page with its likelihoods, pictures and configuration that opens offline.

python -m launch.report --workdir=runs/digits-sisrnn
"""

from absl import app
from absl.flags import FLAGS, mark_flag_as_required

from flags import help, workdir
from flags import report as report_flags
from flags.arguments import flags_only
from sisrnn_tf.runs import report
from sisrnn_tf.runs.workdir import Workdir


@flags_only
def main() -> None:
    """Runs the launcher."""
    folder = Workdir(FLAGS.workdir)
    print(f"Report: {report.write(folder, FLAGS.output or folder.report)}")


if __name__ == "__main__":
    mark_flag_as_required("workdir")
    app.run(main, flags_parser=help.parser(workdir, report_flags))
