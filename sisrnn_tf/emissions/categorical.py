"""Observations that are one of several categories: numbers of words, or one-hot vectors."""

import math

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from sisrnn_tf import random
from sisrnn_tf.emissions.emission import Emission, choose
from sisrnn_tf.validation import require_int

tfd = tfp.distributions


@keras.saving.register_keras_serializable("sisrnn_tf")
class Categorical(Emission):
    """One of V words: p(x | parameters) = softmax(parameters)_x. Observations are int numbers without a feature axis.

    Args:
        vocabulary_size: V.
    """

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

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"vocabulary_size": self.vocabulary_size}


@keras.saving.register_keras_serializable("sisrnn_tf")
class OneHotCategorical(Emission):
    """One of D categories at each step, as a one-hot vector: p(x | parameters) = softmax(parameters) . x.

    Args:
        event_size: D, at least 2.
    """

    def __init__(self, event_size: int):
        self.event_size = require_int("event_size", event_size, 2)

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

    def sample(self, parameters: tf.Tensor, seed: tf.Tensor, temperature: float = 1.0) -> tf.Tensor:
        """Draws observations `[.., D]`.

        Args:
            parameters: logits `[.., D]`.
            seed: int32 `[2]`.
            temperature: divides the logits.
        """
        return choose(parameters / temperature, random.uniform(tf.shape(parameters)[:-1], seed, parameters.dtype))

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
            seed: int32 `[2]`.
        """
        left = tf.where(self._possible(x, observed), parameters, -math.inf)
        return tf.where(observed, x, self.sample(left, seed))

    @staticmethod
    def _possible(x: tf.Tensor, observed: tf.Tensor) -> tf.Tensor:
        """Returns which categories agree with the observed entries, bool `[.., D]`."""
        ones = tf.cast(observed & (x == 1), tf.int32)
        elsewhere = tf.reduce_sum(ones, axis=-1, keepdims=True) - ones
        return ~(observed & (x == 0)) & (elsewhere == 0)

    def check(self, observations: np.ndarray) -> None:
        """Checks that each observation is one-hot.

        Raises:
            ValueError: one is not.
        """
        values = np.asarray(observations)
        valid = ((values == 0) | (values == 1)).all(axis=-1) & (values.sum(axis=-1) == 1)
        if not valid.all():
            raise ValueError(
                f"`observations` must be one-hot, a single 1 among zeros, for the emission {self}. Received the "
                f"vector {values[~valid][0].tolist()}"
            )

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"event_size": self.event_size}
