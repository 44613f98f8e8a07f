"""TwinNet: exact likelihood, and what the backward network and the matching penalty do in training alone."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import sisrnn_tf
from sisrnn_tf.core.types import Batch
from sisrnn_tf.models import twin_net
from tests.reference import sequence

D, H = 3, 4


def _make(kind="TwinNet", **kwargs):
    keras.utils.set_random_seed(1)
    options = {"hidden_size": H, "decoder_sizes": (5,), "dtype": "float64", "activation": "tanh", **kwargs}
    return getattr(sisrnn_tf, kind)(sisrnn_tf.emissions.Bernoulli(D), **options)


def _costs(model, x, mask=None, observed=None, covariates=None):
    """The costs by their metric's name, each [B]."""
    batch = model.prepare({"observations": x, "mask": mask, "observed": observed, "covariates": covariates})
    passed = model.make_pass(batch, tf.constant([0, 0]))
    return {layer.name: cost.numpy() for layer, cost in model.auxiliary_costs(passed, batch)}


def _states(weights, x):
    """h_0..h_T of a GRU over one sequence [T, D]."""
    states = [np.zeros(H)]
    for step in x:
        states.append(sequence.gru(weights, step, states[-1]))
    return np.array(states)


def _reference(model, x):
    """-log p_b(x) and both distances, summed over steps, of one sequence [T, D]."""
    forward = _states(sequence.layer_weights(model.gru), x)[:-1]  # h_0..h_{T-1}
    backward = _states(sequence.layer_weights(model.backward_gru), x[::-1])[:-1][::-1]  # b_2..b_{T+1}
    decoder = sequence.layer_weights(model.backward_decoder)
    nll = -sum(sequence.bernoulli_log_prob(x, sequence.mlp(decoder, backward, np.tanh)))
    kernel, bias = (weight.numpy() for weight in model.affine.weights)
    squares = (forward @ kernel + bias - backward) ** 2
    return nll, squares.mean(axis=1).sum(), np.sqrt(squares.sum(axis=1)).sum()


def test_its_likelihood_is_exact_and_that_of_the_rnn():
    """Exhaustively: the sum over all binary sequences is 1."""
    model = _make()
    every = np.reshape(list(itertools.product((0.0, 1.0), repeat=6)), [-1, 2, D])
    likelihood = np.exp(model.log_likelihood(every))
    assert np.ptp(likelihood) > 1e-3
    np.testing.assert_allclose(likelihood.sum(), 1.0, rtol=1e-12)
    np.testing.assert_array_equal(model.log_likelihood(every), _make("RNN").log_likelihood(every))


@pytest.mark.parametrize("euclidean", [False, True])
def test_both_costs_agree_with_numpy(observations, mask, euclidean):
    model = _make(euclidean=euclidean)
    model.affine.bias.assign(np.linspace(-1, 1, H))
    padded = np.where(mask[..., np.newaxis], observations, np.nan)
    costs = _costs(model, padded, mask)
    for row, length in enumerate(mask.sum(axis=1)):
        expected = _reference(model, observations[row, :length].astype("float64"))
        np.testing.assert_allclose(costs["backward"][row], expected[0], rtol=1e-9)
        np.testing.assert_allclose(costs["twin"][row], expected[1 + euclidean], rtol=1e-9)


def test_masked_equals_truncated(observations, mask):
    model = _make(truncation=2)
    costs = _costs(model, observations, mask)
    for row, length in enumerate(mask.sum(axis=1)):
        alone = _costs(model, observations[row : row + 1, :length])
        np.testing.assert_allclose(
            [costs["twin"][row], costs["backward"][row]], [alone["twin"][0], alone["backward"][0]]
        )


def test_missing_values_and_covariates_are_the_backward_networks_too(observations):
    """It is an RNN of its own over what is turned around."""
    model, rng = _make(covariate_size=2), np.random.default_rng(1)
    known, beside = rng.random(observations.shape) < 0.7, rng.normal(size=(4, 5, 2)).astype("float32")
    x = np.where(known, observations, np.nan)
    alone = _make("RNN", covariate_size=2)
    alone.gru.set_weights(model.backward_gru.get_weights())
    alone.decoder.set_weights(model.backward_decoder.get_weights())
    turned = {"observed": known[:, ::-1], "covariates": beside[:, ::-1]}
    expected = -alone.log_likelihood(x[:, ::-1], **turned)
    np.testing.assert_allclose(_costs(model, x, None, known, beside)["backward"], expected, rtol=1e-12)


def _gradients(model, x):
    with tf.GradientTape() as tape:
        model(x, training=True)
        loss = sum(model.losses)
    return loss, tape.gradient(loss, model.trainable_variables, unconnected_gradients="zero")


def test_without_the_penalty_forward_gradients_are_those_of_the_rnn(observations):
    """With it the backward network's own stay as they are: the penalty's gradient stops there."""
    plain, model, none = _make("RNN"), _make(twin_weight=1.0), _make(twin_weight=0)
    expected = _gradients(plain, observations)
    for value, other in zip(tf.nest.flatten(_gradients(none, observations)), tf.nest.flatten(expected), strict=True):
        np.testing.assert_array_equal(value, other)
    _, pulled = _gradients(model, observations)
    model.twin_loss.coefficient = 0.0
    loss, free = _gradients(model, observations)
    backward = _costs(model, observations)["backward"].mean()
    np.testing.assert_allclose(loss, expected[0] + backward, rtol=1e-12)
    pairs = zip(model.trainable_variables, pulled, free, strict=True)
    changed = {id(variable) for variable, value, other in pairs if np.any(value != other)}
    assert changed == {id(variable) for layer in (model.gru, model.affine) for variable in layer.trainable_variables}
    for value, other in zip(free, expected[1], strict=False):
        np.testing.assert_allclose(value, other, rtol=1e-12)


def test_the_euclidean_distance_has_a_gradient_where_states_agree():
    x = tf.Variable([[0.0, 0.0], [3.0, 4.0]])
    with tf.GradientTape() as tape:
        value = twin_net.distance(x, tf.zeros_like(x), True)
    np.testing.assert_allclose(value, [0.0, 5.0])
    np.testing.assert_allclose(tape.gradient(value, x), [[0, 0], [0.6, 0.8]])


def test_what_is_predicted_knows_the_past_alone(observations):
    model, changed = _make(), observations.copy()
    changed[:, 2] = 1 - changed[:, 2]
    before, after = (model.infer(x)["emission_parameters"].numpy() for x in (observations, changed))
    np.testing.assert_array_equal(after[:, :3], before[:, :3])
    assert (after[:, 3:] != before[:, 3:]).any(axis=-1).all()


def test_validation_and_estimates_have_none_of_it(observations):
    model = _make(dtype="float32")
    model.compile("sgd")
    history = model.fit(observations, validation_data=observations, verbose=0).history
    np.testing.assert_allclose(history["val_loss"], -np.mean(model.log_likelihood(observations)), rtol=1e-5)
    np.testing.assert_allclose(history["val_twin"], _costs(model, observations)["twin"].mean(), rtol=1e-5)
    (parts,) = zip(*(history[name] for name in ("log_likelihood", "backward", "twin")), strict=True)
    np.testing.assert_allclose(history["loss"], np.dot([-1, 1, 0.5], parts), rtol=1e-5)


def test_an_export_has_no_weights_of_the_backward_network(tmp_path):
    model = _make(dtype="float32")
    model.export(tmp_path / "twinnet" / "1", num_mixing=0)
    exported = tf.saved_model.load(str(tmp_path / "twinnet" / "1")).weights
    used = [*model.gru.weights, *model.decoder.weights]
    assert sorted(weight.shape.as_list() for weight in exported) == sorted(
        [weight for weight in map(list, (each.shape for each in used)) if weight]
    )


def test_sequences_are_turned_within_their_length():
    batch = Batch(tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 0.0]]), tf.constant([[True] * 3, [True, True, False]]), None)
    np.testing.assert_array_equal(twin_net.reverse(batch.observations, batch.mask), [[3, 2, 1], [5, 4, 0]])
    np.testing.assert_array_equal(twin_net.reverse(batch.observations, None), [[3, 2, 1], [0, 5, 4]])


@pytest.mark.parametrize("value", [-1.0, float("nan"), "much"])
def test_its_weight_is_checked(value):
    with pytest.raises(ValueError, match="`twin_weight` must be finite and at least 0"):
        _make(twin_weight=value)
