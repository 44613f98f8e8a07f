"""Truncated backpropagation through time: where the gradient stops, and that nothing else changes."""

import numpy as np
import pytest
import tensorflow as tf

from sisrnn_tf import objectives
from sisrnn_tf.core import random
from sisrnn_tf.core.types import Batch
from sisrnn_tf.inference import filter as filters
from sisrnn_tf.inference import noise, step
from sisrnn_tf.inference.bounds import bound_terms
from sisrnn_tf.inference.mixture import mixture_of
from sisrnn_tf.inference.particles import Resampling
from sisrnn_tf.inference.recurrence import batch_to_time_major

T, SEGMENTS = 5, [slice(0, 2), slice(2, 4), slice(4, 5)]  # at a truncation of 2


def _make(make_model, kind, truncation):
    return make_model(kind, truncation=truncation, dtype="float64", activation="tanh")


def _surrogate(model, observations, mask, seeds, initial_state=None):
    """Sum over sequences of L_3 and the last state, of time-major observations, by rows of such seeds."""
    cell = model.cell
    trajectory = model.rnn.scan(observations, noise.draw(cell, seeds), mask, initial_state)
    parameters = cell.emission_parameters(trajectory.latent, trajectory.previous_hidden)
    densities = step.log_densities(cell, observations, parameters, trajectory)
    mixture = mixture_of(cell, observations, None, trajectory, densities.posterior, seeds, 3)
    return tf.reduce_sum(bound_terms(densities, mixture.log_density(), mask).surrogate), trajectory.hidden[-1]


def _gradients(model, function):
    weights = [weight.value for weight in model.trainable_weights]
    with tf.GradientTape() as tape:
        value = function()
    return value.numpy(), [gradient.numpy() for gradient in tape.gradient(value, weights, unconnected_gradients="zero")]


def _assert_close(left, right):
    for value, other in zip(left, right, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ["SISRNN", "VRNN"])
def test_the_gradient_is_the_sum_over_segments_with_a_stopped_state(make_model, observations, mask, kind):
    whole, model = _make(make_model, kind, None), _make(make_model, kind, 2)
    x, mask = tf.cast(batch_to_time_major(tf.constant(observations)), tf.float64), tf.transpose(mask)
    seeds = noise.row_seeds(noise.step_seeds(random.as_seed(2), T), tf.range(4))
    value, gradients = _gradients(model, lambda: _surrogate(model, x, mask, seeds)[0])
    expected, untruncated = _gradients(whole, lambda: _surrogate(whole, x, mask, seeds)[0])
    assert value == expected

    def by_segments():
        total, state = 0.0, tf.zeros([4, 4], tf.float64)
        for part in SEGMENTS:
            surrogate, state = _surrogate(whole, x[part], mask[part], seeds[part], tf.stop_gradient(state))
            total += surrogate
        return total

    _assert_close(gradients, _gradients(whole, by_segments)[1])
    assert any(np.abs(left - right).max() > 1e-3 for left, right in zip(gradients, untruncated, strict=True))


def test_the_gradient_of_the_exact_likelihood_is_the_sum_over_segments(make_model, observations):
    whole, model = _make(make_model, "RNN", None), _make(make_model, "RNN", 2)
    value, gradients = _gradients(model, lambda: tf.reduce_sum(model.bound(observations).surrogate))

    def by_segments():
        total, state = 0.0, tf.zeros([4, 4], tf.float64)
        for part in SEGMENTS:
            states = whole.gru(observations[:, part], initial_state=tf.stop_gradient(state))
            parameters = whole.decoder(tf.concat([tf.stop_gradient(state)[:, tf.newaxis], states[:, :-1]], axis=1))
            log_prob = whole.emission.distribution(parameters).log_prob(observations[:, part].astype("float64"))
            total, state = total + tf.reduce_sum(log_prob), states[:, -1]
        return total

    expected, segment_gradients = _gradients(whole, by_segments)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    _assert_close(gradients, segment_gradients)


@pytest.mark.parametrize("kind", ["SISRNN", "RNN"])
def test_a_truncation_of_all_steps_is_none(make_model, observations, kind):
    results = []
    for truncation in (None, T, T + 3):
        model = _make(make_model, kind, truncation)
        results.append(_gradients(model, lambda: tf.reduce_sum(model.bound(observations, seed=1).surrogate)))  # noqa: B023
    for value, gradients in results[1:]:
        assert value == results[0][0]
        _assert_close(gradients, results[0][1])


def test_particles_are_cut_too(make_model, observations):
    """With segments of one step the transition has no gradient; the estimate stays as it is."""
    model, x = _make(make_model, "SISRNN", None), tf.cast(batch_to_time_major(tf.constant(observations)), tf.float64)
    parts = (model.cell, filters.Sequences(x), 3, 1, random.as_seed(1), Resampling(), filters.Keys(tf.range(4)))
    results = {
        truncation: _gradients(
            model,
            lambda: tf.reduce_sum(filters.run(*parts, truncation).log_likelihood),  # noqa: B023
        )
        for truncation in (None, 1)
    }
    assert results[1][0] == results[None][0]
    is_transition = ["transition" in weight.path for weight in model.trainable_weights]
    for truncation, expected in ((1, False), (None, True)):
        gradients = results[truncation][1]
        assert all(np.any(g) == (expected or not own) for g, own in zip(gradients, is_transition, strict=True))


def test_training_on_particles_is_cut(make_model, observations):
    model = make_model("SISRNN", truncation=1, objective=objectives.FIVO(3))
    with tf.GradientTape() as tape:
        model(observations, training=True)
        (loss,) = model.losses
    gradients = tape.gradient(
        loss, [weight.value for weight in model.cell.transition.weights], unconnected_gradients="zero"
    )
    assert loss.numpy() > 0 and not any(np.any(gradient) for gradient in gradients)


@pytest.mark.parametrize("options", [{"jit_compile": True}, {"input_signature": [tf.TensorSpec([None, None, 3])]}])
def test_the_rnn_is_cut_under_xla_and_at_unknown_lengths(make_model, observations, options):
    model = make_model("RNN", truncation=2)
    weights = [weight.value for weight in model.trainable_weights]

    def gradients(x):
        with tf.GradientTape() as tape:
            tape.watch(weights)
            total = tf.reduce_sum(model.make_pass(Batch(x, None, None), random.as_seed(0)).log_likelihood)
        return tape.gradient(total, weights)

    x = tf.constant(observations)
    for value, other in zip(tf.function(gradients, **options)(x), gradients(x), strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["SISRNN", "RNN"])
@pytest.mark.parametrize("truncation", [0, -1, 1.5])
def test_truncation_is_checked(make_model, kind, truncation):
    with pytest.raises(ValueError, match="`truncation` must be an int of at least 1"):
        make_model(kind, truncation=truncation)


@pytest.mark.parametrize("kind", ["SISRNN", "RNN"])
def test_truncation_is_part_of_the_configuration(make_model, kind):
    model = make_model(kind, truncation=3)
    assert type(model).from_config(model.get_config()).get_config()["truncation"] == 3
