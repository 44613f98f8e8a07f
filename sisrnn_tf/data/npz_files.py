"""Sequences of different lengths in .npz files, in the layouts that people have."""

import pathlib
from collections.abc import Mapping

import numpy as np

from sisrnn_tf.data import files


def find(data_dir: str | None, name: str) -> pathlib.Path:
    """Returns the path of the one .npz file that is meant.

    Args:
        data_dir: the file, or a folder with no other .npz in it.
        name: of the data set.

    Raises:
        ValueError: there is none, or there are several.
    """
    if data_dir is None:
        raise ValueError(f"No data for {name}: give its .npz file as --data_dir. Received: data_dir=None")
    path = files.open_path(data_dir)
    if path.is_file():
        return path
    found = sorted(path.glob("*.npz"))
    if len(found) != 1:
        names = ", ".join(each.name for each in found) or "none"
        raise ValueError(f"`data_dir` must be an .npz file, or a folder with one of them. Received {names} in {path}")
    return found[0]


def read(path: pathlib.Path, allow_pickle: bool | None = None) -> dict[str, list[np.ndarray]]:
    """Returns split -> sequences, each `[T_n, D]`, of those splits that are there.

    A split is an array `train` (`valid`, `val` or `validation`; `test`)

        [sum T, D]      with `train_offsets` [N + 1], where each sequence begins and the last ends,
        [N, T, D]       all of one length, or with `train_lengths` [N], or
        [N] of arrays   `[T_n, D]`, pickled, as the files of sketch-rnn are.

    NaN stands for a missing value.

    Args:
        path: of the file.
        allow_pickle: whether to read pickled arrays, which can run any code; None where the user has no such choice.

    Raises:
        ValueError: the file is damaged, has no training split, or is pickled and that is not allowed.
    """
    arrays = files.read_npz(path, allow_pickle=allow_pickle)
    splits = {}
    for split, aliases in files.SPLIT_NAMES.items():
        names = [name for name in aliases if name in arrays]
        if len(names) > 1:
            raise ValueError(f"{path} must hold one array of the {split} split. Received {', '.join(names)}")
        if names:
            splits[split] = _cut(path, names[0], arrays)
    if "train" not in splits:
        raise ValueError(f"{path} must hold an array `train`. Received {sorted(arrays)}")
    return splits


def _cut(path: pathlib.Path, name: str, arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Returns the sequences of a split."""
    array = arrays[name]
    offsets, lengths = (arrays.get(name + ending) for ending in ("_offsets", "_lengths"))
    if array.dtype == object:
        parts = [np.asarray(part) for part in array]
    elif array.ndim == 2 and offsets is not None:
        rising = offsets.ndim == 1 and offsets.dtype.kind in "iu" and len(offsets) > 1 and (np.diff(offsets) >= 0).all()
        if not rising or offsets[0] != 0 or offsets[-1] != len(array):
            raise ValueError(f"{path}: `{name}_offsets` must rise from 0 to the {len(array)} rows of `{name}`")
        parts = np.split(array, offsets[1:-1])
    elif array.ndim == 3:
        lengths = np.full(len(array), array.shape[1]) if lengths is None else lengths
        if lengths.shape != array.shape[:1] or lengths.dtype.kind not in "iu" or not _within(lengths, array):
            raise ValueError(f"{path}: `{name}_lengths` must be {len(array)} ints of at most {array.shape[1]}")
        parts = [part[:length] for part, length in zip(array, lengths, strict=True)]
    else:
        raise ValueError(
            f"{path}: `{name}` must be [sum T, D] with `{name}_offsets`, or [N, T, D]. Received shape {array.shape}"
        )
    if not parts:
        raise ValueError(f"{path}: `{name}` must hold at least one sequence. It holds none")
    for index, part in enumerate(parts):
        good = part.ndim == 2 and part.size and part.dtype.kind in "fiu" and not np.isinf(part).any()
        if not good:
            raise ValueError(
                f"{path}: sequence {index} of `{name}` must be numbers [T, D], T at least 1, finite or, where a value "
                f"is missing, NaN. Received {part.dtype} {part.shape}"
                + "; save numbers with array.astype(float)"
                * (part.dtype == object)
            )
    return parts


def _within(lengths: np.ndarray, array: np.ndarray) -> bool:
    """Returns whether sequences of these lengths lie within an array `[N, T, D]`."""
    return bool(((lengths >= 0) & (lengths <= array.shape[1])).all())
