"""WaveNet: a density, causal, and the same at once and step by step."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

import sisrnn_tf
from sisrnn_tf.core import random
from sisrnn_tf.core.convolutions import DilatedStack

D, U = 2, 2


def _model(**kwargs):
    kwargs = {"emission": sisrnn_tf.emissions.Bernoulli(D), "decoder_sizes": (5,), "activation": "tanh", **kwargs}
    return sisrnn_tf.WaveNet(channels=3, blocks=2, block_layers=2, kernel_size=3, dtype="float64", **kwargs)


@pytest.fixture(scope="module")
def model():
    """A tiny WaveNet that reads the last 13 steps."""
    return _model()


@pytest.fixture(scope="module")
def x():
    return (np.random.default_rng(0).random((4, 20, D)) < 0.5).astype("float64")


def test_a_step_at_a_time_is_all_steps_at_once():
    stack = DilatedStack(3, 2, 2, 3, dtype="float64")
    inputs = np.random.default_rng(1).normal(size=[2, 20, D])
    whole, buffers = stack(inputs), tf.zeros([2, stack.buffer_size], tf.float64)
    assert stack.dilations == (1, 2, 1, 2) and len(whole.levels) == 2
    for time in range(20):
        step, buffers = stack.step(inputs[:, time], buffers)
        for part, other in zip([*step.levels, step.skip], [*whole.levels, whole.skip], strict=True):
            np.testing.assert_allclose(part, other[:, time], rtol=0, atol=1e-12)


def test_a_layer_is_a_dilated_causal_convolution():
    stack = DilatedStack(3, 1, 2, 2, dtype="float64")
    inputs = np.random.default_rng(1).normal(size=[2, 8, D])
    skip = stack(inputs).skip
    values, total = stack.input_layer(inputs).numpy(), 0.0
    for gate, output, dilation in zip(stack.gates, stack.outputs, (1, 2), strict=True):
        kernel, bias = (part.numpy() for part in gate.weights)
        early = np.concatenate([np.zeros([2, dilation, 3]), values[:, :-dilation]], axis=1)
        both = early @ kernel[:3] + values @ kernel[3:] + bias
        added = output(np.tanh(both[..., :3]) / (1 + np.exp(-both[..., 3:]))).numpy()
        values, total = values + added, total + added
    np.testing.assert_allclose(skip, total, rtol=1e-10)


def test_the_likelihood_sums_to_one(model):
    every = np.array(list(itertools.product([0.0, 1.0], repeat=3 * D))).reshape(-1, 3, D)
    assert np.exp(model.log_likelihood(every)).sum() == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("time", [0, 7, 19])
def test_what_comes_later_leaves_what_was_before(model, x, time):
    """And of what was before, only the last 13 steps count."""
    other = x.copy()
    other[:, time] = 1 - other[:, time]
    left, right = (model(each)["emission_parameters"].numpy() for each in (x, other))
    changed = np.abs(left - right).max(axis=(0, 2)) > 1e-15
    np.testing.assert_array_equal(changed, (np.arange(20) > time) & (np.arange(20) <= time + 13))


def test_steps_add_up_to_the_whole(model, x):
    np.testing.assert_allclose(model.predict_steps(x).steps.numpy().sum(axis=1), model.bound(x).surrogate, rtol=1e-9)


def test_a_stream_is_the_whole(model, x):
    state, total = model.initial_state(4), 0.0
    parameters = model(x)["emission_parameters"]
    for time in range(20):
        step = model.stream_step(x[:, time], state, 0, random.as_seed(time))
        state, total = step.state, total + step.log_weight
        np.testing.assert_allclose(step.emission_parameters, parameters[:, time], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(total, model.score(x), rtol=1e-9)


def test_masked_is_truncated(model, x):
    lengths = np.array([20, 3, 1, 14])
    mask = np.arange(20) < lengths[:, np.newaxis]
    spoilt = np.where(mask[..., np.newaxis], x, np.nan)
    expected = [float(model.log_likelihood(x[row : row + 1, :length])[0]) for row, length in enumerate(lengths)]
    np.testing.assert_allclose(model.log_likelihood(spoilt, mask), expected, rtol=1e-9)


def test_covariates_and_gaps(x):
    """A step knows its own covariates and no later ones; a missing value is as good as another."""
    model, u = _model(covariate_size=U), np.random.default_rng(2).normal(size=[4, 20, U])
    steps = model.predict_steps(x, covariates=u).steps.numpy()
    np.testing.assert_allclose(steps.sum(axis=1), model.log_likelihood(x, covariates=u), rtol=1e-9)
    other = u.copy()
    other[:, 9] += 1
    changed = np.abs(model.predict_steps(x, covariates=other).steps - steps).max(axis=0) > 1e-15
    np.testing.assert_array_equal(changed, (np.arange(20) >= 9) & (np.arange(20) <= 9 + 13))
    observed = np.ones(x.shape, bool)
    observed[:, 3, 0] = False
    kept, spoilt = (np.where(observed, x, value) for value in (0.0, np.nan))
    values = [model.log_likelihood(each, covariates=u, observed=observed) for each in (kept, spoilt)]
    np.testing.assert_allclose(*values, rtol=1e-12)


def test_what_it_draws_goes_on_from_what_was(model, x):
    """A forecast of 0 and 1 that is near certain: the next step's mean."""
    drawn = model.forecast(x[:1, :12], 1, 4000, seed=0).numpy().mean(axis=0)[0, 0]
    parameters = model(x[:1, :13])["emission_parameters"][0, 12]
    np.testing.assert_allclose(drawn, tf.sigmoid(parameters), atol=0.04)
    assert model.generate(2, 5, seed=0).shape == (2, 5, D)


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="`channels` must be an int of at least 1"):
        sisrnn_tf.WaveNet(sisrnn_tf.emissions.Bernoulli(D), channels=0)
    with pytest.raises(ValueError, match="`kernel_size` must be an int of at least 2"):
        sisrnn_tf.WaveNet(sisrnn_tf.emissions.Bernoulli(D), kernel_size=1)
    with pytest.raises(ValueError, match=r"`channels` and `blocks` .* must fit in memory"):
        sisrnn_tf.WaveNet(sisrnn_tf.emissions.Bernoulli(D), block_layers=40)
