"""Real observations from mixtures whose components have independent dimensions."""

import abc

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from sisrnn_tf.core import gaussians, random
from sisrnn_tf.core.validation import require_int, require_positive
from sisrnn_tf.emissions.emission import Emission, choose


class Mixture(Emission):
    """A mixture of C components of one family of location and scale.

        p(x | parameters) = sum_c w_c prod_d f((x_d - loc_cd) / scale_cd) / scale_cd

    A subclass gives the family.

    Args:
        event_size: D.
        num_components: C.
        scale_floor: smallest scale; scale = scale_floor + softplus(raw scale).
    """

    is_density = True

    def __init__(self, event_size: int, num_components: int = 20, scale_floor: float = 1e-3):
        super().__init__(event_size)
        self.num_components = require_int("num_components", num_components, 1)
        self.scale_floor = require_positive("scale_floor", scale_floor)

    @property
    def parameter_size(self) -> int:
        """P: of each component a logit, and a loc and a raw scale a dimension."""
        return self.num_components * (1 + 2 * self.event_size)

    @abc.abstractmethod
    def family(self, loc: tf.Tensor, scale: tf.Tensor) -> tfd.Distribution:
        """Returns the family's distributions of one dimension each, batch `[..]`, of loc and scale, each `[..]`."""

    @abc.abstractmethod
    def standard(self, shape: tf.Tensor, seed: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
        """Draws from the family at loc 0 and scale 1; arguments as of `random.uniform`."""

    def split(self, parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns logits of the weights `[.., C]`, loc and scale, each `[.., C, D]`, from parameters `[.., P]`."""
        logits, rest = tf.split(parameters, [self.num_components, -1], axis=-1)
        rest = tf.reshape(rest, [*tf.unstack(tf.shape(rest)[:-1]), self.num_components, 2 * self.event_size])
        return logits, *gaussians.from_outputs(rest, self.scale_floor)

    def distribution(self, parameters: tf.Tensor) -> tfd.Distribution:
        """Returns the distribution with batch shape `[..]` and event `[D]` for parameters `[.., P]`."""
        logits, loc, scale = self.split(parameters)
        components = tfd.Independent(self.family(loc, scale), 1)
        return tfd.MixtureSameFamily(tfd.Categorical(logits=logits), components)

    def mean(self, parameters: tf.Tensor) -> tf.Tensor:
        """Returns sum_c w_c loc_c, `[.., D]`, for parameters `[.., P]`."""
        logits, loc, _ = self.split(parameters)
        return tf.reduce_sum(tf.nn.softmax(logits)[..., tf.newaxis] * loc, axis=-2)

    def sample(self, parameters: tf.Tensor, seed: tf.Tensor, temperature: float | tf.Tensor = 1.0) -> tf.Tensor:
        """Draws observations `[.., D]`.

        Args:
            parameters: `[.., P]`.
            seed: int32 `[2]`, or one for each row, `[.., 2]`.
            temperature: divides the logits of the weights and multiplies the variance (Ha & Eck 2018, section 3.4).
        """
        return self._draw(*self.split(parameters), seed, temperature)

    def log_prob_observed(self, parameters: tf.Tensor, x: tf.Tensor, observed: tf.Tensor) -> tf.Tensor:
        """Returns the log-density of the observed dimensions alone, `[..]`; 0 where there are none.

        Args:
            parameters: `[.., P]`.
            x: observations, `[.., D]`; any finite numbers where they are missing.
            observed: bool `[.., D]`.
        """
        log_joint, _, _ = self._joint(parameters, x, observed)
        return tf.where(tf.reduce_any(observed, axis=-1), tf.reduce_logsumexp(log_joint, axis=-1), 0.0)

    def sample_missing(self, parameters: tf.Tensor, x: tf.Tensor, observed: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws the missing dimensions given the observed ones, which stay as they are, `[.., D]`.

        The observed ones say which component it may be.

        Args:
            parameters, x, observed: as of `log_prob_observed`.
            seed: int32 `[2]`, or one for each row, `[.., 2]`.
        """
        return tf.where(observed, x, self._draw(*self._joint(parameters, x, observed), seed, 1.0))

    def _joint(
        self, parameters: tf.Tensor, x: tf.Tensor, observed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns log w_c f_c(observed dimensions) `[.., C]`, loc and scale, each `[.., C, D]`."""
        logits, loc, scale = self.split(parameters)
        log_probs = self.family(loc, scale).log_prob(x[..., tf.newaxis, :])  # [.., C, D]
        observed = observed[..., tf.newaxis, :]
        return tf.nn.log_softmax(logits) + tf.reduce_sum(tf.where(observed, log_probs, 0.0), axis=-1), loc, scale

    def _draw(self, logits, loc, scale, seed, temperature):
        dtype = logits.dtype
        uniforms = random.uniform(tf.shape(logits)[:-1], random.fold_in(seed, 0), dtype)
        chosen = choose(logits / temperature, uniforms)[..., tf.newaxis]
        loc, scale = (tf.reduce_sum(chosen * part, axis=-2) for part in (loc, scale))  # [.., D]
        return loc + scale * temperature**0.5 * self.standard(tf.shape(loc), random.fold_in(seed, 1), dtype)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        names = ("event_size", "num_components", "scale_floor")
        return {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable("sisrnn_tf")
class NormalMixture(Mixture):
    """A mixture of C normal distributions with diagonal covariances; see `Mixture` for its arguments."""

    def family(self, loc: tf.Tensor, scale: tf.Tensor) -> tfd.Distribution:
        """See `Mixture`."""
        return tfd.Normal(loc, scale)

    def standard(self, shape: tf.Tensor, seed: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
        """See `Mixture`."""
        return random.normal(shape, seed, dtype)


class _Logistic(tfd.Logistic):
    """The logistic distribution with a log-density that is symmetric: TFP's is inf - inf, NaN, far to the left."""

    def _log_prob(self, x):
        distance = tf.abs((x - self.loc) / self.scale)
        return -distance - 2.0 * tf.nn.softplus(-distance) - tf.math.log(self.scale)


@keras.saving.register_keras_serializable("sisrnn_tf")
class LogisticMixture(Mixture):
    """A mixture of C logistic distributions, independent over dimensions within each; see `Mixture`.

    Their tails are heavier than a normal distribution's: an outlier costs nats in proportion to its distance.
    """

    def family(self, loc: tf.Tensor, scale: tf.Tensor) -> tfd.Distribution:
        """See `Mixture`."""
        return _Logistic(loc, scale)

    def standard(self, shape: tf.Tensor, seed: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
        """See `Mixture`."""
        uniforms = random.uniform(shape, seed, dtype)
        return tf.math.log(uniforms) - tf.math.log1p(-uniforms)
