"""Binary observations, or intensities under the same formula."""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from sisrnn_tf import random
from sisrnn_tf.emissions.emission import Factorized
from sisrnn_tf.validation import require_int

tfd = tfp.distributions


@keras.saving.register_keras_serializable("sisrnn_tf")
class Bernoulli(Factorized):
    """Independent binary dimensions: p(x | parameters) = prod_d Bernoulli(x_d; sigmoid(parameters_d)).

    Args:
        event_size: D.
        intensities: whether observations may lie between 0 and 1. Then `log_prob` is minus the cross-entropy, which
            is no log-likelihood: the convention called `grey`.
    """

    def __init__(self, event_size: int, intensities: bool = False):
        self.event_size = require_int("event_size", event_size, 1)
        self.intensities = intensities

    @property
    def parameter_size(self) -> int:
        """P: one logit a dimension."""
        return self.event_size

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

    def sample(self, parameters: tf.Tensor, seed: tf.Tensor, temperature: float = 1.0) -> tf.Tensor:
        """Draws observations `[.., D]`.

        Args:
            parameters: logits `[.., D]`.
            seed: int32 `[2]`.
            temperature: divides the logits.
        """
        draws = random.uniform(tf.shape(parameters), seed, parameters.dtype)
        return tf.cast(draws < tf.sigmoid(parameters / temperature), parameters.dtype)

    def check(self, observations: np.ndarray) -> None:
        """Checks that all values can be observed.

        Raises:
            ValueError: a value is not 0 or 1, or with `intensities` not in [0, 1].
        """
        values = np.asarray(observations)
        if self.intensities:
            valid, expected = (values >= 0) & (values <= 1), "between 0 and 1"
        else:
            valid, expected = (values == 0) | (values == 1), "0 or 1"
        if not valid.all():
            raise ValueError(
                f"`observations` must be {expected} for the emission {self}. Received the value {values[~valid][0]}. "
                "Binarize or rescale the data, or choose another emission."
            )

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"event_size": self.event_size, "intensities": self.intensities}
