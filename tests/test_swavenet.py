"""SWaveNet: latents in the layers, at once and step by step, and against quadrature."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import sisrnn_tf
from sisrnn_tf.core import random
from sisrnn_tf.inference.passes import SequencePass

D, K, M, SEED = 2, 2, 3, 7
SIZES = (2, 1)


def _posterior(size, scale_floor=0.05):
    options = {"activation": "tanh", "scale_floor": scale_floor, "dtype": "float64"}
    return sisrnn_tf.posteriors.SemiImplicit(size, (4,), (3,), noise_weight_scale=1.0, **options)


def _model(sizes=SIZES, least=0.05, backward=True, **kwargs):
    """A tiny SWaveNet; `least` is the smallest scale of its posteriors."""
    keras.utils.set_random_seed(1)
    summary = sisrnn_tf.posteriors.BackwardGRU(3, dtype="float64") if backward else None
    network = {"activation": "tanh", "scale_floor": 0.05, "prior_sizes": (4,), "decoder_sizes": (5,)}
    shape = {"channels": 3, "block_layers": 1, "posteriors": [_posterior(size, least) for size in sizes]}
    shape |= {"layer_sizes": sizes, "summary": summary, "dtype": "float64"}
    return sisrnn_tf.SWaveNet(sisrnn_tf.emissions.Bernoulli(D), **{**shape, **network, **kwargs})


@pytest.fixture(scope="module")
def x():
    return (np.random.default_rng(0).random((4, 9, D)) < 0.5).astype("float64")


MASK = np.arange(9) < np.array([9, 3, 1, 7])[:, np.newaxis]


def _parts(passed):
    densities, mixture, _ = passed.paths(0, 1, K)
    return np.stack([*densities, mixture.log_density()])  # [4, T, B]


def test_all_steps_at_once_are_a_step_at_a_time(x):
    """With missing values, covariates and padding, on which the two ways may not differ either."""
    model = _model(covariate_size=1, kernel_size=3)
    rng = np.random.default_rng(1)
    given = {"observations": x, "mask": MASK, "observed": rng.random(x.shape) < 0.8}
    batch, seed = model.prepare({**given, "covariates": rng.normal(size=[4, 9, 1])}), random.as_seed(SEED)
    at_once = _parts(model.make_pass(batch, seed))
    assert at_once.shape == (4, 9, 4)
    sequences = model._sequences(batch)
    filtered = model.make_pass(batch, seed).filter(1, K, sisrnn_tf.particles.Resampling())
    weights = np.where(MASK.T, at_once[0] + at_once[1] - at_once[3], 0.0).sum(axis=0)
    np.testing.assert_allclose(filtered.log_likelihood, weights, rtol=1e-10)
    assert isinstance(model.make_pass(batch, seed), SequencePass) and sequences.features.shape == (9, 4, 3)


def test_a_stream_adds_up_to_the_score(x):
    model = _model(backward=False)
    state, total = model.initial_state(4, M), 0.0
    for time in range(9):
        step = model.stream_step(x[:, time], state, K, random.fold_in(random.as_seed(SEED), time))
        state, total = step.state, total + tf.where(MASK[:, time], step.log_weight, 0.0)
    spoilt = np.where(MASK[..., np.newaxis], x, np.nan)
    np.testing.assert_allclose(model.score(spoilt, MASK, M, K, SEED), total, rtol=1e-10)
    with pytest.raises(ValueError, match="reads the whole sequence"):
        _model().stream_step(x[:, 0], state, K, 0)


@pytest.mark.parametrize("backward", [False, True])
def test_what_comes_later_leaves_what_was_before(x, backward):
    """All of it where the posterior does not look ahead; and always where z is the prior's."""
    model, other = _model(backward=backward), x.copy()
    other[:, 5] = 1 - other[:, 5]
    left, right = (_parts(model.make_pass(model.prepare(each), random.as_seed(SEED))) for each in (x, other))
    changed = np.abs(left - right).max(axis=(0, 2)) > 1e-15
    assert changed[5:].any() and changed[:5].any() == backward
    drawn = [model.forecast(each, 2, 3, np.arange(9) < np.full([4, 1], 5), SEED) for each in (x, other)]
    np.testing.assert_array_equal(*drawn)


def _by_quadrature(model, x, num_points):
    """log p(x_1, x_2) of one sequence, z of all layers and both steps on a grid."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(num_points)
    count, cell = len(model.cell.transition.layer_sizes), model.cell
    grid = np.array(list(itertools.product(nodes, repeat=count)))
    log_weights = np.array(list(itertools.product(np.log(weights / math.sqrt(2 * math.pi)), repeat=count))).sum(axis=1)
    (hidden,), total = cell.get_initial_state(1), np.zeros(1)
    for observation in x:
        hidden, places = tf.repeat(hidden, len(grid), axis=0), np.tile(grid, [len(total), 1])

        def choose(index, state, places=places):
            prior = cell.prior_part.layer(index, state)
            return prior.loc + prior.scale * places[:, index, np.newaxis]

        latent, given, _ = cell.transition.descend(hidden, choose)
        values = np.tile(observation, [len(places), 1])
        log_prob = model.emission.log_prob(cell.emission_parameters(latent, given), values).numpy()
        total = np.repeat(total, len(grid)) + np.tile(log_weights, len(total)) + log_prob
        hidden = cell.transition(tf.constant(values), latent, hidden)
    return tf.reduce_logsumexp(total).numpy()


def test_estimates_agree_with_quadrature(x):
    """A z that goes on to the layer above it and, by the convolution there, to the next step."""
    model = _model((1, 1), least=1.5)
    exact = np.array([_by_quadrature(model, each[:2], 16) for each in x[:2]])
    many = np.repeat(x[:2, :2], 400, axis=0)
    bounds = model.bound(many, num_mixing=3, seed=1).surrogate.numpy().reshape(2, 400)
    assert (bounds.mean(axis=1) < exact + 3 * bounds.std(axis=1) / 20).all()
    weights = np.exp(bounds - exact[:, np.newaxis])
    np.testing.assert_array_less(np.abs(weights.mean(axis=1) - 1), 4 * weights.std(axis=1) / 20)
    assert weights.std() > 0.1
    np.testing.assert_allclose(model.log_likelihood(x[:2, :2], None, 3000, 3, seed=1), exact, atol=0.1)


def test_noise_of_a_layer_recurs_in_those_above_it():
    """With one layer z_1 is gone at t = 2; with two that of the lower one is not."""
    for sizes, recurs in (((1,), False), ((1, 1), True)):
        cell = _model(sizes).cell
        (hidden,), observation = cell.get_initial_state(2), tf.ones([2, D], tf.float64)
        latent = tf.constant([[0.0] * len(sizes), [1.0] * len(sizes)], tf.float64)
        after = cell.transition(observation, latent, hidden)
        assert (np.abs(after[0] - after[1]).max() > 1e-6) == recurs


def test_a_latent_that_is_not_read_leaves_a_wavenet(x):
    """The deterministic limit: with posterior = prior and no weight of z, the bound is exact."""
    model = _model(
        (2,), posteriors=[sisrnn_tf.posteriors.Gaussian(2, (), dtype="float64")], prior_sizes=(), backward=False
    )
    cell = model.cell
    skip, prior = cell.decoder.skips[0], cell.prior_part.networks[0].dense_layers[0]
    skip.kernel.assign(np.where(np.arange(5)[:, np.newaxis] < 3, skip.kernel, 0.0))
    posterior = cell.posterior_part.layers_of_posterior[0].network.dense_layers[0]
    posterior.kernel.assign(np.concatenate([np.zeros([D, 4]), prior.kernel]))
    cell.posterior_part.layers_of_posterior[0].scale_floor = cell.prior_part.scale_floor
    left, right = (model.bound(x, seed=seed).surrogate for seed in (1, 2))
    np.testing.assert_allclose(left, right, rtol=1e-9)
    every = np.array(list(itertools.product([0.0, 1.0], repeat=2 * D))).reshape(-1, 2, D)
    assert np.exp(model.bound(every, seed=1).surrogate).sum() == pytest.approx(1, rel=1e-9)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"`posteriors` must be posteriors of \(2, 1\) dimensions"):
        _model(posteriors=[_posterior(1), _posterior(2)])
    with pytest.raises(ValueError, match="`posteriors` must be some without a summary"):
        reading = sisrnn_tf.posteriors.Gaussian(1, (4,), summary=sisrnn_tf.posteriors.BackwardGRU(3), dtype="float64")
        _model((1,), posteriors=[reading])
    with pytest.raises(ValueError, match="`truncation` must be None"):
        _model(truncation=3)
