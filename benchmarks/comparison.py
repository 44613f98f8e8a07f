"""Contenders side by side: first they agree, then they take turns."""

import contextlib
import dataclasses
import pathlib
import tempfile
from collections.abc import Mapping

import numpy as np

from benchmarks import flops, parameters, reference
from benchmarks.configuration import Configuration
from benchmarks.process import Process

_BOUND_TOLERANCE, _GRADIENT_TOLERANCE = 1e-5, 1e-4
_NUM_PRODUCTS = 5


def compare(configuration: Configuration, pythons: Mapping[str, str], num_rounds: int, core: int) -> dict:
    """Times a training step of several contenders, one after the other in each round.

    Args:
        configuration: sizes.
        pythons: of each contender, the interpreter; "library" among them.
        num_rounds: steps of each contender that count, after one that does not.
        core: the number of the core that all run on.

    Returns:
        {"configuration", "flops" of a step, "peak_flops" a second, "contenders": by name their versions, steps' times
        and memory}.

    Raises:
        RuntimeError: a contender fails or disagrees with the reference.
    """
    sizes = dataclasses.asdict(configuration)
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = pathlib.Path(name)
        reference.write(configuration, folder)
        build = {"configuration": sizes, "path": str(folder / "build.npz")}
        agreement = {}
        for contender, python in pythons.items():
            # A process of its own: what a check leaves behind would hide a step's memory.
            with Process(contender, python, core) as process:
                process.ask("build", **build)
                agreement[contender] = _check(process, folder)
        processes = {name: stack.enter_context(Process(name, python, core)) for name, python in pythons.items()}
        versions = {name: process.ask("build", **build)["version"] for name, process in processes.items()}
        times = _rounds(processes, num_rounds)
        memory = {name: process.ask("memory")["peak_mb"] for name, process in processes.items()}
        peaks = [process.ask("peak", count=_NUM_PRODUCTS)["flops"] for process in processes.values()]
    contenders = {
        name: {"version": versions[name], "peak_mb": memory[name], **agreement[name], **times[name]}
        for name in processes
    }
    return {
        "configuration": sizes,
        "flops": flops.training_step(configuration),
        "peak_flops": max(peaks),
        "contenders": contenders,
    }


def _check(process: Process, folder: pathlib.Path) -> dict:
    output = folder / f"{process.name}.npz"
    process.ask("check", path=str(folder / "check.npz"), output=str(output))
    with np.load(output) as received, np.load(folder / "expected.npz") as expected:
        return disagreement(process.name, dict(received), dict(expected))


def disagreement(name: str, received: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> dict:
    """Returns the relative errors of a contender's bound and gradients, where they are small enough.

    Args:
        name: of the contender.
        received: its "bound" `[B]`, and gradients by name.
        expected: the reference's, in float64.

    Raises:
        RuntimeError: an error is too large, or a gradient missing.
    """
    expected = dict(expected)
    bound = expected.pop("bound")
    bound_error = float(np.max(np.abs(received["bound"] / bound - 1)))
    errors = parameters.mismatches(received, expected)
    parameter, gradient_error = max(errors.items(), key=lambda item: item[1])
    for what, error, tolerance in (
        ("bound", bound_error, _BOUND_TOLERANCE),
        (f"gradient of {parameter}", gradient_error, _GRADIENT_TOLERANCE),
    ):
        if not error <= tolerance:
            raise RuntimeError(
                f"Contender {name!r} computes something else: the relative error of its {what} is {error:.2e}, "
                f"above {tolerance:.0e}"
            )
    return {"bound_error": bound_error, "gradient_error": gradient_error}


def _rounds(processes: dict[str, Process], num_rounds: int) -> dict[str, dict]:
    times = {name: {"cpu_ms": [], "wall_ms": []} for name in processes}
    for process in processes.values():
        process.ask("step", count=1)  # traces and compiles
    for _ in range(num_rounds):
        for name, process in processes.items():
            answer = process.ask("step", count=1)
            for unit, values in times[name].items():
                values += answer[unit]
    return times


def summary(result: dict) -> list[dict]:
    """Returns a row a contender of a result of `compare`, the library first.

    Returns:
        {"contender", "cpu_ms" (median), "ratio" (to the library), "peak_mb", "floor" (the share of the time that the
        matrix products alone would take at the machine's peak)}.
    """
    medians = {name: float(np.median(values["cpu_ms"])) for name, values in result["contenders"].items()}
    floor_ms = 1e3 * result["flops"] / result["peak_flops"]
    return [
        {
            "contender": name,
            "cpu_ms": median,
            "ratio": median / medians["library"],
            "peak_mb": result["contenders"][name]["peak_mb"],
            "floor": floor_ms / median,
        }
        for name, median in medians.items()
    ]
