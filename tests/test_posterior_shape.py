"""Posteriors of one step: what mixing adds, activity, densities, information."""

import math

import numpy as np
import pytest
import tensorflow_probability as tfp

from sisrnn_tf.analysis import posterior_shape
from sisrnn_tf.core.types import Gaussian

tfd = tfp.distributions


def _random_posterior(draws=6, sequences=4, size=3):
    rng = np.random.default_rng(0)
    shape = [draws, sequences, size]
    return Gaussian(rng.normal(size=shape), np.exp(rng.normal(size=shape)))


def test_the_mixing_share_is_that_of_the_locs():
    loc = np.array([-0.6, 0.6])[:, np.newaxis, np.newaxis]
    marginals = posterior_shape.describe_marginals(Gaussian(loc, np.full_like(loc, 0.8)))
    assert marginals.mixing_share[0, 0] == pytest.approx(0.6**2)  # of 0.6^2 + 0.8^2 = 1
    assert marginals.log_scale_spread[0, 0] == pytest.approx(0, abs=1e-15)


def test_the_spread_is_that_of_the_log_scales():
    scale = np.exp(np.array([-0.3, 0.3]))[:, np.newaxis, np.newaxis]
    marginals = posterior_shape.describe_marginals(Gaussian(np.zeros_like(scale), scale))
    assert marginals.mixing_share[0, 0] == 0
    assert marginals.log_scale_spread[0, 0] == pytest.approx(0.3)


def test_activity_is_the_variance_over_sequences_in_prior_variances():
    mean = np.array([[[1.0, 7.0], [3.0, 7.0]], [[0.0, 2.0], [4.0, 2.0]]])  # [T, S, Z]
    prior = Gaussian(np.zeros_like(mean), np.full_like(mean, 2.0))
    activity = posterior_shape.activity(posterior_shape.standardize(mean, prior))
    np.testing.assert_allclose(activity, [(1 + 4) / 2 / 4, 0])  # the second is far from the prior, and never moves


def test_a_posterior_that_follows_its_prior_is_inactive():
    mean = np.random.default_rng(0).normal(size=[5, 4, 3])
    activity = posterior_shape.activity(posterior_shape.standardize(mean, Gaussian(mean - 0.5, np.ones_like(mean))))
    np.testing.assert_allclose(activity, 0, atol=1e-30)


def test_activity_leaves_padding_and_lonely_sequences_out():
    full = np.random.default_rng(0).normal(size=[3, 4, 2])
    padded = full.copy()
    padded[1, 3] = math.nan
    padded[2, 1:] = math.nan
    expected = (full[0].var(axis=0) + full[1, :3].var(axis=0)) / 2
    np.testing.assert_allclose(posterior_shape.activity(padded), expected)
    assert np.isnan(posterior_shape.activity(full[:, :1])).all()


def test_log_posteriors_are_mixtures_of_diagonal_gaussians():
    posterior = _random_posterior()
    latent = np.random.default_rng(1).normal(size=[4, 3])
    received = posterior_shape.log_posteriors(latent, posterior)
    for sequence in range(4):
        mixture = tfd.MixtureSameFamily(
            tfd.Categorical(logits=np.zeros(6)),
            tfd.MultivariateNormalDiag(posterior.loc[:, sequence], posterior.scale[:, sequence]),
        )
        np.testing.assert_allclose(received[:, sequence], mixture.log_prob(latent), rtol=1e-12)


def test_equal_posteriors_carry_no_information():
    one = _random_posterior(sequences=1)
    posterior = Gaussian(*(np.repeat(part, 5, axis=1) for part in one))
    latent = np.random.default_rng(1).normal(size=[5, 3])
    assert posterior_shape.mutual_information(posterior_shape.log_posteriors(latent, posterior)) == pytest.approx(
        0, abs=1e-12
    )


def test_posteriors_far_apart_tell_all_sequences():
    loc = 1e3 * np.arange(5.0)[np.newaxis, :, np.newaxis]
    posterior = Gaussian(loc, np.ones_like(loc))
    information = posterior_shape.mutual_information(posterior_shape.log_posteriors(loc[0], posterior))
    assert information == pytest.approx(math.log(5), rel=1e-12)


def test_posteriors_that_overlap_in_pairs_tell_the_pair():
    loc = np.array([0.0, 0.0, 1e3, 1e3])[np.newaxis, :, np.newaxis]
    posterior = Gaussian(loc, np.ones_like(loc))
    latent = loc[0] + np.array([[0.3], [-1.0], [0.0], [2.0]])
    information = posterior_shape.mutual_information(posterior_shape.log_posteriors(latent, posterior))
    assert information == pytest.approx(math.log(2), rel=1e-12)
