"""Sequences of a user whose gaps are filled."""

from typing import Any, NamedTuple

import numpy as np

from sisrnn_tf.analysis import imputation
from sisrnn_tf.core import random
from sisrnn_tf.data import frames
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.models.stepwise import StepwiseModel


class Imputed(NamedTuple):
    """Sequences without gaps, in the form that they were given in.

    Attributes:
        observations: what was missing is the mean over draws.
        samples: the draws, `[S, N, T, D]`, NaN beyond the end of a sequence; of a frame a frame, a row a sequence, draw
            and step.
    """

    observations: Any
    samples: Any


def fill(
    model: StepwiseModel,
    spec: DataSpec,
    table: frames.Collection,
    num_samples: int,
    num_importance: int,
    seed: random.Seed,
) -> Imputed:
    """Returns sequences with what is missing drawn; arguments and errors as of `Predictor.impute`.

    Args:
        model: trained.
        spec: of its data.
        table: the sequences, NaN where values are missing.
        num_samples, num_importance, seed: S, M and the seed of the draws.
    """
    sizes: dict[str, Any] = {"num_importance": num_importance}
    samples = imputation.draw(model, spec, table.sequences, num_samples, seed, table.covariates, **sizes)
    parts = [
        np.where(np.isnan(given), mean[: len(given)], given)
        for given, mean in zip(table.sequences, samples.mean(axis=0), strict=True)
    ]
    drawn = samples if table.frame is None else frames.whole(table, samples)
    return Imputed(table.like(parts, table.features), drawn)
