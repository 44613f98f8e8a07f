"""The subprocess of one contender: one thread on one core, a line of JSON in, a line of JSON out.

    {"do": "build", "configuration": {..}, "path": npz of weights and "observations"}  -> {"version": ..}
    {"do": "check", "path": npz of "observations" and noise, "output": npz}            -> {}
    {"do": "step", "count": n}                -> {"cpu_ms": [n], "wall_ms": [n], "loss": of the last}
    {"do": "memory"}                          -> {"peak_mb": rise of the peak over what was resident after building}
    {"do": "peak", "count": n}                -> {"flops": of a large matrix product, best of n, a second of CPU}

An exception is answered by {"error": ..}; its traceback goes to stderr.

python -m benchmarks.worker CONTENDER CORE
"""

import json
import os
import sys
import time
import traceback

import numpy as np

from benchmarks import contender
from benchmarks.configuration import Configuration


class Worker:
    """Answers requests about one contender.

    Args:
        name: of a module in `benchmarks.peers`.
    """

    def __init__(self, name: str):
        self.name = name

    def build(self, configuration: dict, path: str) -> dict:
        """Builds the contender and notes the memory it starts from."""
        with np.load(path) as file:
            arrays = dict(file)
        observations = arrays.pop("observations")
        self.contender = contender.load(self.name)(Configuration.from_dict(configuration), arrays, observations)
        reset_peak()
        self.base_kb = status_kb("VmRSS")
        return {"version": self.contender.version}

    def check(self, path: str, output: str) -> dict:
        """Writes bound and gradients for given noise."""
        with np.load(path) as file:
            noise = dict(file)
        bound, gradients = self.contender.check(noise.pop("observations"), noise)
        np.savez(output, bound=bound, **gradients)
        return {}

    def step(self, count: int) -> dict:
        """Times training steps."""
        cpu_ms, wall_ms = [], []
        for _ in range(count):
            cpu, wall = time.process_time(), time.perf_counter()  # of all threads
            loss = self.contender.step()
            cpu_ms.append(1e3 * (time.process_time() - cpu))
            wall_ms.append(1e3 * (time.perf_counter() - wall))
        return {"cpu_ms": cpu_ms, "wall_ms": wall_ms, "loss": float(loss)}

    def memory(self) -> dict:
        """Returns the rise of the peak, in MB of 10^6 bytes."""
        return {"peak_mb": (status_kb("VmHWM") - self.base_kb) * 1024 / 1e6}

    def peak(self, count: int) -> dict:
        """Times matrix products."""
        self.contender.multiply()
        seconds = []
        for _ in range(count):
            start = time.process_time()
            self.contender.multiply()
            seconds.append(time.process_time() - start)
        return {"flops": 2 * contender.MATMUL_SIZE**3 / min(seconds)}


def status_kb(field: str) -> int:
    """Returns a field of this process' status in kB: VmRSS is resident, VmHWM its peak."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(f"{field}:"))


def reset_peak() -> None:
    """Makes Linux forget the peak: loading may have needed more than is left."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def main() -> None:
    """Serves requests until stdin ends."""
    name, core = sys.argv[1:]
    os.sched_setaffinity(0, {int(core)})
    # Frameworks print; the answers get a channel of their own.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker(name)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("do"))(**request)
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
