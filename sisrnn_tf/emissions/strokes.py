"""Pen strokes: where the pen goes, and whether it is lifted there."""

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from sisrnn_tf.core import random
from sisrnn_tf.core.types import Gaussian
from sisrnn_tf.core.validation import require_between, require_int, require_positive
from sisrnn_tf.emissions.bivariate import BivariateNormal, from_standard, log_prob_first, log_prob_second
from sisrnn_tf.emissions.emission import LARGEST, Emission, choose, is_moderate


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

    is_density = True

    def __init__(self, num_components: int = 20, scale_floor: float = 1e-3, max_correlation: float = 0.95):
        super().__init__(event_size=3)
        self.num_components = require_int("num_components", num_components, 1)
        self.scale_floor = require_positive("scale_floor", scale_floor)
        self.max_correlation = require_between("max_correlation", max_correlation, 0, 1, "in [0, 1)")

    @property
    def parameter_size(self) -> int:
        """P: of each component a logit, two means, two raw scales and a raw correlation; the pen's logit."""
        return 6 * self.num_components + 1

    @property
    def expected(self) -> str:
        """See `Emission`."""
        return f"finite and below {LARGEST:.0e} in size, and 0 or 1 as their third feature, the pen,"

    def split(self, parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
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

    def sample(self, parameters: tf.Tensor, seed: tf.Tensor, temperature: float | tf.Tensor = 1.0) -> tf.Tensor:
        """Draws observations `[.., 3]`.

        Args:
            parameters: `[.., P]`.
            seed: int32 `[2]`, or one for each row, `[.., 2]`.
            temperature: divides the logits of weights and pen, and multiplies variances (Ha & Eck 2018, section 3.4).
        """
        nothing = tf.zeros([*tf.unstack(tf.shape(parameters)[:-1]), 3], parameters.dtype)
        return self._draw(parameters, nothing, tf.zeros_like(nothing, tf.bool), seed, temperature)

    def log_prob_observed(self, parameters: tf.Tensor, x: tf.Tensor, observed: tf.Tensor) -> tf.Tensor:
        """Returns the log-density of the observed features alone, `[..]`; 0 where there are none.

        Args:
            parameters: `[.., P]`.
            x: observations, `[.., 3]`; any finite numbers where they are missing.
            observed: bool `[.., 3]`.
        """
        logits, loc, scale, correlation, pen = self.split(parameters)
        log_joint = tf.nn.log_softmax(logits) + _log_prob_observed(loc, scale, correlation, x, observed)
        offset = tf.reduce_logsumexp(log_joint, axis=-1)
        pen_log_prob = tfd.Bernoulli(logits=pen[..., 0], dtype=x.dtype).log_prob(x[..., 2])
        any_offset = tf.reduce_any(observed[..., :2], axis=-1)
        return tf.where(any_offset, offset, 0.0) + tf.where(observed[..., 2], pen_log_prob, 0.0)

    def sample_missing(self, parameters: tf.Tensor, x: tf.Tensor, observed: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws the missing features given the observed ones, which stay as they are, `[.., 3]`.

        Args:
            parameters, x, observed: as of `log_prob_observed`.
            seed: int32 `[2]`, or one for each row, `[.., 2]`.
        """
        return self._draw(parameters, x, observed, seed, 1.0)

    def _draw(self, parameters, x, observed, seed, temperature):
        logits, loc, scale, correlation, pen = self.split(parameters)
        log_joint = tf.nn.log_softmax(logits) + _log_prob_observed(loc, scale, correlation, x, observed)
        uniforms = random.uniform([*tf.unstack(tf.shape(logits)[:-1]), 2], random.fold_in(seed, 0), x.dtype)
        chosen = choose(log_joint / temperature, uniforms[..., 0])[..., tf.newaxis]
        loc, scale = (tf.reduce_sum(chosen * part, axis=-2) for part in (loc, scale))  # [.., 2]
        correlation = tf.reduce_sum(chosen[..., 0] * correlation, axis=-1)
        normals = random.normal(tf.shape(loc), random.fold_in(seed, 1), x.dtype)
        offset = from_standard(normals, loc, scale * temperature**0.5, correlation)
        # Where the other one is observed, what is drawn follows from it.
        given = _given_other(loc, scale, correlation, x)
        given = given.loc + given.scale * temperature**0.5 * normals
        offset = tf.where(tf.reverse(observed[..., :2], [-1]), given, offset)
        lifted = tf.cast(uniforms[..., 1:] < tf.sigmoid(pen / temperature), x.dtype)
        return tf.where(observed, x, tf.concat([offset, lifted], axis=-1))

    def possible(self, x: tf.Tensor) -> tf.Tensor:
        """Returns whether offsets are not too large and pens 0 or 1, bool `[.., 3]`."""
        offset, pen = x[..., :2], x[..., 2:]
        return tf.concat([is_moderate(offset), (pen == 0) | (pen == 1)], axis=-1)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {name: getattr(self, name) for name in ("num_components", "scale_floor", "max_correlation")}


def _given_other(loc: tf.Tensor, scale: tf.Tensor, correlation: tf.Tensor, x: tf.Tensor) -> Gaussian:
    """Returns the distribution of each offset given the other one, each `[.., 2]`, of offset and pen `[.., 3]`."""
    correlation = correlation[..., tf.newaxis]
    slope = correlation * scale / tf.reverse(scale, [-1])
    others = tf.reverse(x[..., :2] - loc, [-1])
    return Gaussian(loc + slope * others, scale * tf.sqrt(1.0 - tf.square(correlation)))


def _log_prob_observed(loc, scale, correlation, x, observed) -> tf.Tensor:
    """Returns the log-density of the observed offsets under each component, `[.., C]`; 0 of none."""
    first, second = observed[..., :1], observed[..., 1:2]
    x = x[..., tf.newaxis, :2]
    alone = log_prob_first(tf.reverse(x, [-1]), tf.reverse(loc, [-1]), tf.reverse(scale, [-1]))
    second_log_prob = tf.where(first, log_prob_second(x, loc, scale, correlation), alone)
    return tf.where(first, log_prob_first(x, loc, scale), 0.0) + tf.where(second, second_log_prob, 0.0)
