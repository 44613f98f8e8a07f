"""Runs launchers as processes, as a user does."""

import json
import os
import pathlib
import subprocess
import sys

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


def start(module: str, *arguments: str, **variables: str) -> subprocess.Popen:
    """Starts `python -m launch.MODULE` with environment variables; its output is one text stream, unbuffered."""
    quiet = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1"}
    environment = os.environ | quiet | variables
    return subprocess.Popen(
        [sys.executable, "-m", f"launch.{module}", *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(module: str, *arguments: str) -> tuple[int, str]:
    """Runs a launcher to its end and returns its exit status and output."""
    process = start(module, *arguments)
    output, _ = process.communicate(timeout=300)
    return process.returncode, output


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
