"""Text in the user's files: found, unpacked, and read as sentences, one a line."""

import gzip
import logging
import pathlib
import zlib
from collections.abc import Sequence

from sisrnn_tf.data import files

_LOGGER = logging.getLogger(__name__)

_ENDINGS = (".txt", ".txt.gz")


def find(data_dir: str, name: str) -> dict[str, pathlib.Path]:
    """Returns split -> path of those files of a data set that are there.

    Args:
        data_dir: their folder, or one file that stands for the training text.
        name: of the data set; NAME.train.txt, as of PTB, is as good as train.txt.

    Raises:
        ValueError: the path does not exist, or a split has two files.
    """
    path = pathlib.Path(data_dir).expanduser()
    if path.is_file():
        return {"train": path}
    return files.find_splits(files.open_folder(data_dir), (f"{name}.", ""), _ENDINGS)


def read_lines(path: pathlib.Path) -> list[str]:
    """Returns the lines of a text file in UTF-8, plain or gzipped.

    Raises:
        ValueError: the file cannot be read.
    """
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.name.endswith(".gz") else content).decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read as {'gzipped ' * path.name.endswith('.gz')}text: {error}") from error
    return text.replace("\r\n", "\n").split("\n")


def read_sentences(path: pathlib.Path) -> list[str]:
    """Returns the sentences of a file, one a line, without a leading column of labels; empty lines are left out.

    Raises:
        ValueError: the file cannot be read or holds no sentence.
    """
    lines = read_lines(path)
    filled = without_labels([line for line in lines if line.strip()])
    kept = [line for line in filled if line.strip()]
    num_empty = len(lines) - len(kept) - (not lines[-1])  # what follows the last newline is no line
    if num_empty:
        _LOGGER.info("%s: %d empty lines are left out.", path, num_empty)
    if not kept:
        raise ValueError(f"{path} must hold a sentence a line. It holds none.")
    return kept


def without_labels(lines: Sequence[str]) -> list[str]:
    """Returns lines without their first column, if that is a whole number before a tab in all of them."""
    columns = [line.split("\t", 1) for line in lines]
    labeled = all(len(column) == 2 and column[0].strip().isdecimal() for column in columns)
    return [column[1] for column in columns] if labeled else list(lines)
