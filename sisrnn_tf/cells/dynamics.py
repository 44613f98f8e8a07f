"""Known dynamics: the generative half of a state-space model, written as distributions."""

import abc
import inspect
from typing import Any

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from sisrnn_tf.core.types import Gaussian
from sisrnn_tf.core.validation import require, require_int
from sisrnn_tf.emissions.emission import LARGEST, is_moderate

_LEADING = (2, 3)  # steps and rows, unlike each other and Z


class Dynamics(abc.ABC):
    """The generative half of a state-space model: z_1, z_t given z_{t-1}, and x_t given z_t.

        p(x_1..x_T, z_1..z_T) = p(z_1) p(x_1 | z_1) prod_{t=2..T} p(z_t | z_{t-1}) p(x_t | z_t)

    A subclass gives the three distributions, each with the batch shape `[..]` of what it is given and its dtype. Steps
    are counted from 1. Everything is given at once for all steps, so `time` is a tensor with an axis of size 1 at its
    end: it goes with z_t in plain arithmetic.

    The density of `transition` is computed at the first step too, at z_0 = 0, and left out: it and its gradient must be
    finite there, as wherever a normal distribution may draw z.

    To be saved in a model a subclass is registered with `keras.saving.register_keras_serializable`, and keeps each of
    its constructor's arguments under the argument's name, or has a `get_config` of its own.

    Args:
        latent_size: Z.
        event_size: D.

    Attributes:
        is_density: whether p(x_t | z_t) is a density; False for counts and the like.
        expected: what observations must be, in words; beside `possible`.

    Example:
        >>> @keras.saving.register_keras_serializable("mine")
        ... class RandomWalk(sisrnn_tf.cells.Dynamics):
        ...     def __init__(self):
        ...         super().__init__(latent_size=1, event_size=1)
        ...     def initial(self, zeros):
        ...         return tfd.Independent(tfd.Normal(zeros, 1.0), 1)
        ...     def transition(self, latent, time):
        ...         return tfd.Independent(tfd.Normal(latent, 0.5), 1)
        ...     def observation(self, latent, time):
        ...         return tfd.Independent(tfd.Normal(latent, 0.3), 1)
    """

    is_density = True
    expected = f"finite and below {LARGEST:.0e} in size"

    def __init__(self, latent_size: int, event_size: int):
        self.latent_size = require_int("latent_size", latent_size, 1)
        self.event_size = require_int("event_size", event_size, 1)

    @abc.abstractmethod
    def initial(self, zeros: tf.Tensor) -> tfd.Distribution:
        """Returns p(z_1), batch `[..]`, event `[Z]`.

        Args:
            zeros: `[.., Z]`, of the batch shape and dtype wanted.
        """

    @abc.abstractmethod
    def transition(self, latent: tf.Tensor, time: tf.Tensor) -> tfd.Distribution:
        """Returns p(z_t | z_{t-1}), batch `[..]`, event `[Z]`.

        Args:
            latent: z_{t-1}, `[.., Z]`.
            time: t from 2 on, `[.., 1]`, in the dtype of z.
        """

    @abc.abstractmethod
    def observation(self, latent: tf.Tensor, time: tf.Tensor) -> tfd.Distribution:
        """Returns p(x_t | z_t), batch `[..]`, event `[D]`.

        Args:
            latent: z_t, `[.., Z]`.
            time: t from 1 on, `[.., 1]`, in the dtype of z.
        """

    def possible(self, x: tf.Tensor) -> tf.Tensor:
        """Returns whether each value can be observed, bool `[.., D]`: here any number that is not too large can.

        Args:
            x: observations, float `[.., D]`.
        """
        return is_moderate(x)

    def observation_inputs(self, observation: tf.Tensor, time: tf.Tensor) -> tf.Tensor:
        """Returns what a posterior reads of x_t, `[.., F]`: here x_t and t; best of the size of 1.

        Args:
            observation: x_t, `[.., D]`.
            time: t, `[.., 1]`.
        """
        return tf.concat([observation, time], axis=-1)

    def latent_inputs(self, expected: Gaussian) -> tf.Tensor:
        """Returns what a posterior reads of z_{t-1}, `[.., F]`: here the mean and the log-scale of p(z_t | z_{t-1}).

        Args:
            expected: mean and standard deviation of p(z_t | z_{t-1}), at t = 1 of p(z_1), each `[.., Z]`.
        """
        return tf.concat([expected.loc, tf.math.log(expected.scale)], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, each the attribute of its name.

        Raises:
            ValueError: there is no such attribute.
        """
        names = inspect.signature(type(self)).parameters
        lost = [name for name in names if not hasattr(self, name)]
        expected = f"one with an attribute for each argument of its constructor ({', '.join(lost)}), or a `get_config`"
        require(not lost, "dynamics", expected, type(self).__name__)
        return {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Dynamics":
        """Builds the dynamics from its `get_config`."""
        return cls(**{name: keras.saving.deserialize_keras_object(value) for name, value in config.items()})


def log_prior(dynamics: Dynamics, value: tf.Tensor, latent: tf.Tensor, time: tf.Tensor) -> tf.Tensor:
    """Returns log p(z_t | z_{t-1}), at t = 1 log p(z_1), `[..]`, in nats.

    Args:
        dynamics: whose.
        value: z_t, `[.., Z]`.
        latent: z_{t-1}, `[.., Z]`; 0 at t = 1.
        time: t, `[.., 1]`.
    """
    first = dynamics.initial(tf.zeros_like(latent)).log_prob(value)
    return tf.where(_is_first(time)[..., 0], first, dynamics.transition(latent, _later(time)).log_prob(value))


def prior_moments(dynamics: Dynamics, latent: tf.Tensor, time: tf.Tensor) -> Gaussian:
    """Returns mean and standard deviation of p(z_t | z_{t-1}), each `[.., Z]`; arguments as of `log_prior`."""
    first, later = dynamics.initial(tf.zeros_like(latent)), dynamics.transition(latent, _later(time))
    is_first = _is_first(time)
    return Gaussian(tf.where(is_first, first.mean(), later.mean()), tf.where(is_first, first.stddev(), later.stddev()))


def _is_first(time: tf.Tensor) -> tf.Tensor:
    return time < 1.5


def _later(time: tf.Tensor) -> tf.Tensor:
    return tf.maximum(time, 2)


def require_dynamics(dynamics: Any, dtype: tf.DType) -> None:
    """Tries known dynamics before there is anything to lose: a wrong axis may broadcast in silence.

    Args:
        dynamics: as a user gave it.
        dtype: of densities.

    Raises:
        ValueError: it is none, or a distribution has not the shapes, the dtype or the moments that are asked for.
    """
    kind = f"an object of a subclass of `{Dynamics.__module__}.Dynamics`"
    require(isinstance(dynamics, Dynamics), "dynamics", kind, dynamics)
    dynamics.get_config()
    zeros = tf.zeros([*_LEADING, dynamics.latent_size], dtype)
    time = tf.fill([*_LEADING, 1], tf.constant(2, dtype))
    for name, arguments, size in (
        ("initial", (zeros,), dynamics.latent_size),
        ("transition", (zeros, time), dynamics.latent_size),
        ("observation", (zeros, time), dynamics.event_size),
    ):
        distribution = getattr(dynamics, name)(*arguments)
        _require_shapes(name, distribution, size, dtype)
        if name != "observation":
            _require_moments(name, distribution)
    _require_gradient(dynamics, zeros, time)


def _require_gradient(dynamics: Dynamics, zeros: tf.Tensor, time: tf.Tensor) -> None:
    with tf.GradientTape() as tape:
        tape.watch(zeros)
        density = dynamics.transition(zeros, time).log_prob(tf.ones_like(zeros))
    gradient = tape.gradient(density, zeros, unconnected_gradients="zero")
    finite = bool(tf.reduce_all(tf.math.is_finite(gradient)))
    expected = "a distribution whose log-density has a finite gradient at z_{t-1} = 0, which stands before z_1"
    _require_return(finite, "transition", expected, gradient.numpy()[0, 0])


def _require_shapes(name: str, distribution: Any, size: int, dtype: tf.DType) -> None:
    is_one = isinstance(distribution, tfd.Distribution)
    _require_return(is_one, name, "a `tfp.distributions.Distribution`", type(distribution).__name__)
    received = (distribution.dtype, tuple(distribution.batch_shape), tuple(distribution.event_shape))
    expected = (
        f"a distribution of dtype {dtype.name}, batch shape {_LEADING} and event shape ({size},) for tensors of shape "
        f"{_LEADING} and a last axis, as `tfd.Independent(tfd.Normal(loc, scale), 1)` has where `loc` is one"
    )
    words = f"dtype {received[0]}, batch shape {received[1]} and event shape {received[2]}"
    # Counts may be of integers, or of another float: what is observed is cast.
    fits = name == "observation" or received[0] == dtype
    _require_return(fits and received[1:] == (_LEADING, (size,)), name, expected, words)


def _require_moments(name: str, distribution: tfd.Distribution) -> None:
    try:
        moments = [distribution.mean(), distribution.stddev()]
    except NotImplementedError:
        moments = [tf.constant(float("nan"))]
    finite = all(bool(tf.reduce_all(tf.math.is_finite(moment))) for moment in moments)
    expected = "a distribution with a finite `mean` and `stddev`, the units of the posterior"
    _require_return(finite, name, expected, type(distribution).__name__)


def _require_return(condition: bool, name: str, expected: str, received: Any) -> None:
    if not condition:
        raise ValueError(f"`dynamics.{name}` must return {expected}. Received: {received}")
