"""Forecasts of sequences, in the user's units, and the held-out ones that they are tried on."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from sisrnn_tf.core import random
from sisrnn_tf.data import pipeline
from sisrnn_tf.data.spec import DataSpec, Label, SequenceDataset, Sequences, pad
from sisrnn_tf.models.stepwise import StepwiseModel

_LOGGER = logging.getLogger(__name__)
_BATCH_SIZE = 64
LEVELS = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)  # of the quantiles that are written


def contexts(
    dataset: SequenceDataset, split: str, context_steps: int, num_steps: int, max_sequences: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns beginnings of sequences and what follows them, of those sequences that go on, in the user's units.

    Args:
        dataset: as read.
        split: which sequences.
        context_steps: C, steps of a beginning.
        num_steps: F, steps of what follows.
        max_sequences: so many sequences are looked at, evenly spaced.

    Returns:
        `[N, C, D]`, and `[N, F, D]`, NaN after the end of a sequence.

    Raises:
        ValueError: none is longer than the beginning.
    """
    sequences = held_out(dataset, split, max_sequences)
    longer = [sequence for sequence in sequences if len(sequence) > context_steps]
    total, left_out = len(sequences), len(sequences) - len(longer)
    if not longer:
        raise ValueError(
            f"`context_steps` must leave steps to forecast: of {total} sequences of the {split} split none is longer. "
            f"Received: context_steps={context_steps}"
        )
    if left_out:
        message = "%d of %d sequences of the %s split have no more than %d steps, and are left out."
        _LOGGER.warning(message, left_out, total, split, context_steps)
    values = pad(longer, np.nan)[:, : context_steps + num_steps]
    missing = context_steps + num_steps - values.shape[1]
    values = np.pad(values, [(0, 0), (0, max(0, missing)), (0, 0)], constant_values=np.nan)
    return values[:, :context_steps], values[:, context_steps:]


def held_out(dataset: SequenceDataset, split: str, max_sequences: int | None = None) -> list[np.ndarray]:
    """Returns sequences of a split in the user's units, each `[T_n, D]`, NaN where values are missing.

    Args:
        dataset: as read.
        split: which sequences.
        max_sequences: so many, evenly spaced; None for all.
    """
    size = pipeline.num_evaluated(dataset.split(split), max_sequences)
    batch = next(iter(pipeline.evaluation_batches(dataset, split, size, max_sequences)))
    observations = DataSpec.of(dataset).to_units(pipeline.with_gaps(batch))
    lengths = batch["mask"].numpy().sum(axis=1)
    return [sequence[:length] for sequence, length in zip(observations, lengths, strict=True)]


def held_out_covariates(
    dataset: SequenceDataset, split: str, max_sequences: int | None = None
) -> list[np.ndarray] | None:
    """Returns the covariates of the sequences of `held_out`, in the user's units, each `[T_n, U]`; None of none."""
    scale, size = dataset.covariate_normalization, pipeline.num_evaluated(dataset.split(split), max_sequences)
    if scale is None:
        return None
    batch = next(iter(pipeline.evaluation_batches(dataset, split, size, max_sequences)))
    values, lengths = scale.invert(batch["covariates"].numpy()), batch["mask"].numpy().sum(axis=1)
    return [part[:length] for part, length in zip(values, lengths, strict=True)]


def held_out_labels(dataset: SequenceDataset, split: str, max_sequences: int | None = None) -> list[Label] | None:
    """Returns what the file calls the sequences of `held_out`; None where they have no names."""
    sequences = dataset.split(split)
    if sequences.labels is None:
        return None
    return [sequences.labels[index] for index in pipeline.evaluated(sequences, max_sequences)]


def draw(
    model: StepwiseModel,
    spec: DataSpec,
    contexts: Sequence[np.ndarray],
    num_steps: int,
    num_samples: int,
    seed: random.Seed,
    covariates: Sequence[np.ndarray] | None = None,
    **options: Any,
) -> np.ndarray:
    """Returns draws of what follows sequences, in the user's units, `[S, N, F, D]`.

    Args:
        model: trained.
        spec: of its data.
        contexts: in the user's units, each `[T_n, D]`, NaN where values are missing.
        num_steps: F.
        num_samples: S.
        seed: of the draws.
        covariates: of each context and of the F steps after it, in the user's units, `[T_n + F, U]`; None where there
            are none.
        **options: of `model.forecast`.

    Raises:
        ValueError: a context is nothing that the model can score, or a number is out of its range.
    """
    parts = []
    for first in range(0, len(contexts), _BATCH_SIZE):
        rows = slice(first, first + _BATCH_SIZE)
        batch = Sequences.of([spec.from_units(context) for context in contexts[rows]])
        options["covariates"] = None if covariates is None else spec.to_known(covariates[rows])
        part_seed = random.fold_in(random.as_seed(seed), first)
        given = (batch.observations, num_steps, num_samples, batch.mask, part_seed)
        parts.append(spec.to_units(model.forecast(*given, observed=batch.observed, **options).numpy()))
    return np.concatenate(parts, axis=1)
