"""Sentences as sequences of word numbers: which file trains, which validates, and what the vocabulary is."""

import logging
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sisrnn_tf.core.validation import require
from sisrnn_tf.data import files, kinds, text_files, vocabulary
from sisrnn_tf.data.coverage import Coverage
from sisrnn_tf.data.held_out import hold_out
from sisrnn_tf.data.spec import SPLITS, SequenceDataset, Sequences
from sisrnn_tf.data.vocabulary import Vocabulary

_LOGGER = logging.getLogger(__name__)
_VOCABULARY_NAMES = ("vocab.txt", "vocab.txt.gz")


def find(name: str, data_dir: str | None, train_split: str, whole: bool = True) -> dict[str, pathlib.Path]:
    """Returns split -> path of the files that are read; arguments as of `read`.

    Raises:
        ValueError: a file is missing.
    """
    if data_dir is None:
        raise _missing(name, data_dir, [])
    found = text_files.find(data_dir, name)
    source = _source(train_split)
    needed = {source, "test", *(["validation"] if source == "train" else [])} if whole else {source}
    if needed - set(found):
        raise _missing(name, data_dir, sorted(path.name for path in found.values()))
    return {split: path for split, path in found.items() if split in {source, *SPLITS[1:]}}


def _source(train_split: str) -> str:
    """Returns the split whose file trains."""
    return "validation" if train_split == "val" else "train"


def read(
    name: str,
    data_dir: str | None,
    train_split: str,
    vocabulary_file: str | None,
    vocabulary_size: int,
    max_length: int | None,
    whole: bool = True,
) -> SequenceDataset:
    """Reads text from the user's files.

    Args:
        name: of the data set.
        data_dir: folder of `train.txt`, `val.txt` or `valid.txt`, and `test.txt`, each also as `NAME.train.txt` and
            gzipped; or one such file.
        train_split: `train`, or `val` to train on that file, every tenth sentence of it held out for validation.
        vocabulary_file: a word a line; None for vocab.txt or vocab.txt.gz of the folder, or else the words of the
            training text.
        vocabulary_size: V at the most, where it is made of the training text.
        max_length: tokens of a sentence at the most, the end among them; None for no limit.
        whole: whether all three files must be there; else missing ones are held out of the training text.

    Raises:
        ValueError: a file is missing or damaged.
    """
    used = find(name, data_dir, train_split, whole)
    source = _source(train_split)
    texts = {split: list(text_files.read_sentences(path).values()) for split, path in used.items()}
    texts, notes = hold_out(texts, source, "sentence")
    words, origin = _vocabulary(str(data_dir), vocabulary_file, texts["train"], vocabulary_size)
    return make(name, texts, words, [*notes, origin], max_length)


def _missing(name: str, data_dir: str | None, present: Sequence[str]) -> ValueError:
    trained = "; without a training file, --train_split=val trains on the validation file" if present else ""
    return ValueError(
        f"No data for {name}: put train.txt, valid.txt (or val.txt) and test.txt, plain or gzipped, a sentence a line, "
        f"into a folder and give it as --data_dir{trained}. Received: data_dir={data_dir}, which holds "
        f"{', '.join(present) or 'none of them'}"
    )


def _vocabulary(
    data_dir: str, vocabulary_file: str | None, sentences: Sequence[str], max_size: int
) -> tuple[Vocabulary, str]:
    """Returns the vocabulary, and where it is from."""
    folder = pathlib.Path(data_dir).expanduser()
    candidates = (
        [folder / name for name in _VOCABULARY_NAMES]
        if vocabulary_file is None
        else [pathlib.Path(vocabulary_file).expanduser()]
    )
    for path in candidates:
        if path.is_file():
            try:
                return vocabulary.parse(files.read_text(path).split("\n")), f"of {path.name}"
            except ValueError as error:
                raise ValueError(f"{path} is no vocabulary: {error}") from error
    require(vocabulary_file is None, "vocabulary_file", "a file that exists", vocabulary_file)
    return vocabulary.build(sentences, max_size), "of the training text"


def make(
    name: str, texts: Mapping[str, Sequence[str]], words: Vocabulary, notes: Sequence[str], max_length: int | None
) -> SequenceDataset:
    """Returns the data set of three texts.

    Args:
        name: of the data set.
        texts: split -> sentences.
        words: the vocabulary.
        notes: on the data, for the convention; the last says where the vocabulary is from.
        max_length: tokens of a sentence at the most, the end among them; None for no limit.

    Raises:
        ValueError: a sentence marks a begin or an end between its words, or a split has no word of the vocabulary.
    """
    encoded = {split: [words.encode(sentence) for sentence in texts[split]] for split in SPLITS}
    marked = _check_coverage(name, texts, words, encoded)
    cut = "sentences whole"
    if max_length is not None:
        num_cut = sum(len(ids) > max_length for split in SPLITS for ids in encoded[split])
        cut = f"sentences cut to {max_length} tokens ({num_cut} were longer)"
        encoded = {split: [ids[:max_length] for ids in sentences] for split, sentences in encoded.items()}
    *others, origin = notes
    parts = [*others, f"V={len(words):,} {origin}", cut, "the end scored, the begin not", *marked]
    sequences: dict[str, Any] = {split: Sequences.of(ids, words.end_id) for split, ids in encoded.items()}
    return SequenceDataset(
        name=name,
        convention=f"{name}, {', '.join(parts)}",
        emission=kinds.TEXT.supports[0].name,
        vocabulary=words,
        **sequences,
    )


def _check_coverage(
    name: str, texts: Mapping[str, Sequence[str]], words: Vocabulary, encoded: Mapping[str, Sequence[np.ndarray]]
) -> list[str]:
    """Says how much of each split the vocabulary knows; returns notes of what was taken off, for the convention."""
    found = {split: Coverage.of(words, texts[split], encoded[split]) for split in SPLITS}
    for split, coverage in found.items():
        coverage.check(f"the {split} split of {name}")
        level = logging.WARNING if coverage.is_poor else logging.INFO
        _LOGGER.log(level, "%s, %s: %s.", name, split, coverage.describe())
    return Coverage.sum(found.values()).notes
