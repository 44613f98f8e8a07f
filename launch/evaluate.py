"""Evaluates the best epoch of a trained model on held-out data, by tighter estimators than training used.

python -m launch.evaluate --workdir=runs/digits-sisrnn --estimator=all --num_importance=1,10 --num_mixing=10

The same command continues an evaluation that was stopped.
"""

from absl import app
from absl.flags import FLAGS, mark_flag_as_required

from flags import evaluation as evaluation_flags
from flags import help, numbers, workdir
from flags.arguments import flags_only
from sisrnn_tf import factory
from sisrnn_tf.analysis import likelihood_records, likelihoods
from sisrnn_tf.runs import run_likelihoods, training
from sisrnn_tf.runs.workdir import Workdir


@flags_only
def main() -> None:
    """Runs the launcher."""
    mixing = numbers.from_flag("num_mixing", minimum=0)
    importance = numbers.from_flag("num_importance", minimum=1)
    seeds = range(FLAGS.sampling_seed, FLAGS.sampling_seed + FLAGS.num_seeds)
    names = list(likelihoods.ESTIMATORS) if FLAGS.estimator == "all" else [FLAGS.estimator]
    folder = Workdir(FLAGS.workdir)
    run = training.load_best(folder, FLAGS.precision)
    folder.check_writable()
    estimates = likelihoods.plan(run.model, FLAGS.split, names, mixing, importance, seeds)
    dataset = factory.make_data(run.config.data, run.config.training.seed)
    limits = (FLAGS.max_eval_sequences, FLAGS.precision)
    records = run_likelihoods.evaluate(folder, run, dataset, estimates, *limits, _show)
    print(f"\n{FLAGS.split}, {run.spec.convention}, {records[0]['num_sequences']} sequences, nats per sequence:")
    print(likelihood_records.table(records))


def _show(record: dict) -> None:
    print(likelihood_records.describe(record), flush=True)


if __name__ == "__main__":
    mark_flag_as_required("workdir")
    app.run(main, flags_parser=help.parser(workdir, evaluation_flags))
