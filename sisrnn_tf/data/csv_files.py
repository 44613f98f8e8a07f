"""Sequences of different lengths in .csv files: a header, then a row a step, the first column naming its sequence."""

import collections
import csv
import io
import logging
import pathlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from sisrnn_tf.data import files

_LOGGER = logging.getLogger(__name__)

SEQUENCE = "sequence"  # the name of the first column


def find(data_dir: str | None) -> dict[str, pathlib.Path]:
    """Returns split -> path of those files that are there.

    Args:
        data_dir: folder of train.csv and, where there are such, valid.csv (or val.csv) and test.csv; or one file,
            which is the training split.

    Raises:
        ValueError: there is no training file, or a split has two.
    """
    if data_dir is None:
        raise ValueError("No data for csv: give a .csv file, or a folder with train.csv, as --data_dir")
    path = files.open_path(data_dir)
    if path.is_file():
        return {"train": path}
    found = files.find_splits(path, ("",), (".csv",))
    if "train" not in found:
        raise ValueError(f"`data_dir` must hold train.csv. Received: data_dir={path}")
    return found


def read(path: pathlib.Path, features: Sequence[str] | None = None) -> tuple[list[str], list[np.ndarray]]:
    """Returns the names of sequences, and the sequences, each float64 `[T_n, D]`.

    Args:
        path: of a file whose first line is `sequence` and the features' names, and each other line the name of a
            sequence and the features of its next step; the steps of a sequence lie together.
        features: their names, in the order that the sequences are to have; None for that of the file.

    Raises:
        ValueError: the file cannot be read, has other features, or a line is not so; names the line.
    """
    found, names, sequences = _read(path)
    if features is None or found == list(features):
        return names, sequences
    if sorted(found) != sorted(features):
        missing, unknown = (sorted(set(one) - set(other)) for one, other in ((features, found), (found, features)))
        raise ValueError(
            f"{path} must have the columns {[SEQUENCE, *features]} of training, in any order. It lacks "
            f"{missing or 'none'} and has others, {unknown or 'none'}"
        )
    order = [found.index(name) for name in features]
    return names, [sequence[:, order] for sequence in sequences]


def read_splits(paths: Mapping[str, pathlib.Path]) -> tuple[list[str], dict[str, list[np.ndarray]]]:
    """Returns the names of the training split's features, and split -> sequences, each float64 `[T_n, D]`.

    Features have in all splits the order that they have in training.

    Args:
        paths: split -> file, as of `find`.

    Raises:
        ValueError: a file cannot be read, or has other features than the training split's.
    """
    features, _, train = _read(paths["train"])
    others = {split: read(path, features)[1] for split, path in paths.items() if split != "train"}
    return features, {"train": train} | others


def _read(path: pathlib.Path) -> tuple[list[str], list[str], list[np.ndarray]]:
    """Returns the names of features, and what `read` does."""
    names: list[str] = []
    sequences: list[list[list[float]]] = []
    rows = csv.reader(io.StringIO(files.read_text(path)))
    try:
        header = _read_header(rows)
        for row in rows:
            if not row:
                continue
            values = _to_values(row, len(header), rows.line_num)
            if not names or row[0] != names[-1]:
                names.append(row[0])
                sequences.append([])
            sequences[-1].append(values)
    except (csv.Error, ValueError) as error:
        raise ValueError(f"{path} cannot be read as sequences: {error}") from error
    twice = _twice(names)
    if twice or not names:
        problem = f"the steps of sequence {twice[0]!r} do not lie together" if twice else "it holds no step"
        raise ValueError(f"{path} cannot be read as sequences: {problem}")
    if len(names) > 1 and all(len(sequence) == 1 for sequence in sequences):
        _LOGGER.warning(
            "%s: each of its %d sequences has a single step. Rows of one sequence have the same name in the column "
            "`%s`; numbers of rows are no such names.",
            path,
            len(names),
            SEQUENCE,
        )
    return header[1:], names, [np.array(sequence) for sequence in sequences]


def _twice(names: Sequence[str]) -> list[str]:
    return sorted(name for name, count in collections.Counter(names).items() if count > 1)


def _read_header(rows: Iterator[list[str]]) -> list[str]:
    header = [name.strip() for name in next(rows, [])]
    if len(header) < 2 or header[0] != SEQUENCE:
        raise ValueError(f"its first line must be `{SEQUENCE}` and the features' names. Received {header}")
    if _twice(header):
        raise ValueError(f"its columns must have different names. Received {_twice(header)} more than once")
    return header


def _to_values(row: list[str], num_columns: int, line: int) -> list[float]:
    try:
        values = [files.to_number(cell) for cell in row[1:]]
    except ValueError as error:
        raise ValueError(f"line {line}: {error}") from error
    if len(row) != num_columns or not np.isfinite(values).all():
        raise ValueError(f"line {line} must hold a name and {num_columns - 1} finite numbers. Received {row}")
    return values
