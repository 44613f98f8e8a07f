"""What a run runs on."""

import importlib.metadata
import os
import pathlib
import platform

from sisrnn_tf._version import __version__

_LIBRARIES = ("tensorflow", "keras", "tensorflow-probability")
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
_CPU = pathlib.Path("/proc/cpuinfo")


def versions() -> dict[str, str]:
    """Returns the versions of this library and of those that compute."""
    return {"sisrnn_tf": __version__} | {name: importlib.metadata.version(name) for name in _LIBRARIES}


def machine() -> dict[str, str | int]:
    """Returns the processor, its cores, Python, and how many threads TensorFlow was told to use."""
    lines = _CPU.read_text().splitlines() if _CPU.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.processor(),
        "cores": os.cpu_count() or 1,
        "python": platform.python_version(),
        **{name: os.environ[name] for name in _THREADS if name in os.environ},
    }
