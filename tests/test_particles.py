"""Reductions over particles, and the estimators as functions: identities and a NumPy reference."""

import numpy as np
import pytest
import tensorflow as tf

from sisrnn_tf import chunked_mixture, particles, random
from sisrnn_tf.noise import ParticleNoise, draw_noise
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


def _resample(resample_fn, weights, uniforms):
    """Counts of each ancestor, `[M, runs]`, for uniforms `[M, runs]`."""
    log_weights = tf.tile(tf.constant(np.log(weights))[:, np.newaxis] + 3.0, [1, uniforms.shape[1]])
    ancestors = resample_fn(log_weights, tf.constant(uniforms)).numpy()  # [M, runs]
    return np.sum(ancestors[:, np.newaxis] == np.arange(len(weights))[:, np.newaxis], axis=0)


def test_systematic_resampling_takes_floor_or_ceil_and_is_unbiased():
    weights = np.random.default_rng(0).dirichlet(np.full(7, 0.5))
    uniforms = np.tile((np.arange(2000) + 0.5) / 2000, [7, 1])
    counts = _resample(particles.resample_systematic, weights, uniforms)
    expected = 7 * weights
    assert (counts >= np.floor(expected)[:, np.newaxis]).all()
    assert (counts <= np.ceil(expected)[:, np.newaxis]).all()
    np.testing.assert_allclose(np.mean(counts, axis=1), expected, atol=1e-3)


def test_multinomial_resampling_has_binomial_counts():
    """Mean M w and variance M w (1 - w), within 5 standard errors: one false alarm in some 100,000 choices of seed."""
    rng, runs = np.random.default_rng(0), 20000
    weights = rng.dirichlet(np.full(7, 2.0))
    counts = _resample(particles.resample_multinomial, weights, rng.random((7, runs)))
    variance = 7 * weights * (1 - weights)
    assert (np.abs(np.mean(counts, axis=1) - 7 * weights) < 5 * np.sqrt(variance / runs)).all()
    squares = (counts - 7 * weights[:, np.newaxis]) ** 2
    assert (np.abs(np.mean(squares, axis=1) - variance) < 5 * np.std(squares, axis=1) / np.sqrt(runs)).all()


@pytest.mark.parametrize("resample_fn", [particles.resample_systematic, particles.resample_multinomial])
def test_resampling_never_takes_a_particle_without_weight(resample_fn):
    log_weights = tf.constant([[-np.inf] * 3, [0.0] * 3, [0.0] * 3, [-np.inf] * 3])
    ancestors = resample_fn(log_weights, tf.tile(tf.constant([[1e-7, 0.5, 1.0]]), [4, 1]))
    assert set(np.unique(ancestors)) == {1, 2}


@pytest.mark.parametrize("kind", ["SISRNN", "VRNN", "RNN"])
def test_one_particle_is_the_bound(make_model, observations, mask, kind):
    model = make_model(kind)
    expected = model.bound(observations, mask, K, random.fold_in(random.as_seed(SEED), 0)).surrogate
    for resample in (False, True):
        received = model.log_likelihood(observations, mask, 1, K, resample, SEED)
        np.testing.assert_allclose(received, expected, rtol=1e-6, err_msg=f"resample={resample}")


@pytest.mark.parametrize("resample", [False, True])
@pytest.mark.parametrize("draws", [1, 7])
def test_the_answer_does_not_depend_on_the_chunks_of_the_mixture(
    sisrnn64, make_model, observations, mask, monkeypatch, draws, resample
):
    expected = sisrnn64.log_likelihood(observations, mask, 5, K, resample, SEED)
    monkeypatch.setattr(chunked_mixture, "CHUNK_DRAWS", draws)
    model = make_model("SISRNN", dtype="float64", activation="tanh")  # traced anew
    np.testing.assert_allclose(model.log_likelihood(observations, mask, 5, K, resample, SEED), expected, rtol=1e-12)


def test_the_answer_does_not_depend_on_the_chunk_size(sisrnn, observations, mask, monkeypatch):
    answers = []
    for rows in (particles.CHUNK_ROWS, 1, 4 * 5 * 3):  # all, one and three of four particles at a time
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


def _by_row(extra_mixing):
    """The extra draws `[K, T, B, N]` of a pass as `[T B, K, N]`."""
    num_mixing, *_, size = extra_mixing.shape
    return np.reshape(np.transpose(extra_mixing, [1, 2, 0, 3]), [-1, num_mixing, size])


def test_particles_draw_their_noise_by_the_law(sisrnn64):
    """Particle m draws as a pass from fold_in(seed, m) does, whichever particles and steps are asked for together."""
    seed = random.as_seed(SEED)
    wholes = [draw_noise(sisrnn64.cell, 5, 4, K, random.fold_in(seed, m)) for m in range(M)]
    noise = ParticleNoise(sisrnn64.cell, 4, seed, 1, 2)
    for name in ("mixing", "latent"):
        expected = np.concatenate([getattr(wholes[m], name) for m in (1, 2)], axis=1)  # [T, 2 B, ..]
        assert len(np.unique(expected[:, :, 0])) > 1
        np.testing.assert_array_equal(getattr(noise, name)(5), expected)
        for step in range(5):
            np.testing.assert_array_equal(getattr(noise, name)(1, tf.constant(step)), expected[step : step + 1])
    expected = np.stack([_by_row(wholes[m].extra_mixing) for m in (1, 2)])  # [2, T B, K, N]
    np.testing.assert_array_equal(noise.extra_mixing(K)(0, 2, 0, 20), expected)
    np.testing.assert_array_equal(noise.extra_mixing(K)(tf.constant(1), 1, tf.constant(7), 9), expected[1:, 7:16])
    np.testing.assert_array_equal(noise.extra_mixing(K, tf.constant(3))(0, 2, 0, 8), expected[:, 12:])


def _inputs(model, observations, mask):
    x = batch_to_time_major(tf.constant(observations, tf.float64))
    noise = ParticleNoise(model.cell, 4, random.as_seed(SEED), 0, M)
    uniforms = random.uniform([5, M, 4], random.as_seed(SEED), tf.float64)
    return x, noise, K, uniforms, tf.constant(mask.T)


def _trajectory_terms(model, x, noise, time_mask):
    densities, mixture = particles.trajectory_densities(model.rnn, x, noise, K, time_mask)
    return particles.trajectory_terms(densities, mixture.log_density(), M, time_mask)


def test_without_resampling_smc_is_iwae(sisrnn64, observations, mask):
    x, noise, _, uniforms, time_mask = _inputs(sisrnn64, observations, mask)
    received, means = particles.smc_terms(sisrnn64.cell, x, noise, K, uniforms, time_mask, resample_criterion_fn=_never)
    terms = _trajectory_terms(sisrnn64, x, noise, time_mask)
    np.testing.assert_allclose(received, particles.log_mean_exp(terms.surrogate), rtol=1e-12)
    for mean, values in zip(means, terms, strict=True):
        np.testing.assert_allclose(mean, np.mean(values, axis=0), rtol=1e-12)


def test_each_trajectory_has_the_terms_of_a_bound(sisrnn64, observations, mask):
    x, noise, _, _, time_mask = _inputs(sisrnn64, observations, mask)
    terms = _trajectory_terms(sisrnn64, x, noise, time_mask)
    for particle in range(M):
        expected = sisrnn64.bound(observations, mask, K, random.fold_in(random.as_seed(SEED), particle))
        for values, other in zip(terms, expected, strict=True):
            np.testing.assert_allclose(values[particle], other, rtol=1e-9)


def _reference_smc(cell, x, noise, uniforms, length, row):
    """The estimate of one sequence with a resampling after every step, in plain loops."""
    mixing, latent = noise.mixing(5).numpy(), noise.latent(5).numpy()
    extra = noise.extra_mixing(K)(0, M, 0, 20).numpy()  # [M, T B, K, N]
    extra = np.transpose(np.reshape(extra, [M, 5, 4, K, -1]), [3, 1, 0, 2, 4])
    extra = np.reshape(extra, [K, 5, M * 4, -1])  # [K, T, M B, N]
    hidden, total = [np.zeros(cell.hidden_size)] * M, 0.0
    for t in range(length):
        weights, states = [], []
        for m in range(M):
            at = m * 4 + row
            step = cell.step(x[t, row], hidden[m], mixing[t, at], latent[t, at], extra[:, t, at])
            weights.append(np.exp(step.emission + step.prior - sequence.log_mean_exp(step.components)))
            states.append(step.hidden)
        total += np.log(np.mean(weights))
        cumulative = np.cumsum(weights) / np.sum(weights)
        hidden = [states[np.argmax(cumulative > (uniforms[t, 0, row] + m) / M)] for m in range(M)]
    return total


def test_smc_equals_a_numpy_reference(sisrnn64, observations, mask):
    x, noise, _, uniforms, time_mask = _inputs(sisrnn64, observations, mask)
    received, _ = particles.smc_terms(sisrnn64.cell, x, noise, K, uniforms, time_mask, resample_criterion_fn=_always)
    cell = sequence.Cell(sisrnn64.cell)
    lengths = mask.sum(axis=1)
    expected = [_reference_smc(cell, x.numpy(), noise, uniforms.numpy(), lengths[row], row) for row in range(4)]
    np.testing.assert_allclose(received, expected, rtol=1e-9)


def test_lost_particles_are_no_nan(sisrnn64, observations, mask, monkeypatch):
    """Sequence 0 loses one particle, sequence 1 all: -inf, and the others do not notice."""
    inputs = _inputs(sisrnn64, observations, np.ones_like(mask))
    right = particles._propagate
    before, _ = particles.smc_terms(sisrnn64.cell, *inputs)
    lost = np.reshape([[b == 1 or (b == 0 and m == 2) for b in range(4)] for m in range(M)], -1)

    def propagate(*args):
        hidden, (emission, *others) = right(*args)
        return hidden, (tf.where(lost, tf.constant(-np.inf, tf.float64), emission), *others)

    monkeypatch.setattr(particles, "_propagate", propagate)
    after, _ = particles.smc_terms(sisrnn64.cell, *inputs)
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
        ({"num_importance": 2**31}, "`num_importance` must be below 2"),
        ({"num_mixing": 10**12}, "`num_mixing` must be below 2"),
        ({"seed": 0.5}, "`seed` must be an int or a pair of ints"),
        ({"observations": np.zeros([4, 0, 3])}, "`observations` must have at least one step"),
        ({"resample_fn": "multinomial"}, "`resample_fn` must be a function"),
        ({"resample_criterion_fn": None}, "`resample_criterion_fn` must be a function"),
        ({"resample": "systematic"}, "`resample` must be True or False. Received: resample='systematic'"),
        ({"observations": np.zeros([4, 5, 2])}, "`observations` must have 3 features"),
    ],
)
def test_bad_arguments_are_named(make_model, observations, argument, message):
    for kind in ("SISRNN", "RNN"):
        with pytest.raises(ValueError, match=message):
            make_model(kind).log_likelihood(**{"observations": observations, **argument})
