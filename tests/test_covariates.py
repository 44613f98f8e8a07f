"""Covariates: what is known of each step conditions prior, posterior, emission and transition, and is not scored."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import sisrnn_tf
from sisrnn_tf import cells, posteriors
from sisrnn_tf.core import random
from sisrnn_tf.core.types import Gaussian
from sisrnn_tf.data.normalization import Normalization

U, K, M, SEED = 2, 2, 3, 7
A, B, C, E, Q, R = 0.8, 0.7, 1.3, -0.6, 0.5, 0.4  # z_t = A z_{t-1} + B u_t + N(0, Q^2), x_t = C z_t + E u_t + N(0, R^2)


@pytest.fixture
def covariates():
    """What is known of the observations of `conftest`, `[4, 5, 2]`."""
    return np.random.default_rng(3).normal(size=(4, 5, U))


@pytest.fixture(scope="module", params=["SISRNN", "VRNN", "RNN", "SRNN"])
def kind(request):
    return request.param


def _make(make_model, kind, **kwargs):
    kwargs = {"dtype": "float64", "activation": "tanh", **kwargs}
    if kind == "SRNN":
        kwargs["posterior"] = posteriors.SemiImplicit(
            2, (5,), (3,), summary=posteriors.BackwardGRU(3, dtype="float64"), dtype="float64"
        )
        keras.utils.set_random_seed(1)
        sizes = {"latent_size": 2, "hidden_size": 4, "prior_sizes": (4,), "decoder_sizes": (5,)}
        return sisrnn_tf.SRNN(sisrnn_tf.emissions.Bernoulli(3), **sizes, **kwargs)
    return make_model(kind, **kwargs)


@pytest.fixture(scope="module")
def model(make_model, kind):
    return _make(make_model, kind, covariate_size=U)


def _ignore(model, plain):
    """Gives a model the weights of one without covariates, and zeros for these: they follow x, or the state."""
    assert len(model.weights) == len(plain.weights)
    for weight, other in zip(model.weights, plain.weights, strict=True):
        value = other.numpy()
        if weight.shape != value.shape:
            of_state = "prior" in weight.path or "decoder" in weight.path
            value = np.insert(value, [len(value) if of_state else 3] * U, 0.0, axis=0)
        weight.assign(value)


def test_covariates_that_weights_ignore_change_nothing(make_model, kind, observations, mask, covariates):
    plain, model = _make(make_model, kind), _make(make_model, kind, covariate_size=U)
    _ignore(model, plain)
    given = {"covariates": covariates}
    for expected, received in (
        (plain.score(observations, mask, M, K, SEED), model.score(observations, mask, M, K, SEED, **given)),
        (plain.bound(observations, mask, K, SEED).kl, model.bound(observations, mask, K, SEED, **given).kl),
        (plain.generate(4, 5, SEED), model.generate(4, 5, SEED, **given)),
        (
            plain.forecast(observations[:, :3], 2, 4, None, SEED, M),
            model.forecast(observations[:, :3], 2, 4, None, SEED, M, **given),
        ),
        (
            plain.impute(observations, observations > 0, mask, SEED, None, M),
            model.impute(observations, observations > 0, mask, SEED, None, M, **given),
        ),
        (
            plain.predict_steps(observations, mask, M, K, SEED).features,
            model.predict_steps(observations, mask, M, K, SEED, **given).features,
        ),
        (plain.infer(observations, mask, SEED)["hidden"], model.infer(observations, mask, SEED, **given)["hidden"]),
    ):
        np.testing.assert_allclose(received, expected, rtol=1e-10)


def test_all_that_is_scored_depends_on_covariates(model, observations, covariates):
    other = covariates + 1.0
    first, second = (model.score(observations, None, 1, K, SEED, covariates=u).numpy() for u in (covariates, other))
    assert (np.abs(first - second) > 1e-6).all()


def test_a_model_without_latent_is_a_distribution_given_covariates(make_model):
    """Exhaustively: whatever is known of the steps, the probabilities of all sequences add up to 1."""
    model = _make(make_model, "RNN", covariate_size=U)
    every = np.reshape(list(itertools.product((0.0, 1.0), repeat=6)), [-1, 2, 3])
    sums = []
    for known in np.random.default_rng(0).normal(size=(2, 2, U)):
        likelihood = np.exp(model.log_likelihood(every, covariates=np.broadcast_to(known, [64, 2, U])))
        np.testing.assert_allclose(likelihood.sum(), 1.0, rtol=1e-12)
        sums.append(likelihood)
    assert np.abs(sums[0] - sums[1]).max() > 1e-4


def test_the_steps_of_a_stream_add_up_to_the_score(model, kind, observations, mask, covariates):
    if kind == "SRNN":
        with pytest.raises(ValueError, match="reads the whole sequence"):
            model.stream_step(observations[:, 0], model.initial_state(4, M), K, SEED, covariates=covariates[:, 0])
        return
    state, total = model.initial_state(4, M), 0.0
    for time in range(5):
        seed = random.fold_in(random.as_seed(SEED), time)
        step = model.stream_step(observations[:, time], state, K, seed, covariates=covariates[:, time])
        state, total = step.state, total + tf.where(mask[:, time], step.log_weight, 0.0)
    spoilt = np.where(mask[..., np.newaxis], covariates, np.nan)
    expected = model.score(observations, mask, M, K, SEED, covariates=spoilt)
    np.testing.assert_allclose(expected, total, rtol=1e-12)
    steps = model.predict_steps(observations, mask, M, K, SEED, covariates=spoilt).steps
    np.testing.assert_allclose(tf.reduce_sum(steps, axis=1), total, rtol=1e-12)


def test_a_forecast_goes_on_with_the_covariates_after_a_sequence_s_own_end(model, observations, covariates):
    context, known, options = observations[:1, :3], covariates[:1], {"seed": SEED, "num_importance": M}
    expected = model.forecast(context, 2, 40, covariates=known, **options)
    padded = np.pad(context, [(0, 0), (0, 2), (0, 0)])
    spoilt = np.pad(known, [(0, 0), (0, 2), (0, 0)], constant_values=np.nan)
    mask = np.arange(5)[np.newaxis] < 3
    np.testing.assert_array_equal(model.forecast(padded, 2, 40, mask, covariates=spoilt, **options), expected)
    other = known.copy()
    other[:, -1] += 20.0
    changed = model.forecast(context, 2, 40, covariates=other, **options)
    np.testing.assert_array_equal(changed[:, :, 0], expected[:, :, 0])
    assert np.any(changed[:, :, 1] != expected[:, :, 1])


def test_a_smoothing_posterior_reads_covariates_that_are_still_to_come(make_model, observations, covariates):
    model, other = _make(make_model, "SRNN", covariate_size=U), covariates.copy()
    other[:, -1] += 1.0
    seed = random.as_seed(SEED)
    first, second = (model.sample_trajectory(observations, None, seed, u)[1].posterior.loc for u in (covariates, other))
    assert (np.abs(first[0] - second[0]) > 1e-9).all()


def test_a_model_with_covariates_trains_saves_and_loads(make_model, kind, observations, mask, covariates, tmp_path):
    twin = _make(make_model, kind, covariate_size=U)
    twin.compile(keras.optimizers.Adam(0.01), jit_compile=False)
    before = [weight.numpy() for weight in twin.trainable_weights]
    batch = {"observations": observations, "mask": mask, "covariates": covariates}
    twin.fit(batch, batch_size=2, verbose=0)
    assert all(np.any(new.numpy() != old) for new, old in zip(twin.trainable_weights, before, strict=True))
    twin.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    expected = twin.bound(observations, mask, K, SEED, covariates=covariates).surrogate
    np.testing.assert_allclose(loaded.bound(observations, mask, K, SEED, covariates=covariates).surrogate, expected)


def test_a_cell_takes_covariates_beside_observations(make_model, observations, covariates):
    model = _make(make_model, "SISRNN", covariate_size=U)
    inputs = np.concatenate([observations, covariates], axis=2)
    assert keras.layers.RNN(model.cell, return_sequences=True)(inputs).shape == (4, 5, 3)
    assert model.rnn(inputs)["hidden"].shape == (4, 5, 4)
    with pytest.raises(ValueError, match="must have 5 features, the emission's event size and 2 covariates"):
        model.cell.build((None, 3))


def test_covariates_that_are_missing_or_none_of_the_model_s_are_refused(make_model, sisrnn, observations, covariates):
    model = _make(make_model, "SISRNN", covariate_size=U)
    spoilt = covariates.copy()
    spoilt[1, 2] = np.nan
    calls = {
        "score": lambda model, u: model.score(observations, seed=0, covariates=u),
        "generate": lambda model, u: model.generate(4, 5, seed=0, covariates=u),
        "forecast": lambda model, u: model.forecast(observations[:, :2], 3, 2, seed=0, covariates=u),
        "impute": lambda model, u: model.impute(observations, observations > 0, seed=0, covariates=u),
    }
    for call in calls.values():
        for wrong, message in (
            (None, r"`covariates` must be of the shape \(4, 5, 2\), as the model has covariate_size=2"),
            (covariates[:, :, :1], r"`covariates` must be of the shape \(4, 5, 2\)"),
            (covariates[:, :4], r"`covariates` must be of the shape \(4, 5, 2\)"),
            (spoilt, "`covariates` must be finite at each real step"),
        ):
            with pytest.raises(ValueError, match=message):
                call(model, wrong)
        with pytest.raises(ValueError, match="`covariates` must be left out: the model has covariate_size=0"):
            call(sisrnn, covariates)
    scores = tf.function(lambda u: model.score(observations, None, M, 1, 0, covariates=u))(spoilt)
    np.testing.assert_array_equal(np.isnan(scores), [False, True, False, False])


def test_an_export_takes_covariates_in_the_user_s_units(make_model, observations, mask, covariates, tmp_path):
    model, scale = _make(make_model, "SISRNN", covariate_size=U), Normalization("per_channel", (1.0, -2.0), (2.0, 0.5))
    model.export(tmp_path / "x" / "1", num_mixing=K, num_importance=M, covariate_normalization=scale)
    signatures = tf.saved_model.load(str(tmp_path / "x" / "1")).signatures
    given, seed = tf.constant(covariates * scale.scale + scale.shift), tf.constant([SEED, 0])
    inputs = {"observations": tf.constant(observations, tf.float64), "mask": tf.constant(mask), "seed": seed}
    found = signatures["score"](**inputs, covariates=given)["log_likelihood"]
    expected = model.score(observations, mask, M, K, SEED, covariates=covariates)
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    state = {"hidden": tf.zeros([4, M, 4], tf.float64), "particle_log_weights": tf.zeros([4, M], tf.float64)}
    first = {"observation": inputs["observations"][:, 0], "covariates": given[:, 0], "seed": seed}
    step = model.stream_step(observations[:, 0], model.initial_state(4, M), K, SEED, covariates=covariates[:, 0])
    np.testing.assert_allclose(signatures["step"](**first, **state)["log_weight"], step.log_weight, rtol=1e-10)
    drawn = signatures["generate"](batch=tf.constant(4), steps=tf.constant(5), seed=seed, covariates=given)
    np.testing.assert_array_equal(drawn["observations"], model.generate(4, 5, SEED, covariates=covariates))
    for wrong, message in ((given[:, :4], "as many sequences and steps"), (given * np.nan, "must be finite")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"`covariates` must be .*{message}|{message}"):
            signatures["score"](**inputs, covariates=wrong)
    assert "U = 2 covariates" in (tmp_path / "x" / "1" / "README.md").read_text()


@keras.saving.register_keras_serializable("tests")
class DrivenPrior(cells.Prior):
    """p(z_t | z_{t-1}, u_t), with s_t = [z_{t-1}, u_t]."""

    def _loc(self, given):
        return A * given[..., :1] + B * given[..., 1:]

    def distribution(self, given):
        loc = self._loc(given)
        return tfp.distributions.Independent(tfp.distributions.Normal(loc, tf.constant(Q, loc.dtype)), 1)

    def sample(self, given, seed):
        loc = self._loc(given)
        return loc + Q * random.normal(tf.shape(loc), seed, loc.dtype)


@keras.saving.register_keras_serializable("tests")
class DrivenDecoder(cells.Decoder):
    """Loc C z_t + E u_t and a scale R, as `Normal` takes its parameters."""

    def call(self, latent, given):
        raw = tf.fill(tf.shape(latent), tf.constant(np.log(np.expm1(R - 1e-3)), latent.dtype))
        return tf.concat([C * latent + E * given[..., 1:], raw], axis=-1)


@keras.saving.register_keras_serializable("tests")
class DrivenBootstrap(posteriors.Posterior):
    """Proposes from the prior: of [x_t, u_t] psi_t looks at u_t."""

    noise_size = 0

    def build(self, observation_shape, hidden_shape):
        assert (observation_shape[-1], hidden_shape[-1]) == (2, 1)
        self.built = True

    def sample_noise(self, shape, seed):
        return tf.zeros([*shape, 0], self.compute_dtype)

    def context(self, observation, hidden, features=None):
        return A * hidden + B * observation[..., 1:]

    def call(self, context, noise):
        return Gaussian(context, Q * tf.ones_like(context))


@keras.saving.register_keras_serializable("tests")
class StateIsLatentToo(cells.Transition):
    """h_t = z_t."""

    def call(self, observation, latent, hidden):
        return latent


def _kalman(x, u):
    """log p(x_1..x_T | u_1..u_T) of the linear Gaussian model with a known input, z_0 = 0."""
    mean, variance, total = 0.0, 0.0, 0.0
    for value, known in zip(x, u, strict=True):
        mean, variance = A * mean + B * known, A**2 * variance + Q**2
        innovation, error = C**2 * variance + R**2, value - C * mean - E * known
        total += -0.5 * (error**2 / innovation + np.log(2 * np.pi * innovation))
        gain = variance * C / innovation
        mean, variance = mean + gain * error, (1 - gain * C) * variance
    return total


def _draw(rng, num_sequences, num_steps):
    """Sequences of the model, `[B, T, 1]`, and a known input as large as its noise."""
    u, latent, x = rng.normal(size=(num_sequences, num_steps, 1)), np.zeros((num_sequences, 1)), []
    for time in range(num_steps):
        latent = A * latent + B * u[:, time] + Q * rng.normal(size=latent.shape)
        x.append(C * latent + E * u[:, time] + R * rng.normal(size=latent.shape))
    return np.stack(x, axis=1), u


def test_a_known_model_with_an_input_has_the_likelihood_of_the_kalman_filter():
    """The estimate of many particles is unbiased; every part reads the input of its own step."""
    model = sisrnn_tf.VRNN(
        sisrnn_tf.emissions.Normal(1, scale_floor=1e-3),
        latent_size=1,
        hidden_size=1,
        prior=DrivenPrior(1, dtype="float64"),
        decoder=DrivenDecoder(2, dtype="float64"),
        transition=StateIsLatentToo(1, dtype="float64"),
        posterior=DrivenBootstrap(1, dtype="float64"),
        covariate_size=1,
        dtype="float64",
    )
    x, u = _draw(np.random.default_rng(1), 3, 6)
    expected = np.array([_kalman(*pair) for pair in zip(x[..., 0], u[..., 0], strict=True)])
    rows, known = (np.repeat(part, 200, axis=0) for part in (x, u))
    estimates = model.log_likelihood(rows, None, 500, 0, True, seed=0, covariates=known)
    ratios = np.split(np.exp(estimates - np.repeat(expected, 200)), 3)
    scores = [(np.mean(part) - 1.0) / (np.std(part) / np.sqrt(len(part))) for part in ratios]
    assert np.std(ratios) < 0.5 and np.abs(scores).max() < 4  # a false alarm in one of 5,000, were the seed fresh
