"""Runs what `benchmarks.portable_step` exported by JAX's runtime: first that it agrees, then how long a step takes.

python -m benchmarks.portable_run --input_dir=/tmp/portable --num_steps=100

Needs jax and NumPy only. The state stays on the device between steps.
"""

import argparse
import json
import pathlib
import time

import jax
import jaxlib._jax as xla  # private: JAX's runtime compiles a text only by it
import numpy as np
from jax._src.lib import xla_client

_TOLERANCE = 1e-4


class Program:
    """A compiled StableHLO text.

    Args:
        text: of a module whose main function takes and returns arrays.
    """

    def __init__(self, text: str):
        device = jax.devices()[0]
        self._executable = device.client.compile_and_load(text, xla.DeviceList((device,)), xla_client.CompileOptions())

    def __call__(self, arguments: list[jax.Array]) -> list[jax.Array]:
        """Returns the results, on the device."""
        parts = self._executable.execute_sharded(arguments).disassemble_into_single_device_arrays()
        return [part[0] for part in parts]


def run(program: Program, state: list, observations, num_steps: int) -> tuple[list, list[float]]:
    """Takes steps with the seeds (0, 0), (0, 1).. and returns the state and all losses."""
    losses = []
    for number in range(num_steps):
        seed = jax.device_put(np.array([0, number], np.int32))
        *state, loss = program([*state, observations, seed])
        losses.append(loss)
    return state, [float(loss) for loss in losses]


def main() -> None:
    """Checks and times the steps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--input_dir", type=pathlib.Path, required=True)
    parser.add_argument("--num_steps", type=int, default=100)
    flags = parser.parse_args()
    with np.load(flags.input_dir / "arguments.npz") as file:
        values = dict(file)
    expected = values.pop("expected_losses")
    arguments = [jax.device_put(values[f"argument_{index}"]) for index in range(len(values))]
    *state, observations = arguments
    platform = "CPU" if jax.devices()[0].platform == "cpu" else "GPU"
    program = Program((flags.input_dir / f"step.{platform}.mlir").read_text())
    _, losses = run(program, state, observations, len(expected))
    error = float(np.max(np.abs(np.array(losses) / expected - 1)))
    if not error <= _TOLERANCE:
        raise SystemExit(f"ERROR: the losses {losses} differ from TensorFlow's {expected.tolist()}")
    start = time.perf_counter()
    run(program, state, observations, flags.num_steps)
    milliseconds = 1e3 * (time.perf_counter() - start) / flags.num_steps
    device = str(jax.devices()[0].device_kind)
    print(json.dumps({"device": device, "loss_error": error, "ms_per_step": milliseconds, "jax": jax.__version__}))


if __name__ == "__main__":
    main()
