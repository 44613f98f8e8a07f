"""Scores that a stream and any batch can repeat: identities."""

import numpy as np
import pytest
import tensorflow as tf

import sisrnn_tf
from sisrnn_tf.core import random
from sisrnn_tf.core.types import StreamState

K, M, SEED = 2, 3, 7


@pytest.fixture(scope="module", params=["SISRNN", "VRNN", "RNN"])
def model(request, make_model):
    return make_model(request.param, dtype="float64", activation="tanh")


@pytest.fixture(scope="module")
def sentences():
    posterior = sisrnn_tf.posteriors.SemiImplicit(2, (5,), (3,), noise_weight_scale=2.0)
    decoder = sisrnn_tf.decoders.LSTMDecoder(6, 5)
    return sisrnn_tf.SentenceSISRNN(7, 2, 6, 4, decoder=decoder, posterior=posterior)


def _step_seed(time):
    return random.fold_in(random.as_seed(SEED), time)


@pytest.mark.parametrize("num_importance", [1, M])
def test_the_steps_of_a_stream_add_up_to_the_score(model, observations, mask, num_importance):
    state, total = model.initial_state(4, num_importance), 0.0
    for time in range(5):
        step = model.stream_step(observations[:, time], state, K, _step_seed(time))
        state, total = step.state, total + tf.where(mask[:, time], step.log_weight, 0.0)
        assert step.emission_parameters.shape == (4, 3)
    spoilt = np.where(mask[..., np.newaxis], observations, np.nan)
    np.testing.assert_allclose(model.score(spoilt, mask, num_importance, K, SEED), total, rtol=1e-12)


def test_the_steps_of_a_stream_with_gaps_add_up_too(model, observations):
    observed = np.random.default_rng(1).random(observations.shape) < 0.6
    gappy, state, total = np.where(observed, observations, np.nan), model.initial_state(4, M), 0.0
    for time in range(5):
        step = model.stream_step(gappy[:, time], state, K, _step_seed(time), observed[:, time])
        state, total = step.state, total + step.log_weight
    np.testing.assert_allclose(model.score(gappy, None, M, K, SEED, observed=observed), total, rtol=1e-12)


def test_a_sequence_scores_the_same_in_any_batch_and_padding(model, observations, mask):
    expected = model.score(observations, mask, M, K, SEED).numpy()
    last = model.score(observations[3:, :4], None, M, K, SEED, first_row=3)
    np.testing.assert_allclose(last, expected[3:], rtol=1e-12)
    middle = model.score(observations[1:3, :3], mask[1:3, :3], M, K, SEED, first_row=1)
    np.testing.assert_allclose(middle, expected[1:3], rtol=1e-12)


@pytest.mark.parametrize("num_importance", [1, M])
def test_the_score_is_the_log_likelihood_with_resampling(model, observations, mask, num_importance):
    """And so, at M = 1, the bound."""
    received = model.score(observations, mask, num_importance, K, SEED)
    expected = model.log_likelihood(observations, mask, num_importance, K, True, SEED)
    np.testing.assert_allclose(received, expected, rtol=1e-12)
    if num_importance == 1:
        np.testing.assert_allclose(received, model.bound(observations, mask, K, SEED).surrogate, rtol=1e-12)


def test_each_step_has_noise_of_its_own(sisrnn64, observations):
    """Else the same state and observation would weigh the same at every step."""
    state = sisrnn64.initial_state(4, 1)
    first, second = (sisrnn64.stream_step(observations[:, 0], state, K, _step_seed(time)) for time in (0, 1))
    assert (first.log_weight.numpy() != second.log_weight.numpy()).all()
    assert (first.emission_parameters.numpy() != second.emission_parameters.numpy()).all()


def test_the_prediction_is_that_of_a_particle_with_weight_and_does_not_see_the_observation(sisrnn64, observations):
    hidden = np.random.default_rng(0).normal(size=(4, M, 4))
    log_weights = np.where(np.arange(M) == 1, 5.0, -np.inf) * np.ones([4, 1])
    state, alone = StreamState(hidden, log_weights), StreamState(hidden[:, 1:2], log_weights[:, 1:2])
    received = sisrnn64.stream_step(observations[:, 0], state, K, SEED).emission_parameters
    expected = sisrnn64.stream_step(observations[:, 1], alone, K, SEED).emission_parameters
    np.testing.assert_allclose(received, expected, rtol=1e-12)


def test_a_sentence_scores_as_by_importance_weighted_latents_in_any_batch(sentences):
    words, mask = np.random.default_rng(0).integers(7, size=(4, 5)), np.arange(5) < np.array([[5], [2], [1], [4]])
    expected = sentences.log_likelihood(words, mask, M, K, seed=SEED).numpy()
    np.testing.assert_allclose(sentences.score(words, mask, M, K, SEED), expected, rtol=1e-5)
    rows = sentences.score(words[1:], mask[1:], M, K, SEED, first_row=1)
    np.testing.assert_allclose(rows, expected[1:], rtol=1e-5)


@pytest.mark.parametrize(
    ("numbers", "name"),
    [((0, 1, 0), "num_importance"), ((1, -1, 0), "num_mixing"), ((1, 1, -1), "first_row")],
)
def test_numbers_out_of_range_are_refused(sisrnn64, observations, numbers, name):
    with pytest.raises(ValueError, match=f"`{name}` must be an int of at least"):
        sisrnn64.score(observations, None, *numbers[:2], SEED, numbers[2])
