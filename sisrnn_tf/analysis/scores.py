"""Log-likelihoods of sequences, and of their steps, in the user's units."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sisrnn_tf.core import random
from sisrnn_tf.data.spec import DataSpec, Sequences
from sisrnn_tf.models.base import SequenceModel
from sisrnn_tf.models.stepwise import StepwiseModel


def score(
    model: SequenceModel,
    spec: DataSpec,
    sequences: Sequence[np.ndarray],
    num_importance: int,
    num_mixing: int,
    seed: random.Seed,
    batch_size: int = 256,
    covariates: Sequence[np.ndarray] | None = None,
) -> np.ndarray:
    """Returns log p(x) of sequences, of real values as a density in the user's units, `[N]`, nats.

        log p(x) = log p(y) - sum of log scale over what is observed,      y = (x - shift) / scale

    Args:
        model: trained.
        spec: of its data.
        sequences: in the user's units, each `[T_n, D]`, NaN where values are missing; or of words, `[T_n]`.
        num_importance, num_mixing, seed: as of `model.score`.
        batch_size: sequences at a time; of values it changes the last bits alone.
        covariates: of each sequence, in the user's units, `[T_n, U]`; None where there are none.

    Raises:
        ValueError: a sequence is nothing that the model can score.
    """
    values = []
    for first in range(0, len(sequences), batch_size):
        numbers = (num_importance, num_mixing, seed, first)
        try:
            rows = slice(first, first + batch_size)
            batch = to_batch(model, spec, sequences[rows], None if covariates is None else covariates[rows])
            found = model.score(batch.observations, batch.mask, *numbers, batch.observed, batch.covariates).numpy()
        except ValueError as error:
            raise ValueError(f"sequences from number {first} on: {error}") from error
        if spec.normalization is not None:
            known = np.ones(batch.observations.shape, bool) if batch.observed is None else batch.observed
            found = found - spec.normalization.log_volumes(known & batch.mask[..., np.newaxis])
        values.append(found)
    return np.concatenate(values)


def to_batch(
    model: SequenceModel,
    spec: DataSpec,
    sequences: Sequence[np.ndarray],
    covariates: Sequence[np.ndarray] | None = None,
) -> Sequences:
    """Returns sequences in the user's units as the model takes them; arguments and errors as of `score`."""
    if not spec.kind.has_words:
        sequences = [spec.from_units(sequence) for sequence in sequences]
    values = np.concatenate(sequences)
    model.emission.check(np.where(np.isnan(values), np.zeros([], values.dtype), values))
    batch = Sequences.of(sequences)
    return batch if covariates is None else dataclasses.replace(batch, covariates=spec.to_known(covariates))


class StepScores(NamedTuple):
    """How surprising steps are, -log p(x_t | x_<t), nats, of real values of a density in the user's units.

    Attributes:
        steps: `[sum T]`.
        features: of each feature alone, `[sum T, D]`, NaN where it is missing; None where they are not scored.
    """

    steps: np.ndarray
    features: np.ndarray | None

    def quantiles(self, reference: "StepScores") -> "StepScores":
        """Returns how many of other steps are less surprising than each of these, shares from 0 to 1.

        Args:
            reference: the other steps.
        """
        steps = _shares(self.steps, reference.steps)
        if self.features is None or reference.features is None:
            return StepScores(steps, None)
        pairs = zip(self.features.T, reference.features.T, strict=True)
        return StepScores(steps, np.stack([_shares(*pair) for pair in pairs], axis=1))


def _shares(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    known = others[~np.isnan(others)]
    return np.where(np.isnan(values), np.nan, np.searchsorted(np.sort(known), values) / max(len(known), 1))


def score_steps(
    model: StepwiseModel,
    spec: DataSpec,
    sequences: Sequence[np.ndarray],
    num_importance: int,
    num_mixing: int,
    seed: random.Seed,
    batch_size: int = 64,
    covariates: Sequence[np.ndarray] | None = None,
) -> StepScores:
    """Returns how surprising each step of sequences is given those before it; the sum is minus their `score`.

    Args:
        model: trained.
        spec: of its data.
        sequences: in the user's units, each `[T_n, D]`, NaN where values are missing: they are left out.
        num_importance, num_mixing, seed: as of `model.predict_steps`.
        batch_size: sequences at a time; of values it changes the last bits alone.
        covariates: of each sequence, in the user's units, `[T_n, U]`; None where there are none.

    Raises:
        ValueError: a sequence is nothing that the model can score.
    """
    volumes = np.log(np.ones(spec.observation_size) if spec.normalization is None else spec.normalization.scale)
    steps: list[np.ndarray] = []
    features: list[np.ndarray] = []
    for first in range(0, len(sequences), batch_size):
        try:
            rows = slice(first, first + batch_size)
            batch = to_batch(model, spec, sequences[rows], None if covariates is None else covariates[rows])
            numbers = (num_importance, num_mixing, seed, first)
            found = model.predict_steps(batch.observations, batch.mask, *numbers, batch.observed, batch.covariates)
        except ValueError as error:
            raise ValueError(f"sequences from number {first} on: {error}") from error
        observed = np.ones(batch.observations.shape, bool) if batch.observed is None else batch.observed
        known = observed[batch.mask]  # [sum T, D]
        steps.append((volumes * known).sum(axis=-1) - found.steps.numpy()[batch.mask])
        if found.features is not None:
            features.append(np.where(known, volumes - found.features.numpy()[batch.mask], np.nan))
    return StepScores(np.concatenate(steps), np.concatenate(features) if features else None)
