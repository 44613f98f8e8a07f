"""Launchers, run from the checkout: `python -m launch.train --help`."""

import os

# TensorFlow's notes on CPUs and missing GPUs would bury ours; its errors stay. Must be set before it is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
