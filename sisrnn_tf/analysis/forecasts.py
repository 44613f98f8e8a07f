"""Forecasts of held-out sequences after their beginnings, in the user's units, beside what did follow."""

import logging
from typing import Any

import numpy as np

from sisrnn_tf.data import pipeline
from sisrnn_tf.data.spec import DataSpec, SequenceDataset
from sisrnn_tf.models.stepwise import StepwiseModel

_LOGGER = logging.getLogger(__name__)
LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


def contexts(
    dataset: SequenceDataset, split: str, context_steps: int, num_steps: int, max_sequences: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns beginnings of sequences and what follows them, of those sequences that go on.

    Args:
        dataset: as read.
        split: which sequences.
        context_steps: C, steps of a beginning.
        num_steps: F, steps of what follows.
        max_sequences: so many sequences are looked at, evenly spaced.

    Returns:
        `[N, C, D]`, and `[N, F, D]`, NaN after the end of a sequence; both NaN where a value is missing.

    Raises:
        ValueError: none is longer than the beginning.
    """
    batch = next(iter(pipeline.evaluation_batches(dataset, split, max_sequences, max_sequences)))
    mask, real, observations = batch["mask"].numpy(), batch["weight"].numpy(), pipeline.with_gaps(batch)
    longer = (real > 0) & (mask.sum(axis=1) > context_steps)
    total, left_out = int((real > 0).sum()), int((real > 0).sum() - longer.sum())
    if not longer.any():
        raise ValueError(
            f"`context_steps` must leave steps to forecast: of {total} sequences of the {split} split none is longer. "
            f"Received: context_steps={context_steps}"
        )
    if left_out:
        message = "%d of %d sequences of the %s split have no more than %d steps, and are left out."
        _LOGGER.warning(message, left_out, total, split, context_steps)
    values = np.where(mask[..., np.newaxis], observations, np.nan)[longer, : context_steps + num_steps]
    missing = context_steps + num_steps - values.shape[1]
    values = np.pad(values, [(0, 0), (0, missing), (0, 0)], constant_values=np.nan)
    return values[:, :context_steps], values[:, context_steps:]


def forecast(
    model: StepwiseModel, spec: DataSpec, context: np.ndarray, truth: np.ndarray, num_samples: int, **options: Any
) -> dict[str, np.ndarray]:
    """Returns draws of what follows the contexts, all in the user's units.

    Args:
        model: trained.
        spec: of its data.
        context: `[N, C, D]`, NaN where it is missing.
        truth: `[N, F, D]`, NaN where it is not known.
        num_samples: S.
        **options: of `model.forecast`.

    Returns:
        `context`, `truth`, `samples` `[S, N, F, D]`, and their `quantiles` `[Q, N, F, D]` at the `levels` `[Q]`.
    """
    known = ~np.isnan(context)
    observed = None if known.all() else known
    samples = spec.to_units(model.forecast(context, truth.shape[1], num_samples, observed=observed, **options).numpy())
    return {
        "context": spec.to_units(context),
        "truth": spec.to_units(truth),
        "samples": samples,
        "quantiles": np.quantile(samples, LEVELS, axis=0).astype(samples.dtype),
        "levels": np.array(LEVELS),
    }


def describe(found: dict[str, np.ndarray], spec: DataSpec) -> str:
    """Returns how many of the real values that followed lie between the outer quantiles, in words.

    Args:
        found: as of `forecast`.
        spec: of the data; the pen of strokes is no real value, so it does not count.
    """
    features = slice(2) if spec.kind.has_pen else slice(None)
    truth, lower, upper = (part[..., features] for part in (found["truth"], *found["quantiles"][[0, -1]]))
    known = np.isfinite(truth)
    covered = (lower <= truth) & (truth <= upper)
    level, share = LEVELS[-1] - LEVELS[0], covered[known].mean()
    return f"{100 * level:.0f}% intervals hold {100 * share:.1f}% of the {known.sum():,} values that followed"
