"""Log-likelihoods of single sequences by an estimator: batch after batch, kept in a file that an evaluation resumes."""

import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from sisrnn_tf.core.atomic import write_npz
from sisrnn_tf.core.validation import require
from sisrnn_tf.data import files
from sisrnn_tf.data.normalization import Normalization
from sisrnn_tf.inference import traits
from sisrnn_tf.inference.objectives import OBJECTIVES, SIVI, Objective
from sisrnn_tf.models.base import SequenceModel

# Estimators by their names in a command; records call them by their labels.
ESTIMATORS: Mapping[str, type[Objective]] = {name: OBJECTIVES[kind] for name, kind in traits.ESTIMATORS.items()}
EXACT = "exact"  # the label of a likelihood that is not estimated, whatever estimator is asked for
_BY_LABEL = {EXACT: SIVI} | {kind.label: kind for kind in ESTIMATORS.values()}

# What the values of a file depend on beside its identity: which noise a sequence gets.
_NOISE_LAW = "by sequence"
# What is kept of each sequence, and beside it of the bound.
_VALUES = ("log_likelihood", "num_steps")
_PARTS = ("reconstruction", "kl", "regularizer")
_VOLUME = "log_volume"  # where values are missing


class Estimate(NamedTuple):
    """What identifies a likelihood among those of a run.

    Attributes:
        split: `train`, `validation` or `test`.
        estimator: `exact`, or the label of one of `ESTIMATORS`.
        num_mixing: K; 0 where all mixing draws are equal or there are none.
        num_importance: M; 1 where there is none to choose.
        seed: of the noise; the n-th sequence that is evaluated, from 0 on, is row n of its law, see `inference.noise`,
            whatever the batches.
    """

    split: str
    estimator: str
    num_mixing: int
    num_importance: int
    seed: int


def plan(
    model: SequenceModel,
    split: str,
    estimators: Sequence[str],
    num_mixing: Sequence[int],
    num_importance: Sequence[int],
    seeds: Sequence[int],
) -> list[Estimate]:
    """Returns all combinations that differ: a point mass has no K, the bound no M, and an exact likelihood neither.

    Args:
        model: any sequence model.
        split: which sequences.
        estimators: keys of `ESTIMATORS`.
        num_mixing: values of K.
        num_importance: values of M.
        seeds: of the noise.

    Raises:
        ValueError: an estimator is unknown, or the model has none of them: a sentence has no steps to resample at.
    """
    unknown = sorted(set(estimators) - set(ESTIMATORS))
    if unknown:
        raise ValueError(f"`estimators` must be among {', '.join(ESTIMATORS)}. Received: {unknown}")
    if model.is_exact:
        return [Estimate(split, EXACT, 0, 1, seeds[0])]
    fitting = [name for name, kind in ESTIMATORS.items() if model.has_steps or not kind.needs_steps]
    possible = [ESTIMATORS[name] for name in estimators if name in fitting]
    expected = f"{' or '.join(fitting)}: a sentence has one latent, nothing to resample"
    require(bool(possible), "estimators", expected, ", ".join(estimators))
    if not model.mixes:
        num_mixing = [0]
    estimates = [
        Estimate(split, kind.label, k, m, seed)
        for kind in possible
        for k in num_mixing
        for m in (num_importance if kind.has_importance else [1])
        for seed in seeds
    ]
    return list(dict.fromkeys(estimates))


class LikelihoodFile:
    """The values of an estimate so far, in a file that grows by a batch at a time.

    Args:
        path: an .npz file; None keeps nothing.
        identity: what the values depend on beside the estimate; a file with another identity starts anew.

    Raises:
        ValueError: the file is damaged.
    """

    def __init__(self, path: pathlib.Path | None = None, identity: Mapping | None = None):
        self.path, self.identity = path, json.dumps({**(identity or {}), "noise": _NOISE_LAW}, sort_keys=True)
        self.num_batches = 0
        self.values: dict[str, np.ndarray] = {}
        if path is not None and path.exists():
            self._read(path)

    def _read(self, path: pathlib.Path) -> None:
        try:
            values = files.read_npz(path)
            identity, num_batches = str(values.pop("identity")), int(values.pop("num_batches"))
            _check_values(values, num_batches)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is damaged: {error!r}. Remove it, and it is made again.") from error
        if identity == self.identity:
            self.num_batches, self.values = num_batches, values

    @property
    def num_rows(self) -> int:
        """How many sequences have their values."""
        return len(self.values[_VALUES[0]]) if self.values else 0

    def check_rows(self, batch_size: int, num_sequences: int) -> None:
        """Checks that there are as many values as the batches done so far have sequences.

        Args:
            batch_size: sequences of a batch; the last may have fewer.
            num_sequences: of all batches.

        Raises:
            ValueError: there are not.
        """
        expected = min(self.num_batches * batch_size, num_sequences)
        rows = self.num_rows
        if rows != expected or self.num_batches > -(-num_sequences // batch_size):
            raise ValueError(
                f"{self.path} is damaged: {rows} values of {self.num_batches} batches of {batch_size}, of "
                f"{num_sequences} sequences in all. Remove it, and it is made again."
            )

    def add(self, values: Mapping[str, np.ndarray]) -> None:
        """Adds the values of the next batch, each `[rows]`; a kill leaves the file with it or without it."""
        self.num_batches += 1
        self.values = {
            name: np.concatenate([self.values.get(name, value[:0]), value]) for name, value in values.items()
        }
        if self.path is None:
            return
        self.path.parent.mkdir(exist_ok=True)
        write_npz(self.path, identity=self.identity, num_batches=self.num_batches, **self.values)


def _check_values(values: Mapping[str, np.ndarray], num_batches: int) -> None:
    names = set(values) - {_VOLUME}
    complete = names in ({*_VALUES}, {*_VALUES, *_PARTS})
    if not complete or num_batches < 1:
        raise ValueError(f"it holds {num_batches} batches of {sorted(names)}")
    if len({value.shape for value in values.values()}) > 1 or values[_VALUES[0]].ndim != 1:
        raise ValueError("its arrays are not of one length")
    if any(value.dtype.kind not in "fiu" for value in values.values()):
        raise ValueError("its arrays are not numbers")


def sequence_likelihoods(
    model: SequenceModel,
    batches: tf.data.Dataset,
    estimate: Estimate,
    file: LikelihoodFile | None = None,
    on_batch: Callable[[], None] = lambda: None,
    normalization: Normalization | None = None,
) -> dict[str, np.ndarray]:
    """Returns the log-likelihood of each sequence by one estimator, with what else is known of it.

    Args:
        model: any sequence model.
        batches: dictionaries of observations, mask, weight and perhaps observed and covariates; rows of weight 0, which
            fill the last, are left out.
        estimate: which estimator, and its K, M and seed.
        file: where an earlier call left off, and where this one keeps its values.
        on_batch: called after every batch, also those that were done before.
        normalization: of the data.

    Returns:
        Arrays `[N]`: `log_likelihood` in nats, `num_steps`, and of the bound its parts `reconstruction`, `kl` and
        `regularizer` in nats; where values of normalized data are missing, `log_volume`, see
        `Normalization.log_volumes`.
    """
    file = file or LikelihoodFile()
    for _ in range(file.num_batches):
        on_batch()
    objective = _to_objective(estimate)
    for batch in batches.skip(file.num_batches):
        observed = batch.get("observed")
        beside = (file.num_rows, observed, batch.get("covariates"))
        given = (batch["observations"], batch["mask"], estimate.seed, *beside)
        found = model.estimate(objective, *given)
        values = {"log_likelihood": found.log_likelihood}
        if not objective.has_importance:  # of several trajectories the terms are no parts of the estimate
            values |= {name: getattr(found.terms, name) for name in _PARTS}
        values["num_steps"] = tf.reduce_sum(tf.cast(batch["mask"], tf.int64), axis=1)
        if observed is not None and normalization is not None:
            known = (observed & batch["mask"][..., tf.newaxis]).numpy()
            values[_VOLUME] = tf.constant(normalization.log_volumes(known))
        real = batch["weight"].numpy() > 0
        file.add({name: value.numpy()[real] for name, value in values.items()})
        on_batch()
    return file.values


def _to_objective(estimate: Estimate) -> Objective:
    """Returns what estimates; where the likelihood is exact it makes no difference."""
    kind = _BY_LABEL[estimate.estimator]
    importance = {"num_importance": estimate.num_importance} if kind.has_importance else {}
    return kind(**importance, num_mixing=estimate.num_mixing)
