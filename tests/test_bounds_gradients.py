"""Gradients of the training loss, and the unbiasedness of the estimate behind the bound."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import sisrnn_tf
from sisrnn_tf.core.log_space import log_mean_exp
from sisrnn_tf.core.types import Noise
from sisrnn_tf.inference import noise
from sisrnn_tf.posteriors import SemiImplicit
from tests.passes import draw_noise, make_pass
from tests.reference import sequence


def _training_loss(model, observations, mask):
    """The loss that `SIVILoss` adds in training, always on the same noise."""
    model.loss_layer(passed=make_pass(model, observations, mask), training=True)
    (loss,) = model.loss_layer.losses
    return loss


def _central_difference(function, weight, direction, step=1e-5):
    start, values = weight.numpy(), []
    for sign in (1, -1):
        weight.assign(start + sign * step * direction)
        values.append(float(function()))
    weight.assign(start)
    return (values[0] - values[1]) / (2 * step)


def test_gradients_equal_finite_differences(make_model, observations, mask):
    """K = 3, beta = 0.7, masked: through z and every psi, for every weight along two directions."""
    model = make_model("SISRNN", dtype="float64", activation="tanh", num_mixing=3, kl_weight=0.7)
    loss = tf.function(lambda: _training_loss(model, observations, mask))
    weights = model.trainable_weights
    with tf.GradientTape() as tape:
        value = loss()
    assert value.dtype == tf.float64
    gradients = tape.gradient(value, [weight.value for weight in weights])
    rng = np.random.default_rng(0)
    for weight, gradient in zip(weights, gradients, strict=True):
        assert np.any(gradient.numpy()), weight.path
        for _ in range(2):
            direction = rng.normal(size=weight.shape)
            expected = _central_difference(loss, weight, direction)
            np.testing.assert_allclose(
                np.sum(gradient * direction), expected, rtol=1e-6, atol=1e-8, err_msg=weight.path
            )


def test_nothing_is_stopped(make_model, observations, monkeypatch):
    """The gradient of the KL with respect to the noise of z and of each psi^k is not zero."""
    model = make_model("SISRNN", dtype="float64", activation="tanh")
    mixing, latent, extra = map(tf.constant, draw_noise(model.cell, 5, 4, 3))
    with tf.GradientTape() as tape:
        tape.watch([mixing, latent, extra])
        by_row = tf.reshape(tf.transpose(extra, [1, 2, 0, 3]), [20, 3, -1])
        monkeypatch.setattr(noise, "draw", lambda *_: Noise(mixing, latent))
        monkeypatch.setattr(model.cell.posterior_part, "sample_noise", lambda *_: by_row)  # of the one chunk
        terms = sisrnn_tf.objectives.SIVI(3).estimate(make_pass(model, observations)).terms
    for gradient in tape.gradient(terms.kl, [mixing, latent, extra]):
        assert np.any(gradient.numpy() != 0, axis=-1).all()


RUNS = 20_000
X = np.array([[1.0, 0.0], [0.0, 0.0]])


@pytest.fixture(scope="module")
def small():
    """D = 2, Z = 1: posterior wider than the prior, so that the weights have a variance; far from the truth."""
    keras.utils.set_random_seed(3)
    posterior = SemiImplicit(1, (4,), (3,), 4.0, activation="tanh", dtype="float64")
    model = sisrnn_tf.SISRNN(
        sisrnn_tf.emissions.Bernoulli(2),
        1,
        3,
        posterior=posterior,
        prior_sizes=(3,),
        decoder_sizes=(4,),
        dtype="float64",
    )
    posterior.network.output_layer.kernel.assign(np.linspace(0.2, 0.5, 4)[:, np.newaxis] * [[1.0, 0.0]])
    posterior.network.output_layer.bias.assign([-0.5, 0.8])
    for index, weight in enumerate(model.cell.decoder.weights):
        weight.assign(np.random.default_rng(index).normal(size=weight.shape))
    return model


def _likelihood_by_quadrature(cell, x, num_nodes=60):
    """p(x_1, x_2) by Gauss-Hermite quadrature over z_1 and z_2."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(num_nodes)
    weights = weights / np.sum(weights)

    def expected(h, t):
        loc, scale = cell.prior(h)
        total = 0.0
        for node, weight in zip(nodes, weights, strict=True):
            z = loc + scale * node
            value = np.exp(sequence.bernoulli_log_prob(x[t], cell.decode(z, h)))
            rest = expected(cell.transition(x[t], z, h), t + 1) if t + 1 < len(x) else 1.0
            total += weight * value * rest
        return total

    return expected(np.zeros(cell.hidden_size), 0)


@pytest.fixture(scope="module")
def likelihood(small):
    return _likelihood_by_quadrature(sequence.Cell(small.cell), X)


def _z_score(estimates, expected):
    return (np.mean(estimates) - expected) / (np.std(estimates) / np.sqrt(len(estimates)))


@pytest.mark.parametrize("num_mixing", [0, 5])
def test_the_estimate_of_the_likelihood_is_unbiased(small, likelihood, num_mixing):
    """Mean of exp(surrogate) within 4 standard errors of p(x): a false alarm in one of 16,000, were the seed fresh."""
    terms = small.bound(np.tile(X, (RUNS, 1, 1)), num_mixing=num_mixing, seed=1)
    estimates = np.exp(terms.surrogate.numpy())
    assert abs(_z_score(estimates, likelihood)) < 4
    assert np.std(estimates) / np.sqrt(RUNS) < 0.02 * likelihood  # so a bias of 8% would be seen
    assert np.mean(terms.surrogate) < np.log(likelihood)


def test_leaving_the_generating_draw_out_is_biased_upward(small, likelihood, monkeypatch):
    """What must never be done: the same estimate, with ghat over psi^1..psi^K alone."""

    def without_own(posterior, latent, own, draws):
        return log_mean_exp(posterior.log_density(latent[..., tf.newaxis, :], draws), axis=-1)

    def estimates():
        passed = make_pass(small, np.tile(X, (RUNS, 1, 1)), seed=1)
        return np.exp(sisrnn_tf.objectives.SIVI(1).estimate(passed).log_likelihood)

    right = estimates()
    monkeypatch.setattr(SemiImplicit, "log_mixture", without_own)
    wrong = estimates()
    assert abs(_z_score(right, likelihood)) < 4
    assert _z_score(wrong, likelihood) > 8
