"""The arithmetic, agreement and page of `benchmarks`, without any peer."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks import comparison, flops, portable_step, report
from benchmarks.configuration import ADAM, Configuration

TINY = Configuration(
    num_steps=2,
    event_size=3,
    num_mixing=1,
    batch_size=1,
    latent_size=2,
    hidden_size=4,
    prior_sizes=(5,),
    encoder_sizes=(6, 7),
    noise_sizes=(8, 9),
    decoder_sizes=(10,),
)


def test_flops_by_hand():
    # Multiply-adds of weights are done twice (forward, the weights' gradient), of differentiable inputs once more.
    context = 2 * (2 * 7 * 6 + 4 * 6)  # 2 rows, [x, h] of 7, of which h is 4
    noise = 4 * 2 * (8 * 6 + 9 * 7)  # 4 rows: K + 1 draws
    encoder = 4 * 3 * (6 * 7 + 7 * 4)
    prior = 2 * 3 * (4 * 5 + 5 * 4)
    decoder = 2 * 3 * (6 * 10 + 10 * 3)
    transition = 2 * (2 * 5 * 12 + 2 * 12 + 3 * 4 * 12)  # [x, z] of 5, of which z is 2
    assert flops.training_step(TINY) == 2 * (context + noise + encoder + prior + decoder + transition)


def test_flops_of_a_draw_do_not_hold_the_context():
    def step(num_mixing):
        return flops.training_step(Configuration(num_mixing=num_mixing))

    rows = 28 * 128
    draw = 2 * rows * (2 * 128 * (150 + 100 + 50) + 3 * 128 * (128 + 128 + 32))
    assert step(100) - step(1) == 99 * draw


@pytest.mark.parametrize("name", ["bound", "kernel"])
def test_disagreement_names_what_differs(name):
    expected = {"bound": np.array([-3.0, -2.0]), "kernel": np.array([[1.0, 2.0]]), "bias": np.array([0.5])}
    errors = comparison.disagreement("peer", expected, expected)
    assert errors == {"bound_error": 0.0, "gradient_error": 0.0}
    received = {**expected, name: expected[name] * (1 + 2e-4)}
    with pytest.raises(RuntimeError, match=f"'peer'.*{name}"):
        comparison.disagreement("peer", received, expected)


def test_disagreement_on_a_missing_gradient():
    expected = {"bound": np.array([-3.0]), "kernel": np.array([1.0])}
    with pytest.raises(RuntimeError, match="gradient of kernel is inf"):
        comparison.disagreement("peer", {"bound": expected["bound"]}, expected)


def test_table():
    contender = {"cpu_ms": [8.0, 10.0, 100.0], "peak_mb": 7.0}
    result = {
        "configuration": {"num_steps": 2, "event_size": 3, "num_mixing": 1, "batch_size": 1},
        "flops": 1e6,
        "peak_flops": 2e8,
        "contenders": {"library": contender, "peer": {**contender, "cpu_ms": [20.0]}},
    }
    lines = report.table("tiny", result).splitlines()
    assert lines[-2:] == ["| library | 10.0 | 1.00 | 7 | 50% |", "| peer | 20.0 | 2.00 | 7 | 25% |"]


def test_the_portable_step_is_adam_on_the_bound():
    """Three steps of the pure function, compiled by XLA, and of Keras' optimizer on `model.bound`."""
    configuration = dataclasses.replace(TINY, num_mixing=3, batch_size=4, learning_rate=0.01)
    model, step = portable_step.make_step(configuration)
    arguments = portable_step.initial_arguments(model, configuration)
    compiled = tf.function(step, jit_compile=True, autograph=False)
    losses, state = portable_step.take_steps(compiled, arguments, 3)
    optimizer = keras.optimizers.Adam(0.01, **ADAM)
    expected = []
    for number in range(3):
        with tf.GradientTape() as tape:
            terms = model.bound(arguments[-1], num_mixing=3, seed=(0, number))
            loss = -tf.reduce_mean(terms.surrogate)
        optimizer.apply(
            tape.gradient(loss, [variable.value for variable in model.trainable_variables]), model.trainable_variables
        )
        expected.append(float(loss))
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    for weight, variable in zip(state, model.trainable_variables, strict=False):
        np.testing.assert_allclose(weight, variable.numpy(), rtol=1e-3, atol=1e-5)
    assert float(state[-1]) == 3.0
