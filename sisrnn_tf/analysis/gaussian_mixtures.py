"""Mixtures of Gaussians in one dimension, equally weighted: moments in closed form, density, modes, negentropy.

    g(z) = (1/C) sum_c N(z; loc_c, scale_c^2)

Such is a marginal of the semi-implicit posterior given C draws of psi. Pure functions of NumPy arrays, in float64.
"""

import math
from typing import NamedTuple

import numpy as np

NUM_POINTS = 256  # G, of a grid
_WIDTHS = 6  # how many scales a grid reaches beyond each component: 2e-9 of its mass lies outside
_VALLEY = 0.9
_BLOCK = 16  # mixtures whose C x G component densities are held at a time


class Moments(NamedTuple):
    """Moments of mixtures, each `[..]`, in units of z, of z^2, and of none.

    Attributes:
        mean: E[z].
        variance: Var[z].
        skewness: E[(z - mean)^3] / variance^(3/2); 0 for a Gaussian.
        excess_kurtosis: E[(z - mean)^4] / variance^2 - 3; 0 for a Gaussian, -2 at the least.
    """

    mean: np.ndarray
    variance: np.ndarray
    skewness: np.ndarray
    excess_kurtosis: np.ndarray


class Shapes(NamedTuple):
    """What moments do not say of mixtures' densities, each `[..]`.

    Attributes:
        num_modes: peaks, see `count_modes`.
        negentropy: KL(g || the Gaussian with g's mean and variance), nats, see `negentropy`.
    """

    num_modes: np.ndarray
    negentropy: np.ndarray


def moments(loc: np.ndarray, scale: np.ndarray) -> Moments:
    """Returns the moments of mixtures. With s the scales, d = loc - mean, and E the mean over components:

        variance         = E[s^2 + d^2]
        third central    = E[d^3 + 3 d s^2]
        fourth central   = E[d^4 + 6 d^2 s^2 + 3 s^4]

    One component has skewness and excess kurtosis of exactly 0.

    Args:
        loc: means of the components, `[C, ..]`.
        scale: standard deviations of the components, `[C, ..]`.
    """
    mean = loc.mean(axis=0)
    deviation, square = loc - mean, scale * scale
    variance = (square + deviation**2).mean(axis=0)
    third = (deviation * (deviation**2 + 3 * square)).mean(axis=0)
    fourth = (deviation**2 * (deviation**2 + 6 * square) + 3 * (square * square)).mean(axis=0)
    excess = fourth - 3 * (variance * variance)
    return Moments(mean, variance, third / variance**1.5, excess / variance**2)


def log_density(points: np.ndarray, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Returns log g at points, `[.., G]`, in nats.

    Args:
        points: `[.., G]`.
        loc: means of the components, `[C, ..]`.
        scale: standard deviations of the components, `[C, ..]`.
    """
    components = (points - loc[..., np.newaxis]) / scale[..., np.newaxis]  # [C, .., G]
    components = -0.5 * components**2 - np.log(scale)[..., np.newaxis]
    highest = components.max(axis=0)
    average = np.exp(components - highest).mean(axis=0)
    return highest + np.log(average) - 0.5 * math.log(2 * math.pi)


def densities_on_grid(loc: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns G evenly spaced points for each mixture and log g there, each `[.., G]`.

    The points reach from 6 scales below the lowest component to 6 above the highest. Components narrower than a
    spacing, which they could not show, are widened to about one.

    Args:
        loc: means of the components, `[C, ..]`.
        scale: standard deviations of the components, `[C, ..]`.
    """
    lowest, highest = (loc - _WIDTHS * scale).min(axis=0), (loc + _WIDTHS * scale).max(axis=0)
    # The spacing once widened components at the ends have made the grid longer by 6 scales on each side.
    scale = np.maximum(scale, (highest - lowest) / (NUM_POINTS - 1 - 2 * _WIDTHS))
    lowest, highest = (loc - _WIDTHS * scale).min(axis=0), (loc + _WIDTHS * scale).max(axis=0)
    fractions = np.linspace(0.0, 1.0, NUM_POINTS)
    points = lowest[..., np.newaxis] + (highest - lowest)[..., np.newaxis] * fractions
    return points, log_density(points, loc, scale)


def count_modes(density: np.ndarray) -> np.ndarray:
    """Returns the number of peaks of densities, int `[..]`.

    Two neighboring peaks count as separate only if the valley between them is lower than 0.9 of the lower peak.
    Of C draws of psi whose components do not overlap, each makes a peak of its own: a mixture of few narrow
    components has more peaks than the posterior that they are drawn from, which is smooth between them.

    Args:
        density: at the points of a grid that it vanishes at both ends of, `[.., G]`.
    """
    count = np.zeros(density.shape[:-1], np.int64)
    rising = np.ones(density.shape[:-1], bool)
    extreme = np.zeros(density.shape[:-1])  # the highest value since the last valley, or the lowest since the last peak
    for value in np.moveaxis(density, -1, 0):
        falls = rising & (value < _VALLEY * extreme)
        rises = ~rising & (extreme < _VALLEY * value)
        count += falls
        rising = (rising & ~falls) | rises
        further = np.where(rising, np.maximum(extreme, value), np.minimum(extreme, value))
        extreme = np.where(falls | rises, value, further)
    return count


def negentropy(points: np.ndarray, log_densities: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Returns KL(g || N(mean, variance)) = int g (log g - log N) dz by the trapezoidal rule, `[..]`, in nats.

    With the moments of g it is the entropy that g lacks to that of the Gaussian of equal variance: 0 only for a
    Gaussian, and exactly 0 for one component.

    Args:
        points: evenly spaced, `[.., G]`, beyond which g has no mass.
        log_densities: log g at the points, `[.., G]`, in nats.
        mean: of g, `[..]`.
        variance: of g, `[..]`.
    """
    gaussian = log_density(points, mean[np.newaxis], np.sqrt(variance)[np.newaxis])
    integrand = np.exp(log_densities) * (log_densities - gaussian)
    integral = (points[..., 1] - points[..., 0]) * integrand.sum(axis=-1)  # the two ends have no mass
    return np.maximum(integral, 0.0)  # rounding


def shapes(loc: np.ndarray, scale: np.ndarray) -> Shapes:
    """Returns modes and negentropy of mixtures, each on a grid of its own.

    Args:
        loc: means of the components, `[C, ..]`.
        scale: standard deviations of the components, `[C, ..]`.
    """
    shape = loc.shape[1:]
    loc, scale = loc.reshape([len(loc), -1]), scale.reshape([len(scale), -1])
    size = math.prod(shape)
    num_modes, values = np.zeros(size, np.int64), np.zeros(size)
    for start in range(0, size, _BLOCK):
        block = slice(start, start + _BLOCK)
        points, log_densities = densities_on_grid(loc[:, block], scale[:, block])
        num_modes[block] = count_modes(np.exp(log_densities))
        exact = moments(loc[:, block], scale[:, block])
        values[block] = negentropy(points, log_densities, exact.mean, exact.variance)
    return Shapes(num_modes.reshape(shape), values.reshape(shape))
