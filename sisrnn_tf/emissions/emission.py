"""What all emissions share."""

import numpy as np
import tensorflow as tf

from sisrnn_tf.arrays import to_tensor


class Emission:
    """From a decoder's outputs to the distribution p(x_t | z_t, h_{t-1}) of one step's observation.

    A subclass is serializable by its `get_config` and has

        event_size                                  D
        parameter_size                              P
        distribution(parameters)                    -> tfd.Distribution, batch [..], event [D], from parameters [.., P]
        mean(parameters)                            -> [.., D]
        sample(parameters, seed, temperature)       -> [.., D]
        possible(x)                                 -> whether values can be observed, bool [.., D], of x [.., D]

    and, where observations may have missing features,

        log_prob_observed(parameters, x, observed)                      -> [..]
        sample_missing(parameters, x, observed, seed)                   -> [.., D]

    Attributes:
        quantity: what minus its log-density is called.
        is_density: whether likelihoods are densities, which have no upper limit and depend on the data's units.
        has_features: whether an observation has an axis of D features; a word's number has none.
        expected: what observations must be, in words.
        advice: what to do about those that are not.
    """

    quantity = "NLL"
    is_density = False
    has_features = True
    expected = "finite"
    advice = "Leave such steps out by the mask, or repair the data."

    def possible(self, x: tf.Tensor) -> tf.Tensor:
        """Returns whether each value can be observed, bool `[.., D]`: here any finite number can.

        Args:
            x: observations, float `[.., D]`.
        """
        return tf.math.is_finite(x)

    def support(self, x: np.ndarray | tf.Tensor) -> tf.Tensor:
        """Returns whether observations can be observed, bool `[..]`: their likelihood means nothing where not.

        Args:
            x: observations, `[.., D]`, or `[..]` without `has_features`; of any type of numbers.
        """
        possible = self.possible(self._to_comparable(x))
        return tf.reduce_all(possible, axis=-1) if self.has_features else possible

    def check(self, observations: np.ndarray | tf.Tensor) -> None:
        """Checks that all observations, as of `support`, can be observed.

        Raises:
            ValueError: one cannot.
        """
        x = self._to_comparable(observations)
        possible = self.possible(x).numpy()
        if not possible.all():
            raise ValueError(
                f"`observations` must be {self.expected} for the emission {self}. Received the "
                f"{self._name_first(x.numpy(), ~possible)}. {self.advice}"
            )

    @staticmethod
    def _to_comparable(x: np.ndarray | tf.Tensor) -> tf.Tensor:
        """Returns numbers of any type as floats."""
        x = to_tensor("observations", x)
        return x if x.dtype.is_floating else tf.cast(x, tf.float32)

    @staticmethod
    def _name_first(values: np.ndarray, impossible: np.ndarray) -> str:
        """Returns the first impossible one of values, in words; both `[.., D]`."""
        return f"value {values[impossible][0]}"

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict) -> "Emission":
        """Builds the emission from its `get_config`."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in self.get_config().items())})"


class Factorized(Emission):
    """An emission of independent dimensions: what is observed says nothing of what is missing."""

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
            seed: int32 `[2]`.
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
