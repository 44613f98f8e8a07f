"""The filter of the error stream, alone: importing the package would import TensorFlow."""

import subprocess
import sys

from tests.launch import launcher

_PROGRAM = """
import os, pathlib, sys
import console
console._DEVICES = pathlib.Path(sys.argv[1])
with console.without_notes():
    os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\\n")
    os.write(2, b"I0000 00:00:1.2 3 port.cc:153] oneDNN custom operations are on.\\n")
    os.write(2, b"E0000 00:00:1.2 3 cuda_platform.cc:52] failed call to cuInit: UNKNOWN ERROR (303)\\n")
    os.write(2, b"E0000 00:00:1.2 3 cuda_platform.cc:52] failed call to cuInit: CUDA_ERROR_NO_DEVICE (100)\\n")
    print("of Python", file=sys.stderr)
    os.write(2, b"F0000 00:00:1.2 3 cpu.cc:1] This binary needs AVX512")
    os.abort() if sys.argv[2] == "abort" else None
print("\\nI0000 afterwards", file=sys.stderr)
"""


def _errors(devices, ending):
    command = [sys.executable, "-c", _PROGRAM, str(devices), ending]
    run = subprocess.run(command, cwd=launcher.ROOT / "launch", stderr=subprocess.PIPE, timeout=60, check=False)
    return [line.split("] ")[-1] for line in run.stderr.decode().splitlines()]


def test_notes_are_dropped_and_errors_shown_up_to_a_crash(tmp_path):
    errors = ["failed call to cuInit: CUDA_ERROR_NO_DEVICE (100)", "of Python", "This binary needs AVX512"]
    assert _errors(tmp_path, "abort") == errors
    assert _errors(tmp_path, "end") == [*errors, "I0000 afterwards"]
    (tmp_path / "nvidia0").touch()  # where there is a GPU, to have no driver is an error
    assert _errors(tmp_path, "end") == ["failed call to cuInit: UNKNOWN ERROR (303)", *errors, "I0000 afterwards"]
