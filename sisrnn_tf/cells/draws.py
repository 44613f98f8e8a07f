"""Draws from any distribution, one seed a row."""

from collections.abc import Callable

import tensorflow as tf
from tensorflow_probability import distributions as tfd

from sisrnn_tf.core import random
from sisrnn_tf.core.arrays import size_of


def draw(make: Callable[..., tfd.Distribution], inputs: tuple[tf.Tensor, ...], seeds: tf.Tensor) -> tf.Tensor:
    """Draws from make(*inputs), `[rows, E]`, each row by a seed of its own.

    Normal distributions draw by `sisrnn_tf.random`, the same numbers eager, in graphs and under XLA. All others draw by
    TFP, row by row as if each were alone: no batch or chunk changes a draw, but XLA may round it otherwise.

    Args:
        make: rows of inputs -> a distribution with event `[E]`; also one row of them, without the axis.
        inputs: each `[rows, ..]`.
        seeds: int32 `[rows, 2]`.
    """
    distribution = make(*inputs)
    if isinstance(distribution, tfd.Independent) and isinstance(distribution.distribution, tfd.Normal):
        normal = distribution.distribution
        return normal.loc + normal.scale * _normals(distribution, inputs[0], seeds)
    if isinstance(distribution, tfd.MultivariateNormalLinearOperator):
        return distribution.loc + distribution.scale.matvec(_normals(distribution, inputs[0], seeds))

    def draw_one(row):
        return make(*row[0]).sample(seed=row[1])

    return tf.vectorized_map(draw_one, (inputs, seeds), warn=False)


def _normals(distribution: tfd.Distribution, rows: tf.Tensor, seeds: tf.Tensor) -> tf.Tensor:
    return random.normal([size_of(rows, 0), distribution.event_shape[0]], seeds, distribution.dtype)
