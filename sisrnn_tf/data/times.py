"""Times of steps, kept as a file or a data frame has them, and those that follow."""

import logging
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas.tseries.api import guess_datetime_format

from sisrnn_tf.data import tables

_LOGGER = logging.getLogger(__name__)
_ROUNDING = 1e-6  # of a step
_SHORTEST = 3  # steps from which pandas can tell months, quarters or working days


def extend(times: Sequence[np.ndarray], lengths: Sequence[int], name: str) -> list[np.ndarray] | None:
    """Returns times of so many steps: where there are fewer, they go on by the step that those before them have.

    The step is the same throughout, of all sequences, or each sequence's are those of a calendar: months, quarters or
    working days.

    Args:
        times: of each sequence, `[T_n]`: texts, as of `spec.Label`, or dates or numbers of a data frame.
        lengths: how many each is to have.
        name: of the column.

    Returns:
        Of each, at least so many, written as those before them; None, which is said, where times must go on and have
        no such step.
    """
    missing = np.maximum(np.asarray(lengths) - [len(part) for part in times], 0)
    if not missing.any():
        return list(times)
    given = pd.Series(np.concatenate(times)).infer_objects()
    moments = None if given.isna().any() else tables.to_moments(given)
    ends = np.cumsum([len(part) for part in times])
    found = None
    if moments is not None:
        found = _continue([moments[end - len(part) : end] for end, part in zip(ends, times, strict=True)], missing)
    if found is None:
        message = "What follows has no `%s`: the times before it are no dates or numbers, or not equally long apart."
        _LOGGER.warning(message, name)
        return None
    written = _write(pd.concat([part for part in found if len(part)], ignore_index=True), given)
    pairs = zip(times, np.split(written, np.cumsum(missing)[:-1]), strict=True)
    return [np.concatenate([part, more]) if len(more) else part for part, more in pairs]


def _continue(moments: Sequence[pd.Series], missing: np.ndarray) -> list[pd.Series] | None:
    """Returns so many moments after those of each sequence; None where their step is not known."""
    steps = pd.concat([part.diff().iloc[1:] for part in moments])
    usual = steps.median() if len(steps) else None
    if usual and (abs(steps / usual - 1) < _ROUNDING).all():
        step, pairs = usual, zip(moments, missing, strict=True)
        return [pd.Series([part.iloc[-1] + step * (index + 1) for index in range(count)]) for part, count in pairs]
    made = []
    for part, count in zip(moments, missing, strict=True):
        is_date = pd.api.types.is_datetime64_any_dtype(part) and len(part) >= _SHORTEST
        frequency = pd.infer_freq(part) if is_date else None
        if frequency is None and count:
            return None
        after = pd.date_range(part.iloc[-1], periods=count + 1, freq=frequency)[1:] if count else part.iloc[:0]
        made.append(pd.Series(after))
    return made


def _write(moments: pd.Series, given: pd.Series) -> np.ndarray:
    """Returns moments as those that were given are: dates, numbers, or the text of either."""
    if pd.api.types.is_datetime64_any_dtype(given):
        return moments.to_numpy()
    if pd.api.types.is_numeric_dtype(given):
        return moments.to_numpy().astype(given.dtype)
    if pd.api.types.is_numeric_dtype(moments):
        whole = given.str.fullmatch(r"\s*[+-]?\d+\s*").all()
        return np.array([str(round(value)) if whole else f"{value:.12g}" for value in moments])
    return np.array(moments.dt.strftime(_find_format(given.str.strip())))


def _find_format(given: pd.Series) -> str:
    """Returns the format that writes dates as they were given; that of ISO 8601 where there is none."""
    moments = tables.to_moments(given)
    for day_first in (True, False):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pandas warns of a day that is not first
            form = guess_datetime_format(given.iloc[-1], dayfirst=day_first)
        known = None if form is None else pd.to_datetime(given, format=form, utc=True, errors="coerce")
        if known is not None and known.equals(moments) and (known.dt.strftime(form) == given).all():
            return str(form)
    has_zone = given.str.contains(r":\d\d(?:Z|[+-]\d\d:?\d\d)$").all()
    return "%Y-%m-%dT%H:%M:%S" + "Z" * bool(has_zone)
