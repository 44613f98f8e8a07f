"""Normalization: the affine map from a user's units to the ones a model is trained in, and back."""

import dataclasses
import math

import numpy as np

from sisrnn_tf.validation import require

_ROUNDING = 1e-12  # of sums in float64
NORMALIZATIONS = ("none", "vrnn", "per_channel")


@dataclasses.dataclass(frozen=True)
class Normalization:
    """y = (x - shift) / scale for each feature; 0 and 1 leave a feature as it is, such as the pen of strokes.

    Attributes:
        name: how shift and scale were found.
        shift: of each feature, in the user's units.
        scale: of each feature, in the user's units, positive.
    """

    name: str
    shift: tuple[float, ...]
    scale: tuple[float, ...]

    def __post_init__(self):
        require(len(self.shift) == len(self.scale), "scale", f"as long as shift={self.shift}", self.scale)
        require(all(math.isfinite(value) for value in self.shift), "shift", "finite", self.shift)
        positive = all(0 < value < math.inf for value in self.scale)
        require(positive, "scale", "finite and positive: a feature that never changes cannot be normalized", self.scale)

    def apply(self, observations: np.ndarray) -> np.ndarray:
        """Returns y, float32 `[.., D]`, of observations x `[.., D]` in the user's units."""
        return ((np.asarray(observations) - self.shift) / self.scale).astype(np.float32)

    def invert(self, observations: np.ndarray) -> np.ndarray:
        """Returns x, float32 `[.., D]`, in the user's units, of y `[.., D]`."""
        return (np.asarray(observations) * self.scale + self.shift).astype(np.float32)

    @property
    def log_volume(self) -> float:
        """sum_d log scale_d, nats a step: log p(x) = log p(y) - T log_volume."""
        return float(sum(map(math.log, self.scale)))


def fit(name: str, observations: np.ndarray, num_features: int) -> Normalization | None:
    """Returns the normalization of training data; None for `none`.

    `per_channel` takes mean and standard deviation of each feature. `vrnn` takes one of each for both offsets of
    strokes, as published scores on handwriting do (the code of Chung et al. 2015):

        shift = m_x + m_y,    scale^2 = E[dx^2] + E[dy^2] - (m_x + m_y)^2

    Args:
        name: one of `NORMALIZATIONS`.
        observations: all steps of the training split, `[sum T, D]`.
        num_features: how many of the D features, the first ones, to normalize.

    Raises:
        ValueError: the name is unknown, or a feature does not vary.
    """
    require(name in NORMALIZATIONS, "normalization", f"one of {', '.join(NORMALIZATIONS)}", name)
    if name == "none":
        return None
    values = np.asarray(observations, np.float64)[:, :num_features]
    mean = values.mean(axis=0)
    if name == "vrnn":
        variance = np.square(values).mean(axis=0).sum() - mean.sum() ** 2
        require(variance > 0, "normalization", "per_channel or none: vrnn's scale^2 of these strokes is negative", name)
        shift, scale = np.full(num_features, mean.sum()), np.full(num_features, math.sqrt(variance))
    else:
        shift, scale = mean, values.std(axis=0)
        scale[scale < _ROUNDING * np.abs(values).max(axis=0)] = 0  # a constant has a deviation of rounding errors
    others = observations.shape[1] - num_features
    return Normalization(name, (*shift.tolist(), *[0.0] * others), (*scale.tolist(), *[1.0] * others))
