"""Log-likelihoods of single sequences by an estimator: batch after batch, kept in a file that an evaluation resumes."""

import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from sisrnn_tf import random
from sisrnn_tf.atomic import write_npz
from sisrnn_tf.data import files
from sisrnn_tf.models.base import SequenceModel
from sisrnn_tf.models.deterministic import RNN
from sisrnn_tf.validation import require

# Estimators by their names in a command, and as records call them. An RNN's likelihood is exact, whatever the name.
ESTIMATORS = {"bound": "L_K", "iwae": "IWAE", "smc": "SMC"}

# What is kept of each sequence, and beside it of the bound.
_VALUES = ("log_likelihood", "num_steps")
_PARTS = ("reconstruction", "kl", "regularizer")


class Estimate(NamedTuple):
    """What identifies a likelihood among those of a run.

    Attributes:
        split: `train`, `validation` or `test`.
        estimator: `exact`, `L_K`, `IWAE` or `SMC`.
        num_mixing: K; 0 where all mixing draws are equal or there are none.
        num_importance: M; 1 for `exact` and `L_K`.
        seed: of the noise; batch b draws from fold_in(seed, b).
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
    """Returns all combinations that differ: a point mass has no K, the bound no M, and an RNN one exact likelihood.

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
    if isinstance(model, RNN):
        return [Estimate(split, "exact", 0, 1, seeds[0])]
    if model.observation_rank == 2:
        estimators = [name for name in estimators if name != "smc"]
        require(bool(estimators), "estimators", "bound or iwae: a sentence has one latent, nothing to resample", "smc")
    if model.cell.encoder.noise_size == 0:
        num_mixing = [0]
    estimates = [
        Estimate(split, ESTIMATORS[name], k, m, seed)
        for name in estimators
        for k in num_mixing
        for m in (num_importance if name != "bound" else [1])
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
        self.path, self.identity = path, json.dumps(identity, sort_keys=True)
        self.num_batches, self.values = 0, {}
        if path is not None and path.exists():
            self._read()

    def _read(self) -> None:
        try:
            values = files.read_npz(self.path)
            identity, num_batches = str(values.pop("identity")), int(values.pop("num_batches"))
            _check_values(values, num_batches)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{self.path} is damaged: {error!r}. Remove it, and it is made again.") from error
        if identity == self.identity:
            self.num_batches, self.values = num_batches, values

    def check_rows(self, batch_size: int, num_sequences: int) -> None:
        """Checks that there are as many values as the batches done so far have sequences.

        Args:
            batch_size: sequences of a batch; the last may have fewer.
            num_sequences: of all batches.

        Raises:
            ValueError: there are not.
        """
        expected = min(self.num_batches * batch_size, num_sequences)
        rows = len(self.values[_VALUES[0]]) if self.values else 0
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
    names = set(values)
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
) -> dict[str, np.ndarray]:
    """Returns the log-likelihood of each sequence by one estimator, with what else is known of it.

    Args:
        model: any sequence model.
        batches: dictionaries of observations, mask and weight; rows of weight 0 are left out.
        estimate: which estimator, and its K, M and seed.
        file: where an earlier call left off, and where this one keeps its values.
        on_batch: called after every batch, also those that were done before.

    Returns:
        Arrays `[N]`: `log_likelihood` in nats, `num_steps`, and of the bound its parts `reconstruction`, `kl` and
        `regularizer` in nats.
    """
    file = file or LikelihoodFile()
    for _ in range(file.num_batches):
        on_batch()
    for index, batch in enumerate(batches.skip(file.num_batches), start=file.num_batches):
        seed = random.fold_in(random.as_seed(estimate.seed), index)
        values = _estimate_batch(model, batch["observations"], batch["mask"], estimate, seed)
        values["num_steps"] = tf.reduce_sum(tf.cast(batch["mask"], tf.int64), axis=1)
        real = batch["weight"].numpy() > 0
        file.add({name: value.numpy()[real] for name, value in values.items()})
        on_batch()
    return file.values


def _estimate_batch(model, observations, mask, estimate: Estimate, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    """Returns the values of one batch, each `[B]`."""
    k, m = estimate.num_mixing, estimate.num_importance
    if estimate.estimator in ("IWAE", "SMC"):
        resample = estimate.estimator == "SMC"
        return {"log_likelihood": model.log_likelihood(observations, mask, m, k, resample, seed)}
    terms = model.bound(observations, mask, num_mixing=k, seed=seed)
    parts = {name: getattr(terms, name) for name in _PARTS}
    return {"log_likelihood": terms.surrogate, **parts}
