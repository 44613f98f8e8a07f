"""Times a training step of this library and its peers, in turns, on one thread.

python -m benchmarks.train_step --peers=torch,jax,tf --configurations=a,b,c --rounds=10 --output=results.json
"""

import os
import sys

from absl import app, flags

from benchmarks import comparison, machine, process, report
from benchmarks.configuration import CONFIGURATIONS
from benchmarks.contender import MODULES, PACKAGES
from flags.arguments import flags_only

FLAGS = flags.FLAGS
flags.DEFINE_list("peers", ["torch", "jax", "tf"], f"Which, beside this library: {', '.join(PACKAGES)}.")
flags.DEFINE_list("configurations", ["a", "b", "c"], f"Which sizes: {', '.join(CONFIGURATIONS)}.")
flags.DEFINE_integer("rounds", 10, "Steps of each contender that count.", lower_bound=1)
flags.DEFINE_string("peer_python", sys.executable, "The interpreter of torch and jax.")
flags.DEFINE_string("output", None, "Where to write the numbers, as JSON.")
flags.DEFINE_string("page", None, "Where to write them as a page of Markdown.")


@flags_only
def main() -> None:
    """Runs the comparison."""
    for name, known in (("peers", PACKAGES), ("configurations", CONFIGURATIONS)):
        values = FLAGS[name].value
        if not set(values) <= set(known):
            raise app.UsageError(f"--{name} must be of {', '.join(known)}. Received: --{name}={','.join(values)}")
    pythons = {peer: sys.executable if peer == "tf" else FLAGS.peer_python for peer in FLAGS.peers}
    result = machine.result(results={})
    core = max(os.sched_getaffinity(0))
    try:
        for peer, python in pythons.items():
            process.require_packages(python, {peer: PACKAGES[peer]})
        contenders = {name: python for peer, python in pythons.items() for name in MODULES[peer]}
        for name in FLAGS.configurations:
            contenders = {"library": sys.executable, **contenders}
            answer = comparison.compare(CONFIGURATIONS[name], contenders, FLAGS.rounds, core)
            result["results"][name] = answer
            print(report.table(name, answer), flush=True)
            if FLAGS.output:
                machine.write_json(result, FLAGS.output)
    except (ValueError, RuntimeError) as error:
        sys.exit(f"ERROR: {error}")
    if FLAGS.page:
        report.write_page(result, FLAGS.page)


if __name__ == "__main__":
    app.run(main)
