"""Sequences of different lengths in .csv files: a header, then a row a step, the first column naming its sequence."""

import csv
import pathlib
from collections.abc import Iterator, Mapping

import numpy as np

from sisrnn_tf.data import files

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
    path = pathlib.Path(data_dir).expanduser()
    if path.is_file():
        return {"train": path}
    folder = files.open_folder(data_dir)
    found = files.find_splits(folder, ("",), (".csv",))
    if "train" not in found:
        raise ValueError(f"`data_dir` must hold train.csv. Received: data_dir={folder}")
    return found


def read(path: pathlib.Path) -> tuple[list[str], list[np.ndarray]]:
    """Returns the names of sequences, and the sequences, each float64 `[T_n, D]`.

    Args:
        path: of a file whose first line is `sequence` and the features' names, and each other line the name of a
            sequence and the features of its next step; the steps of a sequence lie together.

    Raises:
        ValueError: the file cannot be read, or a line is not so; names the line.
    """
    return _read(path)[1:]


def _read(path: pathlib.Path) -> tuple[list[str], list[str], list[np.ndarray]]:
    """Returns the names of columns, and what `read` does."""
    names, sequences = [], []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # with or without Excel's mark of the encoding
            rows = csv.reader(file)
            header = _read_header(rows)
            for row in rows:
                if not row:
                    continue
                values = _to_values(row, len(header), rows.line_num)
                if not names or row[0] != names[-1]:
                    names.append(row[0])
                    sequences.append([])
                sequences[-1].append(values)
    except (OSError, csv.Error, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as sequences: {error}") from error
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice or not names:
        problem = f"the steps of sequence {twice[0]!r} do not lie together" if twice else "it holds no step"
        raise ValueError(f"{path} cannot be read as sequences: {problem}")
    return header, names, [np.array(sequence) for sequence in sequences]


def read_splits(paths: Mapping[str, pathlib.Path]) -> dict[str, list[np.ndarray]]:
    """Returns split -> sequences, each float64 `[T_n, D]`, of files whose columns are the same.

    Args:
        paths: split -> file, as of `find`.

    Raises:
        ValueError: a file cannot be read, or has other columns than the training split's.
    """
    splits = {split: _read(path) for split, path in paths.items()}
    expected = splits["train"][0]
    for split, (header, *_) in splits.items():
        if header != expected:
            raise ValueError(f"{paths[split]} must have the columns {expected} of training. It has {header}")
    return {split: sequences for split, (_, _, sequences) in splits.items()}


def _read_header(rows: Iterator[list[str]]) -> list[str]:
    header = [name.strip() for name in next(rows, [])]
    if len(header) < 2 or header[0] != SEQUENCE:
        raise ValueError(f"its first line must be `{SEQUENCE}` and the features' names. Received {header}")
    return header


def _to_values(row: list[str], num_columns: int, line: int) -> list[float]:
    try:
        values = [float(cell) for cell in row[1:]]
    except ValueError as error:
        raise ValueError(f"line {line}: {error}") from error
    if len(row) != num_columns or not np.isfinite(values).all():
        raise ValueError(f"line {line} must hold a name and {num_columns - 1} finite numbers. Received {row}")
    return values
