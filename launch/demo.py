"""Shows the presets at work: a page on this machine, where a drawing or a digit that you begin is completed, live.

python -m launch.demo

Open the address that it prints in a browser; Ctrl-C ends it.
"""

import contextlib
import importlib.resources
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from absl.flags import FLAGS

from flags import demonstration as demonstration_flags
from flags.arguments import flags_only
from launch import console
from launch.command import Command
from sisrnn_tf.runs.page_server import PageServer

if TYPE_CHECKING:
    from sisrnn_tf.runs.demonstration import Demonstration

_FILES = {
    "/": ("demo.html", "text/html; charset=utf-8"),
    "/demo.css": ("demo.css", "text/css; charset=utf-8"),
    "/demo.js": ("demo.js", "text/javascript; charset=utf-8"),
}


@flags_only
def main() -> None:
    """Runs the launcher."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs are told to ignore
    answers: dict[str, Callable[[Any], Any]] = {}
    with PageServer(FLAGS.port, files(), answers) as server, contextlib.suppress(KeyboardInterrupt):  # has the port
        print("Loading the models takes some seconds.", flush=True)
        console.import_tensorflow()
        from sisrnn_tf.runs import demonstration, predictor

        models = [predictor.load(f"preset:{name}") for name in ("kanji", "digits")]
        shown = demonstration.Demonstration(*models)
        shown.warm_up()
        answers |= functions(shown)
        print(f"Open {server.address} in a browser; Ctrl-C ends it.", flush=True)
        server.serve_forever()
    print("Ended.")


def files() -> dict[str, tuple[str, bytes]]:
    """Returns path -> kind and content of the page's files."""
    folder = importlib.resources.files("sisrnn_tf.runs") / "templates"
    return {path: (kind, (folder / name).read_bytes()) for path, (name, kind) in _FILES.items()}


def functions(shown: "Demonstration") -> dict[str, Callable[[Any], Any]]:
    """Returns path -> what answers there."""
    return {"/drawing": shown.complete_drawing, "/digit": shown.complete_rows}


COMMAND = Command(main, (demonstration_flags,))

if __name__ == "__main__":
    COMMAND.run()
