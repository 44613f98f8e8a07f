"""Runs launchers as processes, as a user does."""

import json
import multiprocessing
import os
import pathlib
import re
import resource
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import TextIO

import tensorflow as tf

ROOT = pathlib.Path(__file__).parents[2]

# A model so small that its training takes a moment; 40 steps an epoch.
TINY = (
    "--latent_size=2",
    "--hidden_size=4",
    "--encoder_sizes=8,8",
    "--noise_sizes=4,2",
    "--prior_sizes=4",
    "--decoder_sizes=8",
    "--epochs=3",
    "--num_mixing=3",
    "--num_mixing_ramp_epochs=3",
    "--eval_num_mixing=2",
    "--max_eval_sequences=50",
)

# Importing TensorFlow takes longer than most of these runs: a server that has imported the library, not the launchers,
# forks for each. Nothing has been computed there, so a fork has what a new interpreter has after its imports.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    ["sklearn.datasets", "sisrnn_tf.analysis.diagnostics", "sisrnn_tf.runs.report", "sisrnn_tf.runs.training"]
)


class Launched:
    """A running launcher: what its tests need of a `subprocess.Popen`."""

    def __init__(self, process: multiprocessing.process.BaseProcess, output: TextIO):
        self._process, self._output = process, output

    @property
    def returncode(self) -> int | None:
        """The exit status, minus the signal's number after one; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Returns `returncode`, after waiting a moment for the end: who asks in a loop leaves it the processor."""
        self._process.join(0.005)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Sends a signal, if it still runs."""
        if self._process.exitcode is None:
            os.kill(self._process.pid, number)

    def communicate(self, timeout: float = 300) -> tuple[str, None]:
        """Returns all its output once it has ended; kills it after so many seconds."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            self._process.kill()
            raise subprocess.TimeoutExpired(self._process.name, timeout, self.read())
        return self.read(), None

    def read(self) -> str:
        """Returns what it has written so far."""
        self._output.seek(0)
        return self._output.read()


def _redirected(path: str, function: Callable, *arguments) -> None:
    """Calls a function in a fork, with what it prints in a file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(descriptor, stream.fileno())
        stream.reconfigure(line_buffering=True)
    os.chdir(ROOT)
    function(*arguments)


def _launch(module: str, arguments: list[str], variables: dict[str, str]) -> None:
    """Does what `python -m launch.MODULE` does, with environment variables."""
    os.environ.update(variables)
    sys.argv = [f"launch.{module}", *arguments]
    runpy.run_module(f"launch.{module}", run_name="__main__", alter_sys=True)


def _fork(function: Callable, *arguments) -> Launched:
    output = tempfile.NamedTemporaryFile("r")  # noqa: SIM115 - read when what runs has ended
    process = _FORKS.Process(target=_redirected, args=(output.name, function, *arguments))
    process.start()
    return Launched(process, output)


def start(module: str, *arguments: str, **variables: str) -> Launched:
    """Starts a launcher with environment variables; its output is one text stream, written line by line."""
    return _fork(_launch, module, [*map(str, arguments)], variables)


def call(function: Callable, *arguments) -> tuple[int, str]:
    """Calls a function of a module, on what can be pickled, in a process of its own; returns what `run` does."""
    process = _fork(function, *arguments)
    output, _ = process.communicate(timeout=300)
    return process.returncode, output


def run(module: str, *arguments: str) -> tuple[int, str]:
    """Runs a launcher to its end and returns its exit status and output."""
    process = start(module, *arguments)
    output, _ = process.communicate(timeout=300)
    return process.returncode, output


def _launch_limited(size: int, module: str, arguments: list[str]) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    _launch(module, arguments, {})


def run_on_full_disk(size: int, module: str, *arguments: str) -> tuple[int, str]:
    """Does what `run` does where no file can grow beyond so many bytes: a write fails as it does on a full disk."""
    return call(_launch_limited, size, module, [*map(str, arguments)])


def run_anew(module: str, *arguments: str) -> tuple[int, str]:
    """Does what `run` does by `python -m launch.MODULE`, word for word; each launcher is run so once.

    Of each it proves that no notes of TensorFlow stand before its answer.
    """
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONUNBUFFERED": "1"}
    process = subprocess.run(
        [sys.executable, "-m", f"launch.{module}", *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    notes = [
        line for line in process.stdout.splitlines() if re.match(r"I\d{4} |WARNING: .*InitializeLog|.*cuInit", line)
    ]
    assert not notes, notes
    return process.returncode, process.stdout


def read_state(workdir: pathlib.Path) -> dict:
    """Returns all variables of a run's newest checkpoint."""
    newest = max(workdir.glob("checkpoints/last-*.index"), key=lambda path: int(path.stem.split("-")[1]))
    reader = tf.train.load_checkpoint(str(newest.with_suffix("")))
    names = [name for name in reader.get_variable_to_shape_map() if not name.startswith("_")]
    return {name: reader.get_tensor(name) for name in names}


def read_metrics(workdir: pathlib.Path) -> list[dict]:
    """Returns the lines of a run's metrics.jsonl but for their seconds."""
    records = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in record.items() if name != "seconds"} for record in records]
