"""Gradients of the training loss, and the unbiasedness of the estimate behind the bound."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import sisrnn_tf
from sisrnn_tf import bounds, random
from sisrnn_tf.chunked_mixture import densities_and_mixture
from sisrnn_tf.noise import draw_noise, given_extra_mixing
from sisrnn_tf.rnn import batch_to_time_major
from tests.reference import sequence


def _training_loss(model, observations, mask, noise):
    """The loss that `SIVILoss` adds in training, on injected noise."""
    x = batch_to_time_major(tf.constant(observations, tf.float64))
    time_mask = tf.transpose(mask)
    trajectory = model.rnn.scan(x, noise, time_mask)
    parameters = model.cell.emission_parameters(trajectory.latent, trajectory.previous_hidden)
    draws = given_extra_mixing(noise.extra_mixing)
    densities, mixture = densities_and_mixture(model.cell, x, parameters, trajectory, draws, len(noise.extra_mixing))
    model.loss_layer(densities, mixture=mixture, time_mask=time_mask, training=True)
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
    noise = draw_noise(model.cell, 5, 4, 3, random.as_seed(2))
    loss = tf.function(lambda: _training_loss(model, observations, mask, noise))
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


def test_nothing_is_stopped(make_model, observations):
    """The gradient of each component's log-density with respect to each psi^k and to z is not zero."""
    model = make_model("SISRNN", dtype="float64", activation="tanh")
    noise = draw_noise(model.cell, 5, 4, 3, random.as_seed(2))
    x = batch_to_time_major(tf.constant(observations, tf.float64))
    with tf.GradientTape() as tape:
        tape.watch([noise.mixing, noise.latent, noise.extra_mixing])
        trajectory = model.rnn.scan(x, noise)
        parameters = model.cell.emission_parameters(trajectory.latent, trajectory.previous_hidden)
        terms = bounds.bound_terms(bounds.log_densities(model.cell, x, parameters, trajectory, noise))
    gradients = tape.gradient(terms.kl, [noise.mixing, noise.latent, noise.extra_mixing])
    for gradient in gradients:
        assert np.any(gradient.numpy() != 0, axis=-1).all()


RUNS = 20_000
X = np.array([[1.0, 0.0], [0.0, 0.0]])


@pytest.fixture(scope="module")
def small():
    """D = 2, Z = 1: posterior wider than the prior, so that the weights have a variance; far from the truth."""
    keras.utils.set_random_seed(3)
    encoder = sisrnn_tf.encoders.SemiImplicit(1, (4,), (3,), 4.0, activation="tanh", dtype="float64")
    model = sisrnn_tf.SISRNN(
        sisrnn_tf.emissions.Bernoulli(2), 1, 3, encoder=encoder, prior_sizes=(3,), decoder_sizes=(4,), dtype="float64"
    )
    encoder.network.output_layer.kernel.assign(np.linspace(0.2, 0.5, 4)[:, np.newaxis] * [[1.0, 0.0]])
    encoder.network.output_layer.bias.assign([-0.5, 0.8])
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


def test_leaving_the_generating_draw_out_is_biased_upward(small, likelihood):
    """What must never be done: the same estimate, with ghat over psi^1..psi^K alone."""
    noise = draw_noise(small.cell, 2, RUNS, 1, random.as_seed(1))
    x = batch_to_time_major(tf.constant(np.tile(X, (RUNS, 1, 1))))
    trajectory = small.rnn.scan(x, noise)
    parameters = small.cell.emission_parameters(trajectory.latent, trajectory.previous_hidden)
    densities = bounds.log_densities(small.cell, x, parameters, trajectory, noise)
    right = np.exp(bounds.bound_terms(densities).surrogate)
    wrong = np.exp(bounds.bound_terms(densities._replace(components=densities.components[1:])).surrogate)
    assert abs(_z_score(right, likelihood)) < 4
    assert _z_score(wrong, likelihood) > 8
