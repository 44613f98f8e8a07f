"""Mixtures and strokes: densities against NumPy and quadrature, marginals, conditional draws, temperatures."""

import functools
import itertools

import numpy as np
import pytest
import tensorflow as tf

from sisrnn_tf import emissions
from sisrnn_tf.core import random
from tests.reference import emissions as reference

C, FLOOR, BOUND = 3, 0.05, 0.8
MIXTURES = {
    "NormalMixture": (emissions.NormalMixture(2, C, FLOOR), reference.normal_density),
    "LogisticMixture": (emissions.LogisticMixture(2, C, FLOOR), reference.logistic_density),
}
STROKES = emissions.StrokeMixture(C, FLOOR, BOUND)
ALL = [*(emission for emission, _ in MIXTURES.values()), STROKES]
DENSITIES = [
    functools.partial(reference.mixture_density, density, num_components=C, scale_floor=FLOOR)
    for _, density in MIXTURES.values()
] + [functools.partial(reference.stroke_density, num_components=C, scale_floor=FLOOR, max_correlation=BOUND)]
NAMES = [*MIXTURES, "StrokeMixture"]
SIZE = 40_000


def parameters_of(emission, rows=1, dtype=np.float64):
    values = np.random.default_rng(4).normal(size=[rows, emission.parameter_size]) * 1.5
    return values.astype(dtype)


def observations_of(emission, rows, dtype=np.float64):
    generator = np.random.default_rng(5)
    x = generator.normal(size=[rows, emission.event_size]) * 1.5
    if emission is STROKES:
        x[:, 2] = generator.integers(2, size=rows)
    return x.astype(dtype)


@pytest.mark.parametrize(("emission", "density"), list(zip(ALL, DENSITIES, strict=True)), ids=NAMES)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-5), ("float64", 1e-11)])
def test_log_prob_agrees_with_numpy(emission, density, dtype, tolerance):
    parameters, x = parameters_of(emission, 6), observations_of(emission, 6)
    distribution = emission.distribution(tf.constant(parameters, dtype))
    assert distribution.batch_shape == (6,) and distribution.event_shape == (emission.event_size,)
    log_prob = distribution.log_prob(tf.constant(x, dtype))
    assert log_prob.dtype == dtype
    expected = [np.log(density(value, part)) for value, part in zip(x, parameters, strict=True)]
    np.testing.assert_allclose(log_prob, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("emission", ALL, ids=NAMES)
def test_leading_axes_are_batch_axes(emission):
    parameters, x = parameters_of(emission, 6), observations_of(emission, 6)
    flat = emission.distribution(tf.constant(parameters)).log_prob(x)
    nested = emission.distribution(tf.reshape(parameters, [3, 2, -1])).log_prob(tf.reshape(x, [3, 2, -1]))
    np.testing.assert_allclose(tf.reshape(nested, [-1]), flat, rtol=1e-12)
    mean, sample = (
        emission.mean(tf.reshape(parameters, [3, 2, -1])),
        emission.sample(tf.reshape(parameters, [3, 2, -1]), random.as_seed(0)),
    )
    assert mean.shape == sample.shape == (3, 2, emission.event_size)


def grid_of(emission, first, second, pens=(0.0, 1.0)):
    """All points of a grid over two features, with each pen where there is one, `[n, D]`, and the area of a cell."""
    points = np.array(list(itertools.product(first, second)))
    area = (first[1] - first[0] if len(first) > 1 else 1.0) * (second[1] - second[0] if len(second) > 1 else 1.0)
    if emission is STROKES:
        points = np.concatenate([np.column_stack([points, np.full(len(points), pen)]) for pen in pens])
    return points, area


@pytest.mark.parametrize(
    ("emission", "width", "tolerance"), list(zip(ALL, [14, 60, 14], [1e-6, 1e-3, 1e-6], strict=True))
)
def test_densities_integrate_to_one(emission, width, tolerance):
    line = np.linspace(-width, width, 600)
    x, area = grid_of(emission, line, line)
    density = np.exp(emission.distribution(tf.constant(parameters_of(emission))).log_prob(x))
    np.testing.assert_allclose(density.sum() * area, 1.0, atol=tolerance)


def test_without_correlation_offsets_are_a_diagonal_mixture():
    strokes, mixture = emissions.StrokeMixture(C, FLOOR, 0.0), emissions.NormalMixture(2, C, FLOOR)
    parameters, x = parameters_of(strokes, 5), observations_of(STROKES, 5)
    locs, raw_scales = (parameters[:, start : start + 2 * C].reshape(5, C, 2) for start in (C, 3 * C))
    rest = np.concatenate([locs, raw_scales], axis=-1).reshape(5, -1)
    offsets = mixture.distribution(tf.constant(np.concatenate([parameters[:, :C], rest], axis=1))).log_prob(x[:, :2])
    pen = emissions.Bernoulli(1).distribution(tf.constant(parameters[:, -1:])).log_prob(x[:, 2:])
    log_prob = strokes.distribution(tf.constant(parameters)).log_prob(x)
    np.testing.assert_allclose(log_prob, offsets + pen, rtol=1e-12)


def test_one_component_is_the_normal_distribution():
    mixture, normal = emissions.NormalMixture(2, 1, FLOOR), emissions.Normal(2, FLOOR)
    parameters, x = parameters_of(mixture, 5), observations_of(mixture, 5)
    expected = normal.distribution(tf.constant(parameters[:, 1:])).log_prob(x)
    np.testing.assert_allclose(mixture.distribution(tf.constant(parameters)).log_prob(x), expected, rtol=1e-12)
    np.testing.assert_allclose(mixture.mean(tf.constant(parameters)), normal.mean(parameters[:, 1:]), rtol=1e-12)


@pytest.mark.parametrize("emission", ALL, ids=NAMES)
def test_densities_stay_finite_far_out_and_at_the_floor(emission):
    parameters = np.full([1, emission.parameter_size], -60.0, np.float32)  # scales at the floor, far from the data
    x = np.zeros([1, emission.event_size], np.float32)
    with tf.GradientTape() as tape:
        variable = tf.Variable(parameters)
        log_prob = emission.distribution(variable).log_prob(x)
    assert np.isfinite(log_prob).all() and log_prob[0] < -100
    assert np.isfinite(tape.gradient(log_prob, variable)).all()


@pytest.mark.parametrize("x", [[3e38, 0.0, 1.0], [-3e38, 3e38, 0.0], [3e38, 3e38, 0.0], [-3e38, -3e38, 1.0]])
@pytest.mark.parametrize("emission", [*ALL, emissions.StrokeMixture(C, FLOOR, 0.0)], ids=[*NAMES, "uncorrelated"])
def test_a_density_at_the_limit_of_float32_falls_and_is_not_nan(emission, x):
    """Its distance over the scale is more than float32 holds: -inf is right where its square is wanted."""
    parameters = tf.constant(parameters_of(emission, dtype=np.float32))
    x = tf.constant([x[: emission.event_size]])
    log_prob = emission.distribution(parameters).log_prob(x).numpy()
    assert log_prob[0] < -1e37
    np.testing.assert_allclose(emission.log_prob_observed(parameters, x, tf.ones_like(x, tf.bool)), log_prob, rtol=1e-5)
    observed = tf.constant([[True, False, True][: emission.event_size]])
    assert not np.isnan(emission.log_prob_observed(parameters, x, observed)).any()
    assert not np.isnan(emission.sample_missing(parameters, x, observed, random.as_seed(1))).any()


def assert_same_moments(samples, mean, covariance):
    """Within 5.5 standard errors of the sample: over all tests here one false alarm in a million seeds."""
    error = samples.std(axis=0) / np.sqrt(len(samples))
    assert (np.abs(samples.mean(axis=0) - mean) < 5.5 * error + 1e-9).all()
    products = np.einsum("ni,nj->nij", samples - mean, samples - mean)
    error = products.std(axis=0) / np.sqrt(len(samples))
    assert (np.abs(products.mean(axis=0) - covariance) < 5.5 * error + 1e-9).all()


def moments_by_quadrature(log_prob, grid, area):
    density = np.exp(log_prob) * area
    density /= density.sum()
    mean = density @ grid
    return mean, np.einsum("n,ni,nj->ij", density, grid - mean, grid - mean)


@pytest.mark.parametrize(("emission", "width"), list(zip(ALL, [14, 60, 14], strict=True)), ids=NAMES)
def test_samples_have_the_moments_of_the_density(emission, width):
    parameters = parameters_of(emission)
    line = np.linspace(-width, width, 600)
    grid, area = grid_of(emission, line, line)
    log_prob = emission.distribution(tf.constant(parameters)).log_prob(grid)
    mean, covariance = moments_by_quadrature(log_prob, grid, area)
    np.testing.assert_allclose(emission.mean(tf.constant(parameters))[0], mean, atol=1e-3)
    samples = emission.sample(tf.constant(np.repeat(parameters, SIZE, axis=0)), random.as_seed(1)).numpy()
    assert_same_moments(samples, mean, covariance)


@pytest.mark.parametrize("emission", ALL, ids=NAMES)
def test_a_marginal_is_the_integral_over_what_is_missing(emission):
    parameters = tf.constant(parameters_of(emission))
    x, width = observations_of(emission, 1), 60 if "Logistic" in str(emission) else 20
    line = np.linspace(-width, width, 20_001)
    for missing in (0, 1):
        observed = np.ones([1, emission.event_size], bool)
        observed[0, missing] = False
        axes = [np.array([x[0, 0]]), np.array([x[0, 1]])]
        axes[missing] = line
        grid, area = grid_of(emission, *axes, pens=x[0, 2:])
        expected = np.log(np.exp(emission.distribution(parameters).log_prob(grid)).sum() * area)
        found = emission.log_prob_observed(parameters, tf.where(observed, x, 9.0), observed)
        np.testing.assert_allclose(found, [expected], rtol=1e-6)


@pytest.mark.parametrize("emission", ALL, ids=NAMES)
def test_all_observed_is_the_density_and_nothing_observed_is_zero(emission):
    parameters, x = tf.constant(parameters_of(emission, 5)), observations_of(emission, 5)
    whole = emission.log_prob_observed(parameters, x, np.ones_like(x, bool))
    np.testing.assert_allclose(whole, emission.distribution(parameters).log_prob(x), rtol=1e-11)
    np.testing.assert_array_equal(emission.log_prob_observed(parameters, x, np.zeros_like(x, bool)), 0.0)


def test_the_pen_is_independent_of_the_offset():
    parameters, x = tf.constant(parameters_of(STROKES, 5)), observations_of(STROKES, 5)
    parts = [STROKES.log_prob_observed(parameters, x, np.tile(part, [5, 1])) for part in ([1, 1, 0], [0, 0, 1])]
    np.testing.assert_allclose(sum(parts), STROKES.distribution(parameters).log_prob(x), rtol=1e-11)


@pytest.mark.parametrize("missing", [0, 1])
@pytest.mark.parametrize("emission", ALL, ids=NAMES)
def test_missing_features_are_drawn_given_the_observed_ones(emission, missing):
    parameters = parameters_of(emission)
    x, width = observations_of(emission, 1), 60 if "Logistic" in str(emission) else 20
    observed = np.ones([1, emission.event_size], bool)
    observed[0, missing] = False
    axes = [np.array([x[0, 0]]), np.array([x[0, 1]])]
    axes[missing] = np.linspace(-width, width, 20_001)
    grid, area = grid_of(emission, *axes, pens=x[0, 2:])
    log_prob = emission.distribution(tf.constant(parameters)).log_prob(grid)
    mean, covariance = moments_by_quadrature(log_prob, grid, area)
    rows = (np.repeat(part, SIZE, axis=0) for part in (parameters, np.where(observed, x, 9.0), observed))
    samples = emission.sample_missing(*map(tf.constant, rows), random.as_seed(2)).numpy()
    np.testing.assert_array_equal(samples[:, observed[0]], np.repeat(x[:, observed[0]], SIZE, axis=0))
    assert_same_moments(samples, mean, covariance)


@pytest.mark.parametrize("emission", ALL, ids=NAMES)
def test_with_nothing_observed_all_is_drawn(emission):
    parameters = tf.constant(parameters_of(emission, 7))
    nothing = tf.zeros([7, emission.event_size], tf.float64)
    drawn = emission.sample_missing(parameters, nothing, tf.zeros_like(nothing, tf.bool), random.as_seed(3))
    np.testing.assert_allclose(drawn, emission.sample(parameters, random.as_seed(3)), rtol=1e-12)


@pytest.mark.parametrize("emission", ALL, ids=NAMES)
def test_temperature_sharpens_the_weights_and_scales_the_variance(emission):
    """Of one component the variance is in proportion; at a low temperature the likeliest component is left."""
    parameters = parameters_of(emission)
    parameters[0, :C] = [30.0, 0.0, -30.0]
    rows = tf.constant(np.repeat(parameters, SIZE, axis=0))
    warm, cold = (emission.sample(rows, random.as_seed(1), t).numpy()[:, :2] for t in (1.0, 0.25))
    mean = emission.mean(tf.constant(parameters)).numpy()[0, :2]
    np.testing.assert_allclose(cold - mean, (warm - mean) / 2, atol=1e-6)
    parameters[0, :C] = [0.5, 0.0, -0.5]
    frozen = emission.sample(tf.constant(np.repeat(parameters, 100, axis=0)), random.as_seed(1), 1e-4).numpy()
    likeliest = parameters.copy()
    likeliest[0, :C] = [100.0, 0.0, 0.0]
    expected = emission.mean(tf.constant(likeliest)).numpy()[0, :2]
    np.testing.assert_allclose(frozen[:, :2], np.tile(expected, [100, 1]), atol=0.5)


def test_one_hot_categories():
    """Frequencies within 5 standard errors: one false alarm in a million seeds."""
    emission, logits = emissions.OneHotCategorical(4), np.array([[0.5, -1.0, 2.0, 0.0]])
    probabilities = reference.softmax(logits[0])
    np.testing.assert_allclose(emission.distribution(tf.constant(logits)).log_prob(np.eye(4)), np.log(probabilities))
    np.testing.assert_allclose(emission.mean(tf.constant(logits)), [probabilities])
    rows = tf.constant(np.repeat(logits, SIZE, axis=0))
    for temperature in (1.0, 0.5):
        samples = emission.sample(rows, random.as_seed(1), temperature).numpy()
        emission.check(samples)
        expected = reference.softmax(logits[0] / temperature)
        error = np.sqrt(expected * (1 - expected) / SIZE)
        assert (np.abs(samples.mean(axis=0) - expected) < 5 * error).all()
    observed = np.array([[True, False, False, True]])
    x = np.zeros([1, 4])
    left = probabilities[1:3].sum()
    np.testing.assert_allclose(emission.log_prob_observed(tf.constant(logits), x, observed), [np.log(left)])
    x[0, 3] = 1
    np.testing.assert_allclose(emission.log_prob_observed(tf.constant(logits), x, observed), np.log(probabilities[3:]))
    rows, many = tf.constant(np.repeat(logits, 100, axis=0)), np.repeat(x, 100, axis=0)
    drawn = emission.sample_missing(rows, tf.constant(many), np.repeat(observed, 100, axis=0), random.as_seed(0))
    np.testing.assert_array_equal(drawn, many)
    x[0, 3] = 0
    many = np.repeat(x, SIZE, axis=0)
    drawn = emission.sample_missing(
        tf.constant(np.repeat(logits, SIZE, axis=0)),
        tf.constant(many),
        np.repeat(observed, SIZE, axis=0),
        random.as_seed(0),
    ).numpy()
    assert (drawn[:, [0, 3]] == 0).all() and (drawn.sum(axis=1) == 1).all()
    assert abs(drawn[:, 1].mean() - probabilities[1] / left) < 5 * 0.5 / np.sqrt(SIZE)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: emissions.StrokeMixture(0), "`num_components` must be an int of at least 1"),
        (lambda: emissions.StrokeMixture(2, scale_floor=0.0), "`scale_floor` must be positive"),
        (lambda: emissions.StrokeMixture(2, max_correlation=1.0), r"`max_correlation` must be in \[0, 1\)"),
        (lambda: emissions.NormalMixture(2, 0), "`num_components` must be an int of at least 1"),
        (lambda: emissions.LogisticMixture(2, 2, -1.0), "`scale_floor` must be positive"),
        (
            lambda: STROKES.check(np.array([[0.0, 1.0, 0.5]])),
            "0 or 1 as their third feature, the pen.*Received the value 0.5",
        ),
        (lambda: STROKES.check(np.array([[np.nan, 1.0, 1.0]])), "must be finite"),
        (lambda: emissions.OneHotCategorical(3).check(np.array([[1.0, 1.0, 0.0]])), r"one-hot.*\[1.0, 1.0, 0.0\]"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
