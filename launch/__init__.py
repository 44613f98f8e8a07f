"""Launchers, run from the checkout: `python -m launch.train --help`."""

import os
import sys

from launch import console

# TensorFlow's notes on CPUs and missing GPUs would bury ours; its errors stay. Must be set before it is imported, and
# some of the notes are written before it looks: as it is imported, and as it first looks for GPUs.
if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2") != "0" and "tensorflow" not in sys.modules:
    with console.without_notes():
        import tensorflow

        tensorflow.config.list_physical_devices()
