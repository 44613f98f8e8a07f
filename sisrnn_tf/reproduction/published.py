"""The numbers that the paper's tables quote, each with its mark and source."""

import importlib.resources
import json
from typing import NamedTuple

# What the paper says that a number is, and its sign for it.
MARKS = {"exact": "", "approximate": "≈ ", "bound": "≤ "}

# Decimals of the NLL in each table.
_DIGITS = {1: 2, 2: 0, 3: 1}


class Published(NamedTuple):
    """One line of a table.

    Attributes:
        table: its number in the paper.
        dataset: what the paper calls the data.
        model: what the paper calls the model.
        nll: nats a sequence.
        mark: a key of `MARKS`, as the paper's own sign says.
        source: where the number is quoted, and from whom.
        ppl: perplexity, of text.
        kl: nats a sentence, of text.
        note: what there is to say against the mark.
    """

    table: int
    dataset: str
    model: str
    nll: float
    mark: str
    source: str
    ppl: float | None = None
    kl: float | None = None
    note: str | None = None

    @property
    def text(self) -> str:
        """The NLL with its sign, in as many digits as the paper's."""
        return f"{MARKS[self.mark]}{self.nll:.{_DIGITS[self.table]}f}"


def load() -> list[Published]:
    """Returns all numbers of Tables 1 to 3, in the paper's order."""
    text = importlib.resources.files(__package__).joinpath("published.json").read_text(encoding="utf-8")
    return [Published(**entry) for entry in json.loads(text)["entries"]]
