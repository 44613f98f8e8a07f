"""Normalization: the affine map from a user's units to the ones a model is trained in, and back."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from sisrnn_tf.core.validation import require

_SHOWN = 4  # features that are described
_ROUNDING = 1e-12  # of sums in float64
_LARGEST, _SMALLEST = float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)
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
        require(all(0 < value < math.inf for value in self.scale), "scale", "finite and positive", self.scale)

    def apply(self, observations: np.ndarray) -> np.ndarray:
        """Returns y, float32 `[.., D]`, of observations x `[.., D]` in the user's units.

        Raises:
            ValueError: y is beyond float32.
        """
        return to_float32((np.asarray(observations) - self.shift) / self.scale)

    def invert(self, observations: np.ndarray) -> np.ndarray:
        """Returns x, float32 `[.., D]`, in the user's units, of y `[.., D]`."""
        return (np.asarray(observations) * self.scale + self.shift).astype(np.float32)

    def describe(self) -> str:
        """Returns how values are normalized, in words."""
        shifts, scales = (", ".join(f"{value:.6g}" for value in values[:_SHOWN]) for values in (self.shift, self.scale))
        more = ", .." * (len(self.shift) > _SHOWN)
        return f"`{self.name}`, (x - shift) / scale with shift {shifts}{more} and scale {scales}{more}"

    @property
    def log_volume(self) -> float:
        """sum_d log scale_d, nats a step: log p(x) = log p(y) - T log_volume, where all values are observed."""
        return float(sum(map(math.log, self.scale)))

    def log_volumes(self, observed: np.ndarray) -> np.ndarray:
        """Returns the sum of log scale_d over the observed values of each sequence, `[N]`, nats.

        Args:
            observed: bool `[N, T, D]`; False after a sequence's end.
        """
        return observed.sum(axis=1) @ np.log(self.scale)


def to_float32(observations: np.ndarray, features: Sequence[str] | None = None) -> np.ndarray:
    """Returns observations `[.., D]` as float32, in which models compute.

    Args:
        observations: numbers.
        features: names of the D features, for the error; None where they have none.

    Raises:
        ValueError: a number is finite, and infinite as float32.
    """
    values = np.asarray(observations)
    with np.errstate(over="ignore"):
        converted = values.astype(np.float32)
    lost = np.isinf(converted) & np.isfinite(values)
    if lost.any():
        index = int(np.argwhere(lost)[0, -1])
        raise ValueError(
            f"{_feature(index, features)} must lie within float32, below {_LARGEST:.1e}. Received "
            f"{values[lost][0]:g}. Divide it by a power of ten, or repair the data."
        )
    return converted


def _feature(index: int, features: Sequence[str] | None) -> str:
    """Returns what a message calls a feature."""
    return f"Feature {index}, counted from 0," if features is None else f"The column `{features[index]}`"


def fit(
    name: str, observations: np.ndarray, num_features: int, features: Sequence[str] | None = None
) -> Normalization | None:
    """Returns the normalization of training data; None for `none`.

    `per_channel` takes mean and standard deviation of each feature. `vrnn` takes one of each for both offsets of
    strokes, as published scores on handwriting do (the code of Chung et al. 2015):

        shift = m_x + m_y,    scale^2 = E[dx^2] + E[dy^2] - (m_x + m_y)^2

    Args:
        name: one of `NORMALIZATIONS`.
        observations: all steps of the training split, `[sum T, D]`; NaN where a value is missing.
        num_features: how many of the D features, the first ones, to normalize.
        features: names of the D features, for errors; None where they have none.

    Raises:
        ValueError: the name is unknown, or a feature does not vary, or varies by less than float32 holds.
    """
    require(name in NORMALIZATIONS, "normalization", f"one of {', '.join(NORMALIZATIONS)}", name)
    if name == "none":
        return None
    if name == "per_channel":
        return per_channel(observations, num_features, features)
    values = np.asarray(observations, np.float64)[:, :num_features]
    mean = values.mean(axis=0)
    variance = np.square(values).mean(axis=0).sum() - mean.sum() ** 2
    require(variance > 0, "normalization", "per_channel or none: vrnn's scale^2 of these strokes is negative", name)
    shift, scale = np.full(num_features, mean.sum()), np.full(num_features, math.sqrt(variance))
    return _of_first(name, shift, scale, observations.shape[1])


def per_channel(observations: np.ndarray, num_features: int, features: Sequence[str] | None = None) -> Normalization:
    """Returns the normalization by mean and standard deviation; arguments and errors as of `fit`."""
    values = np.asarray(observations, np.float64)[:, :num_features]
    empty = np.isnan(values).all(axis=0)
    if empty.any():
        raise ValueError(
            f"{_feature(int(np.argmax(empty)), features)} has no value in all of training. Leave it out of the data."
        )
    _require_change(values, features)
    return _of_first("per_channel", np.nanmean(values, axis=0), np.nanstd(values, axis=0), observations.shape[1])


def _of_first(name: str, shift: np.ndarray, scale: np.ndarray, size: int) -> Normalization:
    """Returns the normalization of the first of so many features, which leaves the others as they are."""
    others = size - len(shift)
    return Normalization(name, (*shift.tolist(), *[0.0] * others), (*scale.tolist(), *[1.0] * others))


def _require_change(values: np.ndarray, features: Sequence[str] | None) -> None:
    """Raises a ValueError for a feature of `[sum T, D]` that a deviation cannot normalize."""
    spread, deviation = np.nanmax(values, axis=0) - np.nanmin(values, axis=0), np.nanstd(values, axis=0)
    largest = np.nanmax(np.abs(values), axis=0)
    for index in range(values.shape[1]):
        if 0 < spread[index] < _SMALLEST:
            raise ValueError(
                f"{_feature(index, features)} must change by more than float32 holds, {_SMALLEST:.1e}. It changes by "
                f"{spread[index]:g}. Multiply it by a power of ten."
            )
        if spread[index] == 0 or deviation[index] < _ROUNDING * largest[index]:  # of equal numbers it is rounding
            raise ValueError(
                f"{_feature(index, features)} is {np.nanmax(values[:, index]):g} in all of training: a feature that "
                "never changes cannot be normalized. Leave it out of the data, or give --normalization=none."
            )
