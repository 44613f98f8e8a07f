"""Evaluates the best epoch of a trained model on held-out data, by tighter estimators than training used.

python -m launch.evaluate --workdir=runs/digits-sisrnn --estimator=all --num_importance=10 --num_mixing=10
"""

import sys

import tensorflow as tf
from absl import app
from absl import logging as absl_logging
from absl.flags import FLAGS, mark_flag_as_required

from flags import evaluation as evaluation_flags
from flags import help, workdir
from sisrnn_tf import evaluation, factory, particles, training
from sisrnn_tf.config import ExperimentConfig
from sisrnn_tf.data import pipeline
from sisrnn_tf.data.spec import SequenceDataset
from sisrnn_tf.workdir import Workdir


def main(argv: list[str]) -> None:
    """Runs the launcher."""
    if len(argv) > 1:
        raise app.UsageError(f"Flags only, please. Received: {' '.join(argv[1:])}")
    absl_logging.set_verbosity(absl_logging.WARNING)  # TensorFlow's notes come this way
    folder = Workdir(FLAGS.workdir)
    estimators = list(evaluation.ESTIMATORS) if FLAGS.estimator == "all" else [FLAGS.estimator]
    try:
        model, spec, config = training.load_best(folder)
        dataset = factory.make_data(config.data, config.training.seed)
        if config.model.model == "rnn":
            estimators = ["bound"]  # exact
        batches = {estimator: _batches(dataset, config, estimator) for estimator in estimators}
    except (ValueError, OSError) as error:
        sys.exit(f"ERROR: {error}")
    for estimator in estimators:
        record = evaluation.evaluate_likelihood(
            model,
            batches[estimator],
            FLAGS.split,
            spec.convention,
            estimator,
            FLAGS.num_mixing,
            FLAGS.num_importance,
            FLAGS.sampling_seed,
        )
        evaluation.write_records(folder.evaluation, [record])
        print(evaluation.describe(record), flush=True)


def _batches(dataset: SequenceDataset, config: ExperimentConfig, estimator: str) -> tf.data.Dataset:
    """Returns the split in batches as in training, smaller for SMC, which holds all particles of a batch at once."""
    size = config.training.eval_batch_size
    if estimator == "smc":
        num_components = FLAGS.num_mixing + 1 if config.model.model == "sisrnn" else 1
        num_steps = dataset.split(FLAGS.split).observations.shape[1]
        size = min(size, particles.chunk_size(num_steps * FLAGS.num_importance * num_components))
    max_sequences = FLAGS.max_eval_sequences or config.data.max_eval_sequences
    return pipeline.evaluation_batches(dataset, FLAGS.split, size, max_sequences)


if __name__ == "__main__":
    mark_flag_as_required("workdir")
    app.run(main, flags_parser=help.parser(workdir, evaluation_flags))
