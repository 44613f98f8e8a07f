"""Diagnoses the posterior of a trained run, and leaves what it finds in the run's workdir."""

import json

from sisrnn_tf.analysis import diagnostics
from sisrnn_tf.core.atomic import write_text
from sisrnn_tf.data import pipeline
from sisrnn_tf.data.spec import SequenceDataset
from sisrnn_tf.runs import pictures
from sisrnn_tf.runs.training import TrainedRun
from sisrnn_tf.runs.workdir import Workdir


def diagnose(
    workdir: Workdir,
    run: TrainedRun,
    dataset: SequenceDataset,
    split: str,
    num_sequences: int,
    num_noise_draws: int,
    seed: int,
) -> dict:
    """Writes diagnostics.json and its pictures, and returns the record.

    Args:
        workdir: of the run.
        run: its model.
        dataset: of the run.
        split: which sequences.
        num_sequences: S, so many of them at the most, evenly spaced.
        num_noise_draws: R, draws of psi beside the generating one.
        seed: of the trajectories and draws.

    Raises:
        ValueError: the data has changed, or the model has no latent.
    """
    workdir.check_data(run.spec.of(dataset).to_json())
    batch = next(iter(pipeline.evaluation_batches(dataset, split, num_sequences, num_sequences)))
    real = batch["weight"].numpy() > 0
    observations, mask = (batch[name].numpy()[real] for name in ("observations", "mask"))
    covariates = batch["covariates"].numpy()[real] if "covariates" in batch else None
    found = diagnostics.diagnose(run.model, observations, mask, num_noise_draws, seed, covariates)
    record = diagnostics.record(found, run.config.model.model, split, run.spec.convention, seed)
    write_text(workdir.diagnostics, json.dumps(record, indent=2) + "\n")
    pictures.draw_diagnostics(found, workdir)
    return record
