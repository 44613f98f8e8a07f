"""What libraries write to the console, without what says nothing of the user's work."""

import contextlib
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator

# Notes of severity I, and the warning that notes come before their log is set up.
_NOTES = r"I\d{4} |WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR"
# No library of a driver: nothing to report where there is no NVIDIA device either.
_NO_DRIVER = r"E\d{4} .*failed call to cuInit: .*\(303\)"
_DEVICES = pathlib.Path("/dev")
# In a process of its own, which passes on what comes before a crash too.
_FILTER = """
import re, sys
for line in sys.stdin.buffer:
    if not re.match(sys.argv[1].encode(), line):
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
"""


def import_tensorflow() -> None:
    """Imports TensorFlow without its notes on CPUs and missing GPUs, which would bury ours; its errors stay.

    Some notes are written before it looks at `TF_CPP_MIN_LOG_LEVEL`: as it is imported, and as it first looks for GPUs.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2") != "0" and "tensorflow" not in sys.modules:
        with without_notes():
            import tensorflow

            tensorflow.config.list_physical_devices()


@contextlib.contextmanager
def without_notes() -> Iterator[None]:
    """Keeps notes off the error stream, those of C++ too; whatever else is written there is passed on at once."""
    dropped = _NOTES if any(_DEVICES.glob("nvidia*")) else f"{_NOTES}|{_NO_DRIVER}"
    command = [sys.executable, "-I", "-S", "-c", _FILTER, dropped]
    # A session of its own: Ctrl-C is for the launcher, and the filter ends with it.
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as process:
        stream = os.dup(2)
        os.dup2(process.stdin.fileno(), 2)  # type: ignore[union-attr]  # a pipe, as was asked for
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stream, 2)
            os.close(stream)
