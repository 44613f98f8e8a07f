"""The words that a model of text knows, and their numbers."""

import collections
import hashlib
import json
from collections.abc import Iterable, Sequence

import numpy as np

from sisrnn_tf.core.validation import require

END, UNKNOWN = "<eos>", "<unk>"
# What the texts that people share call the two.
END_NAMES = (END, "</s>", "<EOS>", "_EOS")
_UNKNOWN_NAMES = (UNKNOWN, "_UNK", "<UNK>", "[UNK]")
BEGIN_NAMES = ("<s>", "<bos>", "<BOS>", "<sos>", "<SOS>", "_BOS", "_SOS", "_GO")
_MARKS = frozenset((*END_NAMES, *BEGIN_NAMES))


def words_of(sentence: str) -> list[str]:
    """Returns the words of a sentence, between white space, without its own marks of begin and end.

    A model adds the end itself, and never scores the begin.

    Raises:
        ValueError: a mark lies between words.
    """
    words = sentence.split()
    first, last = 0, len(words)
    while first < last and words[first] in BEGIN_NAMES:
        first += 1
    while last > first and words[last - 1] in END_NAMES:
        last -= 1
    words = words[first:last]
    within = [word for word in words if word in _MARKS]
    require(not within, "sentence", "one sentence, its own marks at its begin and end alone: break the line", within)
    return words


class Vocabulary:
    """Words and their numbers, 0..V - 1, the end of a sentence and the unknown word among them.

    The begin of a sentence is no word: it is read and never scored. Models number it V.

    Args:
        words: in the order of their numbers, one of the names of the end and one of the unknown word among them.

    Attributes:
        words: tuple of V.
        end_id, unknown_id: numbers of those two.

    Raises:
        ValueError: a word is there twice, is empty or holds a space, or the end or the unknown word is missing.
    """

    def __init__(self, words: Sequence[str]):
        self.words = tuple(words)
        self._ids = {word: index for index, word in enumerate(self.words)}
        twice = [word for word, count in collections.Counter(self.words).items() if count > 1]
        require(not twice, "words", "different from each other", twice[:5])
        bad = [word for word in self.words if word.split() != [word]]
        require(not bad, "words", "without spaces and not empty", bad[:5])
        self.end_id = self._find("the end of a sentence", END_NAMES)
        self.unknown_id = self._find("the unknown word", _UNKNOWN_NAMES)

    def _find(self, what: str, names: Sequence[str]) -> int:
        found = [self._ids[name] for name in names if name in self._ids]
        require(bool(found), "words", f"with one for {what}, one of {', '.join(names)}", f"{len(self)} words without")
        return found[0]

    def __len__(self) -> int:
        return len(self.words)

    @property
    def fingerprint(self) -> str:
        """A hash of the words and their order."""
        return hashlib.sha256("\n".join(self.words).encode()).hexdigest()[:16]

    def encode(self, sentence: str) -> np.ndarray:
        """Returns the numbers of a sentence's words and of the end, int32 `[T]`.

        Args:
            sentence: as of `words_of`; a word that the vocabulary lacks becomes the unknown word.

        Raises:
            ValueError: the sentence marks a begin or an end between its words.
        """
        ids = [self._ids.get(word, self.unknown_id) for word in words_of(sentence)]
        return np.array([*ids, self.end_id], np.int32)

    def unknown_words(self, sentence: str) -> list[str]:
        """Returns the words of a sentence that the vocabulary lacks."""
        return [word for word in words_of(sentence) if word not in self._ids]

    def decode(self, ids: Iterable[int]) -> str:
        """Returns the words of numbers up to the first end."""
        words = []
        for index in ids:
            if index == self.end_id:
                break
            words.append(self.words[index])
        return " ".join(words)

    def to_text(self) -> str:
        """Returns a word a line."""
        return "\n".join(self.words) + "\n"


def build(sentences: Iterable[str], max_size: int) -> Vocabulary:
    """Returns the most frequent words of a text, those of equal frequency in alphabetical order.

    A text that marks its unknown words keeps all others. In one that does not, words that occur once count as unknown:
    a model has to see some to know how often they come.

    Args:
        sentences: as of `words_of`.
        max_size: V at the most, the end and the unknown word among them.

    Raises:
        ValueError: `max_size` is below 3.
    """
    require(max_size >= 3, "vocabulary_size", "at least 3: the end, the unknown word and another", max_size)
    counts = collections.Counter(word for sentence in sentences for word in words_of(sentence))
    marked = any(name in counts for name in _UNKNOWN_NAMES)
    special = [END, next((name for name in _UNKNOWN_NAMES if name in counts), UNKNOWN)]
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    kept = [word for word in ordered if word not in special and (marked or counts[word] > 1)]
    return Vocabulary([*special, *kept[: max_size - len(special)]])


def parse(lines: Sequence[str]) -> Vocabulary:
    """Returns the vocabulary of a file: a word a line, alone or before a tab and its number.

    Names for the end and for the unknown word are added where there are none.

    Args:
        lines: of the file.

    Raises:
        ValueError: a line holds something else, or the numbers are not 0..V - 1.
    """
    require(not _is_json(lines), "vocabulary", "a word a line, in the order of their numbers", "JSON")
    rows = [line.strip().split("\t") for line in lines if line.strip()]
    if rows and all(len(row) == 2 and row[1].strip().isdecimal() for row in rows):
        rows.sort(key=lambda row: int(row[1]))
        numbers = [int(row[1]) for row in rows]
        require(numbers == list(range(len(rows))), "vocabulary", "numbered 0, 1, .. without a gap", numbers[:5])
    else:
        bad = ["\t".join(row) for row in rows if len(row) > 1]
        require(not bad, "vocabulary", "a word a line, alone or in every line before a tab and its number", bad[:5])
    words = [row[0].strip() for row in rows]
    for names in (END_NAMES, _UNKNOWN_NAMES):
        words += [] if set(names) & set(words) else [names[0]]
    return Vocabulary(words)


def _is_json(lines: Sequence[str]) -> bool:
    """Returns whether a file is a list or an object of JSON, whose lines could pass for words."""
    text = "\n".join(lines).strip()
    if not text.startswith(("[", "{")):
        return False
    try:
        json.loads(text)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True
