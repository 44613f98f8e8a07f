"""What an import of the library brings with it."""

import importlib
import sys

from tests.launch import launcher

# What stands above models; `model.export` imports its own when it is called, `sisrnn_tf.callbacks` likewise.
ABOVE = ("analysis", "configuration", "data", "export", "factory", "reproduction", "runs")


def _import_anew():
    """Prints which rooms an import of the library alone brings; in a process that has them all."""
    for name in [name for name in sys.modules if name.split(".")[0] == "sisrnn_tf"]:
        del sys.modules[name]
    importlib.import_module("sisrnn_tf")
    rooms = {name.split(".")[1] for name in sys.modules if name.startswith("sisrnn_tf.")}
    print(f"rooms: {sorted(rooms & {*ABOVE, 'models'})}")


def test_models_are_imported_without_data_runs_and_exports():
    status, output = launcher.call(_import_anew)
    assert status == 0 and "rooms: ['models']" in output, output
