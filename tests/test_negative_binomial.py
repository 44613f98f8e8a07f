"""Counts: densities and draws against SciPy."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import sisrnn_tf
from sisrnn_tf import emissions
from sisrnn_tf.core import random
from sisrnn_tf.emissions.negative_binomial import LARGEST_COUNT, quantile

SIZE = 40_000
# Raw means and dispersions, each of two dimensions.
PARAMETERS = np.array([[1.3, 20.0, -0.5, 0.4], [-4.0, 300.0, -12.0, -3.0]])


def softplus(x):
    return np.logaddexp(0.0, x)


def reference(parameters):
    """SciPy's distribution of parameters `[.., 2 D]`: r and its probability of success, each `[.., D]`."""
    mean, dispersion = np.split(softplus(parameters), 2, axis=-1)
    size = 1.0 / (1e-4 + dispersion)
    return stats.nbinom(size, size / (size + 1e-6 + mean))


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("float64", 1e-9)])
def test_log_prob_agrees_with_scipy(dtype, tolerance):
    emission = emissions.NegativeBinomial(2)
    assert emission.parameter_size == 4
    distribution = emission.distribution(tf.constant(PARAMETERS, dtype))
    assert distribution.batch_shape == (2,) and distribution.event_shape == (2,)
    for x in ([0, 0], [1, 25], [7, 310]):
        log_prob = distribution.log_prob(tf.constant(x, dtype))
        assert log_prob.dtype == dtype
        np.testing.assert_allclose(
            log_prob, reference(PARAMETERS).logpmf(x).sum(axis=-1), rtol=tolerance, atol=tolerance
        )


def test_probabilities_sum_to_one():
    counts = np.arange(3000.0)
    distribution = emissions.NegativeBinomial(1).distribution(tf.constant([[30.0, 0.3], [0.1, -20.0]], tf.float64))
    total = np.exp(distribution.log_prob(counts[:, np.newaxis, np.newaxis])).sum(axis=0)
    np.testing.assert_allclose(total, 1.0, rtol=1e-9)


def test_without_dispersion_counts_are_of_the_poisson_distribution():
    log_prob = emissions.NegativeBinomial(1).log_prob(tf.constant([[2.0, -80.0]], tf.float64), np.array([[3.0]]))
    np.testing.assert_allclose(log_prob, stats.poisson.logpmf(3, softplus(2.0)), rtol=1e-3)


@pytest.mark.parametrize("x", [0.0, 1.0, LARGEST_COUNT])
@pytest.mark.parametrize("raw", [-200.0, 0.0, 1e4])
def test_densities_and_gradients_are_finite_far_out(x, raw):
    variable = tf.Variable(np.full([1, 2], raw, np.float32))
    with tf.GradientTape() as tape:
        log_prob = emissions.NegativeBinomial(1).log_prob(variable, np.array([[x]]))
    assert np.isfinite(log_prob).all() and np.isfinite(tape.gradient(log_prob, variable)).all()


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    mean=st.floats(1e-6, 1e5),
    dispersion=st.floats(1e-4, 5.0),
    level=st.floats(1e-9, 1 - 1e-9),
)
def test_a_quantile_is_the_least_count_whose_cdf_reaches_it(mean, dispersion, level):
    found = float(quantile(*(tf.constant([value], tf.float64) for value in (mean, dispersion, level)))[0])
    size = 1.0 / dispersion
    expected = stats.nbinom(size, size / (size + mean))
    slack = 1e-7 * min(level, 1 - level) + 1e-9
    assert found >= 0 and expected.cdf(found) >= level - slack
    assert found == 0 or expected.cdf(found - 1) <= level + slack


@pytest.mark.parametrize("row", [0, 1])
def test_draws_come_as_often_as_their_probabilities(row):
    """Mean, and the cdf at four counts, within 5 standard errors: one false alarm in 200,000 seeds."""
    emission, parameters = emissions.NegativeBinomial(2), PARAMETERS[row]
    samples = emission.sample(tf.constant(np.tile(parameters, [SIZE, 1]), tf.float32), random.as_seed(3)).numpy()
    expected = reference(parameters)
    assert samples.shape == (SIZE, 2) and samples.dtype == "float32"
    emission.check(samples)
    np.testing.assert_allclose(emission.mean(tf.constant(parameters)), expected.mean(), rtol=1e-6)
    assert (np.abs(samples.mean(axis=0) - expected.mean()) < 5 * expected.std() / np.sqrt(SIZE)).all()
    for level in (0.1, 0.5, 0.9, 0.99):
        count = expected.ppf(level)
        share = expected.cdf(count)
        assert (np.abs((samples <= count).mean(axis=0) - share) <= 5 * np.sqrt(share * (1 - share) / SIZE)).all()


def test_draws_are_the_same_in_eager_mode_in_graphs_and_under_xla_and_by_row():
    emission = emissions.NegativeBinomial(2)
    parameters = tf.constant(np.tile(PARAMETERS, [50, 1]), tf.float32)
    seeds = random.fold_in(random.as_seed(1), tf.range(100))
    expected = emission.sample(parameters, seeds).numpy()
    for jit_compile in (False, True):
        sample = tf.function(emission.sample, jit_compile=jit_compile, autograph=False)
        np.testing.assert_array_equal(sample(parameters, seeds), expected)
    alone = [emission.sample(parameters[row], seeds[row]).numpy() for row in range(3)]
    np.testing.assert_array_equal(alone, expected[:3])
    assert (emission.sample(parameters, random.as_seed(1)).numpy() != expected).any()


def test_a_temperature_moves_draws_towards_the_median():
    emission, seed = emissions.NegativeBinomial(1), random.as_seed(1)
    parameters = tf.constant(np.tile([200.0, -6.0], [SIZE, 1]), tf.float32)
    samples = {
        temperature: emission.sample(parameters, seed, temperature).numpy() for temperature in (1e-6, 0.25, 1.0, 4.0)
    }
    expected = reference(np.array([200.0, -6.0]))
    assert set(samples[1e-6].ravel()) == {expected.median()[0]}
    for temperature in (0.25, 4.0):  # nearly normal, so that the variance is multiplied
        ratio = samples[temperature].var() / samples[1.0].var()
        np.testing.assert_allclose(ratio, temperature, rtol=0.1)
    of_a_tensor = emission.sample(parameters, seed, tf.constant(0.25))
    np.testing.assert_array_equal(of_a_tensor, samples[0.25])


def test_what_stands_where_counts_are_missing_reaches_neither_density_nor_gradient():
    emission, x = emissions.NegativeBinomial(2), tf.constant([[3.0, -7.5]])
    variable = tf.Variable(PARAMETERS[:1].astype("float32"))
    with tf.GradientTape() as tape:
        log_prob = emission.log_prob_observed(variable, x, np.array([[True, False]]))
    np.testing.assert_allclose(log_prob, reference(PARAMETERS[:1]).logpmf(3)[:, 0], rtol=1e-4)
    gradient = tape.gradient(log_prob, variable).numpy()
    assert np.isfinite(gradient).all() and (gradient[0, 1::2] == 0).all()


@pytest.mark.parametrize("value", [0.5, -1.0, np.nan, np.inf, 2.0**25])
def test_check_names_the_value_that_is_no_count(value):
    emission = emissions.NegativeBinomial(2)
    emission.check(np.array([[0, LARGEST_COUNT]]))
    with pytest.raises(ValueError, match=f"whole numbers from 0 to 16,777,216 .*Received the value {value}"):
        emission.check(np.array([[0.0, value]]))


def test_a_model_of_counts_trains_forecasts_and_fills_gaps():
    counts = np.random.default_rng(0).negative_binomial(3, 0.3, size=(32, 6, 2)).astype("float32")
    model = sisrnn_tf.VRNN(emissions.NegativeBinomial(2), latent_size=2, hidden_size=4, decoder_sizes=(4,))
    model.compile(optimizer="adam")
    losses = model.fit(counts, epochs=3, batch_size=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    model.emission.check(model.forecast(counts[:2], num_steps=2, num_samples=3, seed=0))
    observed = np.random.default_rng(1).random(counts[:2].shape) < 0.5
    filled = model.impute(counts[:2], observed, seed=0).numpy()
    model.emission.check(filled)
    np.testing.assert_array_equal(filled[observed], counts[:2][observed])
