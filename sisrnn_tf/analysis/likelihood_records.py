"""Held-out likelihoods as records that say what they are, and as a table."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from sisrnn_tf.analysis.likelihoods import Estimate
from sisrnn_tf.data.normalization import Normalization
from sisrnn_tf.models.base import SequenceModel

# The figure of a record beside its NLL, the first that it has, with what a table calls it.
FIGURES = {"ppl": "perplexity", "nll_data_units": "NLL, data units", "bits_per_dimension": "bits per dimension"}


def to_record(
    model: SequenceModel,
    epoch: int,
    estimate: Estimate,
    convention: str,
    precision: str,
    values: Mapping[str, np.ndarray],
    normalization: Normalization | None = None,
) -> dict:
    """Returns the record of an estimate over a split.

    Args:
        model: any sequence model.
        epoch: after which the model had these weights.
        estimate: what the values are.
        convention: of the data.
        precision: dtype policy under which they were computed.
        values: of the sequences, from `likelihoods.sequence_likelihoods`.
        normalization: of the data.
    """
    nll = -values["log_likelihood"].astype(np.float64)
    num_steps = int(values["num_steps"].sum())
    others = {
        name: float(value.mean(dtype=np.float64))
        for name, value in values.items()
        if name not in ("log_likelihood", "num_steps", "log_volume")
    }
    return {
        **estimate._asdict(),
        "epoch": epoch,
        "convention": convention,
        "precision": precision,
        "quantity": quantity(model),
        "nll": float(nll.mean()),
        "standard_error": float(nll.std(ddof=1) / math.sqrt(len(nll))) if len(nll) > 1 else None,
        "nll_per_step": float(nll.sum() / num_steps),
        **_of_kind(model, nll, num_steps, _log_volume(values, num_steps, normalization)),
        **others,
        "emission": str(model.emission),
        "num_sequences": len(nll),
        "num_steps": num_steps,
    }


def _log_volume(values: Mapping[str, np.ndarray], num_steps: int, normalization: Normalization | None) -> float:
    """Returns the sum of log scale_d over all values that were scored, nats."""
    if "log_volume" in values:  # some are missing
        return float(values["log_volume"].sum())
    return 0.0 if normalization is None else num_steps * normalization.log_volume


def _of_kind(model: SequenceModel, nll: np.ndarray, num_steps: int, log_volume: float) -> dict:
    """Returns the figures that a kind of data has beside nats.

    Of text perplexity, exp of the total NLL over the scored tokens, and their number. Of a density, whose NLL depends
    on the units of the data, that in the user's own:

        -log p(x) = -log p(y) + sum_td log scale_d,    y = (x - shift) / scale
    """
    if model.emission.is_density:
        total = nll.sum() + log_volume
        return {"nll_data_units": total / len(nll), "nll_data_units_per_step": total / num_steps}
    bits = {"bits_per_dimension": float(nll.sum() / (num_steps * model.emission.event_size * math.log(2)))}
    is_text = model.observation_rank == 2
    return bits | ({"ppl": math.exp(nll.sum() / num_steps), "num_tokens": num_steps} if is_text else {})


def figure(record: Mapping) -> str:
    """Returns the key of `FIGURES` that a table shows of records such as this one."""
    return next(name for name in FIGURES if record.get(name) is not None)


def quantity(model: SequenceModel) -> str:
    """Returns what minus a model's bound is: of grey images no likelihood, and a bound unless it is exact."""
    return f"{model.emission.quantity} {'=' if model.is_exact else '<='}"


def describe(record: Mapping) -> str:
    """Returns one line that says what a record's likelihood is."""
    error = "" if record["standard_error"] is None else f" +- {record['standard_error']:.3f}"
    sign = record["quantity"].split()[-1]
    text = f"perplexity {sign} {record['ppl']:.2f}, " if "ppl" in record else ""
    text += f"KL {record['kl']:.3f}, " if text and "kl" in record else ""
    text += f"{sign} {record['nll_data_units']:.3f} in the data's units, " if "nll_data_units" in record else ""
    return (
        f"{record['split']} {record['quantity']} {record['nll']:.3f}{error} nats per sequence, {text}"
        f"{record['nll_per_step']:.4f} per step ({record['estimator']}, K={record['num_mixing']}, "
        f"M={record['num_importance']}, seed {record['seed']}; {record['convention']}; "
        f"{record['num_sequences']} sequences)"
    )


def table(records: Sequence[Mapping]) -> str:
    """Returns the records as lines of a table, those that differ in nothing but the seed as one with their spread.

    Args:
        records: of one run and split.
    """
    header = (
        "estimator",
        "K",
        "M",
        records[0]["quantity"],
        "s.e.",
        "nats/step",
        FIGURES[figure(records[0])],
        "noise seeds",
        "s.d. over them",
    )
    rows = [header, *(_row(group) for group in by_seed(records))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def by_seed(records: Sequence[Mapping]) -> list[list[Mapping]]:
    """Returns groups of records that are equal in all but the seed, in the order in which they first occur."""
    groups: dict[tuple, list[Mapping]] = {}
    for record in records:
        key = tuple(record[name] for name in (*Estimate._fields[:-1], "num_sequences"))
        groups.setdefault(key, []).append(record)
    return list(groups.values())


def _row(group: Sequence[Mapping]) -> tuple[str, ...]:
    """Returns the cells of records that differ in their seed: means over seeds, and the spread of the first."""
    record, nll = group[0], [record["nll"] for record in group]
    error = "" if record["standard_error"] is None else f"{np.mean([each['standard_error'] for each in group]):.3f}"
    return (
        record["estimator"],
        str(record["num_mixing"]),
        str(record["num_importance"]),
        f"{np.mean(nll):.3f}",
        error,
        f"{np.mean([each['nll_per_step'] for each in group]):.4f}",
        f"{np.mean([each[figure(record)] for each in group]):.4f}",
        str(len(group)),
        f"{np.std(nll, ddof=1):.3f}" if len(group) > 1 else "",
    )
