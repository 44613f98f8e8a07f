"""The semi-implicit bound of one trajectory."""

import dataclasses
from typing import ClassVar

import keras
import tensorflow as tf

from sisrnn_tf.core.types import BoundTerms
from sisrnn_tf.inference import bounds
from sisrnn_tf.inference.objective import Estimate, Objective
from sisrnn_tf.inference.passes import Pass


@keras.saving.register_keras_serializable("sisrnn_tf")
@dataclasses.dataclass(frozen=True)
class SIVI(Objective):
    """The surrogate bound L_K (Yin & Zhou 2018, eq. 10): one trajectory a sequence.

        L_K = sum_t log p(x_t|.) + beta (log p(z_t|.) - log ghat_t)

    Args:
        num_mixing: K, mixing draws beside the generating one.
    """

    num_importance: int | tf.Tensor = dataclasses.field(default=1, init=False)
    num_mixing: int | tf.Tensor = 1

    label: ClassVar[str] = "L_K"
    has_importance: ClassVar[bool] = False
    weighs_kl: ClassVar[bool] = True

    def estimate(self, passed: Pass) -> Estimate:
        """See `Objective`."""
        densities, mixture, mask = passed.paths(0, 1, self.num_mixing)
        terms = bounds.bound_terms(densities, mixture.log_density(), mask)
        return Estimate(terms.surrogate, terms)

    def training_value(
        self, passed: Pass, weight: tf.Tensor | None, kl_weight: tf.Tensor
    ) -> tuple[tf.Tensor, BoundTerms]:
        """See `Objective`."""
        densities, mixture, mask = passed.paths(0, 1, self.num_mixing)
        kl_weight = tf.cast(kl_weight, densities.prior.dtype)
        penalty, log_mixture = mixture.weighted_sum(kl_weight * bounds.step_weights(densities.prior, mask, weight))
        gain = bounds.sum_over_time(densities.emission + kl_weight * densities.prior, mask)
        return bounds.weighted_mean(gain, weight) - penalty, bounds.bound_terms(densities, log_mixture, mask)
