"""The length of a season, guessed by the autocorrelation of series."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

_LEAST_CORRELATION = 0.3  # of a season that is one
_CLOSE = 0.9  # of the highest peak: its multiples are almost as high, and the season is the first of them


class Season(NamedTuple):
    """How many steps a season has.

    Attributes:
        length: m; 1 where there is no season.
        correlation: the autocorrelation at that lag; None where the length was given.
    """

    length: int
    correlation: float | None = None

    def describe(self) -> str:
        """Returns the season, and how it was found, in words."""
        if self.correlation is None:
            return f"season length {self.length}, as given"
        if self.length == 1:
            return "season length 1: the autocorrelation shows no season"
        return f"season length {self.length}, guessed by the autocorrelation, {self.correlation:.2f} at that lag"


def guess(sequences: Sequence[np.ndarray], max_length: int) -> Season:
    """Returns the first high peak of the autocorrelation, a mean over series and features.

    Each series is freed of its straight line first. A peak is a lag of at least 2 whose correlation is no lower than
    that of its neighbors, and at least 0.3; the season is the shortest that has nine tenths of the highest one's. A
    correlation that only falls, as that of a random walk, has none.

    Args:
        sequences: each `[T_n, D]`.
        max_length: the longest season that is looked for.
    """
    longest = max(map(len, sequences))
    count = min(max_length + 1, longest // 2)  # each lag is seen over half of the longest series at least
    covariances, variances = np.zeros(max(count, 0) + 1), np.zeros(max(count, 0) + 1)
    for sequence in sequences:
        rest = _without_line(np.asarray(sequence, np.float64))
        scale = rest.std(axis=0)
        rest = rest[:, scale > 0] / scale[scale > 0]
        for lag in range(min(len(covariances), len(rest))):
            covariances[lag] += np.nansum(rest[lag:] * rest[: len(rest) - lag])
            variances[lag] += np.isfinite(rest[lag:] * rest[: len(rest) - lag]).sum()
    correlations = covariances / np.maximum(variances, 1)
    peaks = [
        lag
        for lag in range(2, len(correlations) - 1)
        if correlations[lag] >= max(_LEAST_CORRELATION, correlations[lag - 1], correlations[lag + 1])
    ]
    if not peaks:
        return Season(1, float(correlations[1]) if len(correlations) > 1 else 0.0)
    high = max(correlations[lag] for lag in peaks)
    length = next(lag for lag in peaks if correlations[lag] >= _CLOSE * high)
    return Season(length, float(correlations[length]))


def _without_line(sequence: np.ndarray) -> np.ndarray:
    """Returns a series `[T, D]` without the straight line of least squares through each feature, gaps bridged."""
    sequence = pd.DataFrame(sequence).interpolate(limit_direction="both").fillna(0.0).to_numpy()
    times = np.arange(len(sequence)) - (len(sequence) - 1) / 2
    slope = (times[:, np.newaxis] * sequence).sum(axis=0) / max(np.square(times).sum(), 1.0)
    return sequence - sequence.mean(axis=0) - times[:, np.newaxis] * slope
