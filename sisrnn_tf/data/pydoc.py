"""The English of Python's own help topics: text inside every Python, so that a run needs no network."""

import platform
import pydoc_data.topics
import re

_MIN_WORDS, _MAX_WORDS = 3, 40
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|[0-9]+|[.,;:!?()]")
_BULLET = re.compile(r"^\s*(?:[*+-]|\d+\.)\s+")
_CODE = re.compile(r">>>|::|[=<>{}\[\]|@\\]|__|\*\*\*|---")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
# Sentences that follow each other are alike: a split in blocks would compare different topics, by sentence it is fair.
_SPLIT_OF = {8: "validation", 9: "test"}


def read() -> dict[str, list[str]]:
    """Returns split -> sentences of lower-cased words and punctuation, numbers as N; of ten the last two held out."""
    sentences = [sentence for topic in sorted(pydoc_data.topics.topics) for sentence in _sentences(topic)]
    sentences = list(dict.fromkeys(sentences))  # topics repeat each other
    texts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for index, sentence in enumerate(sentences):
        texts[_SPLIT_OF.get(index % 10, "train")].append(sentence)
    return texts


def version() -> str:
    """Returns which text it is: each Python has its own."""
    return f"help topics of Python {platform.python_version()}"


def _sentences(topic: str) -> list[str]:
    """Returns the sentences of a topic's paragraphs, those of lists and indented ones too; code is left out."""
    found = []
    for paragraph in re.split(r"\n\s*\n", pydoc_data.topics.topics[topic]):
        lines = [_BULLET.sub("", line).strip() for line in paragraph.splitlines()]
        for sentence in _SENTENCE_END.split(" ".join(lines)):
            words = ["N" if word.isdecimal() else word for word in _WORD.findall(sentence.lower())]
            prose = sentence[:1].isupper() and sentence.endswith(".") and not _CODE.search(sentence)
            if prose and _MIN_WORDS <= len(words) <= _MAX_WORDS:
                found.append(" ".join(words))
    return found
