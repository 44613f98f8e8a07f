"""Binary observations, or intensities under the same formula."""

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from sisrnn_tf.core import random
from sisrnn_tf.core.validation import require
from sisrnn_tf.emissions.emission import Factorized


@keras.saving.register_keras_serializable("sisrnn_tf")
class Bernoulli(Factorized):
    """Independent binary dimensions: p(x | parameters) = prod_d Bernoulli(x_d; sigmoid(parameters_d)).

    Args:
        event_size: D.
        intensities: whether observations may lie between 0 and 1. Then `log_prob` is minus the cross-entropy, which
            is no log-likelihood: the convention called `grey`.
    """

    advice = "Binarize or rescale the data, or choose another emission."

    def __init__(self, event_size: int, intensities: bool = False):
        super().__init__(event_size)
        require(isinstance(intensities, bool), "intensities", "True or False", intensities)
        self.intensities = intensities

    @property
    def parameter_size(self) -> int:
        """P: one logit a dimension."""
        return self.event_size

    @property
    def expected(self) -> str:
        """See `Emission`."""
        return "between 0 and 1" if self.intensities else "0 or 1"

    @property
    def quantity(self) -> str:
        """NLL, or of intensities cross-entropy."""
        return "cross-entropy" if self.intensities else "NLL"

    def distribution(self, parameters: tf.Tensor) -> tfd.Distribution:
        """Returns the distribution with batch shape `[..]` and event `[D]` for logits `[.., D]`."""
        return tfd.Independent(tfd.Bernoulli(logits=parameters, dtype=parameters.dtype), 1)

    def mean(self, parameters: tf.Tensor) -> tf.Tensor:
        """Returns the probability of a one, `[.., D]`, for logits `[.., D]`."""
        return tf.sigmoid(parameters)

    def sample(self, parameters: tf.Tensor, seed: tf.Tensor, temperature: float | tf.Tensor = 1.0) -> tf.Tensor:
        """Draws observations `[.., D]`.

        Args:
            parameters: logits `[.., D]`.
            seed: int32 `[2]`, or one for each row, `[.., 2]`.
            temperature: divides the logits.
        """
        draws = random.uniform(tf.shape(parameters), seed, parameters.dtype)
        return tf.cast(draws < tf.sigmoid(parameters / temperature), parameters.dtype)

    def possible(self, x: tf.Tensor) -> tf.Tensor:
        """Returns whether values are 0 or 1, or with `intensities` in [0, 1], bool `[.., D]`."""
        return (x >= 0) & (x <= 1) if self.intensities else (x == 0) | (x == 1)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"event_size": self.event_size, "intensities": self.intensities}
