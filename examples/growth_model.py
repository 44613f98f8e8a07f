"""The nonlinear growth model: known dynamics, whose posterior has two modes, since x_t knows only the size of z_t.

    z_1 ~ N(0, 10),  z_t = z_{t-1} / 2 + 25 z_{t-1} / (1 + z_{t-1}^2) + 8 cos(1.2 t) + N(0, 10),  t = 2..T
    x_t = z_t^2 / 20 + N(0, 1),                                                                      t = 1..T

with variances in the brackets and steps counted from 1 (Kitagawa 1987; Gordon, Salmond & Smith 1993).
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from sisrnn_tf.cells import Dynamics
from sisrnn_tf.core.types import Gaussian

VARIANCE = 10.0
# About the standard deviation of z_t.
UNIT = 10.0


def expected_latent(latent: Any, time: Any, cos: Callable) -> Any:
    """Returns the mean of p(z_t | z_{t-1}), of arrays or tensors; `cos` is theirs."""
    return latent / 2 + 25 * latent / (1 + latent**2) + 8 * cos(1.2 * time)


@keras.saving.register_keras_serializable("growth_model")
class GrowthModel(Dynamics):
    """The nonlinear growth model; a posterior reads x_t and |z_t| in its light, and the phase of the cosine."""

    def __init__(self):
        super().__init__(latent_size=1, event_size=1)

    def initial(self, zeros: tf.Tensor) -> tfd.Distribution:
        """See `Dynamics`."""
        return tfd.Independent(tfd.Normal(zeros, VARIANCE**0.5), 1)

    def transition(self, latent: tf.Tensor, time: tf.Tensor) -> tfd.Distribution:
        """See `Dynamics`."""
        return tfd.Independent(tfd.Normal(expected_latent(latent, time, tf.cos), VARIANCE**0.5), 1)

    def observation(self, latent: tf.Tensor, time: tf.Tensor) -> tfd.Distribution:
        """See `Dynamics`."""
        return tfd.Independent(tfd.Normal(latent**2 / 20, 1.0), 1)

    def observation_inputs(self, observation: tf.Tensor, time: tf.Tensor) -> tf.Tensor:
        """See `Dynamics`."""
        size = tf.sqrt(20 * tf.nn.relu(observation))
        return tf.concat([observation / UNIT, size / UNIT, tf.cos(1.2 * time), tf.sin(1.2 * time)], axis=-1)

    def latent_inputs(self, expected: Gaussian) -> tf.Tensor:
        """See `Dynamics`; the scale is always the same."""
        return expected.loc / UNIT


def draw_initial(count: int, rng: np.random.Generator) -> np.ndarray:
    """Draws z_1 in NumPy, `[count]`."""
    return VARIANCE**0.5 * rng.normal(size=count)


def draw_transition(latent: np.ndarray, time: int, rng: np.random.Generator) -> np.ndarray:
    """Draws z_t given z_{t-1} in NumPy, `[count]`."""
    return expected_latent(latent, time, np.cos) + VARIANCE**0.5 * rng.normal(size=latent.shape)


def log_observation(value: np.ndarray, latent: np.ndarray) -> np.ndarray:
    """Returns log p(x_t | z_t) in NumPy, `[count]`, in nats."""
    return -0.5 * (value - latent**2 / 20) ** 2 - 0.5 * np.log(2 * np.pi)


# The model as `examples.particle_filter` takes it.
NUMPY = (draw_initial, draw_transition, log_observation)


def simulate(count: int, num_steps: int, seed: int) -> np.ndarray:
    """Draws sequences in NumPy, apart from the library, float32 `[count, T, 1]`."""
    rng = np.random.default_rng(seed)
    latents = [draw_initial(count, rng)]
    for time in range(2, num_steps + 1):
        latents.append(draw_transition(latents[-1], time, rng))
    latents = np.stack(latents, axis=1)
    return (latents**2 / 20 + rng.normal(size=latents.shape))[..., np.newaxis].astype("float32")
