"""The estimate from importance-weighted trajectories."""

import dataclasses
from typing import ClassVar

import keras
import tensorflow as tf

from sisrnn_tf.core.log_space import log_mean_exp
from sisrnn_tf.core.types import BoundTerms, StepDensities
from sisrnn_tf.inference import bounds
from sisrnn_tf.inference.objective import Estimate, Objective
from sisrnn_tf.inference.passes import Pass, Paths


@keras.saving.register_keras_serializable("sisrnn_tf")
@dataclasses.dataclass(frozen=True)
class IWAE(Objective):
    """Importance-weighted trajectories (Burda et al. 2016): M whole trajectories, each weighted by all its steps.

        log (1/M) sum_m w^m,      log w^m = sum_t log p(x_t|.) + log p(z_t|.) - log ghat_t

    Because psi^0 is always a component of ghat_t, each w^m is an unbiased estimate of p(x_1..x_T).

    Args:
        num_importance: M.
        num_mixing: K.
    """

    label: ClassVar[str] = "IWAE"
    min_importance: ClassVar[int] = 2

    def estimate(self, passed: Pass) -> Estimate:
        """See `Objective`; trajectories go a chunk at a time, so memory does not grow with M."""
        count = tf.convert_to_tensor(self.num_importance)
        size = tf.clip_by_value(passed.chunk_size, 1, count)

        def add(first, total, sums):
            terms = self._terms(passed, first, tf.minimum(size, count - first))  # each [m, B]
            weights = tf.concat([total[tf.newaxis], terms.surrogate], axis=0)
            added = [old + tf.reduce_sum(new, axis=0) for old, new in zip(sums, terms, strict=True)]
            total, *added = (
                tf.ensure_shape(part, total.shape) for part in (tf.reduce_logsumexp(weights, axis=0), *added)
            )
            return first + size, total, BoundTerms(*added)

        zeros = tf.zeros(tf.shape(passed.rows), passed.dtype)
        begin = (tf.constant(0), zeros - float("inf"), BoundTerms(*[zeros] * len(BoundTerms._fields)))
        *_, total, sums = tf.while_loop(
            lambda first, *_: first < count,
            add,
            begin,
            parallel_iterations=1,  # each takes the memory that one may take
            maximum_iterations=-(-count // size),
        )
        scale = tf.cast(count, passed.dtype)
        return Estimate(total - tf.math.log(scale), BoundTerms(*(part / scale for part in sums)))

    def _terms(self, passed: Pass, first, count) -> BoundTerms:
        paths = passed.paths(first, count, self.num_mixing)
        return path_terms(paths, paths.mixture.log_density(), count)

    def training_value(
        self, passed: Pass, weight: tf.Tensor | None, kl_weight: tf.Tensor
    ) -> tuple[tf.Tensor, BoundTerms]:
        """See `Objective`.

        The gradient is that of sum_m W^m log w^m with the normalized weights W held fixed (Burda et al. 2016, eq. 13),
        so that the weights, made without a gradient, tell what each step's mixture counts in the pass that has one.
        """
        count = self.num_importance
        paths = passed.paths(0, count, self.num_mixing)
        densities, mixture, mask = paths
        terms = path_terms(paths, mixture.log_density(), count)  # each [M, B]
        terms = BoundTerms(*map(tf.stop_gradient, terms))
        shares = tf.nn.softmax(terms.surrogate, axis=0)  # [M, B]
        weights = bounds.step_weights(densities.prior[:, : tf.shape(shares)[1]], mask, weight)  # [T, B]
        weights = tf.tile(weights, [1, count]) * tf.reshape(shares, [-1])  # [T, M B]
        penalty, _ = mixture.weighted_sum(weights)
        weighted = weights * (densities.emission + densities.prior)
        value = tf.reduce_sum(tf.where(weights > 0, weighted, 0.0)) - penalty
        estimate = bounds.weighted_mean(log_mean_exp(terms.surrogate), weight)
        means = BoundTerms(*(tf.reduce_mean(values, axis=0) for values in terms))
        return value + tf.stop_gradient(estimate - value), means


def path_terms(paths: Paths, log_mixture: tf.Tensor, count: int | tf.Tensor) -> BoundTerms:
    """Returns the bound's terms of each of m trajectories, each `[m, B]`; their surrogates are log-weights.

    Args:
        paths: the trajectories.
        log_mixture: log ghat_t, `[T, m B]`.
        count: m.
    """
    mask = None if paths.mask is None else tf.tile(paths.mask, [1, count])
    terms = bounds.bound_terms(StepDensities(*paths.densities), log_mixture, mask)
    return BoundTerms(*(tf.reshape(values, [count, tf.shape(values)[0] // count]) for values in terms))
