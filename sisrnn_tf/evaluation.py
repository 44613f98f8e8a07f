"""Held-out likelihoods: a model and batches in, records that say what they are out."""

import json
import math
import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from sisrnn_tf import random
from sisrnn_tf.models.base import SequenceModel
from sisrnn_tf.models.deterministic import RNN
from sisrnn_tf.types import BoundTerms
from sisrnn_tf.workdir import write_text

# Estimators by their names in a command, and as records call them. An RNN's likelihood is exact, whatever the name.
ESTIMATORS = {"bound": "L_K", "iwae": "IWAE", "smc": "SMC"}
_KEYS = ("split", "estimator", "num_mixing", "num_importance", "seed")


def _over_batches(batches: tf.data.Dataset, seed: int, function: Callable) -> tuple[list[np.ndarray], np.ndarray]:
    """Returns the tensors of function(batch b, fold_in(seed, b)), each `[N]`, and the lengths `[N]`, of real rows."""
    values, lengths = [], []
    for index, batch in enumerate(batches):
        real = batch["weight"].numpy() > 0
        parts = function(batch, random.fold_in(random.as_seed(seed), index))
        values.append([part.numpy()[real] for part in parts])
        lengths.append(batch["mask"].numpy().sum(axis=1)[real])
    return [np.concatenate(parts) for parts in zip(*values, strict=True)], np.concatenate(lengths)


def sequence_bounds(
    model: SequenceModel, batches: tf.data.Dataset, num_mixing: int, seed: int
) -> tuple[BoundTerms, np.ndarray]:
    """Returns the bound's terms for each sequence, each `[N]` in nats, and the sequences' lengths, `[N]`.

    Args:
        model: any sequence model.
        batches: dictionaries of observations, mask and weight; rows of weight 0 are left out.
        num_mixing: K.
        seed: batch b draws from fold_in(seed, b).
    """

    def bound(batch, batch_seed):
        return model.bound(batch["observations"], batch["mask"], num_mixing=num_mixing, seed=batch_seed)

    terms, lengths = _over_batches(batches, seed, bound)
    return BoundTerms(*terms), lengths


def sequence_log_likelihoods(
    model: SequenceModel,
    batches: tf.data.Dataset,
    num_importance: int,
    num_mixing: int,
    resample: bool,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns `model.log_likelihood` of each sequence, `[N]` in nats, and the sequences' lengths, `[N]`.

    Args:
        model: any sequence model.
        batches: as of `sequence_bounds`.
        num_importance: M.
        num_mixing: K.
        resample: whether to resample particles.
        seed: batch b draws from fold_in(seed, b).
    """

    def estimate(batch, batch_seed):
        observations, mask = batch["observations"], batch["mask"]
        return [model.log_likelihood(observations, mask, num_importance, num_mixing, resample, batch_seed)]

    (values,), lengths = _over_batches(batches, seed, estimate)
    return values, lengths


def evaluate_bound(
    model: SequenceModel,
    batches: tf.data.Dataset,
    split: str,
    convention: str,
    num_mixing: int,
    seed: int,
) -> dict:
    """Returns a record of the mean negative log-likelihood over a split: a bound from above, or exact for an RNN.

    Args:
        model: any sequence model.
        batches: of the split, as of `sequence_bounds`.
        split: its name.
        convention: of the data.
        num_mixing: K.
        seed: of the noise.
    """
    num_mixing = _num_mixing(model, num_mixing)
    terms, lengths = sequence_bounds(model, batches, num_mixing, seed)
    estimator = "exact" if isinstance(model, RNN) else ESTIMATORS["bound"]
    key = (split, estimator, num_mixing, 1, seed)
    names = ("reconstruction", "kl", "regularizer")
    means = {name: float(getattr(terms, name).mean(dtype=np.float64)) for name in names}
    return _record(model, key, convention, terms.surrogate, lengths, means)


def evaluate_likelihood(
    model: SequenceModel,
    batches: tf.data.Dataset,
    split: str,
    convention: str,
    estimator: str,
    num_mixing: int,
    num_importance: int,
    seed: int,
) -> dict:
    """Returns a record of the mean negative log-likelihood over a split by one estimator; exact for an RNN.

    Args:
        model: any sequence model.
        batches: of the split, as of `sequence_bounds`.
        split: its name.
        convention: of the data.
        estimator: a key of `ESTIMATORS`.
        num_mixing: K.
        num_importance: M; `bound` and the RNN take 1.
        seed: of the noise.

    Raises:
        ValueError: the estimator is unknown.
    """
    if estimator not in ESTIMATORS:
        raise ValueError(f"`estimator` must be one of {', '.join(ESTIMATORS)}. Received: estimator={estimator}")
    if estimator == "bound" or isinstance(model, RNN):
        return evaluate_bound(model, batches, split, convention, num_mixing, seed)
    num_mixing = _num_mixing(model, num_mixing)
    resample = estimator == "smc"
    values, lengths = sequence_log_likelihoods(model, batches, num_importance, num_mixing, resample, seed)
    key = (split, ESTIMATORS[estimator], num_mixing, num_importance, seed)
    return _record(model, key, convention, values, lengths, {})


def _num_mixing(model: SequenceModel, num_mixing: int) -> int:
    """Returns K, 0 where all mixing draws are equal or there are none."""
    return 0 if isinstance(model, RNN) or model.cell.encoder.noise_size == 0 else num_mixing


def _record(
    model: SequenceModel, key: tuple, convention: str, log_likelihood: np.ndarray, lengths: np.ndarray, means: dict
) -> dict:
    """Returns the record of log-likelihoods `[N]` of sequences of lengths `[N]`, with other means of theirs."""
    nll = -log_likelihood.astype(np.float64)
    num_steps = int(lengths.sum())
    return {
        **dict(zip(_KEYS, key, strict=True)),
        "convention": convention,
        "quantity": quantity(model),
        "nll": float(nll.mean()),
        "standard_error": float(nll.std(ddof=1) / math.sqrt(len(nll))) if len(nll) > 1 else None,
        "nll_per_step": float(nll.sum() / num_steps),
        "bits_per_dimension": float(nll.sum() / (num_steps * model.likelihood.event_size * math.log(2))),
        **means,
        "num_sequences": len(nll),
        "num_steps": num_steps,
    }


def quantity(model: SequenceModel) -> str:
    """Returns what minus a model's bound is: of grey images no likelihood, and but for the RNN a bound from above."""
    return f"{model.likelihood.quantity} {'=' if isinstance(model, RNN) else '<='}"


def describe(record: dict) -> str:
    """Returns one line that says what a record's likelihood is."""
    error = "" if record["standard_error"] is None else f" +- {record['standard_error']:.3f}"
    return (
        f"{record['split']} {record['quantity']} {record['nll']:.3f}{error} nats per sequence, "
        f"{record['nll_per_step']:.4f} per step ({record['estimator']}, K={record['num_mixing']}, "
        f"M={record['num_importance']}, seed {record['seed']}; {record['convention']}; "
        f"{record['num_sequences']} sequences)"
    )


def read_records(path: pathlib.Path) -> list[dict]:
    """Returns the records of an evaluation.json, none if there is no file."""
    return json.loads(path.read_text()) if path.exists() else []


def write_records(path: pathlib.Path, records: list[dict]) -> None:
    """Adds records to an evaluation.json; one with the same key replaces the one that is there."""
    merged = {tuple(record[key] for key in _KEYS): record for record in [*read_records(path), *records]}
    write_text(path, json.dumps(list(merged.values()), indent=2) + "\n")
