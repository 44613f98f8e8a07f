"""Posteriors of one step: what mixing adds, activity, densities, information."""

import math

import numpy as np
import pytest
import tensorflow_probability as tfp

from sisrnn_tf import posteriors
from sisrnn_tf.analysis import posterior_shape
from sisrnn_tf.core.types import Gaussian

tfd = tfp.distributions


JOINT = posteriors.SemiImplicit(3, (2,), (2,), dtype="float64").log_mixture


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
    received = posterior_shape.log_posteriors(latent, posterior, JOINT)
    for sequence in range(4):
        mixture = tfd.MixtureSameFamily(
            tfd.Categorical(logits=np.zeros(6)),
            tfd.MultivariateNormalDiag(posterior.loc[:, sequence], posterior.scale[:, sequence]),
        )
        np.testing.assert_allclose(received[:, sequence], mixture.log_prob(latent), rtol=1e-12)


def test_log_posteriors_by_dimension_are_products_of_mixtures():
    posterior = _random_posterior()
    latent = np.random.default_rng(1).normal(size=[4, 3])
    log_mixture = posteriors.PerDimension(3, (2,), dtype="float64").log_mixture
    received = posterior_shape.log_posteriors(latent, posterior, log_mixture)
    densities = tfd.Normal(posterior.loc, posterior.scale).prob(latent[:, np.newaxis, np.newaxis]).numpy()
    np.testing.assert_allclose(received, np.log(densities.mean(axis=1)).sum(axis=-1), rtol=1e-12)


def test_dependence_has_its_closed_form_for_two_draws():
    """loc = +-(a_1, a_2, 0): a_i a_j between the first two, nothing with the third."""
    loc = np.array([[0.6, -0.8, 0.0], [-0.6, 0.8, 0.0]])[:, np.newaxis]
    scale = np.array([0.8, 1.5, 2.0]) * np.ones_like(loc)
    found = posterior_shape.dependence(Gaussian(loc, scale))
    correlation = 0.6 * 0.8 / math.sqrt((0.6**2 + 0.8**2) * (0.8**2 + 1.5**2))
    np.testing.assert_allclose(found.strongest_correlation, [correlation], rtol=1e-12)
    np.testing.assert_allclose(found.total_correlation, [-0.5 * math.log(1 - correlation**2)], rtol=1e-12)


def test_equal_correlations_have_the_closed_form_of_their_determinant():
    """All Z locs move as one: det = (1 - c)^(Z - 1) (1 + (Z - 1) c), with c the mixing share; of sequence 2 it is 0."""
    loc = np.array([-1.0, 1.0])[:, np.newaxis, np.newaxis] * np.array([[1.5] * 4, [0.0] * 4])
    found = posterior_shape.dependence(Gaussian(loc, np.ones_like(loc)))
    share = 1.5**2 / (1.5**2 + 1)
    np.testing.assert_allclose(found.strongest_correlation, [share, 0], atol=1e-15)
    expected = -0.5 * math.log((1 - share) ** 3 * (1 + 3 * share))
    np.testing.assert_allclose(found.total_correlation, [expected, 0], atol=1e-12)


def test_one_dimension_depends_on_none():
    found = posterior_shape.dependence(_random_posterior(size=1))
    np.testing.assert_allclose(found, np.zeros([2, 4]), atol=1e-15)


def test_equal_posteriors_carry_no_information():
    one = _random_posterior(sequences=1)
    posterior = Gaussian(*(np.repeat(part, 5, axis=1) for part in one))
    latent = np.random.default_rng(1).normal(size=[5, 3])
    information = posterior_shape.mutual_information(posterior_shape.log_posteriors(latent, posterior, JOINT))
    assert information == pytest.approx(0, abs=1e-12)


def test_posteriors_far_apart_tell_all_sequences():
    loc = 1e3 * np.arange(5.0)[np.newaxis, :, np.newaxis]
    posterior = Gaussian(loc, np.ones_like(loc))
    information = posterior_shape.mutual_information(posterior_shape.log_posteriors(loc[0], posterior, JOINT))
    assert information == pytest.approx(math.log(5), rel=1e-12)


def test_posteriors_that_overlap_in_pairs_tell_the_pair():
    loc = np.array([0.0, 0.0, 1e3, 1e3])[np.newaxis, :, np.newaxis]
    posterior = Gaussian(loc, np.ones_like(loc))
    latent = loc[0] + np.array([[0.3], [-1.0], [0.0], [2.0]])
    information = posterior_shape.mutual_information(posterior_shape.log_posteriors(latent, posterior, JOINT))
    assert information == pytest.approx(math.log(2), rel=1e-12)
