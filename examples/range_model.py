"""Where a pen is, known only by its distance from the middle of what it draws: a posterior over arcs of circles.

    z_1 ~ N(0, I),  z_t ~ N(z_{t-1}, s^2 I),  x_t ~ N(|z_t|, 0.1^2),

z_t in the plane, in units of the standard deviation of the drawings' points; s, the standard deviation of a step, is
measured on the training split. The dynamics are a textbook's, and the distances are those of real drawings.
"""

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from sisrnn_tf.cells import Dynamics
from sisrnn_tf.data import registry

NOISE = 0.1
_STRIDE, _NUM_STEPS = 3, 10  # every third point, ten of them


@keras.saving.register_keras_serializable("range_model")
class RangeModel(Dynamics):
    """A random walk in the plane that is seen by its distance from the origin.

    Args:
        step: standard deviation of a step in either direction.
    """

    def __init__(self, step: float):
        self.step = step
        super().__init__(latent_size=2, event_size=1)

    def initial(self, zeros: tf.Tensor) -> tfd.Distribution:
        """See `Dynamics`."""
        return tfd.Independent(tfd.Normal(zeros, 1.0), 1)

    def transition(self, latent: tf.Tensor, time: tf.Tensor) -> tfd.Distribution:
        """See `Dynamics`."""
        return tfd.Independent(tfd.Normal(latent, self.step), 1)

    def observation(self, latent: tf.Tensor, time: tf.Tensor) -> tfd.Distribution:
        """See `Dynamics`; the gradient of a norm is none at the origin."""
        squares = tf.reduce_sum(latent**2, axis=-1, keepdims=True)  # [.., 1]
        return tfd.Independent(tfd.Normal(tf.sqrt(squares + 1e-9), NOISE), 1)


def in_numpy(step: float) -> tuple:
    """Returns the model as `examples.particle_filter` takes it."""

    def initial(count: int, rng: np.random.Generator) -> np.ndarray:
        return rng.normal(size=(count, 2))

    def transition(latent: np.ndarray, time: int, rng: np.random.Generator) -> np.ndarray:
        return latent + step * rng.normal(size=latent.shape)

    def log_observation(value: np.ndarray, latent: np.ndarray) -> np.ndarray:
        error = (value - np.linalg.norm(latent, axis=-1)) / NOISE
        return -0.5 * error**2 - np.log(NOISE) - 0.5 * np.log(2 * np.pi)

    return initial, transition, log_observation


def read(data_dir: str) -> tuple[float, dict[str, np.ndarray]]:
    """Returns s, and the distances by split, float32 `[N, 10, 1]`; drawings of fewer points are left out.

    Args:
        data_dir: folder or file of strokes, as of `--dataset=strokes`.
    """
    dataset = registry.load("strokes", data_dir=data_dir, normalization="none")
    places = {name: _places(getattr(dataset, name)) for name in ("train", "test")}
    unit = places["train"].std()
    step = float(np.diff(places["train"], axis=1).std() / unit)
    ranges = {name: np.linalg.norm(each / unit, axis=-1) for name, each in places.items()}  # [N, T]
    return step, {name: each[..., np.newaxis].astype("float32") for name, each in ranges.items()}


def _places(split) -> np.ndarray:
    """Returns the pen's places about the middle of its drawing, `[N, T, 2]`."""
    found = []
    for strokes, length in zip(split.observations, split.lengths, strict=True):
        places = np.cumsum(strokes[:length, :2].astype("float64"), axis=0)
        places = (places - places.mean(axis=0))[::_STRIDE]
        if len(places) >= _NUM_STEPS:
            found.append(places[:_NUM_STEPS])
    return np.stack(found)
