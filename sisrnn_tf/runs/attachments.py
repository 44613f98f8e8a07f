"""What lies in a run's folder beside what the run itself leaves: forecasts, fills, scores, comparisons."""

import base64
import csv
import itertools
import json
import pathlib
import zipfile
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from sisrnn_tf.runs.workdir import Workdir

_MAX_ROWS, _MAX_COLUMNS = 8, 12  # of a table, shown as its beginning
_MAX_TEXT = 20_000  # bytes of a text that is shown whole
_TABLES, _ARRAYS, _TEXTS, _PICTURES = (".csv",), (".npz",), (".json", ".txt"), (".png",)


class Attachment(NamedTuple):
    """A file beside those of the run.

    Attributes:
        name: its path in the workdir.
        num_bytes: its size.
        picture: as text that an <img> can hold; None where it is none.
        rows: the first rows of a table, or a row an array, the header first; empty of another file.
        num_rows: of the whole table.
        text: of a file of text; None of another, or of a long one.
    """

    name: str
    num_bytes: int
    picture: str | None = None
    rows: list[list[str]] = []  # noqa: RUF012  a default that nobody changes
    num_rows: int = 0
    text: str | None = None


def collect(workdir: Workdir, shown: Iterable[pathlib.Path]) -> list[Attachment]:
    """Returns the files of a workdir and of its folders that the run does not need and that nothing else shows.

    Args:
        workdir: of the run.
        shown: files that are shown elsewhere.

    Raises:
        OSError: a file cannot be read.
    """
    left_out = {*shown, workdir.report, workdir.vocabulary}
    endings = (*_TABLES, *_ARRAYS, *_TEXTS, *_PICTURES)
    paths = sorted(itertools.chain(workdir.path.glob("*"), workdir.path.glob("*/*")))
    found = [path for path in paths if path.suffix in endings and path.is_file() and not path.name.startswith(".")]
    return [_read(path, workdir) for path in found if path not in left_out and not workdir.owns(path)]


def data_uri(path: pathlib.Path) -> str | None:
    """Returns a PNG as text that an <img> can hold; None if there is none."""
    if not path.exists():
        return None
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _read(path: pathlib.Path, workdir: Workdir) -> Attachment:
    made = Attachment(path.relative_to(workdir.path).as_posix(), path.stat().st_size)
    if path.suffix in _PICTURES:
        return made._replace(picture=data_uri(path))
    if path.suffix in _TABLES:
        return made._replace(**_read_table(path))
    if path.suffix in _ARRAYS:
        return made._replace(rows=_read_arrays(path))
    short = made.num_bytes <= _MAX_TEXT
    return made._replace(text=path.read_text(encoding="utf-8", errors="replace") if short else None)


def _read_table(path: pathlib.Path) -> dict[str, Any]:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = csv.reader(file)
        try:
            first = [row[:_MAX_COLUMNS] for row in itertools.islice(rows, _MAX_ROWS + 1)]
            return {"rows": first, "num_rows": max(0, len(first) - 1) + sum(1 for _ in rows)}
        except csv.Error:  # no table after all; its name and size are shown
            return {}


def _read_arrays(path: pathlib.Path) -> list[list[str]]:
    """Returns names, types and shapes of arrays, from their headers alone."""
    rows = [["array", "type", "shape"]]
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                with archive.open(name) as file:
                    read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
                    shape, _, dtype = read[np.lib.format.read_magic(file)[0]](file)
                    rows.append([name.removesuffix(".npy"), str(dtype), json.dumps(shape)])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):  # damaged; its name and size are shown
        return []
    return rows
