"""Launchers: `sisrnn train --help`, or `python -m launch.train --help`."""

import os

# TensorFlow takes seconds to import: a launcher asks for it by `console.import_tensorflow` once its flags are checked.
os.environ["SISRNN_TF_ROOMS_ONLY"] = "1"
import sisrnn_tf  # noqa: F401

del os.environ["SISRNN_TF_ROOMS_ONLY"]  # child processes import all
