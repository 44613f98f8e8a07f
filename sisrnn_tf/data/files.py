"""The user's files: found and read, or an error that says what to do."""

import gzip
import pathlib
import zipfile
import zlib
from collections.abc import Sequence

import numpy as np

# How users' files and arrays call the splits.
SPLIT_NAMES = {"train": ("train",), "validation": ("val", "valid", "validation"), "test": ("test",)}

# What a damaged file raises, depending on where the damage is.
_DAMAGE = (
    ValueError,
    OSError,
    EOFError,
    KeyError,
    MemoryError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    TypeError,
    AttributeError,
)

# What to do with arrays of objects, by whether the user could allow them.
_OBJECTS = {
    None: "it holds an array of objects. Save numbers and names as such, with array.astype(float) or array.astype(str)",
    False: "it holds pickled objects, which can run any code. If you trust the file, allow them with --allow_pickle",
}
_BYTE_ORDER_MARK = "\ufeff"


def read_text(path: pathlib.Path) -> str:
    """Returns the text of a file in UTF-8, plain or gzipped, without byte-order marks and with \\n for any line's end.

    Raises:
        ValueError: the file cannot be read.
    """
    zipped = path.name.endswith(".gz")
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if zipped else content).decode("utf-8")
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} cannot be read as {'gzipped ' * zipped}text: {error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} cannot be read as {'gzipped ' * zipped}text: {error}. Save it as UTF-8") from error
    # Files that were put together have marks within too.
    return text.replace(_BYTE_ORDER_MARK, "").replace("\r\n", "\n").replace("\r", "\n")


def to_number(text: str) -> float:
    """Returns the number that a cell of a text holds.

    Raises:
        ValueError: it holds none; 1_000 is one in Python alone.
    """
    if "_" in text:
        raise ValueError(f"could not convert string to float: {text!r}")
    return float(text)


def read_npz(
    path: pathlib.Path, names: Sequence[str] | None = None, allow_pickle: bool | None = None
) -> dict[str, np.ndarray]:
    """Returns arrays of an .npz file.

    Args:
        path: of the file.
        names: of the arrays that it must hold, and that are read; None for all.
        allow_pickle: whether to read pickled arrays, which can run any code; None where the user has no such choice.

    Raises:
        ValueError: the file is no .npz, is damaged, lacks an array, or holds pickles that are not allowed.
    """
    try:
        _require_archive(path)
        with np.load(path, allow_pickle=bool(allow_pickle), encoding="latin1") as file:  # of Python 2 too
            names = file.files if names is None else names
            missing = [name for name in names if name not in file.files]
            if missing:
                raise ValueError(f"it must hold the arrays {list(names)}, but lacks {missing}")
            return {name: file[name] for name in names}
    except _DAMAGE as error:
        pickled = isinstance(error, ValueError) and "allow_pickle=False" in str(error)
        problem = _OBJECTS[allow_pickle] if pickled else error
        raise ValueError(f"{path} cannot be read as .npz: {problem}") from error


def _require_archive(path: pathlib.Path) -> None:
    """Raises a ValueError for what NumPy would take for a single array, or for pickles and advise to unpickle."""
    with path.open("rb") as file:
        if file.read(len(np.lib.format.MAGIC_PREFIX)) == np.lib.format.MAGIC_PREFIX:
            raise ValueError("it is a single array, .npy. Save it under its name, with np.savez(path, NAME=array)")
        if not zipfile.is_zipfile(file):
            raise ValueError("it is no archive of arrays, or is cut short. Write it with np.savez")


def open_path(data_dir: str) -> pathlib.Path:
    """Returns the path of the user's file or folder.

    Raises:
        ValueError: there is neither.
    """
    path = pathlib.Path(data_dir).expanduser()
    if not path.exists():
        raise ValueError(f"`data_dir` must be a file or a folder that exists. Received: data_dir={data_dir}")
    return path


def open_folder(data_dir: str) -> pathlib.Path:
    """Returns the path of the user's folder.

    Raises:
        ValueError: the folder is not there.
    """
    folder = pathlib.Path(data_dir).expanduser()
    if not folder.is_dir():
        raise ValueError(f"`data_dir` must be a folder that exists. Received: data_dir={data_dir}")
    return folder


def find(data_dir: str | None, names: Sequence[str]) -> list[pathlib.Path] | None:
    """Returns the paths of all files in a folder, or None if one of them is not there.

    Raises:
        ValueError: the folder is not there.
    """
    if data_dir is None:
        return None
    folder = open_folder(data_dir)
    paths = [folder / name for name in names]
    return paths if all(path.is_file() for path in paths) else None


def find_splits(folder: pathlib.Path, prefixes: Sequence[str], endings: Sequence[str]) -> dict[str, pathlib.Path]:
    """Returns split -> path of those files of a folder that are there, as PREFIX + split + ENDING.

    Raises:
        ValueError: a split has two files.
    """
    found = {}
    for split, aliases in SPLIT_NAMES.items():
        names = [prefix + alias + ending for alias in aliases for prefix in prefixes for ending in endings]
        present = [name for name in names if (folder / name).is_file()]
        if len(present) > 1:
            raise ValueError(
                f"`data_dir` must hold one file of the {split} split. Received {', '.join(present)} in {folder}"
            )
        if present:
            found[split] = folder / present[0]
    return found


def missing(name: str, wanted: str, data_dir: str | None) -> ValueError:
    """Returns the error that says how to get a data set.

    Args:
        name: of the data set.
        wanted: the file that the user could bring.
        data_dir: where it was looked for.
    """
    return ValueError(
        f"No data for {name}: put {wanted} into a folder and give it as --data_dir, or prepare {name} with TFDS, or "
        f"let TFDS fetch it with --download. Received: data_dir={data_dir}"
    )
