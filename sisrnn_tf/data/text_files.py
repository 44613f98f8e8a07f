"""Text in the user's files: found, unpacked, and read as sentences, one a line."""

import logging
import pathlib
import re
from collections.abc import Sequence

from sisrnn_tf.data import files, vocabulary

_LOGGER = logging.getLogger(__name__)

_ENDINGS = (".txt", ".txt.gz")
_LABEL = re.compile(r"[+-]?\d+")


def find(data_dir: str, name: str) -> dict[str, pathlib.Path]:
    """Returns split -> path of those files of a data set that are there.

    Args:
        data_dir: their folder, or one file that stands for the training text.
        name: of the data set; NAME.train.txt, as of PTB, is as good as train.txt.

    Raises:
        ValueError: the path does not exist, or a split has two files.
    """
    path = files.open_path(data_dir)
    if path.is_file():
        return {"train": path}
    return files.find_splits(path, (f"{name}.", ""), _ENDINGS)


def read_sentences(path: pathlib.Path) -> dict[int, str]:
    """Returns the sentences of a file, one a line, by the numbers of their lines, from 1 on.

    A leading column of labels is left out, and so are lines without a word.

    Raises:
        ValueError: the file cannot be read, holds no sentence, or a sentence marks a begin or an end within.
    """
    lines = files.read_text(path).split("\n")
    filled = {number: line for number, line in enumerate(lines, start=1) if line.strip()}
    sentences = dict(zip(filled, without_labels(list(filled.values())), strict=True))
    kept = {number: sentence for number, sentence in sentences.items() if _has_words(path, number, sentence)}
    num_empty = len(lines) - len(kept) - (not lines[-1])  # what follows the last newline is no line
    if num_empty:
        _LOGGER.info("%s: %d empty lines are left out.", path, num_empty)
    if not kept:
        raise ValueError(f"{path} must hold a sentence a line. It holds none.")
    return kept


def _has_words(path: pathlib.Path, number: int, sentence: str) -> bool:
    try:
        return bool(vocabulary.words_of(sentence))
    except ValueError as error:
        raise ValueError(f"{path}, line {number}: {error}") from error


def without_labels(lines: Sequence[str]) -> list[str]:
    """Returns lines without their first column, if that is a whole number before a tab in all of them."""
    columns = [line.split("\t", 1) for line in lines]
    labeled = all(len(column) == 2 and _LABEL.fullmatch(column[0].strip()) for column in columns)
    return [column[1] for column in columns] if labeled else list(lines)
