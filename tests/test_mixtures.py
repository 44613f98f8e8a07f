"""Mixtures of Gaussians: moments, modes and negentropy against closed forms and an independent quadrature."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from sisrnn_tf.analysis import gaussian_mixtures


def _density(loc, scale):
    return lambda z: np.mean(stats.norm.pdf(z, loc, scale))


def _quad(function, loc, scale):
    low, high = np.min(loc - 12 * scale), np.max(loc + 12 * scale)
    return integrate.quad(function, low, high, points=sorted(loc), limit=500)[0]


RANDOM = (np.array([-1.0, 0.3, 2.0, 0.4]), np.array([0.4, 0.7, 1.3, 0.2]))


@pytest.mark.parametrize("separation", [0.0, 1.0, 3.0])
def test_the_equal_mixture_of_two_has_its_known_kurtosis(separation):
    a, s = separation / 2, 0.7
    moments = gaussian_mixtures.moments(5 + np.array([-a, a]), np.array([s, s]))
    variance = s**2 + a**2
    np.testing.assert_allclose(moments, [5.0, variance, 0.0, -2 * a**4 / variance**2], atol=1e-12)


def test_unequal_weights_have_the_skewness_of_a_bernoulli_draw():
    loc, s = np.array([0.0, 0.0, 0.0, 2.0]), 0.5  # 2 Bernoulli(1/4) + noise, which has no third moment
    moments = gaussian_mixtures.moments(loc, np.full(4, s))
    third = 2**3 * 0.25 * 0.75 * 0.5
    assert moments.skewness == pytest.approx(third / (2**2 * 0.25 * 0.75 + s**2) ** 1.5, rel=1e-12)


def test_a_mixture_of_scales_is_heavy_tailed():
    moments = gaussian_mixtures.moments(np.zeros(2), np.array([1.0, 3.0]))
    assert moments.excess_kurtosis == pytest.approx(3 * (1 + 81) / 2 / 5**2 - 3, rel=1e-12)
    assert moments.skewness == 0


def test_moments_equal_an_independent_quadrature():
    moments = gaussian_mixtures.moments(*RANDOM)
    density = _density(*RANDOM)
    mean = _quad(lambda z: z * density(z), *RANDOM)
    second, third, fourth = (_quad(lambda z, n=n: (z - mean) ** n * density(z), *RANDOM) for n in (2, 3, 4))
    expected = [mean, second, third / second**1.5, fourth / second**2 - 3]
    np.testing.assert_allclose(moments, expected, rtol=1e-7)


def test_one_component_is_exactly_gaussian():
    rng = np.random.default_rng(0)
    loc, scale = rng.normal(0, 3, [1, 50, 4]), np.exp(rng.normal(0, 3, [1, 50, 4]))
    moments, shapes = gaussian_mixtures.moments(loc, scale), gaussian_mixtures.shapes(loc, scale)
    for values in (moments.skewness, moments.excess_kurtosis, shapes.negentropy, shapes.num_modes - 1):
        np.testing.assert_array_equal(values, np.zeros([50, 4]))


@pytest.mark.parametrize(
    ("loc", "num_modes"),
    [
        ([0.0, 1.5], 1),
        ([0.0, 1.999], 1),  # an equal mixture has two peaks only beyond 2 standard deviations
        ([0.0, 2.1], 1),  # two, but with hardly a valley
        ([0.0, 4.0], 2),
        ([0.0, 0.0, 0.0, 0.0, 0.0, 4.0], 2),
        ([0.0, 5.0, 10.0], 3),
    ],
)
def test_modes_of_unit_gaussians_are_counted(loc, num_modes):
    loc = np.array(loc)
    assert gaussian_mixtures.shapes(loc, np.ones_like(loc)).num_modes == num_modes
    assert gaussian_mixtures.shapes(1e3 - 1e-2 * loc, np.full_like(loc, 1e-2)).num_modes == num_modes


@pytest.mark.parametrize(
    ("density", "num_modes"),
    [
        ([0, 1, 0.95, 1, 0], 1),
        ([0, 1, 0.85, 1, 0], 2),
        ([0, 1, 0.85, 0.9, 0], 1),  # 0.85 is above 0.9 of the lower peak
        ([0, 0.9, 0.85, 1, 0], 1),
        ([0, 1, 0.5, 0.52, 0.4, 1, 0], 2),  # a ripple in the valley is no peak
        ([0, 1, 0.2, 0.5, 0.2, 1, 0], 3),
        ([0, 0.5, 0.48, 0.6, 0.58, 1, 0], 1),
    ],
)
def test_a_valley_separates_peaks_below_nine_tenths_of_the_lower(density, num_modes):
    both = np.array([density, density[::-1]])
    np.testing.assert_array_equal(gaussian_mixtures.count_modes(both), num_modes)


def test_negentropy_equals_an_independent_quadrature():
    density = _density(*RANDOM)
    mean, variance = gaussian_mixtures.moments(*RANDOM)[:2]
    gaussian = stats.norm(mean, math.sqrt(variance))

    def integrand(z):
        return density(z) * (math.log(density(z)) - gaussian.logpdf(z)) if density(z) > 0 else 0.0

    expected = _quad(integrand, *RANDOM)
    assert expected > 0.05
    assert gaussian_mixtures.shapes(*RANDOM).negentropy == pytest.approx(expected, rel=1e-5)


def test_negentropy_has_its_limits():
    equal = gaussian_mixtures.shapes(np.full(7, 0.3), np.full(7, 2.0)).negentropy
    assert equal == pytest.approx(0, abs=1e-12)
    a, s = 10.0, 1.0  # far apart: entropy log 2 + that of a component
    apart = gaussian_mixtures.shapes(np.array([-a, a]), np.full(2, s)).negentropy
    assert apart == pytest.approx(0.5 * math.log(1 + a**2 / s**2) - math.log(2), rel=1e-6)


def test_components_too_narrow_for_the_grid_keep_their_mass():
    loc, scale = np.array([0.0, 10.0]), np.array([1.0, 1e-6])
    points, log_density = gaussian_mixtures.densities_on_grid(loc, scale)
    density = np.exp(log_density)
    assert density.sum() * (points[1] - points[0]) == pytest.approx(1, abs=1e-6)
    assert gaussian_mixtures.shapes(loc, scale).num_modes == 2


def test_shapes_do_not_depend_on_what_else_is_computed():
    rng = np.random.default_rng(0)
    loc, scale = rng.normal(size=[5, 7, 9]), np.exp(rng.normal(size=[5, 7, 9]))
    together = gaussian_mixtures.shapes(loc, scale)
    alone = gaussian_mixtures.shapes(loc[:, 6, 8], scale[:, 6, 8])
    np.testing.assert_array_equal(together.num_modes[6, 8], alone.num_modes)
    np.testing.assert_allclose(together.negentropy[6, 8], alone.negentropy, rtol=1e-12)
