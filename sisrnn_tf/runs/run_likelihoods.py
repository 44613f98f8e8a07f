"""Likelihoods of a trained run's data by several estimators, kept and recorded in its workdir as they come."""

from collections.abc import Callable, Sequence

from tqdm import tqdm

from sisrnn_tf._version import __version__
from sisrnn_tf.analysis import likelihood_records, likelihoods
from sisrnn_tf.data import pipeline
from sisrnn_tf.data.spec import SequenceDataset
from sisrnn_tf.runs import run_files
from sisrnn_tf.runs.training import TrainedRun
from sisrnn_tf.runs.workdir import Workdir


def evaluate(
    workdir: Workdir,
    run: TrainedRun,
    dataset: SequenceDataset,
    estimates: Sequence[likelihoods.Estimate],
    max_sequences: int | None = None,
    precision: str | None = None,
    on_record: Callable[[dict], None] = lambda record: None,
) -> list[dict]:
    """Returns a record for each estimate, written as soon as it is there; goes on where an earlier call was stopped.

    Args:
        workdir: of the run, held until the end.
        run: its model; with `precision` as of `training.load_best`.
        dataset: of the run.
        estimates: of one split.
        max_sequences: at most so many, evenly spaced; None for as many as in training.
        precision: that the model has; None for the run's own.
        on_record: called with each record.

    Raises:
        ValueError: the data has changed, a file of the workdir is damaged, or another process holds it.
    """
    with workdir.lock():
        workdir.check_data(run.spec.of(dataset).to_json())
        run_files.read_evaluation(workdir.evaluation, run.spec.convention)  # records are added to it
        max_sequences = max_sequences or run.config.data.max_eval_sequences
        precision = precision or run.config.training.precision
        size, split = run.config.training.eval_batch_size, estimates[0].split
        batches = pipeline.evaluation_batches(dataset, split, size, max_sequences)
        count = pipeline.num_evaluated(dataset.split(split), max_sequences)
        files = _open_files(workdir, run.epoch, estimates, max_sequences, precision)
        for file in files:
            file.check_rows(size, count)
        records = []
        for estimate, file in zip(estimates, files, strict=True):
            with tqdm(total=len(batches), desc=_name(estimate), unit="batch", leave=False, disable=None) as progress:
                values = likelihoods.sequence_likelihoods(
                    run.model, batches, estimate, file, progress.update, run.spec.normalization
                )
            spec = run.spec
            records.append(
                likelihood_records.to_record(
                    run.model, run.epoch, estimate, spec.convention, precision, values, spec.normalization
                )
            )
            run_files.write_records(workdir.evaluation, records[-1:])
            on_record(records[-1])
    return records


def _open_files(
    workdir: Workdir,
    epoch: int,
    estimates: Sequence[likelihoods.Estimate],
    max_sequences: int | None,
    precision: str,
) -> list[likelihoods.LikelihoodFile]:
    identity = {
        "epoch": epoch,
        "max_sequences": max_sequences,
        "precision": precision,
        "version": __version__,
    }
    return [likelihoods.LikelihoodFile(workdir.likelihoods / f"{_name(each)}.npz", identity) for each in estimates]


def _name(estimate: likelihoods.Estimate) -> str:
    return (
        f"{estimate.split}-{estimate.estimator}-K{estimate.num_mixing}-M{estimate.num_importance}-seed{estimate.seed}"
    )
