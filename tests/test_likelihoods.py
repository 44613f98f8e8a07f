"""Exactness of the likelihood estimators: against quadrature over the latents, on models of one latent dimension.

All seeds are fixed, so nothing here is flaky: "within 4 standard errors" holds or does not, at every run alike.
"""

import functools
import itertools

import numpy as np
import pytest
import tensorflow as tf

import sisrnn_tf
from sisrnn_tf import particles
from sisrnn_tf.core.log_space import log_mean_exp
from tests.reference import sequence

RUNS = 5000
SIZES = {"latent_size": 1, "hidden_size": 3, "prior_sizes": (3,), "decoder_sizes": (4,), "activation": "tanh"}
# By seed of the weights: the emission and a sequence of T <= 3 steps of D <= 3 dimensions.
CASES = {
    0: ("Bernoulli", [[1.0, 0.0], [0.0, 0.0]]),
    1: ("Bernoulli", [[0.0, 1.0, 1.0], [1.0, 1.0, 0.0]]),
    2: ("Bernoulli", [[0.0], [1.0], [1.0]]),
    3: ("Normal", [[0.4], [-0.7]]),
    4: ("Normal", [[0.1, 1.2], [-0.6, 0.3]]),
    5: ("Normal", [[-0.2], [0.5], [0.9]]),
}


def _tame(output_layer, raw_scale):
    """Lets a network's scale be about softplus(raw_scale), whatever its inputs, and halves its loc."""
    kernel, bias = output_layer.kernel.numpy(), output_layer.bias.numpy()
    size = len(bias) // 2
    output_layer.kernel.assign(kernel * ([0.5] * size + [0.2] * size))
    output_layer.bias.assign([*(0.5 * bias[:size]), *[raw_scale] * size])


def _randomize(model, seed):
    """Gives fresh weights and a state that matters.

    The posterior's scale, 1.3, is wider than the prior's, 0.7, so that importance weights have a finite variance.
    """
    rng = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        scale = 4.0 if "noise" in weight.path else 2.5 if "transition" in weight.path else 0.7
        weight.assign(rng.normal(scale=scale, size=weight.shape))
    _tame(model.cell.prior_part.network.dense_layers[-1], 0.0)
    if isinstance(model.emission, sisrnn_tf.emissions.Normal):
        _tame(model.cell.decoder.network.dense_layers[-1], 0.5)
    network = model.cell.posterior_part.network
    _tame(network.output_layer if hasattr(network, "output_layer") else network.dense_layers[-1], 1.0)


def _make(seed, model_class="SISRNN"):
    """A model of the case's emission and D, with the weights of its seed."""
    name, x = CASES[seed]
    posterior = sisrnn_tf.posteriors.SemiImplicit(1, (4,), (3,), activation="tanh", dtype="float64")
    if model_class == "VRNN":
        posterior = sisrnn_tf.posteriors.Gaussian(1, (4,), activation="tanh", dtype="float64")
    emission = getattr(sisrnn_tf.emissions, name)(len(x[0]))
    model = getattr(sisrnn_tf, model_class)(emission, posterior=posterior, dtype="float64", **SIZES)
    _randomize(model, seed)
    return model


# One model a case, so that its graphs are traced once; no test may change its weights.
_shared = functools.cache(_make)


def _log_prob(model, observation, parameters, observed):
    """log p(x | parameters) of the observed features, `[..]`, by NumPy."""
    if isinstance(model.emission, sisrnn_tf.emissions.Bernoulli):
        return sequence.bernoulli_log_prob(observation[observed], parameters[..., observed])
    loc, scale = sequence.Cell.gaussian(parameters, model.emission.scale_floor)
    return sequence.gaussian_log_density(observation[observed], loc[..., observed], scale[..., observed])


def _quadrature(model, x, num_nodes=60, observed=None):
    """p(x_1..x_T) by Gauss-Hermite quadrature over z_1..z_T, every combination of nodes a path.

    Of what is not observed the transition reads 0.
    """
    cell = sequence.Cell(model.cell)
    nodes, weights = np.polynomial.hermite_e.hermegauss(num_nodes)
    weights = weights / np.sum(weights)
    hidden, total = np.zeros([1, cell.hidden_size]), np.ones(1)
    observed = np.ones(np.shape(x), bool) if observed is None else np.asarray(observed)
    for observation, known in zip(np.where(observed, x, 0.0), observed, strict=True):
        loc, scale = cell.prior(hidden)
        latent = loc[:, np.newaxis] + scale[:, np.newaxis] * nodes[:, np.newaxis]  # [paths, nodes, 1]
        shape = latent.shape[:2]
        hidden = np.broadcast_to(hidden[:, np.newaxis], (*shape, cell.hidden_size))
        value = np.exp(_log_prob(model, observation, cell.decode(latent, hidden), known))
        total = np.reshape(total[:, np.newaxis] * weights * value, -1)
        observation = np.broadcast_to(observation, (*shape, len(observation)))
        hidden = np.reshape(cell.transition(observation, latent, hidden), [-1, cell.hidden_size])
    return np.sum(total)


def _runs(model, x, num_importance, num_mixing, resample, seed=5):
    """Independent log-estimates of log p(x): each row of a batch draws its own noise."""
    rows = np.tile(np.array(x), (RUNS, 1, 1))
    return model.log_likelihood(rows, None, num_importance, num_mixing, resample, seed=seed).numpy()


def _always(log_weights):
    return tf.ones(tf.shape(log_weights)[1:], tf.bool)


def _z_score(values, expected):
    return (np.mean(values) - expected) / (np.std(values) / np.sqrt(len(values)))


@pytest.fixture(scope="module")
def truth_and_runs():
    """By seed of the weights: p(x), and log-estimates by (resample, K, M)."""
    results = {}
    for seed, (_, x) in CASES.items():
        model = _shared(seed)
        cases = itertools.product((False, True), (0, 1, 5), (1, 8))
        runs = {(resample, k, m): _runs(model, x, m, k, resample) for resample, k, m in cases}
        results[seed] = _quadrature(model, x), runs
    return results


def _all_binary_sequences(num_steps, size):
    return np.reshape(list(itertools.product((0.0, 1.0), repeat=num_steps * size)), [-1, num_steps, size])


def test_quadrature_sums_to_one_over_all_sequences_and_has_converged():
    model, sequences = _shared(0), _all_binary_sequences(2, 2)
    likelihoods = [_quadrature(model, x) for x in sequences]
    assert np.std(likelihoods) > 0.01
    np.testing.assert_allclose(np.sum(likelihoods), 1.0, rtol=1e-12)
    np.testing.assert_allclose([_quadrature(model, x, 90) for x in sequences], likelihoods, rtol=1e-3)


def test_quadrature_of_real_observations_has_converged():
    model, x = _shared(4), CASES[4][1]
    np.testing.assert_allclose(_quadrature(model, x, 90), _quadrature(model, x), rtol=1e-3)


@pytest.mark.parametrize("num_mixing", [0, 1, 5])
@pytest.mark.parametrize("resample", [False, True])
@pytest.mark.parametrize("seed", [0, 2])
def test_the_estimates_of_all_binary_sequences_sum_to_one(seed, resample, num_mixing):
    """Whatever the weights; each sequence draws noise of its own, so the variances of their means add up."""
    sequences = _all_binary_sequences(*np.shape(CASES[seed][1]))
    runs = 1000
    rows = np.repeat(sequences, runs, axis=0)
    log_estimates = _shared(seed).log_likelihood(rows, None, 4, num_mixing, resample, seed=3).numpy()
    estimates = np.reshape(np.exp(log_estimates), [-1, runs])
    error = np.sqrt(np.sum(np.var(estimates, axis=1)) / runs)
    assert error < 0.02
    assert abs(np.sum(np.mean(estimates, axis=1)) - 1.0) < 4 * error


@pytest.mark.parametrize("num_importance", [1, 8])
@pytest.mark.parametrize("num_mixing", [0, 1, 5])
@pytest.mark.parametrize("resample", [False, True])
@pytest.mark.parametrize("seed", CASES)
def test_the_estimate_is_unbiased(truth_and_runs, seed, resample, num_mixing, num_importance):
    likelihood, runs = truth_and_runs[seed]
    estimates = np.exp(runs[resample, num_mixing, num_importance])
    assert abs(_z_score(estimates, likelihood)) < 4
    assert np.std(estimates) / np.sqrt(RUNS) < 0.04 * likelihood  # so a bias of 16% would be seen


@pytest.mark.parametrize("seed", CASES)
def test_particles_are_resampled_in_these_tests(truth_and_runs, seed):
    """Without a resampling SMC is IWAE: on the same noise they differ where one happened."""
    _, runs = truth_and_runs[seed]
    differs = np.abs(runs[True, 1, 8] - runs[False, 1, 8]) > 1e-9
    assert 0.05 < np.mean(differs) < 1


@pytest.mark.parametrize("seed", CASES)
def test_the_bound_rises_with_mixing_draws_and_stays_below(truth_and_runs, seed):
    likelihood, runs = truth_and_runs[seed]
    bound = {k: runs[False, k, 1] for k in (0, 1, 5)}
    assert _z_score(bound[1] - bound[0], 0.0) > 3
    # The extra draws at K = 1 and 5 are independent: it takes more runs to tell their means apart.
    one, five = (
        np.concatenate([_runs(_shared(seed), CASES[seed][1], 1, k, False, part) for part in (5, 6, 7, 8)])
        for k in (1, 5)
    )
    assert _z_score(five - one, 0.0) > 3
    assert _z_score(bound[5], np.log(likelihood)) < -3


@pytest.mark.parametrize("resample", [False, True])
@pytest.mark.parametrize("seed", CASES)
def test_the_bound_rises_with_particles_and_stays_below(truth_and_runs, seed, resample):
    likelihood, runs = truth_and_runs[seed]
    for num_mixing in (0, 1, 5):
        one, eight = (runs[resample, num_mixing, m] for m in (1, 8))
        assert _z_score(eight - one, 0.0) > 3
        assert _z_score(eight, np.log(likelihood)) < -3


@pytest.mark.parametrize("seed", [2, 5])
def test_point_mass_over_three_steps(seed):
    model, x = _make(seed, "VRNN"), CASES[seed][1]
    likelihood = _quadrature(model, x)
    for resample, num_importance in itertools.product((False, True), (1, 8)):
        estimates = np.exp(_runs(model, x, num_importance, 5, resample))
        assert abs(_z_score(estimates, likelihood)) < 4
        assert np.std(estimates) / np.sqrt(RUNS) < 0.04 * likelihood


@pytest.mark.parametrize("resample_fn", [particles.resample_systematic, particles.resample_multinomial])
@pytest.mark.parametrize("criterion", [particles.ess_below_threshold, _always])
def test_the_estimate_is_unbiased_however_particles_are_resampled(truth_and_runs, resample_fn, criterion):
    rows = np.tile(np.array(CASES[0][1]), (RUNS, 1, 1))
    estimates = np.exp(_shared(0).log_likelihood(rows, None, 8, 1, True, 6, resample_fn, criterion))
    assert abs(_z_score(estimates, truth_and_runs[0][0])) < 4
    assert np.std(estimates) / np.sqrt(RUNS) < 0.04 * truth_and_runs[0][0]


@pytest.mark.parametrize("resample", [False, True])
@pytest.mark.parametrize("seed", [0, 3])
def test_leaving_the_generating_draw_out_is_seen(truth_and_runs, monkeypatch, seed, resample):
    """The tests above have the power to see the one mistake that must never be made."""

    def without_own(posterior, latent, own, draws):
        return log_mean_exp(posterior.log_density(latent[..., tf.newaxis, :], draws), axis=-1)

    monkeypatch.setattr(sisrnn_tf.posteriors.SemiImplicit, "log_mixture", without_own)
    estimates = np.exp(_runs(_make(seed), CASES[seed][1], 8, 1, resample))  # traced anew
    assert _z_score(estimates, truth_and_runs[seed][0]) > 8


# By seed of the weights: which values are there; the last step of each lacks one.
PATTERNS = {0: [[True, False], [False, True]], 4: [[False, False], [True, False]]}


@pytest.mark.parametrize("seed", PATTERNS)
@pytest.mark.parametrize(("resample", "num_importance"), [(False, 1), (False, 8), (True, 8)])
def test_estimates_of_what_is_observed_have_its_quadrature_as_their_mean(seed, resample, num_importance):
    model, x, observed = _shared(seed), np.array(CASES[seed][1]), np.array(PATTERNS[seed])
    expected = _quadrature(model, x, observed=observed)
    rows = np.tile(np.where(observed, x, np.nan), (RUNS, 1, 1))
    patterns = np.tile(observed, (RUNS, 1, 1))
    runs = model.log_likelihood(rows, None, num_importance, 1, resample, seed=5, observed=patterns).numpy()
    assert abs(_z_score(np.exp(runs), expected)) < 4


def test_the_quadrature_of_what_is_observed_is_the_sum_over_what_is_not():
    """Of the last step, which no transition reads; and what can be observed under a pattern has sum 1."""
    model, x, observed = _shared(0), np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[True, True], [False, True]])
    whole = [_quadrature(model, [[1.0, 0.0], [missing, 0.0]]) for missing in (0.0, 1.0)]
    np.testing.assert_allclose(_quadrature(model, x, observed=observed), np.sum(whole), rtol=1e-12)
    observed = np.array(PATTERNS[0])
    some = [x for x in _all_binary_sequences(2, 2) if (x[~observed] == 0).all()]
    assert len(some) == 4
    np.testing.assert_allclose(sum(_quadrature(model, x, observed=observed) for x in some), 1.0, rtol=1e-12)
