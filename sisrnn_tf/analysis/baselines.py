"""What data costs without a model: the same distribution at every step, with the training split's statistics."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from sisrnn_tf.data import pipeline
from sisrnn_tf.data.spec import SequenceDataset
from sisrnn_tf.emissions import Emission, NegativeBinomial

_MAX_SEQUENCES = 5000  # of training, evenly spaced: statistics of so many do not change
_LEAST_SHARE = 1e-3  # of the squared mean, that a variance of counts exceeds their mean by


class Baseline(NamedTuple):
    """A likelihood without memory.

    Attributes:
        nll: nats a sequence, mean over the test split; of intensities their cross-entropy.
        standard_error: of that mean; None of a single sequence.
        description: the distribution, in words.
        num_sequences: of the test split.
    """

    nll: float
    standard_error: float | None
    description: str
    num_sequences: int


def measure(emission: Emission, dataset: SequenceDataset, max_sequences: int | None = None) -> Baseline:
    """Scores the test split by independent features of one distribution, whatever came before.

    Args:
        emission: of a model of the data.
        dataset: as read.
        max_sequences: test sequences at the most, evenly spaced, as of an evaluation; None for all.
    """
    train, real = _read(dataset, "train", _MAX_SEQUENCES)
    observations, mask = _read(dataset, "test", max_sequences)
    log_prob, description = _log_prob(emission, dataset, train[real], observations)
    nll = -np.where(mask, log_prob, 0.0).sum(axis=1)
    error = float(nll.std(ddof=1) / len(nll) ** 0.5) if len(nll) > 1 else None
    return Baseline(float(nll.mean()), error, description, len(nll))


def _log_prob(
    emission: Emission, dataset: SequenceDataset, rows: np.ndarray, observations: np.ndarray
) -> tuple[np.ndarray, str]:
    """Returns log p of single steps `[N, T]`, and of what distribution; its parameters are of steps `[R, ..]`."""
    if dataset.kind.has_words:
        counts = 1.0 + np.bincount(rows, minlength=dataset.observation_size)
        return np.log(counts / counts.sum())[observations], "each word as often as in training"
    if isinstance(emission, NegativeBinomial):
        mean, variance = _moments(rows)
        dispersion = np.maximum((variance - mean) / mean**2, _LEAST_SHARE)
        parameters = np.log(np.expm1(np.concatenate([np.maximum(mean, 1e-3), dispersion])))
        observed = ~np.isnan(observations)
        values = tf.constant(np.where(observed, observations, 0.0), tf.float32)
        log_prob = emission.log_prob_observed(tf.constant(parameters, tf.float32), values, observed)
        return log_prob.numpy(), "counts of the mean and variance of training"
    if dataset.kind.has_pen:
        offsets = normal_log_prob(rows[:, :2], observations[..., :2])
        pen = bernoulli_log_prob(rows[:, 2:], observations[..., 2:])
        return offsets + pen, "normal offsets and a pen lifted as often as in training"
    if emission.is_density:
        return normal_log_prob(rows, observations), "normal values of the mean and variance of training"
    return bernoulli_log_prob(rows, observations), "each feature with its frequency in training"


def normal_log_prob(rows: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Returns log prod_d N(x_d; mean_d, var_d), `[..]`, of x `[.., D]` with the moments of rows `[R, D]`."""
    mean, variance = _moments(rows)
    return -0.5 * np.nansum(np.square(x - mean) / variance + np.log(2 * np.pi * variance), axis=-1)


def bernoulli_log_prob(rows: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Returns sum_d x_d log p_d + (1 - x_d) log (1 - p_d), `[..]`, of x `[.., D]` with frequencies of rows `[R, D]`."""
    counts = np.sum(~np.isnan(rows), axis=0)
    share = (np.nansum(rows, axis=0, dtype=np.float64) + 0.5) / (counts + 1)
    return np.nansum(x * np.log(share) + (1 - x) * np.log1p(-share), axis=-1)


def _moments(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns mean and variance of the values that are not missing, each `[D]`, of rows `[R, D]`."""
    return np.asarray(np.nanmean(rows, axis=0, dtype=np.float64)), np.nanvar(rows, axis=0, dtype=np.float64)


def _read(dataset: SequenceDataset, split: str, max_sequences: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Returns observations of a split as a model gets them, and which of their steps are real, bool `[N, T]`."""
    count = min(max_sequences or len(dataset.split(split)), len(dataset.split(split)))
    batch = next(iter(pipeline.evaluation_batches(dataset, split, count, max_sequences)))
    return pipeline.with_gaps(batch), batch["mask"].numpy()
