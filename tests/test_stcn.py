"""STCN: a ladder of latents, at once and step by step, against quadrature and in its limits."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import sisrnn_tf
from sisrnn_tf import cells
from sisrnn_tf.core import random
from sisrnn_tf.core.types import Gaussian
from sisrnn_tf.inference.passes import SequencePass

D, K, M, SEED = 2, 2, 3, 7
SIZES = (2, 1)


def _posterior(size, name, kind="semi_implicit", scale_floor=0.05):
    options = {"activation": "tanh", "scale_floor": scale_floor, "dtype": "float64", "name": name}
    if kind == "gaussian":
        return sisrnn_tf.posteriors.Gaussian(size, (4,), **options)
    return sisrnn_tf.posteriors.SemiImplicit(size, (4,), (3,), noise_weight_scale=1.0, **options)


def _model(sizes=SIZES, kinds=("semi_implicit", "semi_implicit"), least=0.05, **kwargs):
    """A tiny STCN; `least` is the smallest scale of its posteriors before they are multiplied with the prior."""
    keras.utils.set_random_seed(1)
    named = enumerate(zip(sizes, kinds, strict=True))
    levels = [_posterior(size, f"level_{each}", kind, least) for each, (size, kind) in named]
    network = {"activation": "tanh", "scale_floor": 0.05, "prior_sizes": (4,), "decoder_sizes": (5,)}
    shape = {"channels": 3, "block_layers": 2, "level_sizes": sizes, "posteriors": levels}
    return sisrnn_tf.STCN(sisrnn_tf.emissions.Bernoulli(D), dtype="float64", **{**shape, **network, **kwargs})


@pytest.fixture(scope="module")
def model():
    return _model(dense=True)


@pytest.fixture(scope="module")
def x():
    return (np.random.default_rng(0).random((4, 9, D)) < 0.5).astype("float64")


MASK = np.arange(9) < np.array([9, 3, 1, 7])[:, np.newaxis]


@pytest.mark.parametrize("dense", [False, True])
def test_all_steps_at_once_are_a_step_at_a_time(x, dense):
    """With missing values, covariates and padding, on which the two ways may not differ either."""
    model = _model(dense=dense, covariate_size=1)
    rng = np.random.default_rng(1)
    observed = rng.random(x.shape) < 0.8
    given = {"observations": x, "mask": MASK, "observed": observed, "covariates": rng.normal(size=[4, 9, 1])}
    batch, seed = model.prepare(given), random.as_seed(SEED)
    at_once = model.make_pass(batch, seed).paths(0, 1, K)
    one_by_one = SequencePass(model.rnn, model._sequences(batch), seed).paths(0, 1, K)
    real = MASK.T
    for left, right in zip(
        (*at_once.densities, at_once.mixture.log_density()),
        (*one_by_one.densities, one_by_one.mixture.log_density()),
        strict=True,
    ):
        np.testing.assert_allclose(left.numpy()[real], right.numpy()[real], rtol=1e-10, atol=1e-12)
    assert at_once.densities.emission.shape == (9, 4)


def test_a_stream_adds_up_to_the_score(model, x):
    """Particles that hold the network's state, beside some that are given it."""
    state, total = model.initial_state(4, M), 0.0
    for time in range(9):
        step = model.stream_step(x[:, time], state, K, random.fold_in(random.as_seed(SEED), time))
        state, total = step.state, total + tf.where(MASK[:, time], step.log_weight, 0.0)
    spoilt = np.where(MASK[..., np.newaxis], x, np.nan)
    np.testing.assert_allclose(model.score(spoilt, MASK, M, K, SEED), total, rtol=1e-10)


def test_what_comes_later_leaves_what_was_before(model, x):
    def parts(values):
        densities, mixture, _ = model.make_pass(model.prepare(values), random.as_seed(SEED)).paths(0, 1, K)
        return np.stack([*densities, mixture.log_density()])  # [4, T, B]

    other = x.copy()
    other[:, 5] = 1 - other[:, 5]
    changed = np.abs(parts(x) - parts(other)).max(axis=(0, 2)) > 1e-15
    # Seen by the posterior of the step itself, and no further back than the convolutions look.
    np.testing.assert_array_equal(changed, (np.arange(9) >= 5) & (np.arange(9) <= 5 + 7))


def _by_quadrature(model, x, num_points=60):
    """log p(x_t | x_<t), `[B, T]`, of a model of two levels of one dimension, whose z_t are independent given x."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(num_points)
    weights = np.log(weights / math.sqrt(2 * math.pi))
    states = model(x)["hidden"].numpy()
    before = np.concatenate([np.zeros_like(states[:, :1]), states[:, :-1]], axis=1)
    prior = model.cell.prior_part
    top = prior.level(1, tf.constant(before), None)
    upper = (top.loc + top.scale * nodes)[..., np.newaxis]  # [B, T, n, 1]
    wide = np.broadcast_to(before[:, :, np.newaxis], [*upper.shape[:3], before.shape[-1]])
    low = prior.level(0, tf.constant(wide), tf.constant(upper))
    lower = (low.loc + low.scale * nodes)[..., np.newaxis]  # [B, T, n, n, 1]
    latent = tf.concat([lower, np.broadcast_to(upper[..., np.newaxis, :], lower.shape)], axis=-1)
    parameters = model.cell.emission_parameters(latent, latent[..., :0])
    log_probs = model.emission.log_prob(parameters, x[:, :, np.newaxis, np.newaxis]).numpy()
    return tf.reduce_logsumexp(log_probs + weights + weights[:, np.newaxis], axis=[-2, -1]).numpy()


def test_estimates_agree_with_quadrature(x):
    """Bound below, importance weighting at it; with each level's mixture of its own, which must not bias it."""
    model = _model((1, 1), least=4.0)  # so wide that weights have a variance
    exact = _by_quadrature(model, x[:, :4]).sum(axis=1)
    many = np.repeat(x[:, :4], 500, axis=0)
    bounds = model.bound(many, num_mixing=3, seed=1).surrogate.numpy().reshape(4, 500)
    error = bounds.std(axis=1) / math.sqrt(500)
    assert (bounds.mean(axis=1) < exact + 3 * error).all()
    weights = np.exp(bounds - exact[:, np.newaxis])
    np.testing.assert_array_less(np.abs(weights.mean(axis=1) - 1), 4 * weights.std(axis=1) / math.sqrt(500))
    assert weights.std() > 0.1
    np.testing.assert_allclose(model.log_likelihood(x[:, :4], None, 2000, 3, seed=1), exact, atol=0.1)
    steps = model.predict_steps(x[:, :4], num_importance=2000, seed=2).steps
    np.testing.assert_allclose(tf.reduce_sum(steps, axis=1), exact, atol=0.1)


def test_a_posterior_that_knows_nothing_is_the_prior(x):
    """N(m, s^2) of an endless s leaves the prior; with `published_scale` its variance takes the place of its scale."""
    for published in (False, True):
        model = _model(kinds=("gaussian", "gaussian"), published_scale=published)
        for level in model.cell.posterior_part.levels:
            bias = level.network.dense_layers[-1].bias
            bias.assign(np.where(np.arange(bias.shape[0]) < bias.shape[0] // 2, 0.0, 1e7))
        trajectory, *_ = model.make_pass(model.prepare(x), random.as_seed(SEED)).first
        expected = model.cell.prior_part.moments(trajectory.latent, trajectory.previous_hidden)
        scale = expected.scale**2 if published else expected.scale
        np.testing.assert_allclose(trajectory.posterior.scale, scale, rtol=1e-6)
        np.testing.assert_allclose(trajectory.posterior.loc, expected.loc, rtol=1e-6, atol=1e-9)
        assert np.abs(model.bound(x, seed=1).kl).max() < 1e-5 or published


def test_a_posterior_is_multiplied_with_its_prior():
    posterior = _model().cell.posterior_part
    found, expected = (
        Gaussian(tf.constant([1.0]), tf.constant([0.5])),
        Gaussian(tf.constant([-1.0]), tf.constant([1.0])),
    )
    combined = posterior._combine(found, expected)
    z = np.linspace(-4, 4, 8001)

    def density(loc, scale):
        return np.exp(-0.5 * ((z - loc) / scale) ** 2)

    product = density(1.0, 0.5) * density(-1.0, 1.0)
    product /= product.sum()
    np.testing.assert_allclose(combined.loc, [(product * z).sum()], rtol=1e-5)
    np.testing.assert_allclose(
        combined.scale, [math.sqrt((product * (z - combined.loc.numpy()) ** 2).sum())], rtol=1e-5
    )


def test_the_prior_is_its_distribution_and_its_draws():
    prior = _model((2, 1), covariate_size=1).cell.prior_part
    hidden = tf.random.stateless_normal([3, 2 * 3 + 5 + 1], [1, 2], dtype=tf.float64)
    latent = tf.random.stateless_normal([3, 3], [3, 4], dtype=tf.float64)
    expected = prior.distribution(hidden).log_prob(latent)
    np.testing.assert_allclose(prior.log_density(latent, hidden), expected, rtol=1e-10)
    seeds = tf.reshape(tf.range(8000), [4000, 2])
    drawn = prior.sample(tf.tile(hidden[:1], [4000, 1]), seeds).numpy()
    other = prior.distribution(tf.tile(hidden[:1], [4000, 1])).sample(seed=5).numpy()
    np.testing.assert_allclose(drawn.mean(axis=0), other.mean(axis=0), atol=0.1)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(other.T), atol=0.1)


def test_a_forecast_needs_one_particle(model, x):
    values = [model.forecast(x, 3, 5, MASK, SEED, num_importance=count).numpy() for count in (1, 50)]
    np.testing.assert_array_equal(*values)
    assert values[0].shape == (5, 4, 3, D)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"`posteriors` must be posteriors of \(2, 1\) dimensions"):
        _model(posteriors=[_posterior(1, "a"), _posterior(2, "b")])
    with pytest.raises(ValueError, match="`posteriors` must be without a summary"):
        reading = sisrnn_tf.posteriors.Gaussian(1, (4,), summary=sisrnn_tf.posteriors.BackwardGRU(3), dtype="float64")
        _model((1,), ("gaussian",), posteriors=[reading])
    with pytest.raises(ValueError, match="`truncation` must be None"):
        _model(truncation=3)
    with pytest.raises(ValueError, match="`latent_size` must be left out"):
        _model(latent_size=3)
    with pytest.raises(ValueError, match="`level_sizes` must be of at least one level"):
        cells.LadderPrior((), 3)
