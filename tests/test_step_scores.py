"""Predictive densities of single steps, and of their features alone: identities and limits."""

import numpy as np
import pytest
import tensorflow as tf

import sisrnn_tf
from sisrnn_tf.analysis import scores
from sisrnn_tf.analysis.scores import StepScores
from sisrnn_tf.data.spec import DataSpec
from tests import exports

K, M, SEED = 2, 3, 7


@pytest.mark.parametrize("kind", ["SISRNN", "VRNN", "RNN"])
@pytest.mark.parametrize("num_importance", [1, M])
def test_steps_add_up_to_the_score_whatever_the_batch(make_model, observations, mask, kind, num_importance):
    model = make_model(kind, dtype="float64", activation="tanh")
    spoilt = np.where(mask[..., np.newaxis], observations, np.nan)
    found = model.predict_steps(spoilt, mask, num_importance, K, SEED)
    assert found.steps.shape == (4, 5) and found.features.shape == (4, 5, 3)
    assert not found.steps.numpy()[~mask].any() and not found.features.numpy()[~mask].any()
    expected = model.score(observations, mask, num_importance, K, SEED)
    np.testing.assert_allclose(found.steps.numpy().sum(axis=1), expected, rtol=1e-12)
    last = model.predict_steps(observations[3:, :4], None, num_importance, K, SEED, first_row=3)
    for whole, alone in zip(found, last, strict=True):
        np.testing.assert_allclose(whole[3:, :4], alone, rtol=1e-12)


def test_of_the_deterministic_rnn_independent_features_add_up_to_the_step(make_model, observations):
    found = make_model("RNN", dtype="float64").predict_steps(observations)
    np.testing.assert_allclose(found.features.numpy().sum(axis=-1), found.steps, rtol=1e-12)


def test_a_feature_alone_has_its_marginal_under_the_prior(sisrnn64, observations):
    """At the first step, where h_0 is known, by draws of z that are TensorFlow Probability's own."""
    found = sisrnn64.predict_steps(observations[:, :1], None, 5000, 0, SEED).features[:, 0]
    hidden = tf.zeros([20000, sisrnn64.hidden_size], tf.float64)
    latent = sisrnn64.cell.prior(hidden).sample(seed=(1, 2))
    probs = sisrnn64.cell.emission(latent, hidden).mean().numpy().mean(axis=0)  # of a one, [D]
    expected = np.log(np.where(observations[:, 0] == 1, probs, 1 - probs))
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_one_feature_is_not_scored_twice():
    model = sisrnn_tf.RNN(sisrnn_tf.emissions.Normal(1), hidden_size=2, decoder_sizes=(2,))
    assert model.predict_steps(np.zeros((1, 2, 1))).features is None


def test_scores_are_in_the_units_of_the_data():
    spec = DataSpec("numbers", "by hand", "reals", 3, 5, None, (1, 1, 1), normalization=exports.NORMALIZATION)
    model = exports.make_models()["sisrnn"]
    rng = np.random.default_rng(0)
    sequences = [4 * rng.normal(size=(length, 3)) for length in (5, 1, 3)]
    found = scores.score_steps(model, spec, sequences, M, K, SEED, batch_size=2)
    parts = [part.sum() for part in np.split(found.steps, [5, 6])]
    np.testing.assert_allclose(parts, -scores.score(model, spec, sequences, M, K, SEED), rtol=1e-5)
    given = [exports.NORMALIZATION.apply(sequence) for sequence in sequences]
    plain = model.predict_steps(given[0][np.newaxis], None, M, K, SEED).features.numpy()[0]
    np.testing.assert_allclose(found.features[:5], np.log(exports.NORMALIZATION.scale) - plain, rtol=1e-4, atol=1e-4)


def test_a_quantile_is_the_share_of_steps_that_are_less_surprising():
    others = StepScores(np.array([3.0, 1.0, 2.0, 4.0]), np.array([[1.0, 8.0], [2.0, 7.0], [3.0, 6.0], [4.0, 5.0]]))
    found = StepScores(np.array([0.5, 2.5, 9.0]), np.array([[1.5, 7.5], [0.0, 9.0], [4.5, 0.0]])).quantiles(others)
    assert found.steps.tolist() == [0.0, 0.5, 1.0]
    assert found.features.tolist() == [[0.25, 0.75], [0.0, 1.0], [1.0, 0.0]]
    assert StepScores(np.ones(1), None).quantiles(others).features is None
