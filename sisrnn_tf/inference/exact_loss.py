"""The loss layer of models whose likelihood is exact."""

from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.inference import bounds


@keras.saving.register_keras_serializable("sisrnn_tf")
class ExactLoss(keras.layers.Layer):
    """Adds minus an exact log-likelihood, mean nats per sequence, as a loss; its mean is the metric `log_likelihood`.

    Call arguments:
        log_likelihood: log p(x_t | x_{<t}), time-major `[T, B]`.
        time_mask: bool `[T, B]`, True on real steps. (Keras fills in an argument named `mask` by itself.)
        weight: `[B]`; the mean over sequences is weighted by it.

    Returns:
        log p(x_1..x_T), `[B]`.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)  # densities keep their dtype
        self._mean = keras.metrics.Mean(name="log_likelihood")

    def call(
        self, log_likelihood: tf.Tensor, time_mask: tf.Tensor | None = None, weight: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Adds the loss and updates the metric; see the class."""
        total = bounds.sum_over_time(log_likelihood, time_mask)
        self.add_loss(-bounds.weighted_mean(total, weight))
        self._mean.update_state(total, sample_weight=weight)
        return total
