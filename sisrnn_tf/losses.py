"""The semi-implicit loss layer: the bound, added as a loss and tracked as metrics."""

import math

import keras
import tensorflow as tf

from sisrnn_tf import bounds, particles
from sisrnn_tf.chunked_mixture import ChunkedMixture, ComponentMixture
from sisrnn_tf.types import BoundTerms, StepDensities
from sisrnn_tf.validation import require, require_between, require_draws


def _split(weight: tf.Tensor, dtype: tf.DType) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns weights with 1 in place of NaN, which says that a sequence cannot be scored, and whether it can."""
    weight = tf.cast(weight, dtype)
    known = ~tf.math.is_nan(weight)
    return tf.where(known, weight, 1.0), known


def weighted_mean(values: tf.Tensor, weight: tf.Tensor | None) -> tf.Tensor:
    """Returns the mean over sequences, a scalar, of values `[B]` weighted by `[B]`; 0 where all weights are 0.

    A weight of NaN makes the mean NaN, and its gradient that of the other sequences.
    """
    if weight is None:
        return tf.reduce_mean(values)
    weight, known = _split(weight, values.dtype)
    values = tf.where(known, values, math.nan)
    return tf.math.divide_no_nan(tf.reduce_sum(weight * values), tf.reduce_sum(weight))


def step_weights(values: tf.Tensor, mask: tf.Tensor | None, weight: tf.Tensor | None) -> tf.Tensor:
    """Returns w, `[T, B]`, with sum_tb w_tb v_tb = the weighted mean over sequences of the sum over steps.

    Args:
        values: v, `[T, B]`; its shape and dtype count.
        mask: bool `[T, B]`, True on real steps; None where every step is real.
        weight: `[B]`, NaN as of `weighted_mean`; None where every sequence counts once.
    """
    weight, known = _split(tf.ones_like(values[0]) if weight is None else weight, values.dtype)
    shares = tf.where(known, tf.math.divide_no_nan(weight, tf.reduce_sum(weight)), 0.0)
    shares = tf.broadcast_to(shares, tf.shape(values))
    return shares if mask is None else tf.where(mask, shares, 0.0)


@keras.saving.register_keras_serializable("sisrnn_tf")
class ExactLoss(keras.layers.Layer):
    """Adds minus an exact log-likelihood, mean nats per sequence, as a loss.

    Call arguments:
        log_likelihood: log p(x_t | x_{<t}), time-major `[T, B]`.
        time_mask: bool `[T, B]`, True on real steps. (Keras fills in an argument named `mask` by itself.)
        weight: `[B]`; the mean over sequences is weighted by it.

    Returns:
        log p(x_1..x_T), `[B]`.
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)  # densities keep their dtype

    def call(self, log_likelihood, time_mask=None, weight=None):
        """Adds the loss; see the class."""
        total = bounds.sum_over_time(log_likelihood, time_mask)
        self.add_loss(-weighted_mean(total, weight))
        return total


@keras.saving.register_keras_serializable("sisrnn_tf")
class SIVILoss(keras.layers.Layer):
    """Adds minus the surrogate bound, mean nats per sequence, as a loss.

        loss = -mean_b sum_t log p(x_t|.) + beta (log p(z_t|.) - log ghat_t)

    beta and K are weights: they change while training without a new trace, and checkpoints keep them. Outside
    training the loss is taken at beta = 1 and at the K given for evaluation, so that epochs compare. A model that
    trains on several particles a sequence calls `add_trajectories` (IWAE) or `add_estimate` (FIVO) instead.

    Args:
        num_mixing: K, the number of mixing draws beside the generating one.
        kl_weight: beta.
        eval_num_mixing: K outside training.
        num_importance: M, particles a sequence in training; above 1 beta must be 1, as no bound on log p(x) with
            another beta is known for them.

    Call arguments:
        densities: of T steps of B sequences, time-major: `LogDensities`, or `StepDensities` beside a mixture.
        mixture: what makes log ghat of those steps, and in training its gradient with it; None where the densities
            hold all components.
        time_mask: bool `[T, B]`, True on real steps. (Keras fills in an argument named `mask` by itself.)
        weight: `[B]`; the mean over sequences is weighted by it.

    Returns:
        The bound's terms, each `[B]`.
    """

    def __init__(
        self, num_mixing: int = 1, kl_weight: float = 1.0, eval_num_mixing: int = 10, num_importance: int = 1, **kwargs
    ):
        # Densities keep their dtype; beta and the metrics are float32, and a mixed policy would round them when read.
        super().__init__(autocast=False, **{**kwargs, "dtype": "float32"})
        self.initial_num_mixing = require_draws("num_mixing", num_mixing, 0)
        self.num_importance = require_draws("num_importance", num_importance, 1)
        self.initial_kl_weight = self._require_kl_weight(kl_weight)
        self.eval_num_mixing = require_draws("eval_num_mixing", eval_num_mixing, 0)
        # int64: int32 variables live on the CPU and break XLA on GPU.
        self._num_mixing = self._add_state("num_mixing", num_mixing, "int64")
        self._kl_weight = self._add_state("kl_weight", kl_weight, "float32")
        self._trackers = {
            name: keras.metrics.Mean(name=name) for name in (*BoundTerms._fields, "kl_weight", "num_mixing")
        }
        self.built = True

    def _add_state(self, name: str, value: float, dtype: str):
        return self.add_weight(
            name=name,
            shape=(),
            dtype=dtype,
            initializer=keras.initializers.Constant(value),
            trainable=False,
            aggregation="only_first_replica",
        )

    @property
    def num_mixing(self):
        """K, a weight; assign an int of at least 0."""
        return self._num_mixing

    @num_mixing.setter
    def num_mixing(self, value: int) -> None:
        self._num_mixing.assign(require_draws("num_mixing", value, 0))

    @property
    def kl_weight(self):
        """beta, a weight; assign a number of at least 0."""
        return self._kl_weight

    @kl_weight.setter
    def kl_weight(self, value: float) -> None:
        self._kl_weight.assign(self._require_kl_weight(value))

    def _require_kl_weight(self, value: float) -> float:
        require_between("kl_weight", value, 0, math.inf, "finite and at least 0")
        expected = f"1 with num_importance={self.num_importance}: importance weights have no other beta"
        require(self.num_importance == 1 or value == 1, "kl_weight", expected, value)
        return value

    def call(self, densities, mixture=None, time_mask=None, weight=None, training=False):
        """Adds the loss and updates the metrics; see the class."""
        if mixture is None:
            emission, prior, components = densities
            densities, mixture = StepDensities(emission, prior, components[0]), ComponentMixture(components)
        if not training:
            terms = bounds.sum_terms(*densities, mixture.log_density(), time_mask)
            self._add(weighted_mean(terms.surrogate, weight), terms, 1.0, mixture.num_mixing, weight)
            return terms
        kl_weight = tf.cast(self._kl_weight, densities.prior.dtype)
        penalty, log_mixture = mixture.weighted_sum(kl_weight * step_weights(densities.prior, time_mask, weight))
        terms = bounds.sum_terms(*densities, log_mixture, time_mask)
        gain = bounds.sum_over_time(densities.emission + kl_weight * densities.prior, time_mask)
        self._add(weighted_mean(gain, weight) - penalty, terms, kl_weight, mixture.num_mixing, weight)
        return terms

    def add_trajectories(
        self,
        densities: StepDensities,
        mixture: ChunkedMixture | ComponentMixture,
        time_mask: tf.Tensor | None = None,
        weight: tf.Tensor | None = None,
    ) -> None:
        """Adds minus the importance-weighted estimate of log p(x), mean nats per sequence, as a loss.

        Its gradient is that of sum_m W^m log w^m with the normalized weights W held fixed (Burda et al. 2016, eq. 13),
        so that the weights, made without a gradient, tell what each step's mixture counts in the pass that has one.

        Args:
            densities: of M trajectories of B sequences, each `[T, M B]`.
            mixture: of the same.
            time_mask: bool `[T, B]`, True on real steps.
            weight: `[B]`; the mean over sequences is weighted by it.
        """
        count = self.num_importance
        terms = particles.trajectory_terms(densities, mixture.log_density(), count, time_mask)  # each [M, B]
        terms = BoundTerms(*map(tf.stop_gradient, terms))
        shares = tf.nn.softmax(terms.surrogate, axis=0)  # [M, B]
        weights = step_weights(densities.prior[:, : tf.shape(shares)[1]], time_mask, weight)  # [T, B]
        weights = tf.tile(weights, [1, count]) * tf.reshape(shares, [-1])  # [T, M B]
        penalty, _ = mixture.weighted_sum(weights)
        weighted = weights * (densities.emission + densities.prior)
        objective = tf.reduce_sum(tf.where(weights > 0, weighted, 0.0)) - penalty
        estimate = weighted_mean(particles.log_mean_exp(terms.surrogate), weight)
        terms = BoundTerms(*(tf.reduce_mean(values, axis=0) for values in terms))
        self._add(objective + tf.stop_gradient(estimate - objective), terms, 1.0, mixture.num_mixing, weight)

    def add_estimate(
        self, log_likelihood: tf.Tensor, terms: BoundTerms, num_mixing: int | tf.Tensor, weight: tf.Tensor | None = None
    ) -> None:
        """Adds minus an estimate of log p(x) from particles, mean nats per sequence, as a loss.

        Args:
            log_likelihood: the estimate, `[B]`.
            terms: the bound's, as means over a sequence's particles, each `[B]`; for the metrics.
            num_mixing: K; for the metrics.
            weight: `[B]`; the mean over sequences is weighted by it.
        """
        self._add(weighted_mean(log_likelihood, weight), terms, 1.0, num_mixing, weight)

    def _add(self, objective, terms: BoundTerms, kl_weight, num_mixing, weight) -> None:
        self.add_loss(-objective)
        for name, values in terms._asdict().items():
            self._trackers[name].update_state(values, sample_weight=weight)
        self._trackers["kl_weight"].update_state(kl_weight)
        self._trackers["num_mixing"].update_state(num_mixing)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "num_mixing": self.initial_num_mixing,
            "kl_weight": self.initial_kl_weight,
            "eval_num_mixing": self.eval_num_mixing,
            "num_importance": self.num_importance,
        }
