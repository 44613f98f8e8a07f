"""What a number was measured on, and where it is written."""

import datetime
import json
import os
import pathlib
import platform
import subprocess
import sys

from benchmarks.process import ROOT


def describe() -> dict:
    """Returns the processor, its cores, the date and the commit."""
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "HEAD"),
        "clean": not _git("status", "--porcelain"),
    }


def result(**fields) -> dict:
    """Returns what a benchmark writes: its command line, the machine, and its numbers."""
    return {"command": " ".join(sys.argv[1:]), "machine": describe(), **fields}


def write_json(value: dict, path: str | os.PathLike[str]) -> None:
    """Writes a value as JSON; at no moment does `path` hold half a file."""
    path = pathlib.Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps(value, indent=2) + "\n")
    os.replace(temporary, path)


def _git(*arguments: str) -> str:
    result = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode == 0 else "unknown"
