"""Parts put together: posteriors that look ahead, mix each dimension, both; a user's own; a known state-space model."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import sisrnn_tf
from sisrnn_tf import cells, posteriors
from sisrnn_tf.core import networks, random
from sisrnn_tf.core.types import Gaussian

X = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
RUNS = 3000
NETWORK = {
    "hidden_sizes": (4,),
    "noise_weight_scale": 4.0,
    "activation": "tanh",
    "scale_floor": 0.8,
    "dtype": "float64",
}


@keras.saving.register_keras_serializable("tests")
class LookingAhead(posteriors.SemiImplicit):
    """Reads at each step what is still to come: the states of a GRU that runs backward over the sequence."""

    causal = False

    def __init__(self, latent_size, **kwargs):
        super().__init__(latent_size, **kwargs)
        self.ahead = keras.layers.GRU(2, return_sequences=True, go_backwards=True, dtype=self.dtype_policy, name="gru")

    def build(self, observation_shape, hidden_shape):
        self.ahead.build((None, None, observation_shape[-1]))
        self.network.build((None, observation_shape[-1] + hidden_shape[-1] + 2))

    def features(self, observations, mask):
        backward = None if mask is None else tf.transpose(mask)
        states = self.ahead(tf.transpose(observations, [1, 0, 2]), mask=backward)
        return tf.transpose(tf.reverse(states, [1]), [1, 0, 2])

    def context(self, observation, hidden, features=None):
        return self.network.context(networks.concat([observation, hidden, features], self.compute_dtype))


def _looking_ahead(latent_size):
    return LookingAhead(latent_size, noise_sizes=(3,), **NETWORK)


def _per_dimension(latent_size):
    return posteriors.PerDimension(latent_size, noise_per_dimension=2, **{**NETWORK, "noise_weight_scale": 2.0})


def _both(latent_size):
    summary = posteriors.BackwardGRU(2, dtype="float64")
    return posteriors.PerDimension(latent_size, noise_per_dimension=2, summary=summary, **NETWORK)


def _make(posterior, latent_size, make=sisrnn_tf.SISRNN, **kwargs):
    keras.utils.set_random_seed(5)
    model = make(
        sisrnn_tf.emissions.Bernoulli(2),
        latent_size,
        3,
        posterior=posterior(latent_size),
        prior_sizes=(3,),
        decoder_sizes=(4,),
        scale_floor=0.5,
        activation="tanh",
        dtype="float64",
        **kwargs,
    )
    rng = np.random.default_rng(5)
    for weight in model.trainable_weights:
        weight.assign(weight.numpy() + rng.normal(scale=0.3, size=weight.shape))
    return model


KINDS = {
    "looking ahead": (_looking_ahead, 1),
    "per dimension": (_per_dimension, 2),
    "both": (_both, 2),
    "srnn": (_looking_ahead, 1, sisrnn_tf.SRNN),
}


@pytest.fixture(scope="module", params=KINDS.values(), ids=KINDS)
def model(request):
    return _make(*request.param)


def _likelihood(model, x, num_nodes=24):
    """p(x_1..x_T) by Gauss-Hermite quadrature over every path of the latents, through the cell's own parts."""
    cell, size = model.cell, model.cell.latent_size
    nodes, weights = np.polynomial.hermite_e.hermegauss(num_nodes if size == 1 else 10)
    grid = np.stack(np.meshgrid(*[nodes] * size, indexing="ij"), -1).reshape(-1, size)
    shares = np.prod(
        np.stack(np.meshgrid(*[weights / np.sum(weights)] * size, indexing="ij"), -1).reshape(-1, size), -1
    )
    (hidden,), total = cell.get_initial_state(1), np.ones(1)
    for observation in x:
        loc, scale = cell.prior_part.parameters(hidden)
        latent = tf.reshape(loc[:, tf.newaxis] + scale[:, tf.newaxis] * grid, [-1, size])
        hidden = tf.repeat(hidden, len(grid), axis=0)
        rows = np.tile(observation, [len(latent), 1])
        values = np.exp(cell.emission_part.log_prob(cell.emission_parameters(latent, hidden), rows))
        total = np.repeat(total, len(grid)) * np.tile(shares, len(total)) * values
        hidden = cell.transition(rows, latent, hidden)
    return np.sum(total)


def _z_score(estimates, expected):
    return (np.mean(estimates) - expected) / (np.std(estimates) / np.sqrt(len(estimates)))


@pytest.mark.parametrize(("num_importance", "resample"), [(1, False), (4, False), (4, True)])
def test_every_estimator_is_unbiased(model, num_importance, resample):
    """Within 4 standard errors of quadrature: a false alarm in one of 16,000 each, were the seed fresh."""
    x = X[:2] if model.cell.latent_size == 2 else X
    expected = _likelihood(model, x)
    rows = np.tile(x, (RUNS, 1, 1))
    estimates = np.exp(model.log_likelihood(rows, None, num_importance, 3, resample, seed=4))
    assert np.std(estimates) / np.sqrt(RUNS) < 0.05 * expected
    assert abs(_z_score(estimates, expected)) < 4
    assert _z_score(np.log(estimates), np.log(expected)) < -3


@pytest.mark.parametrize("kind", ["looking ahead", "per dimension"])
def test_leaving_the_generating_draw_out_is_seen(kind, monkeypatch):
    made = type(KINDS[kind][0](2))
    own_mixture = made.log_mixture

    def without_own(posterior, latent, own, draws):
        first, rest = (Gaussian(*(part[..., place, :] for part in draws)) for place in (0, slice(1, None)))
        return own_mixture(posterior, latent, first, rest)

    monkeypatch.setattr(made, "log_mixture", without_own)
    monkeypatch.setattr(made, "log_mixture_of_draws", posteriors.Posterior.log_mixture_of_draws)
    model = _make(*KINDS[kind])
    x = X[:2] if model.cell.latent_size == 2 else X
    log_estimates = model.log_likelihood(np.tile(x, (RUNS, 1, 1)), None, 4, 2, seed=4).numpy()
    expected = _likelihood(model, x)
    # The right ones have the expected mean, and logarithms that lie below; where a mean has no variance, they tell.
    scores = _z_score(np.exp(log_estimates), expected), _z_score(log_estimates, np.log(expected))
    assert max(scores) > 8


def _changed_before(model, time):
    """Whether psi of the steps before t depends on x_t, at the same noise."""
    other = X.copy()
    other[time] = 1 - other[time]
    first, second = (
        model.sample_trajectory(x[np.newaxis], np.ones([1, 3], bool), random.as_seed(1))[1] for x in (X, other)
    )
    return np.any(first.posterior.loc[:time] != second.posterior.loc[:time])


def test_features_reach_each_step_and_only_they_look_ahead():
    assert _changed_before(_make(_looking_ahead, 1), 2)
    assert _changed_before(_make(_both, 2), 2)
    assert not _changed_before(_make(_per_dimension, 2), 2)


@pytest.mark.parametrize("kind", ["looking ahead", "both"])
def test_masked_is_truncated_and_particles_share_their_sequence_s_features(kind):
    model = _make(*KINDS[kind])
    padded = np.concatenate([X, np.full([2, 2], np.nan)])[np.newaxis]
    mask = np.arange(5)[np.newaxis] < 3
    expected = model.log_likelihood(X[np.newaxis], None, 3, 2, resample=True, seed=1)
    received = model.log_likelihood(padded, mask, 3, 2, resample=True, seed=1)
    np.testing.assert_allclose(received, expected, rtol=1e-10)
    assert model.impute(X[np.newaxis], X[np.newaxis] > 0, seed=0, num_importance=3).shape == (1, 3, 2)
    assert model.forecast(X[np.newaxis], 2, 3, seed=0, num_importance=3).shape == (3, 1, 2, 2)


def test_a_posterior_that_looks_ahead_has_no_single_step(tmp_path):
    """Neither as a stream, nor as a Keras cell, nor as a served signature; all else is there."""
    model = _make(_looking_ahead, 1)
    message = "The posterior LookingAhead reads the whole sequence"
    with pytest.raises(ValueError, match=message):
        model.stream_step(X[:1], model.initial_state(1), 1, 0)
    with pytest.raises(ValueError, match=message):
        keras.layers.RNN(model.cell)(X[np.newaxis])
    model.export(tmp_path / "ahead" / "1", num_mixing=2, num_importance=2)
    signatures = tf.saved_model.load(str(tmp_path / "ahead" / "1")).signatures
    assert set(signatures) == {"serving_default", "score", "encode", "reconstruct", "generate"}
    seed, mask = tf.constant([3, 0]), tf.ones([1, 3], tf.bool)
    score = signatures["score"](observations=tf.constant(X[np.newaxis]), mask=mask, seed=seed)
    np.testing.assert_allclose(score["log_likelihood"], model.score(X[np.newaxis], None, 2, 2, seed=3), rtol=1e-6)
    assert "### step" not in (tmp_path / "ahead" / "1" / "README.md").read_text()


@pytest.mark.parametrize(
    ("kind", "objective", "jit_compile"),
    [
        ("looking ahead", sisrnn_tf.objectives.SIVI(2), True),
        ("looking ahead", sisrnn_tf.objectives.FIVO(3, 2), False),
        ("both", sisrnn_tf.objectives.SIVI(2), True),
        ("srnn", sisrnn_tf.objectives.IWAE(3, 2), False),
    ],
)
def test_parts_train_save_and_load(kind, objective, jit_compile, tmp_path):
    twin = _make(*KINDS[kind], objective=objective)
    twin.compile(optimizer=keras.optimizers.Adam(0.01), jit_compile=jit_compile)
    before = [weight.numpy() for weight in twin.trainable_weights]
    twin.fit(np.tile(X, (4, 1, 1)), batch_size=4, verbose=0)
    assert all(np.any(new.numpy() != old) for new, old in zip(twin.trainable_weights, before, strict=True))
    twin.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    expected = twin.bound(X[np.newaxis], num_mixing=2, seed=0).surrogate
    np.testing.assert_allclose(loaded.bound(X[np.newaxis], num_mixing=2, seed=0).surrogate, expected, rtol=1e-12)


A, C, Q, R = 0.8, 1.3, 0.5, 0.4  # z_t = A z_{t-1} + N(0, Q^2), x_t = C z_t + N(0, R^2)


@keras.saving.register_keras_serializable("tests")
class KnownPrior(cells.Prior):
    """p(z_t | z_{t-1}) = N(A z_{t-1}, Q^2), with h_{t-1} = z_{t-1}."""

    def distribution(self, hidden):
        return tfp.distributions.Independent(tfp.distributions.Normal(A * hidden, tf.constant(Q, hidden.dtype)), 1)

    def sample(self, hidden, seed):
        return A * hidden + Q * random.normal(tf.shape(hidden), seed, hidden.dtype)


@keras.saving.register_keras_serializable("tests")
class KnownDecoder(cells.Decoder):
    """Loc C z_t and a scale R, as `Normal` takes its parameters."""

    def call(self, latent, hidden):
        raw = np.log(np.expm1(R - 1e-3))
        return tf.concat([C * latent, tf.fill(tf.shape(latent), tf.constant(raw, latent.dtype))], axis=-1)


@keras.saving.register_keras_serializable("tests")
class Bootstrap(posteriors.Posterior):
    """Proposes from the prior: psi_t does not look at x_t."""

    noise_size = 0

    def build(self, observation_shape, hidden_shape):
        self.built = True

    def sample_noise(self, shape, seed):
        return tf.zeros([*shape, 0], self.compute_dtype)

    def context(self, observation, hidden, features=None):
        return A * hidden

    def call(self, context, noise):
        return Gaussian(context, Q * tf.ones_like(context))


@keras.saving.register_keras_serializable("tests")
class StateIsLatent(cells.Transition):
    """h_t = z_t."""

    def call(self, observation, latent, hidden):
        return latent


def _kalman(x):
    """log p(x_1..x_T) of the linear Gaussian model, one sequence, z_0 = 0."""
    mean, variance, total = 0.0, 0.0, 0.0
    for value in x:
        mean, variance = A * mean, A**2 * variance + Q**2
        innovation = C**2 * variance + R**2
        total += -0.5 * ((value - C * mean) ** 2 / innovation + np.log(2 * np.pi * innovation))
        gain = variance * C / innovation
        mean, variance = mean + gain * (value - C * mean), (1 - gain * C) * variance
    return total


def test_a_known_state_space_model_has_the_likelihood_of_the_kalman_filter():
    """Prior, decoder, transition and posterior of one class each: the estimate of many particles is unbiased."""
    keras.utils.set_random_seed(0)
    model = sisrnn_tf.VRNN(
        sisrnn_tf.emissions.Normal(1, scale_floor=1e-3),
        latent_size=1,
        hidden_size=1,
        prior=KnownPrior(1, dtype="float64"),
        decoder=KnownDecoder(2, dtype="float64"),
        transition=StateIsLatent(1, dtype="float64"),
        posterior=Bootstrap(1, dtype="float64"),
        dtype="float64",
    )
    x = np.random.default_rng(1).normal(size=(3, 6, 1))
    expected = np.array([_kalman(sequence[:, 0]) for sequence in x])
    ratios = np.exp(
        model.log_likelihood(np.repeat(x, 400, axis=0), None, 500, 0, True, seed=0) - np.repeat(expected, 400)
    )
    scores = [_z_score(part, 1.0) for part in np.split(ratios, 3)]
    assert np.std(ratios) < 0.5 and np.abs(scores).max() < 4  # a false alarm in one of 5,000, were the seed fresh
    assert (model.bound(x, seed=0).surrogate.numpy() < expected).all()
    loaded = sisrnn_tf.VRNN.from_config(model.get_config())
    assert [type(part) for part in loaded.cell._parts().values()] == [type(p) for p in model.cell._parts().values()]
