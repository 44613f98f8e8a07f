"""Measures where the nats of a trained run are, and leaves what it finds in the run's workdir, refit by refit."""

import functools
import json
import math
import pathlib
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from sisrnn_tf import factory
from sisrnn_tf._version import __version__
from sisrnn_tf.analysis import gaps, likelihood_records, likelihoods
from sisrnn_tf.configuration import refits
from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.configuration.families import FAMILIES
from sisrnn_tf.configuration.model_config import ModelConfig
from sisrnn_tf.core.atomic import write_npz, write_text
from sisrnn_tf.core.validation import require
from sisrnn_tf.data import files, pipeline
from sisrnn_tf.data.spec import SequenceDataset
from sisrnn_tf.models.sequence import SISRNN
from sisrnn_tf.runs import callbacks
from sisrnn_tf.runs.training import TrainedRun
from sisrnn_tf.runs.workdir import Workdir

SPLIT = "validation"
# Draws of noise over which a bound is a mean: few sequences need more of them.
NUM_DRAWS, _NUM_DRAWS_ALONE = 4, 32
_LABELS: Mapping[str, str] = {
    "own": "its own",
    "SMC": "its own, by SMC",
    "IWAE": "its own, by IWAE",
    "same": "refitted, the same kind",
    "smoothing": "refitted, smoothing",
    "per_dimension": "refitted, mixing by dimension",
    "both": "refitted, smoothing and mixing by dimension",
    "wider": f"refitted, encoder {refits.WIDER} times as wide",
    "per_sequence": "fitted to these sequences alone",
}


class Settings(NamedTuple):
    """How gaps are measured.

    Attributes:
        num_epochs: of a refit.
        num_sequences: S, of the validation split, at the most, evenly spaced.
        num_alone: how many of them a posterior is fitted to alone.
        num_alone_steps: for how many steps.
        num_importance: M of the tightest estimates.
        seed: of noise, initial weights and the order of sequences.
    """

    num_epochs: int = 5
    num_sequences: int = 1000
    num_alone: int = 8
    num_alone_steps: int = 500
    num_importance: int = 50
    seed: int = 0


class _Values(NamedTuple):
    """Nats of single sequences by one posterior: of the S `[S]`, and of the few `[n]`; one of them may be empty."""

    whole: np.ndarray
    alone: np.ndarray
    seconds: float


def require_one_latent_a_step(config: ExperimentConfig) -> None:
    """Raises a ValueError for a run whose model has no posterior that could be fitted anew."""
    family = FAMILIES[config.model.model]
    fits = family.has_steps and "posterior" in family.options and "blocks" not in family.options
    expected = "one of sequences with one latent in each step, such as sisrnn, with --gaps"
    require(fits, "model", expected, config.model.model)


def measure(
    workdir: Workdir,
    run: TrainedRun,
    dataset: SequenceDataset,
    settings: Settings,
    on_row: Callable[[str], None] = lambda label: None,
) -> dict:
    """Writes gaps.json and returns what it holds; goes on where an earlier call was stopped, refit by refit.

    Args:
        workdir: of the run, held until the end.
        run: its model, which stays as it is.
        dataset: of the run.
        settings: how.
        on_row: called with the label of each row that is done.

    Raises:
        ValueError: the model has no latent in each step, the data has changed or has too few sequences, a file of the
            workdir is damaged, or another process holds it.
        FloatingPointError: the loss of a refit is not finite.
    """
    require_one_latent_a_step(run.config)
    require(settings.num_alone > 1, "num_alone", "at least 2, to have an interval", settings.num_alone)
    count = pipeline.num_evaluated(dataset.split(SPLIT), settings.num_sequences)
    require(count > 1, "num_sequences", f"at least 2 of the {SPLIT} split, to have an interval", count)
    with workdir.lock():
        workdir.check_data(run.spec.of(dataset).to_json())
        workdir.refits.mkdir(exist_ok=True)
        values = _Measurement(workdir, run, dataset, settings).run(on_row)
        record = _record(run, dataset, settings, values)
        write_text(workdir.gaps, json.dumps(record, indent=2) + "\n")
    return record


class _Measurement:
    """Nats of single sequences by the posteriors of the table, each kept in a file of its own."""

    def __init__(self, workdir: Workdir, run: TrainedRun, dataset: SequenceDataset, settings: Settings):
        self.folder, self.trained, self.dataset, self.settings = workdir.refits, run, dataset, settings
        self.training = run.config.training
        self.num_mixing = self.training.num_mixing
        size = min(self.training.eval_batch_size, settings.num_sequences)
        self.whole = pipeline.evaluation_batches(dataset, SPLIT, size, settings.num_sequences)
        self.alone = pipeline.evaluation_batches(dataset, SPLIT, settings.num_alone, settings.num_alone)
        self.identity = {**settings._asdict(), "epoch": run.epoch, "version": __version__}

    def run(self, on_row: Callable[[str], None]) -> dict[str, _Values]:
        """Returns the values of all rows, in the order of the table."""
        variants = refits.variants(self.trained.config.model)
        makers: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
            "own": functools.partial(self._bounds, self.trained.model),
            **{name: functools.partial(self._estimate, name) for name in ("SMC", "IWAE")},
            **{name: functools.partial(self._refit, variant) for name, variant in variants.items()},
            "per_sequence": functools.partial(self._fit_alone, variants["same"]),
        }
        values = {}
        for name, make in makers.items():
            values[name] = self._remembered(name, make)
            on_row(_LABELS[name])
        return values

    def _remembered(self, name: str, make: Callable[[], tuple[np.ndarray, np.ndarray]]) -> _Values:
        """Returns what a file holds of a row, or makes it and writes the file."""
        path, identity = self.folder / f"{name}.npz", json.dumps(self.identity, sort_keys=True)
        if path.exists():
            found = _read(path)
            if found.pop("identity") == identity:
                return _Values(**found)
        start = time.monotonic()
        whole, alone = make()
        values = _Values(whole, alone, time.monotonic() - start)
        write_npz(path, identity=identity, **values._asdict())
        return values

    def _bounds(self, model: SISRNN) -> tuple[np.ndarray, np.ndarray]:
        seeds = range(self.settings.seed, self.settings.seed + NUM_DRAWS)
        whole = gaps.sequence_bounds(model, self.whole, SPLIT, self.num_mixing, seeds)
        return whole, self._bounds_alone(model)

    def _bounds_alone(self, model: SISRNN) -> np.ndarray:
        seeds = range(self.settings.seed, self.settings.seed + _NUM_DRAWS_ALONE)
        return gaps.sequence_bounds(model, self.alone, SPLIT, self.num_mixing, seeds)

    def _estimate(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        numbers = [self.num_mixing], [self.settings.num_importance], [self.settings.seed]
        (estimate,) = likelihoods.plan(self.trained.model, SPLIT, [name.lower()], *numbers)
        found = likelihoods.sequence_likelihoods(self.trained.model, self.whole, estimate)
        return found["log_likelihood"].astype(np.float64), np.zeros([0])

    def _twin(self, variant: ModelConfig) -> SISRNN:
        keras.utils.set_random_seed(self.settings.seed)  # so that what refits share starts the same
        posterior = factory.make_posterior(variant, self.training)
        return gaps.with_posterior(self.trained.model, posterior, self.num_mixing)

    def _fit(self, twin: SISRNN, batches: tf.data.Dataset, num_steps: int) -> None:
        optimizer = factory.make_optimizer(self.training, num_steps)
        gaps.fit(twin, batches, optimizer, num_steps, self.training.jit_compile, [callbacks.NaNGuard()])

    def _refit(self, variant: ModelConfig) -> tuple[np.ndarray, np.ndarray]:
        twin, training = self._twin(variant), self.training
        batches = pipeline.training_batches(
            self.dataset, training.batch_size, self.settings.seed, few_lengths=training.jit_compile
        )
        self._fit(twin, batches, _num_steps(self.trained, self.dataset, self.settings))
        return self._bounds(twin)

    def _fit_alone(self, variant: ModelConfig) -> tuple[np.ndarray, np.ndarray]:
        twin = self._twin(variant)
        (batch,) = self.alone
        real = batch["weight"] > 0
        copies = max(self.training.batch_size // int(tf.math.count_nonzero(real)), 1)  # each draws noise of its own
        batch = {name: tf.repeat(tf.boolean_mask(part, real), copies, axis=0) for name, part in batch.items()}
        self._fit(twin, tf.data.Dataset.from_tensors(batch).repeat(), self.settings.num_alone_steps)
        return np.zeros([0]), self._bounds_alone(twin)


def _num_steps(run: TrainedRun, dataset: SequenceDataset, settings: Settings) -> int:
    return settings.num_epochs * pipeline.steps_per_epoch(dataset.train, run.config.training.batch_size)


def _read(path: pathlib.Path) -> dict[str, Any]:
    try:
        found = files.read_npz(path)
        names = {"identity", *_Values._fields}
        if set(found) != names or any(found[name].ndim != 1 for name in ("whole", "alone")):
            raise ValueError(f"it holds {sorted(found)}")
        return {**found, "identity": str(found["identity"]), "seconds": float(found["seconds"])}
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {error!r}. Remove it, and it is made again.") from error


def _record(run: TrainedRun, dataset: SequenceDataset, settings: Settings, values: Mapping[str, _Values]) -> dict:
    beyond = {name: "same" if name in gaps.MEANINGS and name != "same" else "own" for name in values}
    found = {name: _gap(name, each, values[beyond[name]]) for name, each in values.items() if name != "own"}
    refitted = {name: gap for name, gap in found.items() if name in gaps.MEANINGS}
    return {
        "model": run.config.model.model,
        "convention": run.spec.convention,
        "epoch": run.epoch,
        "split": SPLIT,
        "quantity": likelihood_records.quantity(run.model),
        **settings._asdict(),
        "num_sequences": len(values["own"].whole),
        "num_mixing": run.config.training.num_mixing,
        "num_draws": NUM_DRAWS,
        "num_steps": _num_steps(run, dataset, settings),
        "rows": [_row(name, each, found.get(name), _LABELS[beyond[name]]) for name, each in values.items()],
        "worth_closing": gaps.worth_closing(refitted),
        "verdict": gaps.verdict(refitted, max(found["SMC"], found["IWAE"])),
    }


def _gap(name: str, values: _Values, others: _Values) -> gaps.Gap:
    if name == "per_sequence":
        return gaps.paired(values.alone, others.alone)
    return gaps.paired(values.whole, others.whole)


def _row(name: str, values: _Values, gap: gaps.Gap | None, beyond: str) -> dict:
    nll = -(values.alone if name == "per_sequence" else values.whole)
    return {
        "name": name,
        "label": _LABELS[name],
        "nll": float(nll.mean()),
        "standard_error": float(nll.std(ddof=1) / math.sqrt(len(nll))),
        "num_sequences": len(nll),
        "gap": None if gap is None else gap.mean,
        "low": None if gap is None else gap.low,
        "high": None if gap is None else gap.high,
        "beyond": None if gap is None else beyond,
        "seconds": round(values.seconds, 1),
    }
