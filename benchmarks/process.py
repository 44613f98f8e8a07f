"""The parent's end of a worker: starts it on one thread and asks it, see `benchmarks.worker`."""

import json
import os
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).parents[1]
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "CUDA_VISIBLE_DEVICES": "-1",
    "JAX_PLATFORMS": "cpu",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


class Process:
    """A worker; a context manager that ends it.

    Args:
        name: of a module in `benchmarks.peers`.
        python: the interpreter.
        core: the number of the core it is bound to.
    """

    def __init__(self, name: str, python: str, core: int):
        self.name = name
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - __exit__ closes it
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.worker", name, str(core)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=ROOT,
            env={**os.environ, **ONE_THREAD},
        )

    def ask(self, do: str, **request) -> dict:
        """Returns the worker's answer.

        Args:
            do: what; a method of `worker.Worker`.
            **request: its arguments.

        Raises:
            RuntimeError: the worker ended or answered with an error.
        """
        try:
            self._process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # why it ended is on its stderr
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": f"ended with status {self._process.wait()}"}
        if "error" in answer:
            self._errors.seek(0)
            tail = "".join(self._errors.readlines()[-15:])
            raise RuntimeError(f"Contender {self.name!r} failed to {do}: {answer['error']}\n{tail}")
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._errors.close()


def require_packages(python: str, packages: dict[str, tuple[str, ...]]) -> None:
    """Checks that an interpreter can import what the peers need.

    Args:
        python: the interpreter.
        packages: of each peer.

    Raises:
        ValueError: it cannot.
    """
    code = "import importlib.util, sys; sys.exit(any(importlib.util.find_spec(n) is None for n in sys.argv[1:]))"
    for peer, names in packages.items():
        try:
            missing = subprocess.run([python, "-c", code, *names], check=False).returncode != 0
        except OSError as error:
            raise ValueError(f"`peer_python` must be a Python interpreter. Received: {python} ({error})") from None
        if missing:
            raise ValueError(
                f"`peers` names {peer}, but {python} lacks a package it needs: pip install {' '.join(names)} there, "
                "or name an interpreter that has them by --peer_python, or leave the peer out of --peers"
            )
