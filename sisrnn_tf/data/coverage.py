"""How much of a text a vocabulary knows."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from sisrnn_tf.data.vocabulary import Vocabulary

_MUCH = 0.1  # of the words; whoever leaves out more has likely taken another text's vocabulary


class Coverage(NamedTuple):
    """How much of a text a vocabulary knows.

    Attributes:
        num_words: of the text, without ends.
        num_unknown: of these became the unknown word.
        num_marked: sentences whose own marks of begin or end were taken off.
    """

    num_words: int = 0
    num_unknown: int = 0
    num_marked: int = 0

    @classmethod
    def of(cls, vocabulary: Vocabulary, sentences: Sequence[str], encoded: Sequence[np.ndarray]) -> "Coverage":
        """Returns the coverage of sentences and their numbers, as of `vocabulary.encode`."""
        num_words = sum(map(len, encoded)) - len(encoded)
        num_unknown = sum(int((ids == vocabulary.unknown_id).sum()) for ids in encoded)
        pairs = zip(sentences, encoded, strict=True)
        return cls(num_words, num_unknown, sum(len(sentence.split()) >= len(ids) for sentence, ids in pairs))

    @classmethod
    def sum(cls, parts: Iterable["Coverage"]) -> "Coverage":
        """Returns the coverage of several texts together."""
        return cls(*map(sum, zip(*parts, strict=True)))

    @property
    def is_poor(self) -> bool:
        """Whether more than a tenth of the words are unknown."""
        return self.num_unknown > _MUCH * self.num_words

    def check(self, what: str) -> None:
        """Raises a ValueError where no word at all is known, whose likelihood would say nothing.

        Args:
            what: the text is called.
        """
        if self.num_unknown == self.num_words:
            raise ValueError(
                f"The vocabulary knows none of the {self.num_words:,} words of {what}. Bring the vocabulary of this "
                "text, or the text tokenized and spelled as the vocabulary is"
            )

    def describe(self) -> str:
        """Returns how many words are unknown, and how many sentences lost their marks, in words."""
        share = self.num_unknown / self.num_words
        text = f"{self.num_unknown:,} of {self.num_words:,} words ({share:.1%}) are unknown to the vocabulary"
        text += " (are the two of one spelling and case?)" if self.is_poor else ""
        return "; ".join([text, *self.notes])

    @property
    def notes(self) -> list[str]:
        """What was taken off the text, for its convention."""
        return [f"{self.num_marked:,} sentences' own marks of begin or end taken off"] if self.num_marked else []
