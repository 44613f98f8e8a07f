"""The estimate from resampled particles."""

import dataclasses
from collections.abc import Callable
from typing import ClassVar

import keras
import tensorflow as tf

from sisrnn_tf.core.types import BoundTerms
from sisrnn_tf.core.validation import require
from sisrnn_tf.inference import bounds, particles
from sisrnn_tf.inference.objective import Estimate, Objective
from sisrnn_tf.inference.passes import Pass


@keras.saving.register_keras_serializable("sisrnn_tf")
@dataclasses.dataclass(frozen=True)
class FIVO(Objective):
    """Sequential Monte Carlo (Maddison et al. 2017): M particles, weighted step by step and resampled.

        sum_t log sum_m W_{t-1}^m w_t^m,      w_t^m = p(x_t|.) p(z_t|.) / ghat_t

    Ancestors are not differentiated. Of 2 particles the effective sample size never falls below half: none would be
    resampled, so training wants at least 3.

    Args:
        num_importance: M.
        num_mixing: K.
        resample_fn: (normalized log-weights `[M, B]`, uniforms `[M, B]`) -> ancestors, int32 `[M, B]`.
        resample_criterion_fn: normalized log-weights `[M, B]` -> whether to resample, bool `[B]`.
    """

    resample_fn: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = particles.resample_systematic
    resample_criterion_fn: Callable[[tf.Tensor], tf.Tensor] = particles.ess_below_threshold

    label: ClassVar[str] = "SMC"
    min_importance: ClassVar[int] = 3
    needs_steps: ClassVar[bool] = True

    def __post_init__(self):
        super().__post_init__()
        for name in ("resample_fn", "resample_criterion_fn"):
            part = getattr(self, name)
            require(callable(part), name, "a function, such as those of `sisrnn_tf.particles`", part)

    def estimate(self, passed: Pass) -> Estimate:
        """See `Objective`."""
        resampling = particles.Resampling(self.resample_fn, self.resample_criterion_fn)
        filtered = passed.filter(self.num_importance, self.num_mixing, resampling)
        return Estimate(filtered.log_likelihood, filtered.terms)

    def training_value(
        self, passed: Pass, weight: tf.Tensor | None, kl_weight: tf.Tensor
    ) -> tuple[tf.Tensor, BoundTerms]:
        """See `Objective`."""
        estimate = self.estimate(passed)
        return bounds.weighted_mean(estimate.log_likelihood, weight), estimate.terms
