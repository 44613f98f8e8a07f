"""Series in .csv and .parquet files, wide or long, named or a single one, with or without times."""

import collections
import logging
import pathlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from sisrnn_tf.data import covariates, tables
from sisrnn_tf.data.layout import Layout
from sisrnn_tf.data.spec import Label
from sisrnn_tf.data.tables import Table

_LOGGER = logging.getLogger(__name__)

# How tables call the column that has a role, whatever the case; the first that is there.
_SEQUENCE = ("sequence", "series", "series_id", "unique_id", "item_id")
_TIME = ("time", "date", "datetime", "timestamp", "ds")
_VARIABLE, _VALUE = ("variable",), ("value",)
_GAP = 0.5  # of a step: months, and days of summer time, differ by less


class Series(NamedTuple):
    """The series of a file, in its order.

    Attributes:
        values: of each, float64 `[T_n, D]`, in the user's units; NaN where a cell is empty.
        columns: the names of the D features.
        labels: what the file calls each, and its steps where it has a column of times.
        layout: how the file is laid out.
        covariates: what is known of the steps of each, float64 `[T_n, U]`, in the layout's order; None where U is 0.
    """

    values: list[np.ndarray]
    columns: tuple[str, ...]
    labels: list[Label]
    layout: Layout
    covariates: list[np.ndarray] | None = None

    @property
    def lengths(self) -> np.ndarray:
        """Steps of each, int32 `[N]`."""
        return np.array([len(part) for part in self.values], np.int32)

    @property
    def observed(self) -> list[np.ndarray]:
        """Which values there are, of each bool `[T_n, D]`."""
        return [~np.isnan(part) for part in self.values]


def read_series(
    path: pathlib.Path,
    layout: Layout | None = None,
    columns: Sequence[str] | None = None,
    known: Sequence[str] = (),
) -> Series:
    """Returns the series of a file.

        wide    a row a step: a column `sequence` that names its series, unless all rows are one; a column of times,
                by its name or because it holds dates, where there is one; and a column a feature
        long    a row a value: `time`, `variable` and `value`, and `sequence` where there are several series

    Steps of a series are rows in their order, in the long form in that of their times; a wide file has those of one
    series together. An empty cell, and one of NA, NaN or the like, is a missing value; a covariate has a value at each
    step, and one that is the same at all steps of a series says something of the series.

    Args:
        path: of a .csv, with whatever delimiter, or a .parquet.
        layout: that of the file which the data set was learned from; None to find it.
        columns: names of the features, in the order that the series are to have; None for that of the file.
        known: names of those columns that are covariates, where there is no layout to name them.

    Raises:
        ValueError: the file cannot be read, has other columns, or a cell holds what it cannot; names the line.
    """
    try:
        table = tables.read(path, None if layout is None else layout.delimiter)
        found = _find_layout(table, columns, known) if layout is None else layout
        _require_columns(table, found, columns)
        read = _from_wide if found.form == "wide" else _from_long
        series = _in_order(read(table, found, path.stem), columns)
        series = covariates.part(series) if found.covariates else series
    except (ValueError, OSError) as error:
        raise ValueError(f"{path} cannot be read as sequences: {error}") from error
    _warn_of_single_steps(path, series)
    _say_gaps(path, series)
    return series


def read_splits(paths: Mapping[str, pathlib.Path], known: Sequence[str] = ()) -> dict[str, Series]:
    """Returns split -> series, of the layout and with the columns, in their order, of the training split.

    Args:
        paths: split -> file, as of `layout.find`.
        known: names of those columns that are covariates.

    Raises:
        ValueError: a file cannot be read, or has other columns than the training split's.
    """
    train = read_series(paths["train"], known=known)
    others = {split: path for split, path in paths.items() if split != "train"}
    return {"train": train} | {split: read_series(path, train.layout, train.columns) for split, path in others.items()}


def _find_layout(table: Table, columns: Sequence[str] | None, known: Sequence[str]) -> Layout:
    """Returns the layout of a table; features and covariates that are known by their names have no other role."""
    frame, taken = table.frame, {*(columns or ()), *known}
    free = {name.casefold(): name for name in frame.columns if name not in taken}
    sequence, time, variable, value = (
        next((free[name] for name in names if name in free), None) for names in (_SEQUENCE, _TIME, _VARIABLE, _VALUE)
    )
    is_long = variable is not None and value is not None
    if time is None and not is_long:
        others = [name for name in free.values() if name != sequence]
        dated = (name for name in others if not tables.holds_numbers(frame[name]))
        time = next((name for name in dated if tables.to_moments(frame[name]) is not None), free.get(""))
    if is_long and time is None:
        raise ValueError(f"a table of `{variable}` and `{value}` must have a column `time`. Received {[*frame]}")
    roles = (sequence, time, *((variable, value) if is_long else ()))
    numbers = [value] if is_long else [name for name in frame.columns if name not in roles]
    decimal = tables.find_decimal(frame[numbers], table.delimiter)
    named = dict(zip(("sequence", "time", "variable", "value"), roles, strict=False))
    form = "long" if is_long else "wide"
    return Layout(form, table.delimiter, decimal, **named, covariates=tuple(known))


def _require_columns(table: Table, layout: Layout, columns: Sequence[str] | None) -> None:
    """Raises a ValueError for a table that lacks a column, or has one more."""
    found = list(table.frame.columns)
    wanted = [*layout.columns, *((*(columns or ()), *layout.covariates) if layout.form == "wide" else ())]
    missing = [name for name in wanted if name not in found]
    others = [name for name in found if name not in wanted]
    if missing or (others and (columns is not None or layout.form == "long")):
        raise ValueError(
            f"it must have the columns {wanted}, in any order. It lacks {sorted(missing) or 'none'} and has others, "
            f"{sorted(others) or 'none'}"
        )
    if layout.form == "wide" and len(found) == len(wanted) and not columns:
        raise ValueError(f"it must have a column for each feature. Received the columns {found}")
    if table.frame.empty:
        raise ValueError("it holds no step")


def _from_wide(table: Table, layout: Layout, name: str) -> Series:
    """Returns the series of a table with a row a step; a single one is called by the name."""
    frame, place = table.frame, table.place
    columns = [column for column in frame.columns if column not in layout.columns]
    values = np.column_stack([_numbers(table, column, layout) for column in columns])
    times = None if layout.time is None else tables.to_names(frame[layout.time], place).to_numpy(str)
    if layout.sequence is None:
        return Series([values], tuple(columns), [Label(name, times)], layout)
    names = tables.to_names(frame[layout.sequence], place).to_numpy(str)
    starts = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]]))
    found = names[starts].tolist()
    twice = [each for each, count in collections.Counter(found).items() if count > 1]
    if twice:
        raise ValueError(f"the steps of sequence {twice[0]!r} do not lie together")
    parts = [None] * len(found) if times is None else np.split(times, starts[1:])
    labels = [Label(*pair) for pair in zip(found, parts, strict=True)]
    return Series(np.split(values, starts[1:]), tuple(columns), labels, layout)


def _numbers(table: Table, column: str, layout: Layout) -> np.ndarray:
    try:
        return tables.to_numbers(table.frame[column], layout.decimal, table.place)
    except ValueError as error:
        if layout.sequence is not None or layout.form == "long":
            raise
        raise ValueError(f"{error}. A column that names series is called `{_SEQUENCE[0]}`") from error


def _from_long(table: Table, layout: Layout, name: str) -> Series:
    """Returns the series of a table with a row a value."""
    frame, place = table.frame, table.place
    names = None if layout.sequence is None else tables.to_names(frame[layout.sequence], place)
    times, variables = (tables.to_names(frame[column], place) for column in (layout.time, layout.variable))
    missing = tables.is_missing(frame[layout.time])
    if missing.any():
        raise ValueError(f"{place} {missing.idxmax()}, column `{layout.time}`: must hold a time. It is missing")
    moments = tables.to_moments(frame[layout.time])
    if moments is None:
        raise ValueError(
            f"column `{layout.time}`: must hold times that can be put in order, numbers or dates such as 2020-01-31. "
            f"Received {times.iloc[0]!r} and others. Number the steps, or write dates so"
        )
    cells = pd.DataFrame(
        {
            "series": 0 if names is None else pd.factorize(names)[0],
            "moment": moments.to_numpy(),
            "variable": pd.factorize(variables)[0],
            "time": times.to_numpy(),
            "value": _numbers(table, layout.value, layout),  # type: ignore[arg-type]
        },
        index=frame.index,
    )
    twice = cells.duplicated(["series", "moment", "variable"])
    if twice.any():
        row = frame.loc[twice.idxmax(), layout.columns].tolist()
        raise ValueError(f"{place} {twice.idxmax()}: a value must be given once. Received {row} again")
    steps = cells.pivot(index=["series", "moment"], columns="variable", values="value")
    steps = steps.reindex(columns=range(variables.nunique()))
    first = cells.groupby(["series", "moment"], sort=True)["time"].first().to_numpy(str)
    ends = np.flatnonzero(np.diff(steps.index.get_level_values("series").to_numpy())) + 1
    found = [name] if names is None else dict.fromkeys(names)
    labels = [Label(*pair) for pair in zip(found, np.split(first, ends), strict=True)]
    return Series(np.split(steps.to_numpy(np.float64), ends), tuple(dict.fromkeys(variables)), labels, layout)


def _in_order(series: Series, columns: Sequence[str] | None) -> Series:
    """Returns series with their features in the order of these names, and then the covariates."""
    columns = [name for name in series.columns if name not in series.layout.covariates] if columns is None else columns
    columns = (*columns, *series.layout.covariates)
    if series.columns == columns:
        return series
    unknown = sorted(set(series.columns) - set(columns))
    if unknown:
        raise ValueError(f"it must have the variables {list(columns)} of training. It has others, {unknown}")
    order = [series.columns.index(name) if name in series.columns else -1 for name in columns]
    # A long table may have no row of a variable: it is missing.
    values = [np.insert(part, part.shape[1], np.nan, axis=1)[:, order] for part in series.values]
    return series._replace(values=values, columns=columns)


def _warn_of_single_steps(path: pathlib.Path, series: Series) -> None:
    if len(series.labels) > 1 and (series.lengths == 1).all():
        _LOGGER.warning(
            "%s: each of its %d sequences has a single step. Rows of one sequence have the same name in the column "
            "`%s`; numbers of rows are no such names.",
            path,
            len(series.labels),
            series.layout.sequence,
        )


def _say_gaps(path: pathlib.Path, series: Series) -> None:
    """Says whether steps are equally long; nothing is filled in where they are not."""
    if series.layout.time is None:
        return
    times = np.concatenate([label.times for label in series.labels])
    moments = tables.to_moments(pd.Series(times))
    if moments is None:
        _LOGGER.info("%s: `%s` holds neither dates nor numbers, and is kept as labels.", path, series.layout.time)
        return
    within = np.diff(np.repeat(np.arange(len(series.values)), series.lengths)) == 0
    steps, places = moments.diff().iloc[1:][within], times[1:][within]
    if steps.empty:
        return
    usual = steps.mode().iloc[0]
    numbers, unit = (steps / usual, f"{usual}") if usual else (steps * 0, "0")
    uneven = np.abs(numbers.to_numpy(np.float64) - 1) > _GAP
    if uneven.any():
        _LOGGER.warning(
            "%s: %d of %d steps of `%s` are not %s long, the first of them before %s. Steps are taken as they come, "
            "and none is filled in.",
            path,
            uneven.sum(),
            len(uneven),
            series.layout.time,
            unit,
            places[np.argmax(uneven)],
        )
    else:
        _LOGGER.info("%s: all steps of `%s` are %s long.", path, series.layout.time, unit)
