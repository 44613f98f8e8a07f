"""Exactness of the likelihood estimators: against quadrature over the latents, on models of one latent dimension.

All seeds are fixed, so nothing here is flaky: "within 4 standard errors" holds or does not, at every run alike.
"""

import itertools

import keras
import numpy as np
import pytest

import sisrnn_tf
from sisrnn_tf import bounds
from tests.reference import sequence

RUNS = 5000
SIZES = {"latent_size": 1, "hidden_size": 3, "prior_sizes": (3,), "decoder_sizes": (4,), "activation": "tanh"}
SEEDS = (0, 1, 2)
X = {0: [[1.0, 0.0], [0.0, 0.0]], 1: [[0.0, 1.0], [1.0, 1.0]], 2: [[0.0, 0.0], [1.0, 0.0]]}


def _tame(output_layer, raw_scale):
    """Lets a network's scale be about softplus(raw_scale), whatever its inputs, and halves its loc."""
    kernel, bias = output_layer.kernel.numpy(), output_layer.bias.numpy()
    output_layer.kernel.assign(kernel * [0.5, 0.2])
    output_layer.bias.assign([0.5 * bias[0], raw_scale])


def _randomize(model, seed):
    """Gives fresh weights and a state that matters.

    The posterior's scale, 1.3, is wider than the prior's, 0.7, so that importance weights have a finite variance.
    """
    rng = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        scale = 4.0 if "noise" in weight.path else 2.5 if "transition" in weight.path else 0.7
        weight.assign(rng.normal(scale=scale, size=weight.shape))
    _tame(model.cell.prior_network.dense_layers[-1], 0.0)
    network = model.cell.encoder.network
    _tame(network.output_layer if hasattr(network, "output_layer") else network.dense_layers[-1], 1.0)


def _make_sisrnn(seed=0):
    encoder = sisrnn_tf.encoders.SemiImplicit(1, (4,), (3,), activation="tanh", dtype="float64")
    model = sisrnn_tf.SISRNN(sisrnn_tf.emissions.Bernoulli(2), encoder=encoder, dtype="float64", **SIZES)
    _randomize(model, seed)
    return model


def _quadrature(model, x, num_nodes=60):
    """p(x_1..x_T) by Gauss-Hermite quadrature over z_1..z_T, every combination of nodes a path."""
    cell = sequence.Cell(model.cell)
    nodes, weights = np.polynomial.hermite_e.hermegauss(num_nodes)
    weights = weights / np.sum(weights)
    hidden, total = np.zeros([1, cell.hidden_size]), np.ones(1)
    for observation in np.asarray(x):
        loc, scale = cell.prior(hidden)
        latent = loc[:, np.newaxis] + scale[:, np.newaxis] * nodes[:, np.newaxis]  # [paths, nodes, 1]
        shape = latent.shape[:2]
        hidden = np.broadcast_to(hidden[:, np.newaxis], (*shape, cell.hidden_size))
        value = np.exp(sequence.bernoulli_log_prob(observation, cell.decode(latent, hidden)))
        total = np.reshape(total[:, np.newaxis] * weights * value, -1)
        observation = np.broadcast_to(observation, (*shape, len(observation)))
        hidden = np.reshape(cell.transition(observation, latent, hidden), [-1, cell.hidden_size])
    return np.sum(total)


def _runs(model, x, num_importance, num_mixing, resample):
    """Independent log-estimates of log p(x): each row of a batch draws its own noise."""
    rows = np.tile(np.array(x), (RUNS, 1, 1))
    return model.log_likelihood(rows, None, num_importance, num_mixing, resample, seed=5).numpy()


def _z_score(values, expected):
    return (np.mean(values) - expected) / (np.std(values) / np.sqrt(len(values)))


@pytest.fixture(scope="module")
def truth_and_runs():
    """By seed of the weights: p(x), and log-estimates by (resample, K, M)."""
    model, results = _make_sisrnn(), {}
    for seed in SEEDS:
        _randomize(model, seed)
        cases = itertools.product((False, True), (0, 1, 5), (1, 8))
        runs = {(resample, k, m): _runs(model, X[seed], m, k, resample) for resample, k, m in cases}
        results[seed] = _quadrature(model, X[seed]), runs
    return results


def test_quadrature_sums_to_one_over_all_sequences_and_has_converged():
    model = _make_sisrnn()
    sequences = np.reshape(list(itertools.product((0.0, 1.0), repeat=4)), [-1, 2, 2])
    likelihoods = [_quadrature(model, x) for x in sequences]
    assert np.std(likelihoods) > 0.01
    np.testing.assert_allclose(np.sum(likelihoods), 1.0, rtol=1e-12)
    np.testing.assert_allclose([_quadrature(model, x, 90) for x in sequences], likelihoods, rtol=1e-3)


@pytest.mark.parametrize("num_importance", [1, 8])
@pytest.mark.parametrize("num_mixing", [0, 1, 5])
@pytest.mark.parametrize("resample", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_estimate_is_unbiased(truth_and_runs, seed, resample, num_mixing, num_importance):
    likelihood, runs = truth_and_runs[seed]
    estimates = np.exp(runs[resample, num_mixing, num_importance])
    assert abs(_z_score(estimates, likelihood)) < 4
    assert np.std(estimates) / np.sqrt(RUNS) < 0.03 * likelihood  # so a bias of 12% would be seen


@pytest.mark.parametrize("seed", SEEDS)
def test_particles_are_resampled_in_these_tests(truth_and_runs, seed):
    """Without a resampling SMC is IWAE: on the same noise they differ where one happened."""
    _, runs = truth_and_runs[seed]
    differs = np.abs(runs[True, 1, 8] - runs[False, 1, 8]) > 1e-9
    assert 0.05 < np.mean(differs) < 1


@pytest.mark.parametrize("seed", SEEDS)
def test_the_bound_rises_with_mixing_draws_and_stays_below(truth_and_runs, seed):
    likelihood, runs = truth_and_runs[seed]
    bound = {k: runs[False, k, 1] for k in (0, 1, 5)}
    assert _z_score(bound[1] - bound[0], 0.0) > 3
    assert _z_score(bound[5] - bound[1], 0.0) > 3
    assert _z_score(bound[5], np.log(likelihood)) < -3


@pytest.mark.parametrize("resample", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_bound_rises_with_particles_and_stays_below(truth_and_runs, seed, resample):
    likelihood, runs = truth_and_runs[seed]
    for num_mixing in (0, 1, 5):
        one, eight = (runs[resample, num_mixing, m] for m in (1, 8))
        assert _z_score(eight - one, 0.0) > 3
        assert _z_score(eight, np.log(likelihood)) < -3


def test_point_mass_over_three_steps():
    encoder = sisrnn_tf.encoders.Gaussian(1, (4,), activation="tanh", dtype="float64")
    model = sisrnn_tf.VRNN(sisrnn_tf.emissions.Bernoulli(1), encoder=encoder, dtype="float64", **SIZES)
    _randomize(model, 3)
    x = [[1.0], [0.0], [1.0]]
    likelihood = _quadrature(model, x)
    for resample, num_importance in itertools.product((False, True), (1, 8)):
        estimates = np.exp(_runs(model, x, num_importance, 5, resample))
        assert abs(_z_score(estimates, likelihood)) < 4
        assert np.std(estimates) / np.sqrt(RUNS) < 0.04 * likelihood


@pytest.mark.parametrize("resample", [False, True])
def test_leaving_the_generating_draw_out_is_seen(truth_and_runs, monkeypatch, resample):
    """The tests above have the power to see the one mistake that must never be made."""
    right = bounds.mixture_log_density
    monkeypatch.setattr(bounds, "mixture_log_density", lambda components: right(components[1:]))
    keras.utils.set_random_seed(0)
    estimates = np.exp(_runs(_make_sisrnn(SEEDS[0]), X[SEEDS[0]], 8, 1, resample))
    assert _z_score(estimates, truth_and_runs[SEEDS[0]][0]) > 8
