"""Real observations, normally distributed."""

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from sisrnn_tf.core import gaussians, random
from sisrnn_tf.core.validation import require_positive
from sisrnn_tf.emissions.emission import Factorized


@keras.saving.register_keras_serializable("sisrnn_tf")
class Normal(Factorized):
    """Independent real dimensions: p(x | parameters) = prod_d N(x_d; loc_d, scale_d^2).

    A density has no upper limit: its likelihoods are in the units of the observations, and depend on the floor.

    Args:
        event_size: D.
        scale_floor: smallest standard deviation; scale = scale_floor + softplus(raw scale).
    """

    is_density = True

    def __init__(self, event_size: int, scale_floor: float = 1e-3):
        super().__init__(event_size)
        self.scale_floor = require_positive("scale_floor", scale_floor)

    @property
    def parameter_size(self) -> int:
        """P: a loc and a raw scale a dimension."""
        return 2 * self.event_size

    def distribution(self, parameters: tf.Tensor) -> tfd.Distribution:
        """Returns the distribution with batch shape `[..]` and event `[D]` for parameters `[.., 2 D]`."""
        return tfd.Independent(tfd.Normal(*gaussians.from_outputs(parameters, self.scale_floor)), 1)

    def mean(self, parameters: tf.Tensor) -> tf.Tensor:
        """Returns loc, `[.., D]`, for parameters `[.., 2 D]`."""
        return gaussians.from_outputs(parameters, self.scale_floor).loc

    def sample(self, parameters: tf.Tensor, seed: tf.Tensor, temperature: float | tf.Tensor = 1.0) -> tf.Tensor:
        """Draws observations `[.., D]`.

        Args:
            parameters: `[.., 2 D]`.
            seed: int32 `[2]`, or one for each row, `[.., 2]`.
            temperature: multiplies the variance.
        """
        loc, scale = gaussians.from_outputs(parameters, self.scale_floor)
        return loc + scale * temperature**0.5 * random.normal(tf.shape(loc), seed, parameters.dtype)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"event_size": self.event_size, "scale_floor": self.scale_floor}
