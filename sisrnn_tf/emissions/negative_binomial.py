"""Counts, with a variance of their own."""

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from sisrnn_tf.core import random
from sisrnn_tf.emissions.emission import Factorized

# float32 has every whole number up to here, and not the next.
LARGEST_COUNT = 2**24
# Below it the Poisson distribution is near enough, and differences of large logarithms would lose digits.
_LEAST_DISPERSION = 1e-4
_LEAST_MEAN = 1e-6
_BELOW_ONE = 1 - 2.0**-53


@keras.saving.register_keras_serializable("sisrnn_tf")
class NegativeBinomial(Factorized):
    """Independent counts, of mean m and variance m + a m^2 (Salinas et al. 2020, DeepAR, section 3.1).

        p(x | parameters) = prod_d Gamma(x_d + r_d) / (x_d! Gamma(r_d)) (r_d / (r_d + m_d))^r_d (m_d / (r_d + m_d))^x_d
        m = 1e-6 + softplus(raw mean),    a = 1 / r = 1e-4 + softplus(raw dispersion)

    Where a is small it is the Poisson distribution.

    Args:
        event_size: D.
    """

    advice = "Score other data by another emission, and give counts as they are, without normalization."

    @property
    def parameter_size(self) -> int:
        """P: a raw mean and a raw dispersion a dimension."""
        return 2 * self.event_size

    @property
    def expected(self) -> str:
        """See `Emission`."""
        return f"whole numbers from 0 to {LARGEST_COUNT:,}"

    def split(self, parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns m and a, each `[.., D]`, of parameters `[.., 2 D]`."""
        mean, dispersion = tf.split(tf.nn.softplus(parameters), 2, axis=-1)
        return _LEAST_MEAN + mean, _LEAST_DISPERSION + dispersion

    def distribution(self, parameters: tf.Tensor) -> tfd.Distribution:
        """Returns the distribution with batch shape `[..]` and event `[D]` for parameters `[.., 2 D]`."""
        mean, dispersion = self.split(parameters)
        logits = tf.math.log(mean) + tf.math.log(dispersion)
        return tfd.Independent(tfd.NegativeBinomial(total_count=1.0 / dispersion, logits=logits), 1)

    def mean(self, parameters: tf.Tensor) -> tf.Tensor:
        """Returns m, `[.., D]`, for parameters `[.., 2 D]`."""
        return self.split(parameters)[0]

    def sample(self, parameters: tf.Tensor, seed: tf.Tensor, temperature: float | tf.Tensor = 1.0) -> tf.Tensor:
        """Draws counts `[.., D]`, each the quantile of a uniform number: the least x whose cdf reaches it.

        Args:
            parameters: `[.., 2 D]`.
            seed: int32 `[2]`, or one for each row, `[.., 2]`.
            temperature: multiplies the variance of the normal number whose cdf is the uniform one; at 0 draws would be
                medians.
        """
        mean, dispersion = (tf.cast(part, tf.float64) for part in self.split(parameters))
        uniforms = random.uniform(tf.shape(mean), seed, tf.float64)
        normals = tf.math.ndtri(uniforms) * tf.cast(temperature, tf.float64) ** 0.5
        levels = tf.minimum(0.5 * tf.math.erfc(normals * -(0.5**0.5)), _BELOW_ONE)
        return tf.cast(tf.minimum(quantile(mean, dispersion, levels), LARGEST_COUNT), parameters.dtype)

    def log_prob_observed(self, parameters: tf.Tensor, x: tf.Tensor, observed: tf.Tensor) -> tf.Tensor:
        """See `Factorized`."""
        # What stands where counts are missing may be none: its density, NaN, would be in the gradient.
        return super().log_prob_observed(parameters, tf.where(observed, x, 0.0), observed)

    def possible(self, x: tf.Tensor) -> tf.Tensor:
        """Returns whether values are counts that float32 tells apart, bool `[.., D]`."""
        return (x >= 0) & (x <= LARGEST_COUNT) & (x == tf.floor(x))

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"event_size": self.event_size}


def quantile(mean: tf.Tensor, dispersion: tf.Tensor, levels: tf.Tensor) -> tf.Tensor:
    """Returns the least counts x with P(X <= x) >= levels, by bisection.

        P(X <= x) = I_{r / (r + m)}(r, x + 1),    r = 1 / a,    I the regularized incomplete beta function

    Args:
        mean: m, float64 `[..]`.
        dispersion: a, float64 `[..]`.
        levels: between 0 and 1, float64 `[..]`.
    """
    size, failure = 1.0 / dispersion, 1.0 / (1.0 + dispersion * mean)

    def halve(below, reached):
        middle = tf.math.ceil(0.5 * (below + reached))  # of neighbours the upper one, so that what is found stays
        enough = tf.math.betainc(size, middle + 1.0, failure) >= levels
        return tf.where(enough, below, middle), tf.where(enough, middle, reached)

    # P(X > m + s t) <= 1 / (1 + t^2) for a standard deviation s (Cantelli): the quantile cannot lie above.
    deviation = tf.sqrt(mean + dispersion * tf.square(mean))
    highest = tf.math.ceil(mean + deviation * tf.math.rsqrt(1.0 - levels))
    found = tf.while_loop(
        lambda below, reached: tf.reduce_any(reached - below > 1.0), halve, (-tf.ones_like(mean), highest)
    )
    return found[1]
