"""Particles a second of this library's likelihood estimators, `model.log_likelihood`, on one thread.

python -m benchmarks.evaluation --num_importance=100 --num_mixing=10 --output=evaluation.json
"""

import numpy as np
from absl import app, flags

from benchmarks import machine, trials
from benchmarks.configuration import Configuration
from flags.arguments import flags_only

FLAGS = flags.FLAGS
flags.DEFINE_integer("num_importance", 100, "M, particles of each sequence.", lower_bound=1)
flags.DEFINE_integer("num_mixing", 10, "K.", lower_bound=0)
flags.DEFINE_integer("batch_size", 16, "B, sequences of 28 steps of 28.", lower_bound=1)
flags.DEFINE_string("output", None, "Where to write the numbers, as JSON.")


@flags_only
def main() -> None:
    """Runs both estimators."""
    configuration = Configuration(batch_size=FLAGS.batch_size, num_mixing=FLAGS.num_mixing)
    result = machine.result(results={})
    for estimator in ("iwae", "smc"):
        answer = trials.measure(estimator, configuration, FLAGS.num_importance)
        particles = FLAGS.batch_size * FLAGS.num_importance
        answer["particles_per_second"] = 1e3 * particles / float(np.median(answer["cpu_ms"]))
        result["results"][estimator] = answer
        print(f"{estimator:4}  {answer['particles_per_second']:9.0f} particles/s  {answer['peak_mb']:6.0f} MB")
    if FLAGS.output:
        machine.write_json(result, FLAGS.output)


if __name__ == "__main__":
    app.run(main)
