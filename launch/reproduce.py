"""Runs every row of a table of the paper that the library can run, and writes its numbers beside the paper's.

python -m launch.reproduce --table=mnist --scale=cpu --data_dir=DIR

The same command continues what was stopped, however it was stopped, and skips the runs that are finished.
"""

import logging
import pathlib
import sys

from absl.flags import FLAGS

from flags import numbers
from flags import reproduction as reproduction_flags
from flags.arguments import flags_only
from launch import console
from launch.command import Command


@flags_only
def main() -> None:
    """Runs the launcher."""
    logging.getLogger("sisrnn_tf").setLevel(logging.INFO)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns that each model is traced anew
    seeds = None if FLAGS.seeds is None else numbers.from_flag("seeds", minimum=0)
    page = None if FLAGS.page is None else pathlib.Path(FLAGS.page)
    console.import_tensorflow()
    from sisrnn_tf.reproduction import pages, plans
    from sisrnn_tf.reproduction.results import Results
    from sisrnn_tf.reproduction.runner import Runner
    from sisrnn_tf.runs.callbacks import Interrupted

    results = Results(plans.make(FLAGS.table, FLAGS.scale), FLAGS.results_dir)
    runner = Runner(results, FLAGS.workdir, FLAGS.data_dir, _show)
    try:
        runs = results.plan.select(FLAGS.rows, seeds)
        if FLAGS.list:
            print(runner.describe(runs))
            return
        pages.check(results, page)
        diverged = runner.run(runs, lambda: pages.write(results, page))
        written = pages.write(results, page)
    except Interrupted as interruption:
        print(f"Terminated: {interruption}. The same command continues.")
        return
    except KeyboardInterrupt:
        print("Terminated. The same command continues.")
        return
    print(f"Results: {results.path}\nTables: {written[0]}\nPictures: {results.path.with_suffix('')}")
    if diverged:
        sys.exit("ERROR: diverged: " + "; ".join(diverged))


def _show(text: str) -> None:
    print(text, flush=True)


COMMAND = Command(main, (reproduction_flags,), ("table",))

if __name__ == "__main__":
    COMMAND.run()
