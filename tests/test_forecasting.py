"""Forecasts against quadrature over the latents, on models of one latent dimension and one binary feature.

"Within 5 standard errors" over independent rows: a false alarm in one of 1.7 million each, were the seed fresh.
"""

import itertools

import numpy as np
import pytest
import tensorflow as tf

import sisrnn_tf
from tests import exports
from tests import test_likelihoods as tiny
from tests.reference import sequence

ROWS, DRAWS, NODES = 1500, 4, 20
CONTEXT = np.array([1.0, 0.0])
CONTINUATIONS = np.reshape(list(itertools.product((0.0, 1.0), repeat=2)), [4, 2])


def rnn(size=1):
    """A deterministic model whose state matters."""
    model = sisrnn_tf.RNN(sisrnn_tf.emissions.Bernoulli(size), hidden_size=3, decoder_sizes=(4,), dtype="float64")
    rng = np.random.default_rng(1)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(scale=1.2, size=weight.shape))
    return model


def misled(model_class):
    """A model whose encoder is far from the posterior of its states."""
    model = tiny._make(2, model_class)
    network = model.cell.posterior_part.network
    bias = (network.output_layer if model_class == "SISRNN" else network.dense_layers[-1]).bias
    bias.assign(bias.numpy() + np.array([1.5, 0.0]))
    return model


@pytest.fixture(scope="module")
def models():
    return {"SISRNN": misled("SISRNN"), "VRNN": misled("VRNN"), "RNN": rnn()}


def likelihoods(model, sequences, num_nodes=NODES):
    """p(x_1..x_T) of each of the sequences `[N, T]` or `[N, T, D]`: by quadrature, or exactly."""
    sequences = np.reshape(sequences, [*np.shape(sequences)[:2], model.emission.event_size])
    if isinstance(model, sisrnn_tf.RNN):
        return np.exp(model.log_likelihood(sequences).numpy())
    return np.array([tiny._quadrature(model, x, num_nodes) for x in sequences])


def _frequencies(model, lengths, **kwargs):
    """Frequencies of the four continuations by row and their exact probabilities, by length of the context."""
    context = np.tile(CONTEXT[:, np.newaxis], [len(lengths), 1, 1])
    mask = np.arange(2) < lengths[:, np.newaxis]
    context[~mask] = np.nan  # padding may hold anything
    draws = model.forecast(context, 2, DRAWS, mask, seed=3, **kwargs).numpy()
    assert draws.shape == (DRAWS, len(lengths), 2, 1)
    return np.mean(np.all(draws[..., 0][:, :, np.newaxis] == CONTINUATIONS, axis=-1), axis=0)  # [rows, 4]


def _exact(model, length, num_nodes=NODES):
    sequences = [np.concatenate([CONTEXT[:length], rest]) for rest in CONTINUATIONS]
    values = likelihoods(model, sequences, num_nodes)
    return values / np.sum(values)


def z_scores(frequencies, expected):
    """Deviations of the means over rows from what is expected, in standard errors."""
    return (np.mean(frequencies, axis=0) - expected) / (np.std(frequencies, axis=0) / np.sqrt(len(frequencies)))


@pytest.mark.parametrize("kind", ["SISRNN", "VRNN", "RNN"])
def test_forecasts_have_the_conditional_distribution_of_the_model(models, kind):
    model, lengths = models[kind], np.repeat([1, 2], ROWS)
    frequencies = _frequencies(model, lengths)
    for length in (1, 2):
        exact = _exact(model, length)
        np.testing.assert_allclose(_exact(model, length, NODES + 10), exact, atol=1e-3)
        assert (np.abs(z_scores(frequencies[lengths == length], exact)) < 5).all()


def test_a_single_particle_would_be_seen(models):
    """The test above has the power to tell the posterior of the state from the encoder's draw."""
    model = models["VRNN"]
    context = np.tile(CONTEXT[:, np.newaxis], [8 * ROWS, 1, 1])
    draws = model.forecast(context, 2, 1, seed=3, num_importance=1).numpy()[0, ..., 0]
    frequencies = np.all(draws[:, np.newaxis] == CONTINUATIONS, axis=-1)
    assert np.max(np.abs(z_scores(frequencies, _exact(model, 2)))) > 8


def test_temperature_divides_the_logits_of_a_forecast(models):
    model = models["RNN"]
    context = np.tile(CONTEXT[:, np.newaxis], [8 * ROWS, 1, 1])
    draws = model.forecast(context, 1, 1, seed=3, temperature=0.5).numpy()[0, :, 0]
    odds = _exact(model, 2)[2:].sum() / _exact(model, 2)[:2].sum()
    assert abs(z_scores(draws, odds**2 / (1 + odds**2))[0]) < 5
    assert abs(odds**2 / (1 + odds**2) - odds / (1 + odds)) > 0.05


@pytest.mark.parametrize("kind", ["SISRNN", "RNN"])
def test_forecasts_follow_their_seed(models, kind):
    model, context = models[kind], np.tile(CONTEXT[:, np.newaxis], [50, 1, 1])
    first, again, other = (model.forecast(context, 3, 2, seed=seed).numpy() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any() and (first[0] != first[1]).any()
    assert (model.forecast(context, 3, 2).numpy() != model.forecast(context, 3, 2).numpy()).any()


def test_temperature_sharpens_what_is_generated(models):
    """At 1 it changes nothing; near 0 every draw of the RNN is the likeliest."""
    model = models["RNN"]
    plain = model.generate(50, 4, seed=1).numpy()
    np.testing.assert_array_equal(model.generate(50, 4, seed=1, temperature=1), plain)
    cold = model.generate(50, 4, seed=1, temperature=1e-4).numpy()
    assert (cold == cold[:1]).all() and (plain != plain[:1]).any()
    logit = model.decoder(tf.zeros([1, 3], tf.float64)).numpy()
    assert (cold[:, 0] == (sequence.sigmoid(logit) > 0.5)).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_steps": 0}, "`num_steps` must be an int of at least 1"),
        ({"num_samples": 0}, "`num_samples` must be an int of at least 1"),
        ({"num_importance": 0}, "`num_importance` must be an int of at least 1"),
        ({"num_mixing": -1}, "`num_mixing` must be an int of at least 0"),
        ({"temperature": 0.0}, "`temperature` must be positive and finite"),
        ({"temperature": np.nan}, "`temperature` must be positive and finite"),
        ({"context": np.full([2, 2, 1], np.nan)}, "must be finite"),
        ({"context": np.full([2, 2, 1], 0.5)}, "must be 0 or 1"),
        ({"context": np.zeros([2, 2, 2])}, "must have 1 features"),
        ({"context": np.zeros([2, 0, 1])}, "at least one step"),
        ({"mask": np.array([[False, True], [True, True]])}, "`mask` must be right padding"),
        ({"mask": np.array([[False, False], [True, True]])}, "zero-length"),
    ],
)
def test_bad_arguments_of_a_forecast_are_named(models, arguments, message):
    given = {"context": np.zeros([2, 2, 1]), "num_steps": 1, "num_samples": 1, **arguments}
    with pytest.raises(ValueError, match=message):
        models["SISRNN"].forecast(**given)


def _write(model, batch_size, num_steps):
    return model.generate(batch_size, num_steps, seed=0).shape == (batch_size, num_steps)


def _generate(model, batch_size, num_steps):
    return model.generate(batch_size, num_steps, seed=0).shape == (batch_size, num_steps, 1)


def _forecast(model, num_samples, num_steps):
    made = model.forecast(np.zeros([2, 2, 1]), num_steps, num_samples, seed=0, num_importance=num_steps)
    return made.shape == (num_samples, 2, num_steps, 1)


def _impute(model, num_samples, num_importance):
    missing = np.zeros([2, 2], bool)
    filled = model.impute(np.zeros([2, 2, 1]), missing, None, 0, num_samples, num_importance)
    return filled.shape == (num_samples, 2, 2, 1)


@pytest.mark.parametrize(
    ("part", "method", "draw"),
    [
        ("emission", "sample", _generate),
        ("emission", "sample", _forecast),
        ("emission", "log_prob_observed", _impute),
        ("decoder", "step", _write),
    ],
)
def test_fifty_pairs_of_sizes_make_one_trace(part, method, draw, monkeypatch):
    """A part of the model is called while a function is traced, and by no later call."""
    model = exports.sentence_model() if part == "decoder" else tiny._make(2)
    inner, calls = getattr(getattr(model, part), method), []
    monkeypatch.setattr(getattr(model, part), method, lambda *arguments: calls.append(method) or inner(*arguments))
    counts = [draw(model, *pair) and len(calls) for pair in itertools.product(range(1, 6), range(1, 11))]
    assert counts[0] > 0 and counts == [counts[0]] * 50
