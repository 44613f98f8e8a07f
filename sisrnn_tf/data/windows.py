"""Long series as windows, split by time."""

import logging
from collections.abc import Mapping

import numpy as np

from sisrnn_tf.core.validation import require
from sisrnn_tf.data.series_files import Series
from sisrnn_tf.data.spec import SPLITS, Label

_LOGGER = logging.getLogger(__name__)
# Windows where none are asked for: long enough to learn from, and, as far as that goes, many enough.
_LONGEST, _SHORTEST, _MANY = 100, 10, 40
_PART = 10  # a tenth of the windows validate, a tenth test


def default_length(num_steps: int) -> int:
    """Returns the steps of windows of a series that has so many."""
    return min(_LONGEST, max(_SHORTEST, num_steps // _MANY))


def split_in_time(name: str, splits: Mapping[str, Series], length: int) -> tuple[dict[str, Series], list[str]]:
    """Returns series as windows that follow each other, and notes for the convention.

    The last windows of each series test, those before them validate, and the first ones train, unless these splits are
    there; no window lies in two of them. The first steps of a series, too few for a window, are left out.

    Args:
        name: of the data set.
        splits: those that there are, `train` among them.
        length: steps of a window.

    Raises:
        ValueError: no series is long enough for a window of each split.
    """
    cut, missing = dict(splits), [split for split in SPLITS[1:] if split not in splits]
    train = splits["train"]
    counts = train.lengths // length
    held = np.where(counts > len(missing), np.maximum(counts // _PART, 1), 0) if missing else 0 * counts
    if not (counts > 0).any() or (missing and not held.any()):
        longest, fewest = int(train.lengths.max()), len(missing) + 1
        expected = f"at most {longest // fewest}, so that a series makes {fewest} windows or more"
        require(False, "window_length", expected, length)
    kept = counts - len(missing) * held
    cut["train"] = _cut(train, length, 0 * kept, kept)
    for index, split in enumerate(missing):
        cut[split] = _cut(train, length, kept + index * held, kept + (index + 1) * held)
    for split in set(splits) - {"train"}:
        counts = splits[split].lengths // length
        cut[split] = _cut(splits[split], length, 0 * counts, counts)
        require(bool(cut[split].values), "window_length", f"at most the steps of the {split} series", length)
    numbers = ", ".join(f"{len(cut[split].values):,} {split}" for split in SPLITS)
    message = "%s: %d series of %s steps, cut in windows of %d steps (--window_length): %s; %s; %d steps are left out."
    order = f"in time {' before '.join(['train', *missing])}" if missing else "splits as they come"
    left_out = sum(int((part.lengths % length).sum()) for part in splits.values())
    _LOGGER.info(message, name, len(counts), f"{train.lengths.sum():,}", length, numbers, order, left_out)
    return cut, [f"windows of {length} steps, {order}"]


def _cut(series: Series, length: int, first: np.ndarray, last: np.ndarray) -> Series:
    """Returns windows first to last - 1 of each series, as series; they are counted from the series' end."""
    values, covariates, labels = [], [], []
    for index, part in enumerate(series.values):
        for number in range(first[index], last[index]):
            begin = len(part) % length + number * length
            values.append(part[begin : begin + length])
            if series.covariates is not None:
                covariates.append(series.covariates[index][begin : begin + length])
            name, times = series.labels[index]
            times = None if times is None else times[begin : begin + length]
            labels.append(Label(f"{name} from {begin if times is None else times[0]}", times))
    return series._replace(values=values, labels=labels, covariates=covariates or None)
