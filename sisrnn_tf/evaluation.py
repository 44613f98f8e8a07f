"""Held-out likelihoods: a model and batches in, records that say what they are out."""

import json
import math
import pathlib

import numpy as np
import tensorflow as tf

from sisrnn_tf import random
from sisrnn_tf.models.base import SequenceModel
from sisrnn_tf.models.sequence import RNN
from sisrnn_tf.types import BoundTerms
from sisrnn_tf.workdir import write_text

_KEYS = ("split", "estimator", "num_mixing", "num_importance", "seed")


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
    terms, lengths = [], []
    for index, batch in enumerate(batches):
        batch_seed = random.fold_in(random.as_seed(seed), index)
        bound = model.bound(batch["observations"], batch["mask"], num_mixing=num_mixing, seed=batch_seed)
        real = batch["weight"].numpy() > 0
        terms.append([term.numpy()[real] for term in bound])
        lengths.append(batch["mask"].numpy().sum(axis=1)[real])
    return BoundTerms(*(np.concatenate(parts) for parts in zip(*terms, strict=True))), np.concatenate(lengths)


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
    exact = isinstance(model, RNN)
    num_mixing = 0 if exact or model.cell.encoder.noise_size == 0 else num_mixing
    terms, lengths = sequence_bounds(model, batches, num_mixing, seed)
    nll = -terms.surrogate.astype(np.float64)
    num_steps = int(lengths.sum())
    return {
        "split": split,
        "estimator": "exact" if exact else "L_K",
        "num_mixing": num_mixing,
        "num_importance": 1,
        "seed": seed,
        "convention": convention,
        "nll": float(nll.mean()),
        "standard_error": float(nll.std(ddof=1) / math.sqrt(len(nll))) if len(nll) > 1 else math.nan,
        "nll_per_step": float(nll.sum() / num_steps),
        "bits_per_dimension": float(nll.sum() / (num_steps * model.likelihood.event_size * math.log(2))),
        "reconstruction": float(terms.reconstruction.mean(dtype=np.float64)),
        "kl": float(terms.kl.mean(dtype=np.float64)),
        "regularizer": float(terms.regularizer.mean(dtype=np.float64)),
        "num_sequences": len(nll),
        "num_steps": num_steps,
    }


def describe(record: dict) -> str:
    """Returns one line that says what a record's likelihood is."""
    relation = "=" if record["estimator"] == "exact" else "<="
    return (
        f"{record['split']} NLL {relation} {record['nll']:.3f} +- {record['standard_error']:.3f} nats per sequence, "
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
