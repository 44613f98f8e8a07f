"""Pen strokes: where the pen goes, and whether it is lifted there."""

import math

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from sisrnn_tf import random
from sisrnn_tf.emissions.bivariate import BivariateNormal, from_standard
from sisrnn_tf.emissions.emission import Emission, check_finite, choose
from sisrnn_tf.validation import require, require_int

tfd = tfp.distributions


@keras.saving.register_keras_serializable("sisrnn_tf")
class StrokeMixture(Emission):
    """Offsets from a mixture of C bivariate normal distributions, and a Bernoulli pen (Graves 2013, section 4).

        p(dx, dy, pen | parameters) = sum_c w_c N(dx, dy; loc_c, scale_c, correlation_c) Bernoulli(pen; sigmoid(logit))

    `max_correlation` 0 makes the covariances diagonal, one component the normal distribution.

    Args:
        num_components: C.
        scale_floor: smallest standard deviation; scale = scale_floor + softplus(raw scale).
        max_correlation: correlation = max_correlation tanh(raw correlation). Near 1 densities have no upper limit, as
            with scales near 0.
    """

    event_size = 3
    is_density = True

    def __init__(self, num_components: int = 20, scale_floor: float = 1e-3, max_correlation: float = 0.95):
        self.num_components = require_int("num_components", num_components, 1)
        require(0 < scale_floor < math.inf, "scale_floor", "positive and finite", scale_floor)
        require(0 <= max_correlation < 1, "max_correlation", "in [0, 1)", max_correlation)
        self.scale_floor, self.max_correlation = scale_floor, max_correlation

    @property
    def parameter_size(self) -> int:
        """P: of each component a logit, two means, two raw scales and a raw correlation; the pen's logit."""
        return 6 * self.num_components + 1

    def split(self, parameters: tf.Tensor):
        """Splits parameters.

        Args:
            parameters: `[.., P]`.

        Returns:
            Logits of the weights `[.., C]`, loc `[.., C, 2]`, scale `[.., C, 2]`, correlation `[.., C]`, and the logit
            of the pen `[.., 1]`.
        """
        count = self.num_components
        logits, locs, raw_scales, raw_correlation, pen = tf.split(
            parameters, [count, 2 * count, 2 * count, count, 1], axis=-1
        )
        shape = [*tf.unstack(tf.shape(logits)), 2]
        scale = self.scale_floor + tf.nn.softplus(tf.reshape(raw_scales, shape))
        correlation = self.max_correlation * tf.tanh(raw_correlation)
        return logits, tf.reshape(locs, shape), scale, correlation, pen

    def distribution(self, parameters: tf.Tensor) -> tfd.Distribution:
        """Returns the distribution with batch shape `[..]` and event `[3]` for parameters `[.., P]`."""
        logits, loc, scale, correlation, pen = self.split(parameters)
        offsets = tfd.MixtureSameFamily(tfd.Categorical(logits=logits), BivariateNormal(loc, scale, correlation))
        return tfd.Blockwise([offsets, tfd.Independent(tfd.Bernoulli(logits=pen, dtype=parameters.dtype), 1)])

    def mean(self, parameters: tf.Tensor) -> tf.Tensor:
        """Returns the mean offset and the probability that the pen is lifted, `[.., 3]`, for parameters `[.., P]`."""
        logits, loc, _, _, pen = self.split(parameters)
        offset = tf.reduce_sum(tf.nn.softmax(logits)[..., tf.newaxis] * loc, axis=-2)
        return tf.concat([offset, tf.sigmoid(pen)], axis=-1)

    def sample(self, parameters: tf.Tensor, seed: tf.Tensor, temperature: float = 1.0) -> tf.Tensor:
        """Draws observations `[.., 3]`.

        Args:
            parameters: `[.., P]`.
            seed: int32 `[2]`.
            temperature: divides the logits of weights and pen, and multiplies variances (Ha & Eck 2018, section 3.4).
        """
        logits, loc, scale, correlation, pen = self.split(parameters)
        dtype = parameters.dtype
        uniforms = random.uniform([*tf.unstack(tf.shape(logits)[:-1]), 2], random.fold_in(seed, 0), dtype)
        chosen = choose(logits / temperature, uniforms[..., 0])[..., tf.newaxis]
        loc, scale = (tf.reduce_sum(chosen * part, axis=-2) for part in (loc, scale))  # [.., 2]
        correlation = tf.reduce_sum(chosen[..., 0] * correlation, axis=-1)
        normals = random.normal(tf.shape(loc), random.fold_in(seed, 1), dtype)
        offset = from_standard(normals, loc, scale * temperature**0.5, correlation)
        lifted = tf.cast(uniforms[..., 1:] < tf.sigmoid(pen / temperature), dtype)
        return tf.concat([offset, lifted], axis=-1)

    def check(self, observations: np.ndarray) -> None:
        """Checks that all values can be observed.

        Raises:
            ValueError: a value is not finite, or a pen is not 0 or 1.
        """
        check_finite(observations, self)
        pen = np.asarray(observations)[..., 2]
        valid = (pen == 0) | (pen == 1)
        if not valid.all():
            raise ValueError(
                f"`observations` must have 0 or 1 as their third feature, the pen, for the emission {self}. Received "
                f"{pen[~valid][0]}"
            )

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {name: getattr(self, name) for name in ("num_components", "scale_floor", "max_correlation")}
