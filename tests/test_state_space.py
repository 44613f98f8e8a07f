"""State-space models with known parts: the dynamics are given, the posterior is learned."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import sisrnn_tf
from examples import growth_model, particle_filter, range_model
from sisrnn_tf import cells, objectives, posteriors
from sisrnn_tf.cells import draws
from sisrnn_tf.core import random
from tests.reference import kalman
from tests.state_space import Clock, LinearGaussian, normal

tfd = tfp.distributions
RUNS = 5000
X = np.array([[0.3], [1.1], [0.8]])


class Bent(cells.Dynamics):
    """One latent whose mean bends, and changes from step to step."""

    def __init__(self):
        super().__init__(1, 1)

    def initial(self, zeros):
        return normal(zeros + 0.4, 0.8)

    def transition(self, latent, time):
        return normal(tf.sin(2 * latent) + 0.3 * time, 0.8)

    def observation(self, latent, time):
        return normal(latent**2 / time, 1.5)


def _posterior(latent_size=1, **kwargs):
    return posteriors.SemiImplicit(latent_size, (4,), (3,), noise_weight_scale=4.0, activation="tanh", **kwargs)


def _make(dynamics, posterior=None, dtype="float64", **kwargs):
    keras.utils.set_random_seed(3)
    posterior = _posterior(dynamics.latent_size, dtype=dtype, scale_floor=0.8) if posterior is None else posterior
    return sisrnn_tf.StateSpaceModel(dynamics, posterior, dtype=dtype, **kwargs)


def _likelihood(dynamics, x, num_nodes=60):
    """p(x_1..x_T) by Gauss-Hermite quadrature over every path of one normal latent."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(num_nodes)
    latent, total = np.zeros([1, 1]), np.ones(1)
    for time, value in enumerate(x, start=1):
        clock = np.full_like(latent, time)
        prior = dynamics.initial(tf.constant(latent)) if time == 1 else dynamics.transition(tf.constant(latent), clock)
        latent = np.reshape(prior.mean().numpy() + prior.stddev().numpy() * nodes, [-1, 1])
        values = np.exp(dynamics.observation(latent, np.full_like(latent, time)).log_prob(value))
        total = np.repeat(total, num_nodes) * np.tile(weights / np.sum(weights), len(total)) * values
    return np.sum(total)


def _z_score(estimates, expected):
    return (np.mean(estimates) - expected) / (np.std(estimates) / np.sqrt(len(estimates)))


POSTERIORS = {
    "filtering": _posterior,
    "smoothing": lambda **kwargs: posteriors.PerDimension(
        1, (4,), 2, 1.0, activation="tanh", summary=posteriors.BackwardGRU(2, dtype="float64"), **kwargs
    ),
}


@pytest.mark.parametrize("kind", POSTERIORS)
@pytest.mark.parametrize(("num_importance", "resample"), [(1, False), (4, False), (4, True)])
def test_every_estimator_is_unbiased(kind, num_importance, resample):
    """Within 4 standard errors of quadrature: a false alarm in one of 16,000 each, were the seed fresh."""
    dynamics = Bent()
    expected = _likelihood(dynamics, X)
    assert abs(expected / _likelihood(dynamics, X, 45) - 1) < 1e-3
    model = _make(dynamics, POSTERIORS[kind](dtype="float64", scale_floor=1.2))
    estimates = np.exp(model.log_likelihood(np.tile(X, (RUNS, 1, 1)), None, num_importance, 3, resample, seed=4))
    assert np.std(estimates) / np.sqrt(RUNS) < 0.05 * expected
    assert abs(_z_score(estimates, expected)) < 4
    assert _z_score(np.sqrt(estimates), np.sqrt(expected)) < -3  # concave, as the logarithm: a bound


def test_many_particles_have_the_likelihood_of_the_kalman_filter():
    dynamics = LinearGaussian()
    x = np.random.default_rng(1).normal(size=(3, 6, 1))
    expected = _exact(dynamics, x)
    ratios = np.exp(
        _make(dynamics).log_likelihood(np.repeat(x, 400, 0), None, 200, 1, True, 0) - np.repeat(expected, 400)
    )
    scores = [_z_score(part, 1.0) for part in np.split(ratios, 3)]
    assert np.std(ratios) < 0.5 and np.abs(scores).max() < 4


def _exact(dynamics, x):
    """log p(x_1..x_T) of a linear model, `[N]`."""
    values = (dynamics.decay, dynamics.gain, dynamics.latent_scale, dynamics.scale, dynamics.initial_scale)
    return np.array([kalman.log_likelihood(sequence[:, 0], *values) for sequence in x])


def test_a_trained_smoothing_posterior_reaches_the_kalman_filter_by_its_own_bound():
    """Within 0.01 nats a step."""
    keras.utils.set_random_seed(0)
    dynamics = LinearGaussian()
    posterior = posteriors.Gaussian(1, (16,), activation="tanh", summary=posteriors.BackwardGRU(16))
    model = sisrnn_tf.StateSpaceModel(dynamics, posterior)
    model.compile(optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-2, 1000)))
    model.fit(model.generate(6400, 4, seed=0), batch_size=64, epochs=10, verbose=0)
    held_out = model.generate(4000, 4, seed=1).numpy()
    gaps = (_exact(dynamics, held_out) - model.bound(held_out, seed=0).surrogate.numpy()) / 4
    assert 0 < np.mean(gaps) < 0.01 and np.std(gaps) / np.sqrt(len(gaps)) < 0.002


def test_the_particle_filter_of_the_examples_has_the_likelihood_of_the_kalman_filter():
    dynamics = LinearGaussian()
    x = np.random.default_rng(1).normal(size=(3, 6, 1))
    received, paths = particle_filter.log_likelihood(
        x[..., 0],
        lambda count, rng: rng.normal(size=count),
        lambda latent, time, rng: dynamics.decay * latent + dynamics.latent_scale * rng.normal(size=latent.shape),
        lambda value, latent: tfd.Normal(dynamics.gain * latent, np.float64(dynamics.scale)).log_prob(value).numpy(),
        num_particles=40_000,
        seed=0,
    )
    np.testing.assert_allclose(received, _exact(dynamics, x), atol=0.05)
    assert np.shape(paths) == (6, 40_000)


@pytest.mark.parametrize(
    ("dynamics", "numpy", "x"),
    [
        (growth_model.GrowthModel(), growth_model.NUMPY, growth_model.simulate(1, 3, 0)),
        (range_model.RangeModel(0.8), range_model.in_numpy(0.8), np.float32([[[0.7], [1.1], [0.4]]])),
    ],
)
def test_a_model_of_the_examples_is_the_one_that_the_particle_filter_knows(dynamics, numpy, x):
    """Scores of the bootstrap filter in NumPy and of the library's particles agree, so densities and times do."""
    expected, _ = particle_filter.log_likelihood(x[..., 0], *numpy, num_particles=40_000, seed=0)
    posterior = posteriors.Gaussian(dynamics.latent_size, (3,), scale_floor=1.0)
    model = _make(dynamics, posterior, dtype="float32")
    received = model.log_likelihood(x, None, 40_000, 0, True, seed=0)
    np.testing.assert_allclose(received, expected, atol=0.1)


def test_the_future_s_time_reaches_a_smoothing_posterior_and_a_causal_one_takes_single_steps():
    """What the dynamics say of x_t and t is what a summary reads: a causal one's too, at the right t."""

    class Told(LinearGaussian):
        def observation_inputs(self, observation, time):
            return tf.concat([observation, time, time**2], axis=-1)

    class Twice(posteriors.Summary):
        causal, size = True, 3

        def call(self, observations, mask=None):
            return 2 * observations

    x = np.ones([1, 3, 1])
    smoothing = _make(Told(), posteriors.Gaussian(1, (3,), summary=posteriors.BackwardGRU(2)), dtype="float32")
    seen = []
    smoothing.cell.posterior_part.inner.summary.call = lambda x, mask=None: (
        seen.append(x) or tf.zeros([*x.shape[:2], 2])
    )
    smoothing.cell.posterior_part.features(tf.ones([3, 1, 1]), None)
    np.testing.assert_array_equal(seen[0][:, 0], [[1, 1, 1], [1, 2, 4], [1, 3, 9]])
    causal = _make(Told(), posteriors.Gaussian(1, (3,), summary=Twice()), dtype="float32")
    state, total = causal.initial_state(1), 0.0
    for time in range(3):
        step = causal.stream_step(x[:, time], state, 0, random.fold_in(random.as_seed(3), time))
        state, total = step.state, total + step.log_weight
    np.testing.assert_allclose(total, causal.score(x, None, 1, 0, seed=3), rtol=1e-5)


def test_a_mixture_in_the_units_of_the_prior_is_the_mixture_of_its_draws():
    """log ghat by counted values, in relative units, against the plain one over draws of psi."""
    for inner in (POSTERIORS["smoothing"](dtype="float64"), _posterior(dtype="float64")):
        model = _make(LinearGaussian(latent_scale=3.0), inner)
        posterior, seeds = model.cell.posterior_part, random.fold_in(random.as_seed(2), tf.range(5))
        observation, hidden = np.ones([5, 1]), np.tile([[2.0, 3.0]], [5, 1])
        context = posterior.context(observation, tf.constant(hidden), None if posterior.causal else tf.ones([5, 2]))
        own = posterior(context, posterior.sample_noise([5], seeds))
        psi = posterior(context[:, tf.newaxis], posterior.sample_noise([5, 7], seeds))
        expected = posterior.log_mixture(own.loc + 1, own, psi)
        received = posterior.log_mixture_of_draws(context, own.loc + 1, own, seeds, 7)
        np.testing.assert_allclose(received, expected, rtol=1e-10)


def test_the_cell_is_made_of_the_dynamics():
    """h_t = (z_t, t); p(z_t | h_{t-1}) is the initial distribution at t = 1, and the transition after it."""
    model, dynamics = _make(Clock()), Clock()
    outputs = model.infer(np.ones([2, 4, 3]), seed=0)
    latent, hidden = outputs["latent"].numpy(), outputs["hidden"].numpy()
    np.testing.assert_allclose(hidden[..., :2], latent)
    np.testing.assert_array_equal(hidden[..., 2], [[1, 2, 3, 4]] * 2)
    np.testing.assert_allclose(outputs["emission_parameters"], hidden)
    first = model.cell.prior_part.log_density(latent[:, 0], np.zeros([2, 3]))
    np.testing.assert_allclose(first, dynamics.initial(np.zeros([2, 2])).log_prob(latent[:, 0]))
    later = dynamics.transition(tf.constant(latent[:, 1]), np.full([2, 1], 3.0)).log_prob(latent[:, 2])
    np.testing.assert_allclose(model.cell.prior_part.log_density(latent[:, 2], hidden[:, 1]), later)
    np.testing.assert_allclose(model.cell.prior(tf.constant(hidden[:, 1])).log_prob(latent[:, 2]), later)
    assert {weight.path.split("/")[1] for weight in model.trainable_weights} == {"posterior"}


def test_before_training_the_posterior_is_in_the_units_of_the_prior():
    """Its loc and scale move with the mean and the standard deviation of p(z_t | z_{t-1})."""
    model = _make(LinearGaussian(decay=50.0, latent_scale=200.0), posteriors.Gaussian(1, (4,), dtype="float64"))
    for weight in model.trainable_weights[-2:]:
        weight.assign(tf.zeros_like(weight))
    psi = model.cell.posterior_parameters(np.ones([1, 1]), tf.constant([[3.0, 1.0]], tf.float64), np.zeros([1, 0]))
    np.testing.assert_allclose(psi.loc, [[150.0]])
    np.testing.assert_allclose(psi.scale, [[200 * (1e-3 + np.log(2))]])


KINDS = {
    "normal": lambda loc: normal(loc, 0.3),
    "dependent": lambda loc: tfd.MultivariateNormalTriL(loc, tf.constant([[1.0, 0.0], [0.8, 0.6]], loc.dtype)),
    "uniform": lambda loc: tfd.Independent(tfd.Uniform(loc - 1, loc + 1), 1),
    "counts": lambda loc: tfd.Independent(tfd.Geometric(logits=loc), 1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_draws_by_its_own_seed_whatever_the_batch(kind):
    loc = np.random.default_rng(0).normal(size=(6, 2))
    seeds = random.fold_in(random.as_seed(5), tf.range(6))
    together = draws.draw(KINDS[kind], (tf.constant(loc),), seeds).numpy()
    apart = [draws.draw(KINDS[kind], (tf.constant(loc[part]),), seeds[part]) for part in (slice(0, 4), slice(4, 6))]
    np.testing.assert_allclose(np.concatenate(apart), together, rtol=1e-12)
    graph = tf.function(lambda loc, seeds: draws.draw(KINDS[kind], (loc,), seeds), autograph=False)
    np.testing.assert_allclose(graph(tf.constant(loc), seeds), together, rtol=1e-12)
    assert len(np.unique(together[:, 0])) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_draws_have_the_mean_and_covariance_of_the_distribution(kind):
    count = 4000
    loc = tf.tile(tf.constant([[0.5, -1.0]], tf.float64), [count, 1])
    values = draws.draw(KINDS[kind], (loc,), random.fold_in(random.as_seed(1), tf.range(count))).numpy()
    one = KINDS[kind](loc[0])
    covariance = one.covariance() if kind == "dependent" else tf.linalg.diag(one.variance())
    scales = np.sqrt(np.diag(covariance))
    assert (np.abs(np.mean(values, axis=0) - one.mean()) < 4 * scales / np.sqrt(count)).all()
    np.testing.assert_allclose(
        np.cov(values.T) / np.outer(scales, scales), covariance / np.outer(scales, scales), atol=0.1
    )


def test_generated_sequences_are_draws_of_the_dynamics():
    """Mean and variance of x_t by the recursion of the linear model; more sequences extend fewer."""
    dynamics = LinearGaussian(decay=0.9, initial_scale=2.0)
    model = _make(dynamics)
    x = model.generate(20_000, 3, seed=1).numpy()[..., 0]
    variance = dynamics.initial_scale**2
    for time in range(3):
        expected = dynamics.gain**2 * variance + dynamics.scale**2
        assert abs(np.mean(x[:, time])) < 4 * np.sqrt(expected / len(x))
        np.testing.assert_allclose(np.var(x[:, time]), expected, rtol=0.05)
        variance = dynamics.decay**2 * variance + dynamics.latent_scale**2
    np.testing.assert_allclose(model.generate(5, 3, seed=1)[..., 0], x[:5], rtol=1e-12)
    with pytest.raises(ValueError, match="`temperature` must be 1"):
        model.generate(1, 1, temperature=0.5)


def test_counts_are_scored_drawn_imputed_and_refused_where_they_are_none():
    model = _make(Clock(), dtype="float32")
    x = model.generate(4, 5, seed=0).numpy()
    assert (x == np.floor(x)).all() and (x >= 0).all() and x.max() > 0
    np.testing.assert_array_equal(model.generate(2, 3, seed=0), x[:2, :3])
    assert model.forecast(x, 2, 3, seed=0, num_importance=5).shape == (3, 4, 2, 3)
    observed = np.random.default_rng(0).random(x.shape) < 0.5
    filled = model.impute(x, observed, seed=0, num_importance=5).numpy()
    np.testing.assert_array_equal(filled[observed], x[observed])
    assert (filled == np.floor(filled)).all()
    assert np.isfinite(model.score(x, None, 5, 2, seed=0)).all()
    with pytest.raises(ValueError, match="`observations` must be counts for the emission KnownEmission"):
        model.bound(x - 0.5)


def test_it_saves_loads_exports_and_streams(tmp_path):
    model = _make(LinearGaussian(scale=0.3), dtype="float32", objective=objectives.FIVO(3, 2))
    model.compile(optimizer=keras.optimizers.Adam(0.01))
    x = model.generate(16, 4, seed=0).numpy()
    before = [weight.numpy() for weight in model.trainable_weights]
    model.fit(x, batch_size=8, verbose=0)
    assert all(np.any(new.numpy() != old) for new, old in zip(model.trainable_weights, before, strict=True))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.dynamics.scale == 0.3 and isinstance(loaded.loss_layer.objective, objectives.FIVO)
    expected = model.score(x, None, 5, 2, seed=3)
    np.testing.assert_allclose(loaded.score(x, None, 5, 2, seed=3), expected, rtol=1e-6)
    model.export(tmp_path / "1", num_mixing=2, num_importance=5)
    signatures = tf.saved_model.load(str(tmp_path / "1")).signatures
    served = signatures["score"](
        observations=tf.constant(x), mask=tf.ones(x.shape[:2], tf.bool), seed=tf.constant([3, 0])
    )
    np.testing.assert_allclose(served["log_likelihood"], expected, rtol=1e-5)
    assert "step" in signatures
    state, total = model.initial_state(len(x), 5), 0.0
    for time in range(x.shape[1]):
        step = model.stream_step(x[:, time], state, 2, random.fold_in(random.as_seed(3), time))
        state, total = step.state, total + step.log_weight
    np.testing.assert_allclose(total, expected, rtol=1e-5)


class _Flat(LinearGaussian):
    def transition(self, latent, time):
        return tfd.Normal(latent, 1.0)


class _Row(LinearGaussian):
    """A slip: the last axis of z is lost, so that rows would broadcast against rows."""

    def observation(self, latent, time):
        return normal(latent[..., 0], 1.0)


class _Fixed(LinearGaussian):
    def initial(self, zeros):
        return tfd.MultivariateNormalDiag(tf.zeros([1]), tf.ones([1]))


class _Pole(LinearGaussian):
    def transition(self, latent, time):
        return normal(1 / latent, 1.0)


class _Root(LinearGaussian):
    def transition(self, latent, time):
        return normal(tf.sqrt(tf.abs(latent)), 1.0)


class _NoMean(LinearGaussian):
    def transition(self, latent, time):
        return tfd.Independent(tfd.Cauchy(latent, 1.0), 1)


class _Forgetful(LinearGaussian):
    def __init__(self, other=1):
        super().__init__()


@pytest.mark.parametrize(
    ("dynamics", "message"),
    [
        (_Flat, r"`dynamics.transition` must return .* event shape \(1,\).* Received: .* event shape \(\)"),
        (_Row, r"`dynamics.observation` must return .* batch shape \(2,\) and event shape \(3,\)"),
        (_Fixed, r"`dynamics.initial` must return .* Received: .* batch shape \(\)"),
        (_Pole, "`dynamics.transition` must return a distribution with a finite `mean`"),
        (_Root, r"`dynamics.transition` must return .* finite gradient at z_{t-1} = 0"),
        (_NoMean, "`dynamics.transition` must return a distribution with a finite `mean`"),
        (_Forgetful, r"`dynamics` must be one with an attribute for each argument of its constructor \(other\)"),
        (lambda: "linear", "`dynamics` must be an object of a subclass of `sisrnn_tf.cells.dynamics.Dynamics`"),
    ],
)
def test_dynamics_that_would_broadcast_or_not_train_are_refused(dynamics, message):
    with pytest.raises(ValueError, match=message):
        sisrnn_tf.StateSpaceModel(dynamics(), posteriors.Gaussian(1, (3,)))


def test_posteriors_of_another_size_and_narrow_floats_are_refused():
    with pytest.raises(ValueError, match="`posterior` must be a part with latent_size=1"):
        sisrnn_tf.StateSpaceModel(LinearGaussian(), posteriors.Gaussian(2, (3,)))
    with pytest.raises(ValueError, match="`dtype` must be float32 or float64"):
        sisrnn_tf.StateSpaceModel(LinearGaussian(), dtype="mixed_bfloat16")
