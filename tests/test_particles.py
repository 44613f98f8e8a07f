"""Reductions over particles, and the estimators as functions: identities and a NumPy reference."""

import numpy as np
import pytest
import tensorflow as tf

from sisrnn_tf.core import random
from sisrnn_tf.core.log_space import log_mean_exp
from sisrnn_tf.inference import iwae, noise, particles, passes, step
from sisrnn_tf.posteriors import posterior
from tests.passes import draw_noise, make_pass
from tests.reference import sequence

K, M, SEED = 2, 4, 7


def _always(log_weights):
    return tf.ones(tf.shape(log_weights)[1:], tf.bool)


def _never(log_weights):
    return tf.zeros(tf.shape(log_weights)[1:], tf.bool)


def test_log_mean_exp():
    values = np.random.default_rng(0).normal(size=[5, 3])
    expected = np.log(np.mean(np.exp(values), axis=0))
    np.testing.assert_allclose(log_mean_exp(values), expected, rtol=1e-12)
    np.testing.assert_allclose(log_mean_exp(values - 1e4), expected - 1e4, rtol=1e-12)
    infinite = tf.constant([[-np.inf, 0.0], [-np.inf, -np.inf]], tf.float64)
    np.testing.assert_allclose(log_mean_exp(infinite), [-np.inf, -np.log(2)])


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
    expected = model.bound(observations, mask, K, SEED).surrogate
    for resample in (False, True):
        received = model.log_likelihood(observations, mask, 1, K, resample, SEED)
        np.testing.assert_allclose(received, expected, rtol=1e-6, err_msg=f"resample={resample}")


@pytest.mark.parametrize("resample", [False, True])
@pytest.mark.parametrize("draws", [1, 7])
def test_the_answer_does_not_depend_on_the_chunks_of_the_mixture(
    sisrnn64, make_model, observations, mask, monkeypatch, draws, resample
):
    expected = sisrnn64.log_likelihood(observations, mask, 5, K, resample, SEED)
    monkeypatch.setattr(posterior, "CHUNK_DRAWS", draws)
    model = make_model("SISRNN", dtype="float64", activation="tanh")  # traced anew
    np.testing.assert_allclose(model.log_likelihood(observations, mask, 5, K, resample, SEED), expected, rtol=1e-12)


def test_the_answer_does_not_depend_on_the_chunk_size(sisrnn, observations, mask, monkeypatch):
    answers = []
    for rows in (passes.CHUNK_ROWS, 1, 4 * 5 * 3):  # all, one and three of four particles at a time
        monkeypatch.setattr(passes, "CHUNK_ROWS", rows)
        estimate = tf.function(lambda: iwae.IWAE(M, K).estimate(make_pass(sisrnn, observations, mask)))()
        answers.append(estimate.log_likelihood.numpy())
    np.testing.assert_allclose(answers[1:], [answers[0]] * 2, rtol=1e-6)


@pytest.mark.parametrize("resample", [False, True])
def test_masked_is_truncated(sisrnn64, observations, mask, resample):
    spoilt = np.where(mask[..., np.newaxis], observations, np.nan)
    received = sisrnn64.log_likelihood(spoilt, mask, M, K, resample, SEED)
    assert mask[1].tolist() == [True] * 3 + [False] * 2
    expected = sisrnn64.log_likelihood(observations[:, :3], None, M, K, resample, SEED)
    np.testing.assert_allclose(received[1], expected[1], rtol=1e-10)


def _run(model, observations, mask, criterion_fn=particles.ess_below_threshold):
    resampling = particles.Resampling(criterion_fn=criterion_fn)
    return make_pass(model, observations, mask, SEED).filter(M, K, resampling)


def _path_terms(model, observations, mask):
    paths = make_pass(model, observations, mask, SEED).paths(0, M, K)
    return iwae.path_terms(paths, paths.mixture.log_density(), M)


def test_without_resampling_smc_is_iwae(sisrnn64, observations, mask):
    received = _run(sisrnn64, observations, mask, _never)
    terms = _path_terms(sisrnn64, observations, mask)
    np.testing.assert_allclose(received.log_likelihood, log_mean_exp(terms.surrogate), rtol=1e-12)
    for mean, values in zip(received.terms, terms, strict=True):
        np.testing.assert_allclose(mean, np.mean(values, axis=0), rtol=1e-12)
    estimate = iwae.IWAE(M, K).estimate(make_pass(sisrnn64, observations, mask, SEED))
    np.testing.assert_allclose(estimate.log_likelihood, received.log_likelihood, rtol=1e-12)
    np.testing.assert_allclose(estimate.terms, received.terms, rtol=1e-12)


def test_each_trajectory_has_the_terms_of_a_bound(sisrnn64, observations, mask):
    terms = _path_terms(sisrnn64, observations, mask)
    cell = sequence.Cell(sisrnn64.cell)
    for particle in range(M):
        drawn = draw_noise(sisrnn64.cell, 5, 4, K, SEED, particle)
        for values, other in zip(terms, cell.bound(observations, drawn, mask), strict=True):
            np.testing.assert_allclose(values[particle], other, rtol=1e-9)


def _reference_smc(cell, x, drawn, uniforms, length, row):
    """The estimate of one sequence [T, D] with a resampling after every step, in plain loops."""
    hidden, total = [np.zeros(cell.hidden_size)] * M, 0.0
    for t in range(length):
        weights, states = [], []
        for m in range(M):
            own = drawn[m].mixing[t][row], drawn[m].latent[t][row], drawn[m].extra_mixing[:, t, row]
            step = cell.step(x[t], hidden[m], *own)
            weights.append(np.exp(step.emission + step.prior - sequence.log_mean_exp(step.components)))
            states.append(step.hidden)
        total += np.log(np.mean(weights))
        cumulative = np.cumsum(weights) / np.sum(weights)
        hidden = [states[np.argmax(cumulative > (uniforms[t][0, row] + m) / M)] for m in range(M)]
    return total


def test_smc_equals_a_numpy_reference(sisrnn64, observations, mask):
    received = _run(sisrnn64, observations, mask, _always).log_likelihood
    cell = sequence.Cell(sisrnn64.cell)
    drawn = [draw_noise(sisrnn64.cell, 5, 4, K, SEED, m) for m in range(M)]
    drawn = [type(own)(*(part.numpy() for part in own)) for own in drawn]
    seeds = noise.step_seeds(random.as_seed(SEED), 5)
    uniforms = [noise.resampling_uniforms(seed, tf.range(4), M, 0, tf.float64).numpy() for seed in seeds]
    x, lengths = observations.astype("float64"), mask.sum(axis=1)
    expected = [_reference_smc(cell, x[row], drawn, uniforms, lengths[row], row) for row in range(4)]
    np.testing.assert_allclose(received, expected, rtol=1e-9)


def test_lost_particles_are_no_nan(sisrnn64, observations, monkeypatch):
    """Sequence 0 loses one particle, sequence 1 all: -inf, and the others do not notice."""
    right = step.log_densities
    before = _run(sisrnn64, observations, None).log_likelihood
    lost = np.reshape([[b == 1 or (b == 0 and m == 2) for b in range(4)] for m in range(M)], -1)

    def densities(*args):
        found = right(*args)
        return found._replace(emission=tf.where(lost, tf.constant(-np.inf, tf.float64), found.emission))

    monkeypatch.setattr(step, "log_densities", densities)
    after = _run(sisrnn64, observations, None).log_likelihood
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
        ({"observations": np.zeros([4, 0, 3])}, "`observations` must not be empty"),
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
