"""Observations that are one of several categories: numbers of words, or one-hot vectors."""

import math

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from sisrnn_tf.core import random
from sisrnn_tf.core.arrays import to_tensor
from sisrnn_tf.core.validation import require_int
from sisrnn_tf.emissions.emission import Emission, choose


@keras.saving.register_keras_serializable("sisrnn_tf")
class Categorical(Emission):
    """One of V words: p(x | parameters) = softmax(parameters)_x. Observations are int numbers without a feature axis.

    Args:
        vocabulary_size: V.
    """

    has_features = False
    advice = "Give words that the vocabulary lacks the number of its unknown word."

    def __init__(self, vocabulary_size: int):
        super().__init__(event_size=1)  # a word is one number
        self.vocabulary_size = require_int("vocabulary_size", vocabulary_size, 1)

    @property
    def parameter_size(self) -> int:
        """P: a logit a word."""
        return self.vocabulary_size

    def distribution(self, parameters: tf.Tensor) -> tfd.Distribution:
        """Returns the distribution with batch shape `[..]` and event `[]` for logits `[.., V]`."""
        return tfd.Categorical(logits=parameters)

    def mean(self, parameters: tf.Tensor) -> tf.Tensor:
        """Returns the probability of each word, `[.., V]`, for logits `[.., V]`: numbers of words have no mean."""
        return tf.nn.softmax(parameters)

    def sample(self, parameters: tf.Tensor, seed: tf.Tensor, temperature: float | tf.Tensor = 1.0) -> tf.Tensor:
        """Draws words, int32 `[..]`; arguments as of `OneHotCategorical.sample`."""
        return tf.argmax(_draw(parameters, seed, temperature), axis=-1, output_type=tf.int32)

    @property
    def expected(self) -> str:
        """See `Emission`."""
        return f"in 0..{self.vocabulary_size - 1}"

    def possible(self, x: tf.Tensor) -> tf.Tensor:
        """Returns whether numbers are those of words, bool `[..]`."""
        return (x >= 0) & (x < self.vocabulary_size)

    def comparable(self, x: np.ndarray | tf.Tensor) -> tf.Tensor:
        """Returns numbers of words, of any type of ints, as int64.

        Raises:
            ValueError: they are no ints.
        """
        x = to_tensor("observations", x)
        if not x.dtype.is_integer:
            raise ValueError(f"`observations` must be numbers of words, ints. Received the type {x.dtype.name}")
        return tf.cast(x, tf.int64)  # of uint64 those that this turns negative are none, either

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"vocabulary_size": self.vocabulary_size}


@keras.saving.register_keras_serializable("sisrnn_tf")
class OneHotCategorical(Emission):
    """One of D categories at each step, as a one-hot vector: p(x | parameters) = softmax(parameters) . x.

    Args:
        event_size: D, at least 2.
    """

    advice = "Choose another emission for other data."

    def __init__(self, event_size: int):
        super().__init__(require_int("event_size", event_size, 2))

    @property
    def expected(self) -> str:
        """See `Emission`."""
        return "one-hot, a single 1 among zeros,"

    @property
    def parameter_size(self) -> int:
        """P: a logit a category."""
        return self.event_size

    def distribution(self, parameters: tf.Tensor) -> tfd.Distribution:
        """Returns the distribution with batch shape `[..]` and event `[D]` for logits `[.., D]`."""
        return tfd.OneHotCategorical(logits=parameters, dtype=parameters.dtype)

    def mean(self, parameters: tf.Tensor) -> tf.Tensor:
        """Returns the probability of each category, `[.., D]`, for logits `[.., D]`."""
        return tf.nn.softmax(parameters)

    def sample(self, parameters: tf.Tensor, seed: tf.Tensor, temperature: float | tf.Tensor = 1.0) -> tf.Tensor:
        """Draws observations `[.., D]`.

        Args:
            parameters: logits `[.., D]`.
            seed: int32 `[2]`, or one for each row, `[.., 2]`.
            temperature: divides the logits.
        """
        return _draw(parameters, seed, temperature)

    def log_prob_observed(self, parameters: tf.Tensor, x: tf.Tensor, observed: tf.Tensor) -> tf.Tensor:
        """Returns the log-probability of the categories that the observed entries leave, `[..]`; 0 of none observed.

        Args:
            parameters: logits `[.., D]`.
            x: observations, `[.., D]`; anything where they are missing.
            observed: bool `[.., D]`.
        """
        left = tf.where(self._possible(x, observed), tf.nn.log_softmax(parameters), -math.inf)
        return tf.where(tf.reduce_any(observed, axis=-1), tf.reduce_logsumexp(left, axis=-1), 0.0)

    def sample_missing(self, parameters: tf.Tensor, x: tf.Tensor, observed: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws one of the categories that the observed entries leave, `[.., D]`.

        Args:
            parameters, x, observed: as of `log_prob_observed`.
            seed: int32 `[2]`, or one for each row, `[.., 2]`.
        """
        left = tf.where(self._possible(x, observed), parameters, -math.inf)
        return tf.where(observed, x, self.sample(left, seed))

    @staticmethod
    def _possible(x: tf.Tensor, observed: tf.Tensor) -> tf.Tensor:
        """Returns which categories agree with the observed entries, bool `[.., D]`."""
        ones = tf.cast(observed & (x == 1), tf.int32)
        elsewhere = tf.reduce_sum(ones, axis=-1, keepdims=True) - ones
        return ~(observed & (x == 0)) & (elsewhere == 0)

    def possible(self, x: tf.Tensor) -> tf.Tensor:
        """Returns whether vectors are one-hot, for all of their values at once, bool `[.., D]`."""
        one_hot = tf.reduce_all((x == 0) | (x == 1), axis=-1) & (tf.reduce_sum(x, axis=-1) == 1)
        return tf.broadcast_to(one_hot[..., tf.newaxis], tf.shape(x))

    def support(self, x: np.ndarray | tf.Tensor, observed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns whether vectors are one-hot, or what is observed of them leaves a category, bool `[..]`."""
        if observed is None:
            return super().support(x)
        x = self.comparable(x)
        binary = tf.reduce_all((x == 0) | (x == 1) | ~observed, axis=-1)
        return binary & tf.reduce_any(self._possible(x, observed), axis=-1)

    def describe_first(self, values: np.ndarray, impossible: np.ndarray) -> str:
        """Returns the first vector that is none, in words; both `[.., D]`."""
        return f"vector {values[impossible.all(axis=-1)][0].tolist()}"

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"event_size": self.event_size}


def _draw(logits: tf.Tensor, seed: tf.Tensor, temperature: float | tf.Tensor) -> tf.Tensor:
    """Draws categories, one-hot `[.., D]`, from logits `[.., D]` divided by the temperature."""
    return choose(logits / temperature, random.uniform(tf.shape(logits)[:-1], seed, logits.dtype))
