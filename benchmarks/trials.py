"""This library alone: one thing done at one size, in its own process on one thread."""

import dataclasses
import json
import os
import subprocess
import sys
import time

from benchmarks.configuration import Configuration
from benchmarks.process import ONE_THREAD, ROOT

TASKS = ("train", "iwae", "smc", "generate")


def measure(
    task: str, configuration: Configuration, num_importance: int = 1, rounds: int = 3
) -> dict[str, float | list[float]]:
    """Runs a task in a subprocess on one core.

    Args:
        task: one of `TASKS`.
        configuration: sizes.
        num_importance: M; of iwae and smc.
        rounds: how many runs count, after one that does not.

    Returns:
        {"cpu_ms": of each run, "peak_mb": rise of the resident peak over what was there before the first}.

    Raises:
        RuntimeError: the subprocess failed.
    """
    request = {
        "task": task,
        "configuration": dataclasses.asdict(configuration),
        "num_importance": num_importance,
        "rounds": rounds,
    }
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.trials", json.dumps(request)],
        cwd=ROOT,
        env={**os.environ, **ONE_THREAD},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise RuntimeError(f"The trial {request} ended with status {result.returncode}:\n{result.stderr[-2000:]}")
    return json.loads(result.stdout.splitlines()[-1])


def _task(task: str, configuration: Configuration, num_importance: int):
    from benchmarks import reference  # TensorFlow, only after the process is bound to a core
    from benchmarks.peers import library

    observations = reference.observations_of(configuration, configuration.batch_size, 1)
    model = reference.build_model(configuration)
    if task == "train":
        return library.Contender(configuration, reference.weights_of(model), observations).step
    if task == "generate":
        return lambda: model.generate(configuration.batch_size, configuration.num_steps, seed=0).numpy()
    return lambda: model.log_likelihood(
        observations,
        num_importance=num_importance,
        num_mixing=configuration.num_mixing,
        resample=task == "smc",
        seed=0,
    ).numpy()


def main(request: dict) -> None:
    """Runs the request of `measure` and prints its answer."""
    from benchmarks import worker

    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    run = _task(request["task"], Configuration.from_dict(request["configuration"]), request["num_importance"])
    worker.reset_peak()
    base_kb = worker.status_kb("VmRSS")
    cpu_ms = []
    for _ in range(request["rounds"] + 1):  # the first one traces
        start = time.process_time()
        run()
        cpu_ms.append(1e3 * (time.process_time() - start))
    print(json.dumps({"cpu_ms": cpu_ms[1:], "peak_mb": (worker.status_kb("VmHWM") - base_kb) * 1024 / 1e6}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
