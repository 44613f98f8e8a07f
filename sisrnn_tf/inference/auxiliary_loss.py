"""A cost that training adds beside its objective."""

import math
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core.validation import require_between
from sisrnn_tf.inference import bounds
from sisrnn_tf.inference.loss import add_state


@keras.saving.register_keras_serializable("sisrnn_tf")
class AuxiliaryLoss(keras.layers.Layer):
    """Adds a cost beside the objective as a loss, in training alone.

        loss = coefficient * mean_b cost_b

    The mean cost, without its coefficient, is a metric of the layer's name, in training and validation. The coefficient
    is a weight: it changes while training without a new trace, and checkpoints keep it.

    Args:
        coefficient: to start with.

    Call arguments:
        cost: of each sequence, `[B]`.
        weight: of the sequences, `[B]`; the mean over them is weighted by it. None where every sequence counts once.
        training: whether to add the loss.

    Returns:
        The mean cost, a scalar.
    """

    def __init__(self, coefficient: float = 1.0, **kwargs: Any):
        super().__init__(autocast=False, **{**kwargs, "dtype": "float32"})  # see `SIVILoss`
        self.initial_coefficient = self._require_coefficient(coefficient)
        self._coefficient = add_state(self, "coefficient", coefficient, "float32")
        self._mean = keras.metrics.Mean(name=self.name)
        self.built = True

    @property
    def coefficient(self) -> keras.Variable:
        """The cost's coefficient, a weight; set it to a number of at least 0."""
        return self._coefficient

    @coefficient.setter
    def coefficient(self, value: float) -> None:
        self._coefficient.assign(self._require_coefficient(value))

    @staticmethod
    def _require_coefficient(value: float) -> float:
        return require_between("coefficient", value, 0, math.inf, "finite and at least 0")

    def call(self, cost: tf.Tensor, weight: tf.Tensor | None = None, training: bool = False) -> tf.Tensor:
        """Adds the loss and updates the metric; see the class."""
        mean = bounds.weighted_mean(cost, weight)
        if training:
            self.add_loss(tf.cast(tf.convert_to_tensor(self._coefficient), mean.dtype) * mean)
        self._mean.update_state(cost, sample_weight=weight)
        return mean

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "coefficient": self.initial_coefficient}
