"""Covariates: columns of series that are known at each step, also of what is to be forecast, and are not scored."""

import dataclasses
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sisrnn_tf.core.validation import require
from sisrnn_tf.data import normalization
from sisrnn_tf.data.spec import Sequences, pad

if TYPE_CHECKING:
    from sisrnn_tf.data.series_files import Series


def part(series: "Series") -> "Series":
    """Returns series whose covariates, the last columns, are no features.

    Args:
        series: with the covariates of their layout among the features.

    Raises:
        ValueError: a covariate has no value at a step, or there is no feature.
    """
    names = series.layout.covariates
    size = len(names)
    for (name, times), rows in zip(series.labels, series.values, strict=True):
        missing = np.argwhere(np.isnan(rows[:, -size:]))
        if missing.size:
            row, column = missing[0]
            where = f"step {row + 1}" if times is None else str(times[row])
            raise ValueError(
                f"the covariate `{names[column]}` must have a value at each step. It has none at {where} of sequence "
                f"{name!r}"
            )
    if len(series.columns) == size:
        raise ValueError(f"it must have a feature beside the covariates {list(names)}")
    values, covariates = ([rows[:, place] for rows in series.values] for place in (slice(-size), slice(-size, None)))
    return series._replace(values=values, columns=series.columns[:-size], covariates=covariates)


def before_future(
    keys: Sequence[Hashable], sequences: Sequence[np.ndarray], covariates: Sequence[np.ndarray], num_steps: int
) -> list[np.ndarray]:
    """Returns sequences without the steps at their ends that have no value.

    There a file says what is known of the future.

    Args:
        keys: what each is called.
        sequences: each `[T_n, D]`, NaN where a value is missing.
        covariates: of each, `[T_n, U]`.
        num_steps: F, steps whose covariates there must be after the last value.

    Raises:
        ValueError: a sequence has no value, or too few steps after its last one.
    """
    ends = []
    for key, values, known in zip(keys, sequences, covariates, strict=True):
        observed = np.flatnonzero(~np.isnan(values).all(axis=1))
        last = int(observed[-1]) + 1 if observed.size else 0
        require(last > 0, "input", "of sequences with a value each, from which to forecast", f"none of {key!r}")
        expected = f"at most {len(known) - last}, the rows of covariates alone after the last value of {key!r}"
        require(len(known) - last >= num_steps, "num_steps", expected, num_steps)
        ends.append(last)
    return [values[:end] for values, end in zip(sequences, ends, strict=True)]


def add(
    splits: Mapping[str, Sequences], covariates: Mapping[str, Sequence[np.ndarray]], names: Sequence[str]
) -> tuple[dict[str, Sequences], normalization.Normalization]:
    """Returns splits with their covariates, normalized by mean and standard deviation of the training split.

    Args:
        splits: split -> its sequences.
        covariates: split -> of each sequence, `[T_n, U]`, in the user's units; what follows its end is left out.
        names: of the covariates.

    Raises:
        ValueError: a covariate does not vary in the training split.
    """
    rows = np.concatenate(covariates["train"])
    for column, name in zip(rows.T, names, strict=True):
        expected = "columns that change within the training split, from step to step or from sequence to sequence"
        require(bool(np.ptp(column) > 0), "covariates", expected, f"{name}, which is always {column[0]:g}")
    fitted = normalization.per_channel(rows, rows.shape[1], names)
    made = {}
    for split, sequences in splits.items():
        pairs = zip(covariates[split], sequences.lengths, strict=True)
        padded = pad([fitted.apply(values[:length]) for values, length in pairs], 0)
        made[split] = dataclasses.replace(sequences, covariates=padded)
    return made, fitted
