"""Tables in .csv and .parquet files as they are found: columns with names, rows with a place, cells that are text."""

import collections
import csv
import io
import logging
import pathlib
import warnings
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sisrnn_tf.data import files

_LOGGER = logging.getLogger(__name__)

_DELIMITERS = (",", ";", "\t", "|")
_MISSING = ("", "na", "n/a", "nan", "nat", "null", "none")  # whatever their case
# Strict: what Python takes for a number beside these, such as 1_000 and inf, is none in a table.
_NUMBER = r"[+-]?(?:\d+{0}?\d*|{0}\d+)(?:[eE][+-]?\d+)?"
_DAY = r"(?:19|20)\d{6}"  # 20240131
_WITH_COMMA = r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?"


class Table(NamedTuple):
    """The rows of a file.

    Attributes:
        frame: the cells; text of a .csv. Its index has the numbers of the rows.
        place: what the numbers count, `line` or `row`.
        delimiter: between cells; None of Parquet.
    """

    frame: pd.DataFrame
    place: str
    delimiter: str | None


def read(path: pathlib.Path, delimiter: str | None = None) -> Table:
    """Returns the table of a file.

    Args:
        path: of a .parquet, or of a text whose first line has the names of its columns.
        delimiter: between cells; None for that of `,`, `;`, tab and `|` which makes most names of the first line.

    Raises:
        ValueError: the file cannot be read, a row has not a cell for each column, or two columns have one name.
    """
    table = _read_parquet(path) if path.suffix == ".parquet" else _read_csv(files.read_text(path), delimiter)
    frame = table.frame
    frame.columns = [str(name).strip() for name in frame.columns]
    blank = [index for index, name in enumerate(frame.columns) if not name and _says_nothing(frame.iloc[:, index])]
    frame = frame.iloc[:, [index for index in range(frame.shape[1]) if index not in blank]]
    twice = sorted(name for name, count in collections.Counter(frame.columns).items() if count > 1)
    if twice:
        raise ValueError(f"its columns must have different names. Received {twice} more than once")
    return table._replace(frame=frame)


def _says_nothing(column: pd.Series) -> bool:
    """Returns whether a column without a name is that of rows which end with a delimiter, or of pandas' row numbers."""
    return bool(is_missing(column).all()) or _to_text(column).tolist() == [str(row) for row in range(len(column))]


def _read_parquet(path: pathlib.Path) -> Table:
    frame = pd.read_parquet(path)
    has_name = any(name is not None for name in frame.index.names)
    if has_name or not pd.api.types.is_integer_dtype(frame.index):
        frame = frame.reset_index()  # pandas wrote an index, such as one of dates, and no mere numbers of rows
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return Table(frame, "row", None)


def _read_csv(text: str, delimiter: str | None) -> Table:
    """Returns the table of a text, read cell by cell: pandas fills short rows up, and does not say where they are."""
    first_line = text[: text.find("\n")] if "\n" in text else text
    if delimiter is None:
        delimiter = max(_DELIMITERS, key=lambda each: len(next(csv.reader([first_line], delimiter=each), [])))
    rows = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    lines, cells = [], []
    try:
        header = next(rows, [])
        for row in rows:
            if not row:
                continue
            if len(row) != len(header):
                raise ValueError(f"line {rows.line_num} must hold {len(header)} cells, as the first. Received {row}")
            lines.append(rows.line_num)
            cells.append(row)
    except csv.Error as error:
        raise ValueError(f"line {rows.line_num}: {error}") from error
    if not header:
        raise ValueError("its first line must hold the names of columns. Received an empty one")
    return Table(pd.DataFrame(cells, index=lines, columns=header, dtype=object), "line", delimiter)


def _to_text(column: pd.Series) -> pd.Series:
    return column.where(column.notna(), "").astype(str).str.strip()


def is_missing(column: pd.Series) -> pd.Series:
    """Returns which cells of a column hold no value: empty ones, and what tables write for that, such as NA."""
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return column.isna()
    return _to_text(column).str.casefold().isin(_MISSING)


def holds_numbers(column: pd.Series) -> bool:
    """Returns whether all cells with a value are numbers, with either sign before decimals."""
    if pd.api.types.is_numeric_dtype(column):  # bools too
        return True
    if pd.api.types.is_datetime64_any_dtype(column):
        return False
    text = _to_text(column)
    return bool((text.str.fullmatch(_NUMBER.format("[.,]")) | is_missing(column)).all())


def find_decimal(columns: pd.DataFrame, delimiter: str | None) -> str:
    """Returns the sign before decimals that a table's numbers have.

    Args:
        columns: those of numbers.
        delimiter: between cells: where it is a comma, commas in numbers are no decimals.
    """
    if delimiter in (None, ","):
        return "."
    found = any(_to_text(columns[name]).str.fullmatch(_WITH_COMMA).any() for name in columns)
    return "," if found else "."


def to_numbers(column: pd.Series, decimal: str, place: str) -> np.ndarray:
    """Returns the numbers of a column, float64, NaN where a cell is empty.

    Args:
        column: of a `Table`.
        decimal: the sign before decimals.
        place: of the table.

    Raises:
        ValueError: a cell holds something else; names row and column.
    """
    missing = is_missing(column)
    if pd.api.types.is_numeric_dtype(column):
        numbers = column.to_numpy(np.float64, na_value=np.nan)
        bad = np.isinf(numbers)
    else:
        text = _to_text(column)
        bad = (~text.str.fullmatch(_NUMBER.format(rf"\{decimal}")) & ~missing).to_numpy()
    if bad.any():
        index = int(np.argmax(bad))
        grouped = f"; the decimals of this file begin with {decimal!r}" if decimal == "," else ""
        raise ValueError(
            f"{place} {column.index[index]}, column `{column.name}`: could not convert to a finite number: "
            f"{column.iloc[index]!r}{grouped}"
        )
    if not pd.api.types.is_numeric_dtype(column):
        _warn_of_groups(text[~missing], decimal)
        numbers = text.where(~missing, "nan").str.replace(decimal, ".", regex=False).to_numpy().astype(np.float64)
    return numbers


def _warn_of_groups(text: pd.Series, decimal: str) -> None:
    """Says what may be thousands, 1.234, and is read as decimals: three digits behind each, beside whole numbers."""
    has_sign = text.str.contains(decimal, regex=False)
    grouped = text[has_sign].str.fullmatch(rf"[+-]?[1-9]\d{{0,2}}\{decimal}\d{{3}}")
    if has_sign.any() and not has_sign.all() and grouped.all():
        _LOGGER.warning(
            "Column `%s`: numbers such as %s, beside whole ones, are read with decimals. If %r groups thousands, write "
            "the file without.",
            text.name,
            text[has_sign].iloc[0],
            decimal,
        )


def to_names(column: pd.Series, place: str) -> pd.Series:
    """Returns the cells of a column as names, text.

    Raises:
        ValueError: a cell is empty; names row and column.
    """
    text = _to_text(column)
    empty = (text == "").to_numpy()
    if empty.any():
        row = column.index[int(np.argmax(empty))]
        raise ValueError(f"{place} {row}, column `{column.name}`: must hold a name. It is empty")
    return text


def to_moments(column: pd.Series) -> pd.Series | None:
    """Returns times as numbers or as dates; None where they are neither.

    Dates with points have the day first, others the month, unless there is no such month; a year that stands first is
    one.

    Args:
        column: of a `Table`.
    """
    if pd.api.types.is_datetime64_any_dtype(column):
        return column
    text = _to_text(column)
    if text.str.fullmatch(_DAY).all():
        days = pd.to_datetime(text, format="%Y%m%d", utc=True, errors="coerce")
        if days.notna().all():
            return days
    if text.str.fullmatch(_NUMBER.format(r"\.")).all():
        return text.astype(np.float64)
    has_points = bool(text.str.match(r"\d{1,2}\.\d+\.").all())
    ways: list[dict[str, Any]] = [{"dayfirst": first} for first in ((True, False) if has_points else (False, True))]
    for way in ({"format": "ISO8601"}, *ways):
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # pandas warns where it would guess each cell's format anew
            try:
                return pd.to_datetime(text, utc=True, **way)
            except (ValueError, UserWarning):
                continue
    return None
