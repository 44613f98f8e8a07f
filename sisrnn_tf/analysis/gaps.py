"""Where the nats are: what other posteriors would recover of a trained model's bound, its generative part held fixed.

Prior, decoder and transition stay as they are, so log p(x) does, and what a refitted posterior gains in L_K it takes
off the gap between bound and likelihood (Cremer et al. 2018, for sequences). A refit starts where the trained posterior
is, so that it need not be found again; what further fitting alone gains, one of the same kind tells.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from scipy import stats

from sisrnn_tf.analysis import likelihoods
from sisrnn_tf.core.validation import require
from sisrnn_tf.inference.sivi import SIVI
from sisrnn_tf.models.sequence import SISRNN
from sisrnn_tf.posteriors import Posterior

WORTH = 0.1  # nats a sequence: less is not worth another posterior
CONFIDENCE = 0.95

# What a refit's gap is a gap of.
MEANINGS: Mapping[str, str] = {
    "same": "further fitting",
    "smoothing": "looking ahead",
    "per_dimension": "shape",
    "both": "looking ahead and shape together",
    "wider": "amortization, the encoder's capacity",
    "per_sequence": "amortization, one encoder for all sequences",
}
# Which is named where it is worth it: the largest of the first, else the largest of the next. What both recover, or one
# that sees each sequence's future by heart, a single change may recover too.
_ORDER = (("same", "smoothing", "per_dimension", "wider"), ("both",), ("per_sequence",))


class Gap(NamedTuple):
    """A mean difference over sequences, nats, with its 95% interval.

    Attributes:
        mean: of the differences.
        low: lower end of the interval.
        high: upper end.
    """

    mean: float
    low: float
    high: float

    @property
    def is_worth_closing(self) -> bool:
        """Whether it is of `WORTH` nats at least, and its interval lies above 0."""
        return self.mean >= WORTH and self.low > 0


def paired(values: np.ndarray, others: np.ndarray) -> Gap:
    """Returns the mean of values - others with its interval by Student's t.

    Args:
        values: nats of each sequence, `[S]`.
        others: of the same sequences, by the same noise, `[S]`.

    Raises:
        ValueError: there are fewer than two sequences.
    """
    require(len(values) > 1, "values", "of at least 2 sequences, to have an interval", values)
    differences = np.asarray(values, np.float64) - others
    error = differences.std(ddof=1) / math.sqrt(len(differences))
    half = stats.t.ppf((1 + CONFIDENCE) / 2, len(differences) - 1) * error
    mean = float(differences.mean())
    return Gap(mean, mean - float(half), mean + float(half))


def worth_closing(gaps: Mapping[str, Gap]) -> str | None:
    """Returns the name of the gap to close first; None where none is worth it.

    Args:
        gaps: by the names of `MEANINGS`: what a refit recovers beyond one of the same kind, which itself, `same`, is
            held against the bound before.
    """
    for names in _ORDER:
        worthy = [name for name in names if name in gaps and gaps[name].is_worth_closing]
        if worthy:
            return max(worthy, key=lambda name: gaps[name].mean)
    return None


def with_posterior(model: SISRNN, posterior: Posterior, num_mixing: int) -> SISRNN:
    """Returns a model with the same generative part, which does not train, and another posterior, which does.

    The posterior starts with the model's own weights as far as it has them; see `_grow`. The model stays as it is.

    Args:
        model: of sequences, trained.
        posterior: of the model's sizes; its configuration is taken.
        num_mixing: K of the bound L_K that training maximizes, at beta = 1.
    """
    config = {**model.get_config(), **model.BOUND_ALONE} | {
        "posterior": keras.saving.serialize_keras_object(posterior),
        "objective": keras.saving.serialize_keras_object(SIVI(num_mixing)),
        "kl_weight": 1.0,
    }
    twin = type(model).from_config(config)
    for name in ("prior_part", "decoder", "transition"):
        part = getattr(twin.cell, name)
        part.set_weights(getattr(model.cell, name).get_weights())
        part.trainable = False
    own, new = model.cell.posterior_part, twin.cell.posterior_part
    trained = {_name_within(variable, own): variable.numpy() for variable in own.trainable_variables}
    for variable in new.trainable_variables:
        if _name_within(variable, new) in trained:
            variable.assign(_grow(variable.numpy(), trained[_name_within(variable, new)]))
    return twin


def _name_within(variable: keras.Variable, part: keras.layers.Layer) -> str:
    """Returns a variable's path within a part."""
    return variable.path.split(f"{part.name}/", 1)[-1]


def _grow(fresh: np.ndarray, trained: np.ndarray) -> np.ndarray:
    """Returns weights with the trained ones where they were: a larger layer computes what it did, and has units more.

    Of a kernel `[inputs, units]` the old units do not yet listen to new inputs (zeros), the new ones listen to all as
    they do at a fresh start; so a network that is wider, or reads more, begins as the trained function.
    """
    if any(new < old for new, old in zip(fresh.shape, trained.shape, strict=True)):
        return fresh  # a posterior of a smaller size starts afresh
    grown = fresh.copy()
    grown[..., : trained.shape[-1]] = 0
    grown[tuple(map(slice, trained.shape))] = trained
    return grown


def fit(
    model: SISRNN,
    batches: tf.data.Dataset,
    optimizer: keras.optimizers.Optimizer,
    num_steps: int,
    jit_compile: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Fits what trains of a model by Keras.

    Args:
        model: of `with_posterior`.
        batches: of training, without end.
        optimizer: a fresh one.
        num_steps: of training.
        jit_compile: whether XLA compiles the step.
        callbacks: of Keras.
    """
    model.compile(optimizer=optimizer, jit_compile=jit_compile)
    model.fit(batches, steps_per_epoch=num_steps, shuffle=False, verbose=0, callbacks=list(callbacks))


def sequence_bounds(
    model: SISRNN, batches: tf.data.Dataset, split: str, num_mixing: int, seeds: Sequence[int]
) -> np.ndarray:
    """Returns L_K of each sequence, `[S]`, nats, the mean over seeds of its noise.

    Args:
        model: any of these.
        batches: of evaluation.
        split: its name.
        num_mixing: K.
        seeds: of the noise, which models share that have the same ones.
    """
    estimates = likelihoods.plan(model, split, ["bound"], [num_mixing], [1], seeds)
    values = [likelihoods.sequence_likelihoods(model, batches, each)["log_likelihood"] for each in estimates]
    return np.mean(np.asarray(values, np.float64), axis=0)


def verdict(gaps: Mapping[str, Gap], distance: Gap) -> str:
    """Returns which gap is worth closing, in words.

    Args:
        gaps: as of `worth_closing`.
        distance: of the model's own bound from the tightest estimate.
    """
    left = f"at least {distance.mean:.2f} nats lie between the bound and the likelihood"
    if distance.low <= 0:
        left = "whether any nats lie between the bound and the likelihood, so few sequences do not tell"
    name = worth_closing(gaps)
    if name is None:
        return f"no gap is worth closing: no refit recovers {WORTH} nats with a 95% interval above 0; {left}"
    gap = gaps[name]
    return (
        f"worth closing: {MEANINGS[name]}, {gap.mean:+.2f} nats a sequence, 95% interval {gap.low:+.2f} to "
        f"{gap.high:+.2f}; {left}"
    )


def describe(record: Mapping) -> str:
    """Returns the table of a gaps.json, and its verdict last."""
    header = ("posterior", record["quantity"], "s.e.", "recovers", "95% interval", "beyond", "sequences")
    rows = [header, *map(_cells, record["rows"])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join(
        (
            f"{record['model']}, epoch {record['epoch']}, {record['num_sequences']} {record['split']} sequences "
            f"({record['convention']}), nats per sequence",
            f"L_K with K={record['num_mixing']} by {record['num_draws']} draws of noise from seed {record['seed']} on; "
            f"SMC and IWAE with M={record['num_importance']}, seed {record['seed']}; refits of "
            f"{record['num_epochs']} epochs ({record['num_steps']} steps), those to sequences alone of "
            f"{record['num_alone_steps']} steps",
            *lines,
            f"verdict: {record['verdict']}",
        )
    )


def _cells(row: Mapping) -> tuple[str, ...]:
    none = row["gap"] is None
    return (
        row["label"],
        f"{row['nll']:.3f}",
        f"{row['standard_error']:.3f}",
        "" if none else f"{row['gap']:+.3f}",
        "" if none else f"{row['low']:+.3f} to {row['high']:+.3f}",
        "" if none else row["beyond"],
        str(row["num_sequences"]),
    )
