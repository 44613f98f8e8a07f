"""Sequences with gaps, from a user's file to their fills, in the user's units."""

import pathlib
from typing import Any

import numpy as np

from sisrnn_tf.core import random
from sisrnn_tf.data import files
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.models.stepwise import StepwiseModel

_BATCH_SIZE = 64


def read(path: pathlib.Path, spec: DataSpec) -> tuple[np.ndarray, np.ndarray]:
    """Returns sequences and which of their steps are real.

    Args:
        path: an .npz file of `observations` `[N, T, D]`, NaN where they are missing, and, unless all are of one length,
            `lengths` `[N]`.
        spec: of the data that the model was trained on.

    Returns:
        Observations `[N, T, D]` as they are in the file, and a mask, bool `[N, T]`.

    Raises:
        ValueError: the file is damaged or lacks the observations, or they are not of this form.
    """
    arrays = files.read_npz(path)
    if "observations" not in arrays:
        raise ValueError(f"{path} must hold an array `observations`. Received {sorted(arrays)}")
    observations = arrays["observations"]
    size = spec.observation_size
    good = observations.ndim == 3 and observations.size and observations.shape[2] == size
    if not good or observations.dtype.kind not in "fiub":
        raise ValueError(
            f"{path}: `observations` must be numbers [N, T, {size}], NaN where they are missing. Received "
            f"{observations.dtype} {observations.shape}"
        )
    if np.isinf(observations).any():
        raise ValueError(f"{path}: `observations` must be finite, or NaN where they are missing. Received infinity")
    count, num_steps, _ = observations.shape
    lengths = arrays.get("lengths", np.full(count, num_steps))
    good = lengths.shape == (count,) and lengths.dtype.kind in "iu" and ((lengths > 0) & (lengths <= num_steps)).all()
    if not good:
        raise ValueError(f"{path}: `lengths` must be {count} ints from 1 to {num_steps}. Received {lengths}")
    return observations, np.arange(num_steps) < lengths[:, np.newaxis]


def impute(
    model: StepwiseModel,
    spec: DataSpec,
    observations: np.ndarray,
    mask: np.ndarray,
    num_samples: int,
    seed: int,
    **options: Any,
) -> dict[str, np.ndarray]:
    """Returns fills of what is missing, all in the user's units.

    Args:
        model: trained.
        spec: of its data.
        observations: in the user's units, `[N, T, D]`, NaN where they are missing.
        mask: of real steps, bool `[N, T]`.
        num_samples: S.
        seed: of the draws.
        **options: of `model.impute`.

    Returns:
        `observations` `[N, T, D]`, their gaps filled with the mean over draws, and the draws, `samples`
        `[S, N, T, D]`. What was observed, and what lies after a sequence's end, is as it was given.
    """
    observed = ~np.isnan(observations)
    filled = []
    for first in range(0, len(observations), _BATCH_SIZE):
        part = slice(first, first + _BATCH_SIZE)
        part_seed = random.fold_in(random.as_seed(seed), first)
        values = spec.from_units(observations[part])
        draws = model.impute(values, observed[part], mask[part], part_seed, num_samples, **options).numpy()
        filled.append(np.where(observed[part], observations[part], spec.to_units(draws)))
    samples = np.concatenate(filled, axis=1)
    return {"observations": np.where(observed, observations, samples.mean(axis=0)), "samples": samples}
