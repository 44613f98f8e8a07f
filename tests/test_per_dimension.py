"""Mixing of each latent dimension on its own: draws counted by value, and what independent dimensions make of it."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from sisrnn_tf import posteriors
from sisrnn_tf.core import random
from sisrnn_tf.core.types import Gaussian

ROWS, D, H, Z, BITS = 6, 3, 4, 3, 2
RNG = np.random.default_rng(0)
SEEDS = tf.constant(RNG.integers(-(2**31), 2**31, size=(ROWS, 2)), tf.int32)


@pytest.fixture(scope="module")
def posterior():
    made = posteriors.PerDimension(Z, (5,), BITS, noise_weight_scale=4.0, activation="tanh", dtype="float64")
    made.build((None, D), (None, H))
    return made


@pytest.fixture(scope="module")
def step(posterior):
    """A context, psi^0 and z of each row."""
    context = posterior.context(tf.constant(RNG.normal(size=(ROWS, D))), tf.constant(RNG.normal(size=(ROWS, H))))
    own = posterior(context, posterior.sample_noise([ROWS], random.fold_in(SEEDS, 0)))
    return context, own, own.loc + own.scale * RNG.normal(size=(ROWS, Z))


def _density(latent, loc, scale):
    return np.exp(-0.5 * ((latent - loc) / scale) ** 2) / (scale * np.sqrt(2 * np.pi))


@pytest.mark.parametrize("num_mixing", [0, 1, 63, 64, 65, 200])
@pytest.mark.parametrize("way", ["int", "tensor", "xla"])
def test_counted_draws_are_the_drawn_ones(posterior, step, num_mixing, way):
    """In NumPy: a product over dimensions of the mean over psi^0..psi^K, the noise one by one."""
    context, own, latent = step
    noise = posterior.sample_noise([ROWS, num_mixing], SEEDS)
    loc, scale = posterior(context[:, tf.newaxis], noise)
    densities = np.concatenate(
        [_density(latent, *own)[:, np.newaxis], _density(latent.numpy()[:, np.newaxis], loc, scale)], axis=1
    )
    expected = np.log(densities.mean(axis=1)).sum(axis=1)
    count = num_mixing if way == "int" or way == "xla" else tf.constant(num_mixing)
    received = tf.function(posterior.log_mixture_of_draws, jit_compile=way == "xla")
    np.testing.assert_allclose(received(context, latent, own, SEEDS, count), expected, rtol=1e-10)
    np.testing.assert_allclose(posterior.log_mixture(latent, own, Gaussian(loc, scale)), expected, rtol=1e-10)


def test_noise_is_fair_bits_of_its_own_for_each_dimension(posterior):
    noise = posterior.sample_noise([ROWS, 4000], SEEDS).numpy()  # [rows, K, Z n]
    assert noise.shape == (ROWS, 4000, Z * BITS) and set(np.unique(noise)) == {-0.5, 0.5}
    assert np.abs(noise.mean(axis=1)).max() < 4.5 * 0.5 / np.sqrt(4000)  # a false alarm in one of 4,000
    products = np.einsum("rki,rkj->rij", noise, noise) / 4000
    assert np.abs(products - 0.25 * np.eye(Z * BITS)).max() < 5 * 0.25 / np.sqrt(4000)
    np.testing.assert_array_equal(posterior.sample_noise([ROWS, 70], SEEDS), noise[:, :70])  # more extend fewer
    np.testing.assert_array_equal(posterior.sample_noise(tf.constant([ROWS, 70]), SEEDS), noise[:, :70])
    np.testing.assert_array_equal(posterior.sample_noise([2, 70], SEEDS[2:4]), noise[2:4, :70])  # of the row's seed
    assert posterior.sample_noise([ROWS], SEEDS).shape == (ROWS, Z * BITS)


def test_many_draws_approach_the_sum_over_all_noise(posterior, step):
    """The exact density is a product of sums over the 2^n values of a dimension's noise."""
    context, own, latent = step
    values = np.array(list(itertools.product((-0.5, 0.5), repeat=BITS)))  # [2^n, n]
    noise = tf.constant(np.repeat(values, Z, axis=1))  # the same value in every dimension at a time
    loc, scale = posterior(context[:, tf.newaxis], tf.tile(noise[tf.newaxis], [ROWS, 1, 1]))
    expected = np.log(_density(latent.numpy()[:, np.newaxis], loc.numpy(), scale.numpy()).mean(axis=1)).sum(axis=1)
    received = posterior.log_mixture_of_draws(context, latent, own, SEEDS, 200_000)
    np.testing.assert_allclose(received, expected, atol=0.05)


def test_dimensions_mix_apart(posterior, step):
    """The noise of one dimension moves that one alone."""
    context, _, _ = step
    noise = posterior.sample_noise([ROWS], SEEDS).numpy()
    other = noise.copy()
    other[:, 1::Z] *= -1
    for first, second in zip(
        posterior(context, tf.constant(noise)), posterior(context, tf.constant(other)), strict=True
    ):
        np.testing.assert_array_equal(np.any(first != second, axis=0), [False, True, False])


def test_without_noise_weights_it_is_the_gaussian(posterior, step):
    context, _, latent = step
    still = posteriors.PerDimension(Z, (5,), BITS, noise_weight_scale=0.0, activation="tanh", dtype="float64")
    gaussian = posteriors.Gaussian(Z, (5,), activation="tanh", dtype="float64")
    for made in (still, gaussian):
        made.build((None, D), (None, H))
    gaussian.network.set_weights(still.network.get_weights())
    x, hidden = (tf.constant(RNG.normal(size=(ROWS, size))) for size in (D, H))
    context = still.context(x, hidden)
    psi = gaussian(gaussian.context(x, hidden), gaussian.sample_noise([ROWS], SEEDS))
    own = still(context, still.sample_noise([ROWS], SEEDS))
    np.testing.assert_allclose(own, psi, rtol=1e-12)
    mixture = still.log_mixture_of_draws(context, latent, own, SEEDS, 9)
    np.testing.assert_allclose(mixture, gaussian.log_density(latent, psi), rtol=1e-12)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"noise_per_dimension": 0}, "`noise_per_dimension` must be an int of at least 1"),
        ({"noise_per_dimension": 9}, "`noise_per_dimension` must be from 1 to 8"),
        ({"noise_weight_scale": -1.0}, "`noise_weight_scale` must be finite and at least 0"),
        ({"summary": 3}, "`summary` must be an object of `sisrnn_tf.posteriors.Summary`"),
    ],
)
def test_arguments_are_checked(kwargs, message):
    with pytest.raises(ValueError, match=message):
        posteriors.PerDimension(2, **kwargs)
