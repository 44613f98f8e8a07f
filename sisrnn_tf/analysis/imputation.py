"""Sequences with gaps and their fills, in the user's units."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sisrnn_tf.core import random
from sisrnn_tf.core.validation import require
from sisrnn_tf.data.spec import DataSpec, pad
from sisrnn_tf.models.stepwise import StepwiseModel

_BATCH_SIZE = 64


def draw(
    model: StepwiseModel,
    spec: DataSpec,
    sequences: Sequence[np.ndarray],
    num_samples: int,
    seed: random.Seed,
    covariates: Sequence[np.ndarray] | None = None,
    **options: Any,
) -> np.ndarray:
    """Returns sequences with what is missing drawn, in the user's units, `[S, N, T, D]`.

    Args:
        model: trained.
        spec: of its data.
        sequences: in the user's units, each `[T_n, D]`, NaN where values are missing.
        num_samples: S.
        seed: of the draws.
        covariates: of each sequence, in the user's units, `[T_n, U]`; None where there are none.
        **options: of `model.impute`.

    Returns:
        What was observed is as it was given; what lies after a sequence's end is NaN.

    Raises:
        ValueError: a value is infinite, what is observed is nothing that the model can score, or a number is out of its
            range.
    """
    observations = pad([np.asarray(sequence, np.float64) for sequence in sequences], np.nan)
    lengths = np.array([len(sequence) for sequence in sequences])
    real = np.arange(observations.shape[1]) < lengths[:, np.newaxis]  # [N, T]
    require(not np.isinf(observations).any(), "observations", "finite, or NaN where they are missing", "infinity")
    observed = ~np.isnan(observations)
    filled = []
    for first in range(0, len(observations), _BATCH_SIZE):
        part = slice(first, first + _BATCH_SIZE)
        mask = real[part]
        values, part_seed = spec.from_units(observations[part]), random.fold_in(random.as_seed(seed), first)
        known = None if covariates is None else spec.to_known(covariates[part])
        given = (values, observed[part], mask, part_seed, num_samples)
        draws = model.impute(*given, covariates=known, **options).numpy()
        draws = np.where(mask[..., np.newaxis], spec.to_units(draws), np.nan)
        filled.append(np.where(observed[part], observations[part], draws))
    return np.concatenate(filled, axis=1)
