"""How long what is left of a plan will take."""

import datetime
from collections.abc import Sequence
from typing import NamedTuple

from sisrnn_tf.reproduction.plan import Row


class Observation(NamedTuple):
    """How long a run, or a part of it, took.

    Attributes:
        row: of the run.
        seconds: that it took.
        fraction: of the run that is done, 1 of a finished one.
    """

    row: Row
    seconds: float
    fraction: float


def remaining(observations: Sequence[Observation], left: Sequence[tuple[Row, float]]) -> float | None:
    """Returns about how many seconds runs will take; None as long as nothing is known.

    A run takes as long as those of its row did; of a row without any, as those of other rows by the plan's weights.

    Args:
        observations: what is known.
        left: rows of the runs, and the fraction of each that is still to do.
    """
    known = [each for each in observations if each.fraction > 0]
    if not known:
        return None
    total = 0.0
    for row, fraction in left:
        same = [each for each in known if each.row.name == row.name]
        weights = sum(each.fraction * each.row.weight for each in same or known)
        total += fraction * row.weight * sum(each.seconds for each in same or known) / weights
    return total


def describe(seconds: float | None) -> str:
    """Returns a duration in words."""
    return "not known yet" if seconds is None else f"about {datetime.timedelta(seconds=round(seconds))}"
