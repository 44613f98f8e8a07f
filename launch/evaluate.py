"""Evaluates the best epoch of a trained model on held-out data, by tighter estimators than training used.

python -m launch.evaluate --workdir=runs/digits-sisrnn --estimator=all --num_importance=1,10 --num_mixing=10

The same command continues an evaluation that was stopped.
"""

import sys

from absl import app
from absl import logging as absl_logging
from absl.flags import FLAGS, mark_flag_as_required
from tqdm import tqdm

import sisrnn_tf
from flags import evaluation as evaluation_flags
from flags import help, numbers, workdir
from flags.arguments import flags_only
from sisrnn_tf import evaluation, factory, likelihoods, run_files, training
from sisrnn_tf.data import pipeline
from sisrnn_tf.workdir import Workdir


@flags_only
def main() -> None:
    """Runs the launcher."""
    absl_logging.set_verbosity(absl_logging.WARNING)  # TensorFlow's notes come this way
    mixing = numbers.from_flag("num_mixing", minimum=0)
    importance = numbers.from_flag("num_importance", minimum=1)
    seeds = range(FLAGS.sampling_seed, FLAGS.sampling_seed + FLAGS.num_seeds)
    names = list(likelihoods.ESTIMATORS) if FLAGS.estimator == "all" else [FLAGS.estimator]
    folder = Workdir(FLAGS.workdir)
    try:
        run = training.load_best(folder, FLAGS.precision)
        folder.check_writable()
        with folder.lock():
            records = _evaluate(folder, run, likelihoods.plan(run.model, FLAGS.split, names, mixing, importance, seeds))
    except (ValueError, OSError) as error:
        sys.exit(f"ERROR: {error}")
    print(f"\n{FLAGS.split}, {run.spec.convention}, {records[0]['num_sequences']} sequences, nats per sequence:")
    print(evaluation.table(records))


def _evaluate(folder: Workdir, run: training.TrainedRun, estimates: list[likelihoods.Estimate]) -> list[dict]:
    """Returns a record for each estimate, shown and written as soon as it is there."""
    model, spec, config, epoch, _ = run
    dataset = factory.make_data(config.data, config.training.seed)
    folder.check_data(spec.of(dataset).to_json())
    run_files.read_evaluation(folder.evaluation, spec.convention)  # records are added to it
    max_sequences = FLAGS.max_eval_sequences or config.data.max_eval_sequences
    size = config.training.eval_batch_size
    batches = pipeline.evaluation_batches(dataset, FLAGS.split, size, max_sequences)
    precision = FLAGS.precision or config.training.precision
    identity = {
        "epoch": epoch,
        "max_sequences": max_sequences,
        "precision": precision,
        "version": sisrnn_tf.__version__,
    }
    files = [likelihoods.LikelihoodFile(folder.likelihoods / f"{_name(each)}.npz", identity) for each in estimates]
    for file in files:
        file.check_rows(size, pipeline.num_evaluated(dataset.split(FLAGS.split), max_sequences))
    records = []
    for estimate, file in zip(estimates, files, strict=True):
        with tqdm(total=len(batches), desc=_name(estimate), unit="batch", leave=False, disable=None) as progress:
            values = likelihoods.sequence_likelihoods(model, batches, estimate, file, progress.update)
        records.append(
            evaluation.to_record(model, epoch, estimate, spec.convention, precision, values, spec.normalization)
        )
        evaluation.write_records(folder.evaluation, records[-1:])
        print(evaluation.describe(records[-1]), flush=True)
    return records


def _name(estimate: likelihoods.Estimate) -> str:
    return (
        f"{estimate.split}-{estimate.estimator}-K{estimate.num_mixing}-M{estimate.num_importance}-seed{estimate.seed}"
    )


if __name__ == "__main__":
    mark_flag_as_required("workdir")
    app.run(main, flags_parser=help.parser(workdir, evaluation_flags))
