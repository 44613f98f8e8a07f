"""Compares runs on the same data: a table of models, differences, likelihoods and times, and a picture of validations.

Where --output is in the folder of a run, both are in its report.

python -m launch.compare runs/digits-sisrnn runs/digits-vrnn
"""

import pathlib

from absl import app
from absl.flags import FLAGS

from flags import comparison as comparison_flags
from flags.arguments import arguments_too
from launch import console
from launch.command import Command
from sisrnn_tf.core.validation import require
from sisrnn_tf.runs.outputs import Output
from sisrnn_tf.runs.workdir import Workdir


@arguments_too
def main(paths: list[str]) -> None:
    """Runs the launcher."""
    if len(set(paths)) < 2 or len(set(paths)) < len(paths):
        raise app.UsageError(f"Name two runs or more, each once. Received: {' '.join(paths) or 'none'}")
    require(pathlib.Path(FLAGS.output).suffix in (".png", ".svg"), "output", "a .png or an .svg", FLAGS.output)
    folders = [Workdir(path) for path in paths]
    for folder in folders:
        folder.read_config()
    output = Output("output", FLAGS.output)
    text = Output("output", output.path.with_suffix(".txt"))
    console.import_tensorflow()
    from sisrnn_tf.analysis import plotting
    from sisrnn_tf.runs import comparison

    runs = comparison.read(folders)
    table = f"{runs[0].spec.describe()}; likelihoods in nats per sequence\n\n{comparison.table(runs)}\n"
    print(table)
    print(f"Table: {text.write(lambda file: file.write(table.encode('utf-8')))}")
    figure = comparison.curves(runs)
    print(f"Picture: {output.write(lambda file: plotting.write(figure, file, output.path.suffix))}")


COMMAND = Command(main, (comparison_flags,))

if __name__ == "__main__":
    COMMAND.run()
