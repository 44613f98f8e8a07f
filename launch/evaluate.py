"""Evaluates the best epoch of a trained model on held-out data, by tighter estimators than training used.

python -m launch.evaluate --workdir=runs/digits-sisrnn --estimator=all --num_importance=1,10 --num_mixing=10

The same command continues an evaluation that was stopped.
"""

from absl.flags import FLAGS

from flags import evaluation as evaluation_flags
from flags import numbers, workdir
from flags.arguments import flags_only
from launch import console
from launch.command import Command
from sisrnn_tf.inference.traits import ESTIMATORS
from sisrnn_tf.runs.workdir import Workdir


@flags_only
def main() -> None:
    """Runs the launcher."""
    mixing = numbers.from_flag("num_mixing", minimum=0)
    importance = numbers.from_flag("num_importance", minimum=1)
    seeds = range(FLAGS.sampling_seed, FLAGS.sampling_seed + FLAGS.num_seeds)
    names = list(ESTIMATORS) if FLAGS.estimator == "all" else [FLAGS.estimator]
    folder = Workdir(FLAGS.workdir)
    folder.read_config()
    console.import_tensorflow()
    from sisrnn_tf import factory
    from sisrnn_tf.analysis import likelihood_records, likelihoods
    from sisrnn_tf.runs import run_likelihoods, training

    def show(record: dict) -> None:
        print(likelihood_records.describe(record), flush=True)

    run = training.load_best(folder, FLAGS.precision)
    folder.check_writable()
    estimates = likelihoods.plan(run.model, FLAGS.split, names, mixing, importance, seeds)
    dataset = factory.make_data(run.config.data, run.config.training.seed)
    limits = (FLAGS.max_eval_sequences, FLAGS.precision)
    records = run_likelihoods.evaluate(folder, run, dataset, estimates, *limits, show)
    print(f"\n{FLAGS.split}, {run.spec.convention}, {records[0]['num_sequences']} sequences, nats per sequence:")
    print(likelihood_records.table(records))


COMMAND = Command(main, (workdir, evaluation_flags), ("workdir",))

if __name__ == "__main__":
    COMMAND.run()
