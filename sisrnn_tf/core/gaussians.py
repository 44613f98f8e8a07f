"""Diagonal normal distributions by their parameters: the densities that prior and posterior are made of."""

import math

import tensorflow as tf
from tensorflow_probability import distributions as tfd

from sisrnn_tf.core.types import Gaussian


def from_outputs(outputs: tf.Tensor, scale_floor: float) -> Gaussian:
    """Splits a network's outputs into loc and scale = scale_floor + softplus(raw scale).

    Args:
        outputs: `[.., 2 Z]` in the dtype of densities.
        scale_floor: smallest standard deviation.
    """
    loc, raw_scale = tf.split(outputs, 2, axis=-1)  # each [.., Z]
    return Gaussian(loc, scale_floor + tf.nn.softplus(raw_scale))


def log_density(value: tf.Tensor, parameters: Gaussian) -> tf.Tensor:
    """Returns log N(value; loc, diag scale^2), `[..]`, in nats; arguments as of `log_densities`."""
    return tf.reduce_sum(log_densities(value, parameters), axis=-1)


def log_densities(value: tf.Tensor, parameters: Gaussian) -> tf.Tensor:
    """Returns log N(value; loc, scale^2) of each dimension, `[.., Z]`, in nats.

    Args:
        value: `[.., Z]`; broadcasts against the parameters.
        parameters: each `[.., Z]`.
    """
    standardized = (value - parameters.loc) / parameters.scale
    return -0.5 * tf.square(standardized) - tf.math.log(parameters.scale) - 0.5 * math.log(2 * math.pi)


def kl_to_standard(parameters: Gaussian) -> tf.Tensor:
    """Returns KL(N(loc, diag scale^2) || N(0, I)), `[..]`, in nats, of parameters each `[.., Z]`."""
    squares = tf.square(parameters.loc) + tf.square(parameters.scale)
    return tf.reduce_sum(0.5 * (squares - 1) - tf.math.log(parameters.scale), axis=-1)


def to_distribution(parameters: Gaussian) -> tfd.Distribution:
    """Returns N(loc, diag scale^2), batch `[..]`, event `[Z]`, for parameters `[.., Z]`."""
    return tfd.Independent(tfd.Normal(parameters.loc, parameters.scale), 1)
