"""The prior that is a mixture: its density, its draws, and its place in a model."""

import keras
import numpy as np
import tensorflow as tf

import sisrnn_tf
from sisrnn_tf import cells
from sisrnn_tf.core import random

HIDDEN = np.random.default_rng(0).normal(size=(4, 3))


def _prior(num_components=3):
    keras.utils.set_random_seed(0)
    prior = cells.MixturePrior(1, (5,), num_components, activation="tanh", scale_floor=0.2, dtype="float64")
    prior.build((None, 3))
    for weight in prior.trainable_weights:
        weight.assign(2.0 * weight)
    return prior


def test_the_density_of_a_mixture_integrates_to_one_and_its_draws_follow_it():
    prior, hidden = _prior(), tf.constant(HIDDEN)
    points = np.linspace(-15, 15, 3001)
    grid = tf.constant(points[:, np.newaxis, np.newaxis] * np.ones([1, 4, 1]))
    density = np.exp(prior.log_density(grid, tf.tile(hidden[tf.newaxis], [len(points), 1, 1])))  # [G, 4]
    np.testing.assert_allclose(density.sum(axis=0) * (points[1] - points[0]), 1.0, rtol=1e-6)
    count = 4000
    seeds = random.fold_in(random.as_seed(3), tf.range(4 * count))
    draws = np.reshape(prior.sample(tf.repeat(hidden, count, axis=0), seeds), [4, count])
    cumulative = np.cumsum(density, axis=0) * (points[1] - points[0])
    found = np.array([np.searchsorted(np.sort(row), points) / count for row in draws]).T
    # Kolmogorov & Smirnov: 2.2 in four rows is a false alarm in one of 4,000, were the seed fresh.
    assert np.sqrt(count) * np.abs(found - cumulative).max() < 2.2
    assert np.abs(np.log(density[1500] / density[1500, :1])).max() > 0.01  # h_{t-1} matters


def test_one_component_is_the_gaussian():
    prior, gaussian = _prior(1), cells.GaussianPrior(1, (5,), activation="tanh", scale_floor=0.2, dtype="float64")
    gaussian.build((None, 3))
    *hidden, kernel, bias = prior.network.get_weights()
    gaussian.network.set_weights([*hidden, kernel[:, 1:], bias[1:]])  # without the logit
    latent = np.random.default_rng(1).normal(size=(4, 1))
    np.testing.assert_allclose(prior.log_density(latent, HIDDEN), gaussian.log_density(latent, HIDDEN), rtol=1e-12)


def test_a_model_with_a_mixture_prior_is_saved_and_loaded(tmp_path):
    model = sisrnn_tf.VRNN(
        sisrnn_tf.emissions.Bernoulli(2), 1, hidden_size=3, prior=cells.MixturePrior(1, (4,), 3), decoder_sizes=(4,)
    )
    x = np.ones([2, 3, 2])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.log_likelihood(x, seed=0), model.log_likelihood(x, seed=0))
    assert model.generate(2, 3, seed=0).shape == (2, 3, 2)
