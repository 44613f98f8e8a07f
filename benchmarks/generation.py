"""Sequences a second that this library draws, `model.generate`, on one thread.

python -m benchmarks.generation --batch_size=128 --num_steps=28 --output=generation.json
"""

import numpy as np
from absl import app, flags

from benchmarks import machine, trials
from benchmarks.configuration import Configuration
from flags.arguments import flags_only

FLAGS = flags.FLAGS
flags.DEFINE_integer("batch_size", 128, "B.", lower_bound=1)
flags.DEFINE_integer("num_steps", 28, "T, of 28 values each.", lower_bound=1)
flags.DEFINE_string("output", None, "Where to write the numbers, as JSON.")


@flags_only
def main() -> None:
    """Runs the generation."""
    configuration = Configuration(batch_size=FLAGS.batch_size, num_steps=FLAGS.num_steps)
    answer = trials.measure("generate", configuration, rounds=10)
    answer["sequences_per_second"] = 1e3 * FLAGS.batch_size / float(np.median(answer["cpu_ms"]))
    print(f"{answer['sequences_per_second']:.0f} sequences/s  {answer['peak_mb']:.0f} MB")
    if FLAGS.output:
        machine.write_json(machine.result(results=answer), FLAGS.output)


if __name__ == "__main__":
    app.run(main)
