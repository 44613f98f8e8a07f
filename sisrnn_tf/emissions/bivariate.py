"""The bivariate normal distribution with its correlation as a parameter."""

import math

import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow_probability import distributions as tfd

# Differences of numbers near the limit of float32 are taken of numbers this much smaller, else inf - inf made NaN.
_SHARE = 2.0**-64


def log_prob_first(x: tf.Tensor, loc: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    """Returns log N(x_1; loc_1, scale_1^2), `[..]`, of values, means and standard deviations `[.., 2]`."""
    return tfd.Normal(loc[..., 0], scale[..., 0]).log_prob(x[..., 0])


def log_prob_second(x: tf.Tensor, loc: tf.Tensor, scale: tf.Tensor, correlation: tf.Tensor) -> tf.Tensor:
    """Returns log p(x_2 | x_1), `[..]`; arguments as of `BivariateNormal`. Far out it is -inf, never NaN."""
    first, second = tf.unstack((x * _SHARE - loc * _SHARE) / scale, axis=-1)
    rest = 1.0 - tf.square(correlation)
    # No difference of large squares as in the expanded form.
    square = tf.square((second - correlation * first) / _SHARE) / rest
    return -0.5 * square - tf.math.log(scale[..., 1]) - 0.5 * tf.math.log(rest) - 0.5 * math.log(2.0 * math.pi)


class BivariateNormal(tfd.Distribution):
    """N(loc, [[s_1^2, r s_1 s_2], [r s_1 s_2, s_2^2]]), by its closed form (Graves 2013, eq. 24).

    `tfd.MultivariateNormalTriL` solves a triangular system for each value, of which there are millions.

    Args:
        loc: means, `[.., 2]`.
        scale: standard deviations s, `[.., 2]`.
        correlation: r, `[..]`, between -1 and 1.
    """

    def __init__(self, loc: tf.Tensor, scale: tf.Tensor, correlation: tf.Tensor, name: str = "BivariateNormal"):
        parameters = dict(locals())
        self.loc, self.scale, self.correlation = loc, scale, correlation
        super().__init__(
            dtype=loc.dtype,
            reparameterization_type=tfd.FULLY_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        properties = tfp.util.ParameterProperties
        return {"loc": properties(event_ndims=1), "scale": properties(event_ndims=1), "correlation": properties()}

    def _event_shape(self):
        return tf.TensorShape([2])

    def _event_shape_tensor(self):
        return tf.constant([2])

    def _log_prob(self, value):
        first = log_prob_first(value, self.loc, self.scale)
        return first + log_prob_second(value, self.loc, self.scale, self.correlation)

    def _mean(self):
        return self.loc

    def _sample_n(self, n, seed=None):
        shape = tf.concat([[n], self.batch_shape_tensor(), [2]], axis=0)
        seed = tfp.random.sanitize_seed(seed)
        return from_standard(
            tf.random.stateless_normal(shape, seed, dtype=self.dtype), self.loc, self.scale, self.correlation
        )


def from_standard(normals: tf.Tensor, loc: tf.Tensor, scale: tf.Tensor, correlation: tf.Tensor) -> tf.Tensor:
    """Returns draws of N(loc, scale, correlation), `[.., 2]`, from standard normals `[.., 2]`."""
    first, second = tf.unstack(normals, axis=-1)
    second = correlation * first + tf.sqrt(1.0 - tf.square(correlation)) * second
    return loc + scale * tf.stack([first, second], axis=-1)
