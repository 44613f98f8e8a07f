"""Reductions over particles, and the estimators as functions: identities and a NumPy reference."""

import numpy as np
import pytest
import tensorflow as tf

from sisrnn_tf import particles, random
from sisrnn_tf.rnn import batch_to_time_major
from tests.reference import sequence

K, M, SEED = 2, 4, 7


def _always(log_weights):
    return tf.ones(tf.shape(log_weights)[1:], tf.bool)


def _never(log_weights):
    return tf.zeros(tf.shape(log_weights)[1:], tf.bool)


def test_log_mean_exp():
    values = np.random.default_rng(0).normal(size=[5, 3])
    expected = np.log(np.mean(np.exp(values), axis=0))
    np.testing.assert_allclose(particles.log_mean_exp(values), expected, rtol=1e-12)
    np.testing.assert_allclose(particles.log_mean_exp(values - 1e4), expected - 1e4, rtol=1e-12)
    infinite = tf.constant([[-np.inf, 0.0], [-np.inf, -np.inf]], tf.float64)
    np.testing.assert_allclose(particles.log_mean_exp(infinite), [-np.inf, -np.log(2)])


def test_effective_sample_size_has_the_right_limits():
    """M where all weights are equal, 1 where one has all, whatever the weights' scale; 2 of 4 is not below half."""
    log_weights = tf.constant([[3.0, 0.0, 5.0], [3.0, -np.inf, 5.0], [3.0, -np.inf, -np.inf], [3.0, -1e3, -np.inf]])
    np.testing.assert_allclose(particles.effective_sample_size(log_weights), [4.0, 1.0, 2.0], rtol=1e-6)
    assert particles.ess_below_threshold(log_weights, 0.5001).numpy().tolist() == [False, True, True]
    assert particles.ess_below_threshold(log_weights, 0.4999).numpy().tolist() == [False, True, False]
    assert not particles.ess_below_threshold(tf.constant([[-5.0]]))


def test_systematic_resampling_takes_floor_or_ceil_and_is_unbiased():
    weights = np.random.default_rng(0).dirichlet(np.full(7, 0.5))
    uniforms = (np.arange(2000) + 0.5) / 2000
    log_weights = tf.tile(tf.constant(np.log(weights))[:, np.newaxis] + 3.0, [1, 2000])
    ancestors = particles.resample_systematic(log_weights, tf.constant(uniforms)).numpy()  # [7, 2000]
    counts = np.sum(ancestors[:, np.newaxis] == np.arange(7)[:, np.newaxis], axis=0)  # [7, 2000]
    expected = 7 * weights
    assert (counts >= np.floor(expected)[:, np.newaxis]).all()
    assert (counts <= np.ceil(expected)[:, np.newaxis]).all()
    np.testing.assert_allclose(np.mean(counts, axis=1), expected, atol=1e-3)


def test_systematic_resampling_never_takes_a_particle_without_weight():
    log_weights = tf.constant([[-np.inf] * 3, [0.0] * 3, [0.0] * 3, [-np.inf] * 3])
    ancestors = particles.resample_systematic(log_weights, tf.constant([1e-7, 0.5, 1.0]))
    assert set(np.unique(ancestors)) == {1, 2}


@pytest.mark.parametrize("resample", [False, True])
@pytest.mark.parametrize("kind", ["SISRNN", "VRNN", "RNN"])
def test_one_particle_is_the_bound(make_model, observations, mask, kind, resample):
    model = make_model(kind)
    expected = model.bound(observations, mask, K, random.fold_in(random.as_seed(SEED), 0)).surrogate
    received = model.log_likelihood(observations, mask, 1, K, resample, SEED)
    np.testing.assert_allclose(received, expected, rtol=1e-6)


def test_the_answer_does_not_depend_on_the_chunk_size(sisrnn, observations, mask, monkeypatch):
    answers = []
    for rows in (particles.CHUNK_ROWS, 1, 4 * 5 * (K + 1) * 3):  # all, one and three of four particles at a time
        monkeypatch.setattr(particles, "CHUNK_ROWS", rows)
        answers.append(sisrnn.log_likelihood(observations, mask, M, K, seed=SEED).numpy())
    np.testing.assert_allclose(answers[1:], [answers[0]] * 2, rtol=1e-6)


@pytest.mark.parametrize("resample", [False, True])
def test_masked_is_truncated(sisrnn64, observations, mask, resample):
    spoilt = np.where(mask[..., np.newaxis], observations, np.nan)
    received = sisrnn64.log_likelihood(spoilt, mask, M, K, resample, SEED)
    assert mask[1].tolist() == [True] * 3 + [False] * 2
    expected = sisrnn64.log_likelihood(observations[:, :3], None, M, K, resample, SEED)
    np.testing.assert_allclose(received[1], expected[1], rtol=1e-10)


def test_more_particles_extend_fewer(sisrnn):
    seed, few, rest = random.as_seed(SEED), 2, 3
    parts = [particles.draw_noise(sisrnn.cell, (5, 4), K, seed, *span) for span in ((0, few), (few, rest))]
    noise = particles.draw_noise(sisrnn.cell, (5, 4), K, seed, 0, few + rest)
    for whole, first, second in zip(noise, *parts, strict=True):
        np.testing.assert_array_equal(whole, tf.concat([first, second], axis=-2))
        assert not np.array_equal(whole[..., :4, :], whole[..., 4:8, :])


def _inputs(model, observations, mask):
    x = batch_to_time_major(tf.constant(observations, tf.float64))
    noise = particles.draw_noise(model.cell, (5, 4), K, random.as_seed(SEED), 0, M)
    uniforms = random.uniform([5, 4], random.as_seed(SEED), tf.float64)
    return x, noise, uniforms, M, tf.constant(mask.T)


def test_without_resampling_smc_is_iwae(sisrnn64, observations, mask):
    x, noise, *rest = _inputs(sisrnn64, observations, mask)
    received = particles.smc_log_likelihood(sisrnn64.cell, x, noise, *rest, resample_criterion_fn=_never)
    expected = particles.log_mean_exp(particles.trajectory_log_weights(sisrnn64.rnn, x, noise, M, rest[-1]))
    np.testing.assert_allclose(received, expected, rtol=1e-12)


def _reference_smc(cell, x, noise, uniforms, length, row):
    """The estimate of one sequence with a resampling after every step, in plain loops."""
    hidden, total = [np.zeros(cell.hidden_size)] * M, 0.0
    for t in range(length):
        weights, states = [], []
        for m in range(M):
            at = m * 4 + row
            extra = noise.extra_mixing[:, t, at].numpy()
            step = cell.step(x[t, row], hidden[m], noise.mixing[t, at].numpy(), noise.latent[t, at].numpy(), extra)
            weights.append(np.exp(step.emission + step.prior - sequence.log_mean_exp(step.components)))
            states.append(step.hidden)
        total += np.log(np.mean(weights))
        cumulative = np.cumsum(weights) / np.sum(weights)
        hidden = [states[np.argmax(cumulative > (uniforms[t, row] + m) / M)] for m in range(M)]
    return total


def test_smc_equals_a_numpy_reference(sisrnn64, observations, mask):
    x, noise, uniforms, count, time_mask = _inputs(sisrnn64, observations, mask)
    received = particles.smc_log_likelihood(
        sisrnn64.cell, x, noise, uniforms, count, time_mask, resample_criterion_fn=_always
    )
    cell = sequence.Cell(sisrnn64.cell)
    lengths = mask.sum(axis=1)
    expected = [_reference_smc(cell, x.numpy(), noise, uniforms.numpy(), lengths[row], row) for row in range(4)]
    np.testing.assert_allclose(received, expected, rtol=1e-9)


def test_lost_particles_are_no_nan(sisrnn64, observations, mask, monkeypatch):
    """Sequence 0 loses one particle, sequence 1 all: -inf, and the others do not notice."""
    inputs = _inputs(sisrnn64, observations, np.ones_like(mask))
    right = particles._propagate
    before = particles.smc_log_likelihood(sisrnn64.cell, *inputs)
    lost = np.reshape([[b == 1 or (b == 0 and m == 2) for b in range(4)] for m in range(M)], -1)

    def propagate(*args):
        hidden, increments = right(*args)
        return hidden, tf.where(lost, tf.constant(-np.inf, tf.float64), increments)

    monkeypatch.setattr(particles, "_propagate", propagate)
    after = particles.smc_log_likelihood(sisrnn64.cell, *inputs).numpy()
    assert np.isfinite(after[0])
    assert after[1] == -np.inf
    np.testing.assert_array_equal(after[2:], before[2:])


def test_seeds(sisrnn, observations):
    def estimate(seed):
        return sisrnn.log_likelihood(observations, None, M, K, seed=seed).numpy()

    np.testing.assert_array_equal(estimate(1), estimate(1))
    assert not np.array_equal(estimate(1), estimate(2))
    assert not np.array_equal(estimate(None), estimate(None))


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"num_importance": 0}, "`num_importance` must be an int of at least 1. Received: num_importance=0"),
        ({"num_importance": 1.5}, "`num_importance` must be an int"),
        ({"num_mixing": -1}, "`num_mixing` must be an int of at least 0. Received: num_mixing=-1"),
        ({"resample": "systematic"}, "`resample` must be True or False. Received: resample='systematic'"),
        ({"observations": np.zeros([4, 5, 2])}, "`observations` must have 3 features"),
    ],
)
def test_bad_arguments_are_named(make_model, observations, argument, message):
    for kind in ("SISRNN", "RNN"):
        with pytest.raises(ValueError, match=message):
            make_model(kind).log_likelihood(**{"observations": observations, **argument})
