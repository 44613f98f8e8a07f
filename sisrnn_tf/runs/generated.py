"""Sequences that are drawn where covariates say what is known of each step."""

from collections.abc import Sequence

import numpy as np

from sisrnn_tf.core import random
from sisrnn_tf.core.validation import require, require_int
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.models.stepwise import StepwiseModel


def draw(
    model: StepwiseModel,
    spec: DataSpec,
    covariates: Sequence[np.ndarray],
    num_samples: int,
    num_steps: int | None,
    temperature: float,
    seed: random.Seed,
) -> np.ndarray:
    """Returns draws in the user's units, `[S, N, T, D]`, NaN beyond the last step of a sequence.

    Args:
        model: trained.
        spec: of its data.
        covariates: of each sequence, in the user's units, `[T_n, U]`.
        num_samples: S.
        num_steps: of each; None for as many as its covariates.
        temperature, seed: as of `model.generate`.

    Raises:
        ValueError: a number is out of its range, or a sequence has fewer covariates than steps.
    """
    num_samples, shortest = require_int("num_samples", num_samples, 1), min(map(len, covariates))
    if num_steps is not None:
        expected = f"at most {shortest}, the rows of covariates of the shortest sequence"
        require(num_steps <= shortest, "num_steps", expected, num_steps)
    parts = [rows[:num_steps] for rows in covariates]
    known = spec.to_known(parts)  # [N, T, U]
    count, longest = known.shape[:2]
    rows = np.tile(known, [num_samples, 1, 1])  # row s N + n is draw s of sequence n
    values = spec.to_units(model.generate(len(rows), longest, seed, temperature, rows).numpy())
    real = np.arange(longest) < np.array([len(part) for part in parts])[:, np.newaxis]
    return np.where(real[..., np.newaxis], values.reshape([num_samples, count, longest, -1]), np.nan)
