"""Emissions against NumPy and against frequencies."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_probability import distributions as tfd

import sisrnn_tf
from sisrnn_tf import emissions
from sisrnn_tf.core import random
from tests.reference import sequence

LOGITS = np.array([[0.0, 3.0, -2.0], [-60.0, 60.0, 0.7]])


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-13)])
def test_log_prob_agrees_with_numpy(dtype, tolerance):
    distribution = emissions.Bernoulli(3).distribution(tf.constant(LOGITS, dtype))
    assert distribution.batch_shape == (2,) and distribution.event_shape == (3,)
    for observation in np.ndindex(2, 2, 2):
        expected = sequence.bernoulli_log_prob(np.array(observation, float), LOGITS)
        log_prob = distribution.log_prob(tf.constant(observation, dtype))
        assert log_prob.dtype == dtype
        np.testing.assert_allclose(log_prob, expected, rtol=tolerance, atol=tolerance)


def test_probabilities_of_all_observations_sum_to_one():
    distribution = emissions.Bernoulli(3).distribution(tf.constant(LOGITS))
    total = sum(np.exp(distribution.log_prob(tf.constant(x, tf.float64))) for x in np.ndindex(2, 2, 2))
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)


def test_log_prob_of_intensities_is_minus_the_cross_entropy():
    x = np.array([0.25, 1.0, 0.5])
    log_prob = emissions.Bernoulli(3, intensities=True).distribution(tf.constant(LOGITS)).log_prob(tf.constant(x))
    np.testing.assert_allclose(log_prob, sequence.bernoulli_log_prob(x, LOGITS), rtol=1e-12)


def test_sampling_frequencies_are_the_means():
    """Each frequency within 5 standard errors: a false alarm in one of 1.7 million each, were the seed fresh."""
    size, emission = 50_000, emissions.Bernoulli(3)
    parameters = tf.constant(np.tile(LOGITS[0], (size, 1)), tf.float32)
    samples = emission.sample(parameters, random.as_seed(1)).numpy()
    mean = emission.mean(parameters)[0].numpy()
    np.testing.assert_allclose(mean, sequence.sigmoid(LOGITS[0]), rtol=1e-6)
    assert samples.shape == (size, 3) and samples.dtype == "float32" and set(np.unique(samples)) == {0.0, 1.0}
    assert (np.abs(samples.mean(axis=0) - mean) < 5 * np.sqrt(mean * (1 - mean) / size)).all()


def test_sampling_depends_on_the_seed_alone():
    emission, parameters = emissions.Bernoulli(3), tf.zeros([20, 3])
    first, again, other = (emission.sample(parameters, random.as_seed(seed)).numpy() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("value", [0.5, -1.0, 2.0, np.nan])
def test_check_names_the_value_that_is_not_binary(value):
    emission = emissions.Bernoulli(3)
    emission.check(np.array([[0.0, 1.0, 1.0]]))
    emission.check(np.array([[True, False]]))
    with pytest.raises(ValueError, match=f"must be 0 or 1 .*Received the value {value}"):
        emission.check(np.array([[0.0, 1.0, value]]))


@pytest.mark.parametrize("value", [-0.001, 1.5, np.nan])
def test_check_names_the_value_that_is_no_intensity(value):
    emission = emissions.Bernoulli(3, intensities=True)
    emission.check(np.array([[0.0, 1.0, 0.3]]))
    with pytest.raises(ValueError, match=f"must be between 0 and 1 .*Received the value {value}"):
        emission.check(np.array([[0.0, 1.0, value]]))


@pytest.mark.parametrize("size", [0, -3, 2.0, "3"])
def test_event_size_is_checked(size):
    with pytest.raises(ValueError, match="`event_size` must be an int of at least 1"):
        emissions.Bernoulli(size)


@pytest.mark.parametrize("intensities", [False, True])
def test_round_trip_through_keras_serialization(intensities):
    config = keras.saving.serialize_keras_object(emissions.Bernoulli(3, intensities))
    emission = keras.saving.deserialize_keras_object(config)
    assert (emission.event_size, emission.parameter_size, emission.intensities) == (3, 3, intensities)


PARAMETERS = np.array([[0.3, -2.0, 0.0, 1.5], [1.0, 0.0, -40.0, 40.0]])  # loc and raw scale of two dimensions


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
def test_normal_log_prob_agrees_with_numpy(dtype, tolerance):
    x = np.array([[0.5, 0.1], [1.002, -3.0]])
    distribution = emissions.Normal(2, scale_floor=0.01).distribution(tf.constant(PARAMETERS, dtype))
    assert distribution.batch_shape == (2,) and distribution.event_shape == (2,)
    scale = 0.01 + sequence.softplus(PARAMETERS[:, 2:])
    expected = sequence.gaussian_log_density(x, PARAMETERS[:, :2], scale)
    np.testing.assert_allclose(distribution.log_prob(tf.constant(x, dtype)), expected, rtol=tolerance)


def test_normal_density_integrates_to_one():
    grid = np.linspace(-12, 12, 4001)
    distribution = emissions.Normal(1).distribution(tf.constant([[0.3, 0.5]], tf.float64))
    density = np.exp(distribution.log_prob(tf.constant(grid[:, np.newaxis])))
    np.testing.assert_allclose(np.sum(density) * (grid[1] - grid[0]), 1.0, rtol=1e-9)


def test_normal_samples_have_the_moments():
    """Mean and variance within 5 standard errors: one false alarm in a million seeds."""
    size, emission = 50_000, emissions.Normal(2)
    parameters = tf.constant(np.tile(PARAMETERS[0], (size, 1)), tf.float32)
    samples = emission.sample(parameters, random.as_seed(1)).numpy()
    loc, scale = PARAMETERS[0, :2], 1e-3 + sequence.softplus(PARAMETERS[0, 2:])
    assert samples.shape == (size, 2) and samples.dtype == "float32"
    np.testing.assert_allclose(emission.mean(parameters)[0], loc, rtol=1e-6)
    assert (np.abs(samples.mean(axis=0) - loc) < 5 * scale / np.sqrt(size)).all()
    assert (np.abs(samples.var(axis=0) / scale**2 - 1) < 5 * np.sqrt(2 / size)).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_normal_check_names_the_value_that_is_not_finite(value):
    emission = emissions.Normal(2)
    emission.check(np.array([[-1e9, 3.5]]))
    with pytest.raises(ValueError, match=f"must be finite .*Received the value {value}"):
        emission.check(np.array([[0.0, value]]))


@pytest.mark.parametrize("scale_floor", [0, np.nan, np.inf, "1", 1j])
@pytest.mark.parametrize("name", ["Normal", "NormalMixture", "LogisticMixture", "StrokeMixture"])
def test_scale_floor_is_checked(name, scale_floor):
    with pytest.raises(ValueError, match="`scale_floor` must be positive"):
        getattr(emissions, name)(2, scale_floor=scale_floor)


def test_normal_round_trip_through_keras_serialization():
    emission = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(emissions.Normal(3, 0.2)))
    assert (emission.event_size, emission.parameter_size, emission.scale_floor) == (3, 6, 0.2)


@pytest.mark.parametrize("name", ["Bernoulli", "NegativeBinomial", "Normal"])
def test_the_density_of_what_is_observed_leaves_the_rest_out(name):
    emission, rng = getattr(emissions, name)(3), np.random.default_rng(0)
    parameters = tf.constant(rng.normal(size=(4, emission.parameter_size)))
    x = tf.constant(rng.integers(2, size=(4, 3)).astype(float))
    observed = np.array([[1, 1, 1], [0, 1, 0], [1, 0, 1], [0, 0, 0]], bool)
    log_prob = emission.log_prob_observed(parameters, x, observed).numpy()
    single = getattr(emissions, name)(1)
    for row, expected in enumerate(log_prob):
        columns = [
            single.distribution(parameters[row, d::3][tf.newaxis]).log_prob(x[row, d : d + 1][tf.newaxis])[0]
            for d in np.flatnonzero(observed[row])
        ]
        np.testing.assert_allclose(expected, sum(columns), rtol=1e-12)
    np.testing.assert_allclose(log_prob[0], emission.distribution(parameters).log_prob(x)[0], rtol=1e-12)
    filled = emission.sample_missing(parameters, x, observed, random.as_seed(1)).numpy()
    drawn = emission.sample(parameters, random.as_seed(1)).numpy()
    np.testing.assert_array_equal(filled, np.where(observed, x, drawn))


@pytest.mark.parametrize("name", ["Bernoulli", "Normal"])
def test_temperature_divides_logits_and_multiplies_the_variance(name):
    emission, seed = getattr(emissions, name)(3), random.as_seed(1)
    parameters = tf.constant(np.random.default_rng(0).normal(size=(500, emission.parameter_size)))
    samples = [
        emission.sample(parameters, seed, temperature).numpy() for temperature in (1.0, tf.constant(4.0, tf.float64))
    ]
    np.testing.assert_array_equal(samples[0], emission.sample(parameters, seed))
    if name == "Bernoulli":
        np.testing.assert_array_equal(samples[1], emission.sample(parameters / 4, seed))
    else:
        mean = emission.mean(parameters)
        np.testing.assert_allclose(samples[1] - mean, 2 * (samples[0] - mean), rtol=1e-9)


def test_words_come_as_often_as_their_probabilities():
    """Each frequency within 5 standard errors: one false alarm in a million seeds."""
    size, emission = 50_000, emissions.Categorical(3)
    parameters = tf.constant(np.tile(LOGITS[0], (size, 1)), tf.float32)
    words = emission.sample(parameters, random.as_seed(1), temperature=2.0).numpy()
    expected = np.exp(LOGITS[0] / 2) / np.exp(LOGITS[0] / 2).sum()
    np.testing.assert_allclose(emission.mean(parameters / 2)[0], expected, rtol=1e-6)
    frequencies = np.bincount(words, minlength=3) / size
    assert (np.abs(frequencies - expected) < 5 * np.sqrt(expected * (1 - expected) / size)).all()


class _Counts(emissions.Emission):
    """What a user must write, and no more: independent Poisson counts."""

    parameter_size = 2

    def distribution(self, parameters):
        return tfd.Independent(tfd.Poisson(log_rate=parameters), 1)

    def mean(self, parameters):
        return tf.exp(parameters)

    def sample(self, parameters, seed, temperature=1.0):
        uniforms = random.uniform(tf.shape(parameters), seed)[..., tf.newaxis]
        below = tf.math.igammac(tf.range(1.0, 100.0), tf.exp(parameters)[..., tf.newaxis]) < uniforms
        return tf.reduce_sum(tf.cast(below, parameters.dtype), axis=-1)

    def get_config(self):
        return {"event_size": self.event_size}


class _Forgetful(_Counts):
    def __init__(self, size):
        self.size = size


class _OneSeed(_Counts):
    def sample(self, parameters, seed, temperature=1.0):
        return self.distribution(parameters).sample(seed=seed)


class _Unseeded(_Counts):
    def sample(self, parameters, seed, temperature=1.0):
        return tf.random.poisson([], tf.exp(parameters))


class _Scattered(_Counts):
    def distribution(self, parameters):
        return tfd.Poisson(log_rate=parameters)


class _Summed(_Counts):
    def mean(self, parameters):
        return tf.reduce_sum(tf.exp(parameters), axis=-1)


@pytest.mark.parametrize("model", [sisrnn_tf.RNN, sisrnn_tf.VRNN, sisrnn_tf.SISRNNCell])
@pytest.mark.parametrize(
    ("emission", "message"),
    [
        (_Forgetful, r"`emission` must be one whose constructor calls `super\(\).__init__\(event_size\)`"),
        (_OneSeed, "`emission.sample` must take seeds"),
        (_Unseeded, "`emission.sample` must return the same for the same seed"),
        (_Scattered, r"`emission.log_prob` must return float32 \(3,\).* float32 \(3, 2\)"),
        (_Summed, r"`emission.mean` must return float32 \(3, 2\).* float32 \(3,\)"),
    ],
)
def test_a_model_says_what_its_emission_makes_otherwise_than_asked(model, emission, message):
    with pytest.raises(ValueError, match=message):
        model(emission(2), hidden_size=3)


def test_an_emission_of_a_user_is_one_class_and_says_what_imputation_lacks():
    model = sisrnn_tf.RNN(_Counts(2), hidden_size=3, decoder_sizes=(3,))
    counts = np.array([[[0.0, 3.0], [1.0, 2.0]]], "float32")
    score = model.bound(counts, seed=0).surrogate
    rates = np.exp(model.infer(counts, seed=0)["emission_parameters"])
    np.testing.assert_allclose(score, np.sum(counts * np.log(rates) - rates) - np.log(6 * 2), rtol=1e-5)
    lacks = r"_Counts\(event_size=2\) has no `sample_missing`, which missing values need"
    with pytest.raises(ValueError, match=lacks):
        model.impute(counts, counts > 0)


@pytest.mark.parametrize("name", ["parameter_size", "distribution", "mean", "sample", "get_config"])
def test_a_class_that_lacks_a_part_is_no_emission(name):
    parts = {each: value for each, value in vars(_Counts).items() if each != name}
    with pytest.raises(TypeError, match=f"abstract.*{name}"):
        type("Half", (emissions.Emission,), parts)(2)
