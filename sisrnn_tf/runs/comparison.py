"""Runs side by side: what each is, in what they differ, and what came of it, as one table and one picture."""

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from sisrnn_tf import factory
from sisrnn_tf.analysis import likelihood_records, plotting
from sisrnn_tf.analysis.likelihoods import EXACT
from sisrnn_tf.configuration import families
from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.configuration.families import FAMILIES, Family
from sisrnn_tf.core.validation import require
from sisrnn_tf.data import kinds
from sisrnn_tf.data.spec import SPLITS, DataSpec
from sisrnn_tf.runs import run_files
from sisrnn_tf.runs.workdir import Workdir


class Compared(NamedTuple):
    """A run to compare.

    Attributes:
        name: its folder, as given.
        config: of the run.
        spec: of its data.
        metrics: of its epochs.
        records: of its likelihoods.
    """

    name: str
    config: ExperimentConfig
    spec: DataSpec
    metrics: list[dict]
    records: list[dict]

    @property
    def family(self) -> Family:
        """Of its model."""
        return FAMILIES[self.config.model.model]

    @property
    def mixes(self) -> bool:
        """Whether its posterior is a mixture over noise, so that K makes a difference."""
        return self.family.mixes(vars(self.config.model))


class _Key(NamedTuple):
    """What a line of likelihoods is of: the same estimate on the same sequences."""

    split: str
    estimator: str
    num_mixing: int
    num_importance: int
    num_sequences: int


def read(workdirs: Sequence[Workdir]) -> list[Compared]:
    """Reads runs that can be compared: on the same data, under the same convention.

    Args:
        workdirs: of the runs, two at the least.

    Raises:
        ValueError: a folder holds no run, one of its files is damaged, or the data of two runs is not the same.
    """
    runs = [_read(workdir) for workdir in workdirs]
    first = runs[0]
    for run in runs[1:]:
        pairs = {name: (value, getattr(run.spec, name)) for name, value in vars(first.spec).items()}
        lines = [f"{name}: {left!r} != {right!r}" for name, (left, right) in pairs.items() if left != right]
        if lines:
            raise ValueError(
                f"Likelihoods of {first.name} and {run.name} do not compare: their data is not the same, or not under "
                "the same convention. In the first != in the second:\n  " + "\n  ".join(lines)
            )
    return runs


def _read(workdir: Workdir) -> Compared:
    spec = run_files.read_spec(workdir.data_spec)
    records = run_files.read_evaluation(workdir.evaluation, spec.convention)
    metrics = run_files.read_metrics(workdir.metrics)
    require(bool(metrics), "workdir", "of a run with a finished epoch", str(workdir.path))
    return Compared(str(workdir.path), workdir.read_config(), spec, metrics, records)


def curves(runs: Sequence[Compared]) -> Figure:
    """Returns a picture of the validations of runs, epoch by epoch.

    Args:
        runs: of `read`.
    """
    label = f"{_quantity(runs)} {'=' if all(run.family.is_exact for run in runs) else '≤'} [nats per sequence]"
    return plotting.validation_curves({run.name: run.metrics for run in runs}, label)


def table(runs: Sequence[Compared]) -> str:
    """Returns a line a property and a column a run; likelihoods in nats per sequence, with their standard errors.

    Args:
        runs: of `read`.
    """
    rows = [
        ("", [run.name for run in runs]),
        ("model", [run.family.label for run in runs]),
        ("weights", [f"{_num_weights(run):,}" for run in runs]),
        *_differences(runs),
        ("best epoch", [_best_epoch(run) for run in runs]),
        ("seconds an epoch", [f"{np.median([each['seconds'] for each in run.metrics]):.1f}" for run in runs]),
        ("time", [str(datetime.timedelta(seconds=round(sum(e["seconds"] for e in run.metrics)))) for run in runs]),
        *((_describe(key, _quantity(runs)), [_cell(key, run) for run in runs]) for key in _keys(runs)),
    ]
    lines = [(name, *cells) for name, cells in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(runs) + 1)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _quantity(runs: Sequence[Compared]) -> str:
    return kinds.SUPPORTS[runs[0].spec.emission].quantity


def _num_weights(run: Compared) -> int:
    return run.family.num_weights(run.config.model, run.spec, factory.make_emission(run.config.model, run.spec))


def _differences(runs: Sequence[Compared]) -> list[tuple[str, list[str]]]:
    """Returns the fields of the configuration that are not the same in all runs; a model has not all of them."""
    rows = []
    sections = [field.name for field in dataclasses.fields(ExperimentConfig)]
    values = [{k: v for name in sections for k, v in vars(getattr(run.config, name)).items()} for run in runs]
    for name in values[0]:
        cells = [_text(each[name]) if _has(run, name) else "" for run, each in zip(runs, values, strict=True)]
        if len(set(cells)) > 1 and name != "model":
            rows.append((name, cells))
    return rows


def _has(run: Compared, name: str) -> bool:
    """Returns whether a field of the configuration makes a difference to a run."""
    return name not in families.options() or name in run.family.used_options(vars(run.config.model))


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _best_epoch(run: Compared) -> str:
    best = min(run.metrics, key=lambda record: record["val_loss"])
    return f"{best['epoch']} of {run.metrics[-1]['epoch']}"


def _keys(runs: Sequence[Compared]) -> list[_Key]:
    """Returns what the lines of likelihoods are of, without those that are in another line already."""
    keys: list[_Key] = []
    for run in sorted(runs, key=lambda run: (not run.mixes, run.family.is_exact)):  # the most particular first
        for record in run.records:
            if not any(_belongs(record, run, key) for key in keys):
                keys.append(_Key(*(record[name] for name in _Key._fields)))
    return sorted(keys, key=lambda key: (SPLITS.index(key.split), key.num_sequences))


def _belongs(record: Mapping, run: Compared, key: _Key) -> bool:
    """Returns whether a record is the run's likelihood of a line.

    That of a point mass is the same at every K, and an exact one whatever the estimator.
    """
    if (record["split"], record["num_sequences"]) != (key.split, key.num_sequences):
        return False
    same = (record["estimator"], record["num_importance"]) == (key.estimator, key.num_importance)
    return run.family.is_exact or (same and (record["num_mixing"] == key.num_mixing or not run.mixes))


def _describe(key: _Key, quantity: str) -> str:
    sizes = "" if key.estimator == EXACT else f", K={key.num_mixing}, M={key.num_importance}"
    return f"{key.split} {quantity}, {key.estimator}{sizes}, {key.num_sequences} sequences"


def _cell(key: _Key, run: Compared) -> str:
    """Returns the likelihood of a line, of several noise seeds the mean, with what its kind of data has beside nats."""
    records = [record for record in run.records if _belongs(record, run, key)]
    if not records:
        return ""
    sign, figure = records[0]["quantity"].split()[-1], likelihood_records.figure(records[0])
    nll, beside = (np.mean([record[name] for record in records]) for name in ("nll", figure))
    errors = [record["standard_error"] for record in records if record["standard_error"] is not None]
    error = f" +- {np.mean(errors):.3f}" if errors else ""
    seeds = f", {len(records)} noise seeds" if len(records) > 1 else ""
    return f"{sign} {nll:.3f}{error} ({likelihood_records.FIGURES[figure]} {beside:.4f}{seeds})"
