"""Time and memory of a training step against K, of each kind of mixing, on one thread.

python -m benchmarks.mixing --output=results/benchmark-mixing.json
"""

import dataclasses

import numpy as np
from absl import app, flags

from benchmarks import machine, trials
from benchmarks.configuration import Configuration
from flags.arguments import flags_only

FLAGS = flags.FLAGS
flags.DEFINE_integer("rounds", 15, "Steps that count, of each.", lower_bound=1)
flags.DEFINE_string("output", None, "Where to write the numbers, as JSON.", required=True)

CASES = (("none", 1), *((mixing, count) for mixing in ("joint", "per_dimension") for count in (1, 10, 100)))


@flags_only
def main() -> None:
    """Times one case after the other, and writes medians over steps."""
    points = []
    for mixing, count in CASES:
        configuration = dataclasses.replace(Configuration(), mixing=mixing, num_mixing=count)
        answer = trials.measure("train", configuration, rounds=FLAGS.rounds)
        cpu_ms = float(np.median(answer["cpu_ms"]))
        points.append({"mixing": mixing, "num_mixing": count, "cpu_ms": cpu_ms, "peak_mb": answer["peak_mb"]})
        print(points[-1], flush=True)
    machine.write_json(machine.result(rounds=FLAGS.rounds, results=points), FLAGS.output)


if __name__ == "__main__":
    app.run(main)
