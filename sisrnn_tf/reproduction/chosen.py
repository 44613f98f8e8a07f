"""Which of a run's records a table shows."""

import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

from sisrnn_tf.analysis import likelihoods
from sisrnn_tf.reproduction.plan import Further

Runs = Sequence[dict[str, Any]]  # of one row, a seed each, as the results have them


class Figure(NamedTuple):
    """An estimate of the test NLL over the seeds of a row.

    Attributes:
        nll: mean over seeds, nats a sequence.
        error: standard error over sequences of one seed, or None.
        spread: standard deviation over seeds; None of one.
        num_seeds: how many.
        record: of the first seed.
    """

    nll: float
    error: float | None
    spread: float | None
    num_seeds: int
    record: dict[str, Any]


def own_bound(runs: Runs) -> Figure | None:
    """Returns the tightest L_K that there is, or the exact likelihood; None without runs."""
    records = [record for run in runs[:1] for record in _tested(run) if record["estimator"] in ("L_K", "exact")]
    best = max(records, key=lambda record: (record["num_sequences"], record["num_mixing"]), default=None)
    return None if best is None else find(runs, best["estimator"], best["num_mixing"])


def weighted(runs: Runs, further: Further) -> Figure | None:
    """Returns an estimate that weights trajectories, of all seeds, as it was planned; None if one lacks it."""
    planned = {"num_importance": further.num_importance, "num_sequences": further.max_sequences}
    return find(runs, likelihoods.ESTIMATORS[further.estimator].label, **planned)


def find(
    runs: Runs,
    estimator: str,
    num_mixing: int | None = None,
    num_importance: int | None = None,
    num_sequences: int | None = None,
) -> Figure | None:
    """Returns an estimate of all seeds; None if one lacks it.

    Args:
        runs: of one row.
        estimator: as records call it.
        num_mixing: K; None for the one that there is.
        num_importance: M; None for the one that there is.
        num_sequences: of how many; None for as many as there are.
    """
    sizes = {"num_mixing": num_mixing, "num_importance": num_importance, "num_sequences": num_sequences}
    wanted: dict[str, Any] = {name: value for name, value in sizes.items() if value is not None}
    wanted["estimator"] = estimator
    found = []
    for run in runs:
        fields = wanted | {"seed": run["seed"]}
        matching = [record for record in _tested(run) if all(record[name] == fields[name] for name in fields)]
        found += sorted(matching, key=lambda record: -record["num_sequences"])[:1]
    if not found or len(found) < len(runs):
        return None
    values = [record["nll"] for record in found]
    return Figure(
        statistics.fmean(values),
        found[0]["standard_error"] if len(found) == 1 else None,
        statistics.stdev(values) if len(values) > 1 else None,
        len(values),
        found[0],
    )


def mean(runs: Runs, figure: Figure, name: str) -> float | None:
    """Returns the mean over seeds of another field of the records that make a figure; None if they lack it."""
    key = ("estimator", "num_mixing", "num_importance", "num_sequences")
    records = [record for run in runs for record in _tested(run)]
    same = [record for record in records if all(record[part] == figure.record[part] for part in key)]
    values = [record[name] for record in same if record.get(name) is not None]
    return statistics.fmean(values) if len(values) == len(same) else None


def bounds_by_mixing(runs: Runs) -> dict[int, Figure]:
    """Returns K -> L_K."""
    mixing = sorted({record["num_mixing"] for run in runs for record in _tested(run) if record["estimator"] == "L_K"})
    return {k: figure for k in mixing if (figure := find(runs, "L_K", k)) is not None}


def _tested(run: dict[str, Any]) -> list[dict[str, Any]]:
    return [record for record in run["records"] if record["split"] == "test"]
