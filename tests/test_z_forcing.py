"""Z-Forcing: the auxiliary cost against NumPy, where it is and where it is not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import sisrnn_tf
from sisrnn_tf import objectives, posteriors
from sisrnn_tf.analysis import gaps
from sisrnn_tf.core import random
from tests.reference import sequence

D, Z, H, F = 3, 2, 4, 3
SIZES = {"latent_size": Z, "hidden_size": H, "prior_sizes": (4,), "decoder_sizes": (5,), "activation": "tanh"}


def _make(kind="ZForcing", mixing=True, **kwargs):
    keras.utils.set_random_seed(1)
    dtype = {"dtype": "float64"}
    reads = {"summary": posteriors.BackwardGRU(F, name="summary", **dtype), "activation": "tanh", "name": "posterior"}
    posterior = (
        posteriors.SemiImplicit(Z, (5,), (3,), 2.0, **reads, **dtype)
        if mixing
        else posteriors.Gaussian(Z, (5,), **reads, **dtype)
    )
    if kind == "ZForcing":
        kwargs = {"auxiliary_weight": 0.5, "auxiliary_sizes": (6,), **kwargs}
    emission = sisrnn_tf.emissions.Bernoulli(D)
    return getattr(sisrnn_tf, kind)(emission, posterior=posterior, **SIZES, **dtype, **kwargs)


def _cost(model, x, mask=None, observed=None, covariates=None, seed=7):
    """The auxiliary cost, [B]."""
    batch = model.prepare({"observations": x, "mask": mask, "observed": observed, "covariates": covariates})
    ((_, cost),) = model.auxiliary_costs(model.make_pass(batch, random.as_seed(seed)), batch)
    return cost.numpy()


def _backward_states(model, x):
    """b_1..b_T of one sequence [T, D]."""
    weights, states = sequence.layer_weights(model.cell.posterior_part.summary), [np.zeros(F)]
    for value in x[::-1]:
        states.append(sequence.gru(weights, value, states[-1]))
    return np.array(states[:0:-1])


@pytest.mark.parametrize("reads_state", [False, True])
def test_the_cost_agrees_with_numpy_and_masked_equals_truncated(observations, mask, reads_state):
    model = _make(auxiliary_reads_state=reads_state, auxiliary_scale_floor=0.3)
    costs = _cost(model, np.where(mask[..., np.newaxis], observations, np.nan), mask)
    weights = sequence.layer_weights(model.auxiliary)
    for row, length in enumerate(mask.sum(axis=1)):
        x = observations[row : row + 1, :length]
        batch = model.prepare({"observations": x})
        trajectory, *_ = model.make_pass(batch, random.as_seed(7), first_row=row).first
        inputs = [trajectory.latent[:, 0]] + [trajectory.previous_hidden[:, 0]] * reads_state
        outputs = sequence.mlp(weights, np.concatenate(inputs, axis=-1), np.tanh)
        loc, scale = np.tanh(outputs[:, :F]), 0.3 + sequence.softplus(outputs[:, F:])
        expected = -sequence.gaussian_log_density(_backward_states(model, x[0].astype("float64")), loc, scale).sum()
        np.testing.assert_allclose(costs[row], expected, rtol=1e-9)


def _gradients(model, x, mask):
    with tf.GradientTape() as tape:
        model({"observations": x, "mask": mask}, training=True)
        loss = sum(model.losses)
    gradients = tape.gradient(loss, model.trainable_variables, unconnected_gradients="zero")
    names = [variable.path.split("/", 1)[1] for variable in model.trainable_variables]
    return loss, dict(zip(names, gradients, strict=True))


@pytest.mark.parametrize("objective", [None, objectives.IWAE(2, 1), objectives.FIVO(3, 1)])
def test_without_the_cost_loss_and_gradients_are_those_of_the_plain_model(observations, mask, objective):
    plain = _gradients(_make("SISRNN", objective=objective), observations, mask)
    none, model = _make(auxiliary_weight=0, objective=objective), _make(objective=objective)
    assert len(none.trainable_variables) == len(plain[1])
    model.auxiliary_loss.coefficient = 0.0
    for made in (none, model):
        loss, gradients = _gradients(made, observations, mask)
        np.testing.assert_allclose(loss, plain[0], rtol=1e-12)
        for name, value in plain[1].items():
            np.testing.assert_allclose(gradients[name], value, rtol=1e-12, err_msg=name)
    model.auxiliary_loss.coefficient = 0.5
    model.stream.restart()
    loss, _ = _gradients(model, observations, mask)
    seed = _make().stream.next_seed()
    np.testing.assert_allclose(loss, plain[0] + 0.5 * _cost(model, observations, mask, seed=seed).mean(), rtol=1e-12)


def test_the_gradient_stops_at_the_target_alone(observations):
    """Of the cost: with z_t held none reaches the backward GRU, and through z_t some does."""

    def gradients(model, held):
        batch = model.prepare({"observations": observations})
        with tf.GradientTape() as tape:
            passed = model.make_pass(batch, random.as_seed(7))
            trajectory, *others = passed.first
            if held:
                passed.first = (trajectory._replace(latent=tf.stop_gradient(trajectory.latent)), *others)
            ((_, cost),) = model.auxiliary_costs(passed, batch)
            total = tf.reduce_sum(cost)
        return tape.gradient(total, model.cell.posterior_part.summary.trainable_variables)

    model = _make()
    assert all(gradient is None for gradient in gradients(model, held=True))
    assert all(np.abs(gradient).max() > 0 for gradient in gradients(model, held=False))
    assert all(np.abs(gradient).max() > 0 for gradient in gradients(_make(stop_gradient=False), held=True))


def test_missing_values_and_covariates_are_read_by_the_backward_network(observations, mask):
    model, rng = _make(covariate_size=2), np.random.default_rng(1)
    known, beside = rng.random(observations.shape) < 0.7, rng.normal(size=(4, 5, 2)).astype("float32")
    filled = [np.where(known, observations, value) for value in (np.nan, 1.0)]
    given, other = (_cost(model, x, mask, known, beside) for x in filled)
    np.testing.assert_array_equal(given, other)
    beside[:, 0] += 1
    assert (_cost(model, filled[0], mask, known, beside) != given).all()


def test_generative_parts_know_the_past_alone(observations):
    """With z given: prior and emission of a step, from the states that steps before it left."""
    model, latent = _make(), np.random.default_rng(3).normal(size=(5, 4, Z))

    def parameters(x):
        hidden, found = tf.zeros([4, H], tf.float64), []
        for time in range(5):
            prior = model.cell.prior_part.parameters(hidden)
            found.append(np.concatenate([*prior, model.cell.emission_parameters(latent[time], hidden)], axis=-1))
            hidden = model.cell.transition(tf.constant(x[:, time]), tf.constant(latent[time]), hidden)
        return np.array(found)

    changed = observations.copy()
    changed[:, 2] = 1 - changed[:, 2]
    before, after = parameters(observations), parameters(changed)
    np.testing.assert_array_equal(after[:3], before[:3])
    assert (after[3:] != before[3:]).any(axis=-1).all()


def test_bounds_estimates_and_validation_have_none_of_it(observations, mask):
    model, plain = _make(), _make("SISRNN")
    np.testing.assert_array_equal(
        model.bound(observations, mask, 2, seed=1), plain.bound(observations, mask, 2, seed=1)
    )
    batch = {"observations": observations, "mask": mask}
    model.compile("sgd")
    logs = model.evaluate(batch, verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["loss"], -logs["surrogate"], rtol=1e-6)
    assert np.isfinite(logs["auxiliary"]) and logs["auxiliary"] != 0
    model.auxiliary_loss.coefficient = 100.0
    assert model.evaluate(batch, verbose=0, return_dict=True) == logs


def test_a_refitted_posterior_is_trained_by_the_bound_alone(observations):
    model = _make(mixing=False)
    refitted = gaps.with_posterior(model, posteriors.Gaussian(Z, (5,), dtype="float64"), 0)
    assert type(refitted) is sisrnn_tf.ZForcing and refitted.auxiliary_weight == 0
    refitted(observations, training=True)
    assert len(refitted.losses) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"auxiliary_weight": -1.0}, "`auxiliary_weight` must be finite and at least 0"),
        ({"auxiliary_scale_floor": 0}, "`auxiliary_scale_floor` must be positive"),
        ({"auxiliary_sizes": (0,)}, "`auxiliary_sizes`"),
        ({"posterior": posteriors.Gaussian(Z)}, "`auxiliary_weight` must be 0 with a posterior whose summary is no"),
    ],
)
def test_arguments_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        sisrnn_tf.ZForcing(sisrnn_tf.emissions.Bernoulli(D), Z, H, **options)
