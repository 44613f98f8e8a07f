"""Emissions: from a decoder's outputs to the distribution p(x_t | z_t, h_{t-1}) of one step's observation.

An emission is a plain serializable object with `event_size` D, `parameter_size` P, `quantity` (what minus its
log-density is called), `distribution(parameters)`, `mean(parameters)`, `sample(parameters, seed)` and
`check(observations)`. Words are
decoded one after the other by `models.sentence`, so `Categorical` has no `mean` and no `sample`.
"""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from sisrnn_tf import networks, random
from sisrnn_tf.validation import require, require_int

tfd = tfp.distributions


@keras.saving.register_keras_serializable("sisrnn_tf")
class Bernoulli:
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

    def sample(self, parameters: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws observations `[.., D]` for logits `[.., D]` from a seed int32 `[2]`."""
        draws = random.uniform(tf.shape(parameters), seed, parameters.dtype)
        return tf.cast(draws < tf.sigmoid(parameters), parameters.dtype)

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

    def __repr__(self) -> str:
        return f"Bernoulli(event_size={self.event_size}, intensities={self.intensities})"

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"event_size": self.event_size, "intensities": self.intensities}

    @classmethod
    def from_config(cls, config: dict) -> "Bernoulli":
        """Builds the emission from its `get_config`."""
        return cls(**config)


@keras.saving.register_keras_serializable("sisrnn_tf")
class Normal:
    """Independent real dimensions: p(x | parameters) = prod_d N(x_d; loc_d, scale_d^2).

    A density has no upper limit: its likelihoods are in the units of the observations, and depend on the floor.

    Args:
        event_size: D.
        scale_floor: smallest standard deviation; scale = scale_floor + softplus(raw scale).
    """

    quantity = "NLL"

    def __init__(self, event_size: int, scale_floor: float = 1e-3):
        self.event_size = require_int("event_size", event_size, 1)
        require(scale_floor > 0, "scale_floor", "positive", scale_floor)
        self.scale_floor = scale_floor

    @property
    def parameter_size(self) -> int:
        """P: a loc and a raw scale a dimension."""
        return 2 * self.event_size

    def distribution(self, parameters: tf.Tensor) -> tfd.Distribution:
        """Returns the distribution with batch shape `[..]` and event `[D]` for parameters `[.., 2 D]`."""
        return tfd.Independent(tfd.Normal(*networks.to_gaussian(parameters, self.scale_floor)), 1)

    def mean(self, parameters: tf.Tensor) -> tf.Tensor:
        """Returns loc, `[.., D]`, for parameters `[.., 2 D]`."""
        return networks.to_gaussian(parameters, self.scale_floor).loc

    def sample(self, parameters: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws observations `[.., D]` for parameters `[.., 2 D]` from a seed int32 `[2]`."""
        loc, scale = networks.to_gaussian(parameters, self.scale_floor)
        return loc + scale * random.normal(tf.shape(loc), seed, parameters.dtype)

    def check(self, observations: np.ndarray) -> None:
        """Checks that all values can be observed.

        Raises:
            ValueError: a value is not finite.
        """
        values = np.asarray(observations)
        if not np.isfinite(values).all():
            raise ValueError(
                f"`observations` must be finite for the emission {self}. Received the value "
                f"{values[~np.isfinite(values)][0]}. Leave such steps out by the mask, or repair the data."
            )

    def __repr__(self) -> str:
        return f"Normal(event_size={self.event_size}, scale_floor={self.scale_floor})"

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"event_size": self.event_size, "scale_floor": self.scale_floor}

    @classmethod
    def from_config(cls, config: dict) -> "Normal":
        """Builds the emission from its `get_config`."""
        return cls(**config)


@keras.saving.register_keras_serializable("sisrnn_tf")
class Categorical:
    """One of V words: p(x | parameters) = softmax(parameters)_x. Observations are int numbers without a feature axis.

    Args:
        vocabulary_size: V.
    """

    quantity = "NLL"
    event_size = 1  # a word is one number

    def __init__(self, vocabulary_size: int):
        self.vocabulary_size = require_int("vocabulary_size", vocabulary_size, 1)

    @property
    def parameter_size(self) -> int:
        """P: a logit a word."""
        return self.vocabulary_size

    def distribution(self, parameters: tf.Tensor) -> tfd.Distribution:
        """Returns the distribution with batch shape `[..]` and event `[]` for logits `[.., V]`."""
        return tfd.Categorical(logits=parameters)

    def check(self, observations: np.ndarray) -> None:
        """Checks that all values are numbers of words.

        Raises:
            ValueError: a value is no whole number, or not in 0..V - 1.
        """
        values = np.asarray(observations)
        if values.dtype.kind not in "iu":
            raise ValueError(f"`observations` must be numbers of words, ints. Received the type {values.dtype}")
        valid = (values >= 0) & (values < self.vocabulary_size)
        if not valid.all():
            raise ValueError(
                f"`observations` must lie in 0..{self.vocabulary_size - 1} for the emission {self}. Received the value "
                f"{values[~valid][0]}. Give words that the vocabulary lacks the number of its unknown word."
            )

    def __repr__(self) -> str:
        return f"Categorical(vocabulary_size={self.vocabulary_size})"

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"vocabulary_size": self.vocabulary_size}

    @classmethod
    def from_config(cls, config: dict) -> "Categorical":
        """Builds the emission from its `get_config`."""
        return cls(**config)
