"""What all emissions share."""

import abc
from typing import Any, NoReturn

import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from sisrnn_tf.core.arrays import to_tensor
from sisrnn_tf.core.validation import require_int

# Of an observation, in the model's units: squares of larger ones overflow float32 within networks and densities, and
# their difference is NaN.
LARGEST = 1e15


def is_moderate(x: tf.Tensor) -> tf.Tensor:
    """Returns whether numbers are finite and below `LARGEST` in size, bool of the same shape."""
    return tf.abs(x) < LARGEST


class Emission(abc.ABC):
    """From a decoder's outputs to the distribution p(x_t | z_t, h_{t-1}) of one step's observation.

    A subclass gives

        parameter_size                          P, what the decoder is to make for a step
        distribution(parameters)                what is observed, whose log-density scores it
        mean(parameters)                        what reconstructions and predictions show
        sample(parameters, seed, temperature)   draws, a function of a seed for each row
        get_config()                            the constructor's arguments, from which it is made again

    and its constructor calls `super().__init__(event_size)`. It may give

        possible(x), expected, advice           where not every finite number can be observed: all else is refused
        log_prob_observed, sample_missing       for missing values, the one for the likelihood of the others, both for
                                                `impute`: `Factorized` has them for independent features, and without
                                                them it is said that there are none
        quantity, is_density                    where minus the log-density is no NLL, or values are real

    A model tries its emission on a few numbers as it is made, and says what comes out otherwise than asked here. To be
    saved in a model it is registered with `keras.saving.register_keras_serializable`; `examples/poisson_counts.py` has
    one that is trained, saved, loaded and exported.

    Args:
        event_size: D.

    Attributes:
        quantity: what minus its log-density is called.
        is_density: whether likelihoods are densities, which have no upper limit and depend on the data's units.
        has_features: whether an observation has an axis of D features; a word's number has none.
        expected: what observations must be, in words.
        advice: what to do about those that are not.
    """

    is_density = False
    has_features = True
    advice = "Leave such steps out by the mask, or repair the data."

    def __init__(self, event_size: int):
        self.event_size = require_int("event_size", event_size, 1)

    @property
    def quantity(self) -> str:
        """See the class."""
        return "NLL"

    @property
    def expected(self) -> str:
        """See the class."""
        return f"finite and below {LARGEST:.0e} in size"

    @property
    @abc.abstractmethod
    def parameter_size(self) -> int:
        """P: numbers that the decoder gives for a step."""

    @abc.abstractmethod
    def distribution(self, parameters: tf.Tensor) -> tfd.Distribution:
        """Returns the distribution with batch shape `[..]` and event `[D]` for parameters `[.., P]`."""

    @abc.abstractmethod
    def mean(self, parameters: tf.Tensor) -> tf.Tensor:
        """Returns what is expected of an observation, `[.., D]`, for parameters `[.., P]`."""

    @abc.abstractmethod
    def sample(self, parameters: tf.Tensor, seed: tf.Tensor, temperature: float | tf.Tensor = 1.0) -> tf.Tensor:
        """Draws observations `[.., D]`.

        Args:
            parameters: `[.., P]`.
            seed: int32 `[2]`, or one for each row, `[.., 2]`: `sisrnn_tf.random.uniform` and `normal` take both,
                TensorFlow's and TFP's own draws only the first.
            temperature: below 1 what is likely becomes likelier.
        """

    def log_prob_observed(self, parameters: tf.Tensor, x: tf.Tensor, observed: tf.Tensor) -> tf.Tensor:
        """Returns the log-density of the observed features alone, `[..]`; 0 where there are none.

        Args:
            parameters: `[.., P]`.
            x: observations, `[.., D]`; any finite numbers where they are missing.
            observed: bool `[.., D]`.

        Raises:
            ValueError: the emission knows no observations with missing features.
        """
        self._refuse("log_prob_observed", "score what is observed of a step")

    def sample_missing(self, parameters: tf.Tensor, x: tf.Tensor, observed: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws the missing features given the observed ones, which stay as they are, `[.., D]`.

        Args:
            parameters, x, observed: as of `log_prob_observed`.
            seed: int32 `[2]`, or one for each row.

        Raises:
            ValueError: the emission knows no observations with missing features.
        """
        self._refuse("sample_missing", "draw what is missing of a step")

    def _refuse(self, name: str, purpose: str) -> NoReturn:
        raise ValueError(
            f"The emission {self} has no `{name}`, which missing values need to {purpose}. Give its class one, see "
            "`sisrnn_tf.emissions.Emission`, or choose another emission."
        )

    def possible(self, x: tf.Tensor) -> tf.Tensor:
        """Returns whether each value can be observed, bool `[.., D]`: here any number that is not too large can.

        Args:
            x: observations, float `[.., D]`.
        """
        return is_moderate(x)

    def support(self, x: np.ndarray | tf.Tensor, observed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns whether observations can be observed, bool `[..]`: their likelihood means nothing where not.

        Args:
            x: observations, `[.., D]`, or `[..]` without `has_features`; of any type of numbers.
            observed: bool `[.., D]`, False on missing values, which can be any; None where none are.
        """
        possible = self.possible(self.comparable(x))
        possible = possible if observed is None else possible | ~observed
        return tf.reduce_all(possible, axis=-1) if self.has_features else possible

    def check(self, observations: np.ndarray | tf.Tensor) -> None:
        """Checks that all observations, as of `support`, can be observed.

        Raises:
            ValueError: one cannot.
        """
        x = self.comparable(observations)
        possible = self.possible(x).numpy()
        if not possible.all():
            raise ValueError(
                f"`observations` must be {self.expected} for the emission {self}. Received the "
                f"{self.describe_first(x.numpy(), ~possible)}. {self.advice}"
            )

    def comparable(self, x: np.ndarray | tf.Tensor) -> tf.Tensor:
        """Returns observations, of any type of numbers, in a type that `possible` takes: here as floats."""
        x = to_tensor("observations", x)
        return x if x.dtype.is_floating else tf.cast(x, tf.float32)

    def describe_first(self, values: np.ndarray, impossible: np.ndarray) -> str:
        """Returns the first impossible one of values, in words; both `[.., D]`."""
        return f"value {values[impossible][0]}"

    def log_prob(self, parameters: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        """Returns log p(x | parameters), `[..]`, nats."""
        distribution = self.distribution(parameters)
        return distribution.log_prob(tf.cast(x, distribution.dtype))

    @abc.abstractmethod
    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Emission":
        """Builds the emission from its `get_config`."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in self.get_config().items())})"


class Factorized(Emission):
    """An emission of independent dimensions: what is observed says nothing of what is missing.

    A subclass's `distribution` is a `tfd.Independent`.
    """

    def log_prob_observed(self, parameters: tf.Tensor, x: tf.Tensor, observed: tf.Tensor) -> tf.Tensor:
        """Returns the log-density of the observed dimensions alone, `[..]`; 0 where there are none.

        Args:
            parameters: `[.., P]`.
            x: observations, `[.., D]`; any finite numbers where they are missing.
            observed: bool `[.., D]`.
        """
        log_probs = self.distribution(parameters).distribution.log_prob(x)  # [.., D]
        return tf.reduce_sum(tf.where(observed, log_probs, 0.0), axis=-1)

    def sample_missing(self, parameters: tf.Tensor, x: tf.Tensor, observed: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws the missing dimensions given the observed ones, which stay as they are, `[.., D]`.

        Args:
            parameters, x, observed: as of `log_prob_observed`.
            seed: int32 `[2]`, or one for each row, `[.., 2]`.
        """
        return tf.where(observed, x, self.sample(parameters, seed))


def choose(logits: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """Draws one of C categories by inversion, one-hot `[.., C]` in the dtype of the logits.

    Args:
        logits: `[.., C]`.
        uniforms: numbers between 0 and 1, `[..]`.
    """
    cumulative = tf.cumsum(tf.nn.softmax(logits), axis=-1)
    # Of their sum, which rounding may leave below 1: then a last category of probability 0 could be drawn.
    positions = uniforms[..., tf.newaxis] * cumulative[..., -1:]
    below = tf.reduce_sum(tf.cast(cumulative[..., :-1] <= positions, tf.int32), axis=-1)
    return tf.one_hot(below, tf.shape(logits)[-1], dtype=logits.dtype)
