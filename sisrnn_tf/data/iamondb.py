"""IAM-OnDB, online handwriting, from the files that its owners distribute: lines of text as pen strokes."""

import hashlib
import logging
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from sisrnn_tf.core import atomic
from sisrnn_tf.core.validation import require
from sisrnn_tf.data import files, iamondb_lines
from sisrnn_tf.data.spec import Y_UP

_LOGGER = logging.getLogger(__name__)

# Protocols: split -> lists of form ids. VRNN's has no validation list: a part of training is held out for it.
PROTOCOLS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "vrnn": {"train": ("trainset", "testset_t", "testset_f"), "test": ("testset_v",)},
    "official": {"train": ("trainset",), "validation": ("testset_v",), "test": ("testset_f",)},
}
_LISTS = ("trainset", "testset_v", "testset_t", "testset_f")
_CACHE = "iamondb-parsed.npz"


class Handwriting(NamedTuple):
    """All lines of the database that can be read.

    Attributes:
        names: of their files, such as a01-000u-01, in alphabetical order.
        strokes: of each line offsets and pen, float32 `[T_n, 3]`.
        skipped: names of files that could not be read.
    """

    names: list[str]
    strokes: list[np.ndarray]
    skipped: list[str]


def find(data_dir: str | None) -> pathlib.Path:
    """Returns the folder of lineStrokes/.

    Raises:
        ValueError: there is none.
    """
    if data_dir is None or not (files.open_folder(data_dir) / "lineStrokes").is_dir():
        raise ValueError(
            "No data for iamondb: unpack lineStrokes-all.tar.gz into a folder, put the lists trainset.txt, "
            "testset_v.txt, testset_t.txt and testset_f.txt beside lineStrokes/, and give the folder as --data_dir. "
            f"Its owners ask users to register. Received: data_dir={data_dir}"
        )
    return files.open_folder(data_dir)


def read(data_dir: str | None, protocol: str) -> tuple[dict[str, list[np.ndarray]], list[str]]:
    """Returns split -> lines, each (dx, dy, pen) `[T_n, 3]`, and notes on the data.

    Args:
        data_dir: folder of lineStrokes/ and of the lists trainset.txt, testset_v.txt, testset_t.txt, testset_f.txt.
        protocol: a key of `PROTOCOLS`.

    Raises:
        ValueError: a file is missing, or a split has no line.
    """
    require(protocol in PROTOCOLS, "splits", f"one of {', '.join(PROTOCOLS)}", protocol)
    folder = find(data_dir)
    forms = {name: _read_list(folder / f"{name}.txt") for name in _LISTS}
    handwriting = read_lines(folder)
    by_form: dict[str, list[np.ndarray]] = {}
    for name, strokes in zip(handwriting.names, handwriting.strokes, strict=True):
        by_form.setdefault(name.rsplit("-", 1)[0], []).append(strokes)
    splits = {
        split: [line for name in lists for form in forms[name] for line in by_form.get(form, [])]
        for split, lists in PROTOCOLS[protocol].items()
    }
    empty = [split for split, lines in splits.items() if not lines]
    if empty:
        raise ValueError(f"{folder} must hold lines of the forms that its lists name. It holds none for {empty[0]}")
    listed = {form for ids in forms.values() for form in ids}
    unlisted = sum(len(lines) for form, lines in by_form.items() if form not in listed)
    _LOGGER.info("iamondb: %s lines, %d of them in no list.", f"{len(handwriting.names):,}", unlisted)
    notes = [f"splits {protocol}", Y_UP]
    return splits, notes + ([f"{len(handwriting.skipped)} unreadable files skipped"] if handwriting.skipped else [])


def _read_list(path: pathlib.Path) -> list[str]:
    """Returns the form ids of a list, one a line, in its order and each once."""
    try:
        ids = [line.strip() for line in files.read_text(path).split("\n")]
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as a list of forms: {error}") from error
    return list(dict.fromkeys(form for form in ids if form))


def read_lines(folder: pathlib.Path) -> Handwriting:
    """Returns all lines below lineStrokes/, from the cache beside it where the files have not changed since.

    Args:
        folder: of lineStrokes/; where it can be written, what was parsed is kept in it.
    """
    paths = sorted((folder / "lineStrokes").rglob("*.xml"), key=lambda path: path.stem)
    fingerprint = _fingerprint(folder, paths)
    cache = folder / _CACHE
    handwriting = _read_cache(cache, fingerprint) if cache.exists() else None
    if handwriting is not None:
        return handwriting
    handwriting = _parse(paths)
    if os.access(folder, os.W_OK) and handwriting.names:
        _write(cache, fingerprint, handwriting)
    elif handwriting.names:
        _LOGGER.warning("%s cannot be written, so its %d files are parsed again next time.", folder, len(paths))
    return handwriting


def _read_cache(path: pathlib.Path, fingerprint: str) -> Handwriting | None:
    """Returns what was parsed before; None where the files have changed since or the cache is damaged."""
    try:
        arrays = files.read_npz(path, ("fingerprint", "names", "skipped", "strokes", "offsets"))
    except ValueError as error:
        _LOGGER.warning("%s The files are parsed again.", error)
        return None
    if str(arrays["fingerprint"]) != fingerprint:
        return None
    strokes = np.split(arrays["strokes"], arrays["offsets"][1:-1])
    return Handwriting(arrays["names"].tolist(), strokes, arrays["skipped"].tolist())


def _fingerprint(folder: pathlib.Path, paths: Sequence[pathlib.Path]) -> str:
    """Returns a hash of which files there are, how long and how old."""
    states = [(str(path.relative_to(folder)), path.stat()) for path in paths]
    text = "\n".join(f"{name} {state.st_size} {state.st_mtime_ns}" for name, state in states)
    return hashlib.sha256(text.encode()).hexdigest()


def _parse(paths: Sequence[pathlib.Path]) -> Handwriting:
    handwriting = Handwriting([], [], [])
    for path in paths:
        try:
            strokes = iamondb_lines.read(path)
        except ValueError as error:
            _LOGGER.warning("Skipped: %s", error)
            handwriting.skipped.append(path.stem)
            continue
        handwriting.names.append(path.stem)
        handwriting.strokes.append(strokes)
    if handwriting.skipped:
        _LOGGER.warning("iamondb: %d of %d files could not be read.", len(handwriting.skipped), len(paths))
    return handwriting


def _write(path: pathlib.Path, fingerprint: str, handwriting: Handwriting) -> None:
    offsets = np.cumsum([0, *map(len, handwriting.strokes)])
    atomic.write_npz(
        path,
        fingerprint=fingerprint,
        names=np.array(handwriting.names),
        skipped=np.array(handwriting.skipped, dtype=str),
        strokes=np.concatenate(handwriting.strokes),
        offsets=offsets,
    )
