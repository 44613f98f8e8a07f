"""What a cell refuses of its parts, before there is anything to lose."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_probability import distributions as tfd

import sisrnn_tf
from sisrnn_tf import cells, emissions, posteriors
from sisrnn_tf.core import random

X = np.random.default_rng(3).normal(size=(4, 3, 1)).astype("float32")


class _Narrow(cells.Prior):
    """A prior whose latent is as wide as h, not as z."""

    def distribution(self, hidden):
        return tfd.Independent(tfd.Normal(hidden, 1.0), 1)

    def sample(self, hidden, seed):
        return hidden + random.normal(tf.shape(hidden), seed)


class _Scattered(cells.Prior):
    """A prior whose dimensions are batches of it: at B = 1 its density would broadcast."""

    def distribution(self, hidden):
        return tfd.Normal(0.5 * hidden[..., :1], 1.0)

    def sample(self, hidden, seed):
        return 0.5 * hidden[..., :1] + random.normal([tf.shape(hidden)[0], 1], seed)


class _Wide(cells.Decoder):
    """A decoder of 4 numbers where the emission has 2: its scale would broadcast."""

    def call(self, latent, hidden):
        return tf.concat([latent, latent, 0 * latent, 0 * latent], -1)


class _Late(cells.Transition):
    """h_t = (z_t, 1), from h_0 = 2."""

    def initial_state(self, batch_size):
        return 2 * tf.ones([batch_size, self.hidden_size], self.compute_dtype)

    def call(self, observation, latent, hidden):
        return tf.concat([latent, hidden[..., 1:] - 1], -1)


class _Sorted(cells.Transition):
    def call(self, observation, latent, hidden):
        return hidden[..., :1]


class _Featured(posteriors.Gaussian):
    """Its features are those of x_t, time-major as they should be."""

    def features(self, observations, mask):
        return 2 * observations


class _BatchMajor(_Featured):
    causal = False

    def features(self, observations, mask):
        return tf.transpose(observations, [1, 0, 2])


class _Unseeded(posteriors.SemiImplicit):
    def sample_noise(self, shape, seed):
        return tf.random.normal([*shape, self.noise_size])


class _Pair(posteriors.Gaussian):
    def call(self, context, noise):
        return tuple(super().call(context, noise))


def _make(**parts):
    return sisrnn_tf.SISRNN(emissions.Normal(1), 1, 2, **parts)


@pytest.mark.parametrize("name", ["prior", "decoder", "transition", "posterior"])
@pytest.mark.parametrize("part", ["gaussian", 0, posteriors.Gaussian, keras.layers.Dense(1)], ids=str)
def test_a_part_is_one_of_its_name(name, part):
    with pytest.raises(ValueError, match=f"`{name}` must be an object of a subclass of `sisrnn_tf"):
        _make(**{name: part})


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"prior": lambda: _Narrow(1)}, r"`prior.sample` must return float32 \(3, 1\).* float32 \(3, 2\)"),
        ({"prior": lambda: _Scattered(1)}, r"`prior.log_density` must return float32 \(3,\).* float32 \(3, 1\)"),
        ({"decoder": lambda: _Wide(2)}, r"`decoder.call` must return float32 \(3, 2\).* float32 \(3, 4\)"),
        ({"transition": lambda: _Sorted(2)}, r"`transition.call` must return float32 \(3, 2\).* float32 \(3, 1\)"),
        ({"transition": lambda: _Late(2, dtype="float16")}, "`dtype` must be float32, float64 or mixed_bfloat16"),
        ({"transition": lambda: _Late(2, dtype="mixed_bfloat16")}, r"`transition.initial_state` .* bfloat16 \(3, 2\)"),
        ({"posterior": lambda: _Featured(1)}, "`causal` must be said by a class with `features`"),
        ({"posterior": lambda: _BatchMajor(1)}, r"`posterior.features` must return features \[T, B, F\]"),
        ({"posterior": lambda: _Unseeded(1)}, "`posterior.sample_noise` must return the same noise for the same seed"),
        ({"posterior": lambda: _Pair(1)}, "`posterior.call` must return a `sisrnn_tf.core.types.Gaussian`"),
        ({"posterior": lambda: posteriors.Gaussian(4)}, "`posterior` must be a part with latent_size=1"),
    ],
)
def test_what_would_broadcast_or_come_out_otherwise_is_refused(parts, message):
    with pytest.raises(ValueError, match=message):
        _make(**{name: make() for name, make in parts.items()})


def test_a_sentence_refuses_what_is_no_posterior():
    with pytest.raises(ValueError, match="`posterior` must be an object of a subclass of"):
        sisrnn_tf.SentenceSISRNN(5, posterior=cells.StandardPrior(32))


@pytest.fixture(scope="module")
def late():
    return _make(transition=_Late(2), seed=1)


@pytest.mark.parametrize("num_importance", [1, 5])
def test_a_stream_begins_where_the_transition_does(late, num_importance):
    state, total = late.initial_state(len(X), num_importance), np.zeros(len(X))
    seed = random.as_seed(4)
    for time in range(X.shape[1]):
        step = late.stream_step(X[:, time], state, 3, random.fold_in(seed, time))
        state, total = step.state, total + step.log_weight
    np.testing.assert_allclose(total, late.score(X, None, num_importance, 3, seed=4), rtol=1e-5)


def test_a_served_stream_begins_with_zeros_so_such_a_model_has_none(late, tmp_path):
    late.export(tmp_path / "1")
    assert "step" not in tf.saved_model.load(tmp_path / "1").signatures
