"""Feed-forward networks against NumPy, and what their noise does."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from sisrnn_tf.core import gaussians, networks, random
from tests.reference import sequence

RNG = np.random.default_rng(0)


def _randomize(layer):
    """Gives every weight, biases too, a value that is not zero."""
    for weight in layer.weights:
        weight.assign(np.random.default_rng(len(weight.path)).normal(size=weight.shape) * 0.5)
    return layer


def _noise_mlp(noise_sizes=(3, 0, 2), dtype="float64", **kwargs):
    layer = networks.NoiseMLP((5, 4, 6), noise_sizes, 4, dtype=dtype, **kwargs)
    layer.build((None, 7))
    return layer


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_mlp_is_a_chain_of_dense_layers(activation, dtype, tolerance):
    layer = networks.MLP((5, 4), 3, activation, dtype=dtype)
    layer.build((None, 7))
    _randomize(layer)
    inputs = RNG.normal(size=(2, 6, 7))
    outputs = layer(tf.constant(inputs, dtype))
    expected = sequence.mlp(sequence.layer_weights(layer), inputs, sequence.ACTIVATIONS[activation])
    assert outputs.dtype == dtype
    np.testing.assert_allclose(outputs, expected, rtol=tolerance, atol=tolerance)
    assert layer.compute_output_shape(inputs.shape) == outputs.shape == (2, 6, 3)


@pytest.mark.parametrize("noise_sizes", [(3, 0, 2), (1, 1, 1), (0, 4, 0), (0, 0, 0)])
def test_context_and_noise_equal_one_dense_layer_on_concatenated_inputs(noise_sizes):
    layer = _randomize(_noise_mlp(noise_sizes))
    inputs, noise = RNG.normal(size=(6, 7)), RNG.normal(size=(2, 6, sum(noise_sizes)))
    outputs = layer(layer.context(tf.constant(inputs)), tf.constant(noise))
    weights = sequence.layer_weights(layer)
    for draw in range(2):
        expected = sequence.noise_mlp(weights, inputs, noise[draw], noise_sizes)
        np.testing.assert_allclose(np.broadcast_to(outputs, (2, 6, 4))[draw], expected, rtol=1e-12, atol=1e-12)


def test_context_does_not_depend_on_noise_and_is_the_first_layer():
    layer = _randomize(_noise_mlp())
    inputs = RNG.normal(size=(6, 7))
    weights = sequence.layer_weights(layer)
    expected = sequence.dense(inputs, weights["hidden_0/kernel"], weights["hidden_0/bias"])
    np.testing.assert_allclose(layer.context(tf.constant(inputs)), expected, rtol=1e-12)


def test_initial_noise_weights_are_a_tenth_of_glorot():
    """Both standard deviations of 60,000 uniform weights are known to 0.2%; the test allows 2%."""
    layer = networks.NoiseMLP((300,), (200,), 1)
    layer.build((None, 200))
    hidden, noise = (layer.hidden_layers[0].kernel.numpy(), layer.noise_layers[0].kernel.numpy())
    np.testing.assert_allclose(np.std(hidden), np.sqrt(2 / 500), rtol=0.02)
    np.testing.assert_allclose(np.std(noise), 0.1 * np.sqrt(2 / 500), rtol=0.02)
    assert abs(np.mean(noise)) < 5 * np.std(noise) / np.sqrt(noise.size)


def test_noise_weights_may_start_at_zero():
    layer = _noise_mlp(noise_weight_scale=0)
    assert not np.any(layer.noise_layers[0].kernel.numpy())


def test_noise_is_centered_and_has_two_values():
    layer = _noise_mlp(dtype="float32")
    noise = layer.sample_noise([40, 50], random.as_seed(1)).numpy()
    assert noise.shape == (40, 50, 5) and layer.noise_size == 5
    assert set(np.unique(noise)) == {-0.5, 0.5}
    assert abs(np.mean(noise)) < 5 * 0.5 / np.sqrt(noise.size)  # a false alarm in one of 1.7 million


@pytest.mark.parametrize("floor", [1e-3, 0.5])
def test_scale_is_the_floor_plus_softplus(floor):
    outputs = np.array([[1.0, -2.0, 0.3, -800.0]])
    gaussian = gaussians.from_outputs(tf.constant(outputs), floor)
    np.testing.assert_array_equal(gaussian.loc, [[1.0, -2.0]])
    np.testing.assert_allclose(gaussian.scale, [[floor + np.log1p(np.exp(0.3)), floor]], rtol=1e-12)


@pytest.mark.parametrize(
    ("policy", "expected"), [("float32", "float32"), ("float64", "float64"), ("mixed_bfloat16", "float32")]
)
def test_outputs_are_in_the_dtype_of_densities(policy, expected):
    plain, noisy = networks.MLP((4,), 2, dtype=policy), _noise_mlp(dtype=policy)
    plain.build((None, 7))
    inputs, noise = tf.ones([6, 7]), noisy.sample_noise([6], random.as_seed(0))
    assert plain(inputs).dtype == noisy(noisy.context(inputs), noise).dtype == expected
    assert networks.density_dtype(plain) == expected
    assert noise.dtype == noisy.compute_dtype


@pytest.mark.parametrize("sizes", [(0,), (-1,), (2.5,), ("4",)])
def test_layer_sizes_are_checked(sizes):
    with pytest.raises(ValueError, match="`hidden_sizes` must be an int of at least 1"):
        networks.MLP(sizes, 2)


@pytest.mark.parametrize(
    ("hidden_sizes", "noise_sizes", "scale", "message"),
    [
        ((4, 4), (2,), 0.1, "`noise_sizes` must have one entry for each hidden layer"),
        ((), (), 0.1, "at least one"),
        ((4,), (-2,), 0.1, "`noise_sizes` must be an int of at least 0"),
        ((4,), (2,), -0.1, "`noise_weight_scale` must be finite and at least 0"),
    ],
)
def test_noise_sizes_are_checked(hidden_sizes, noise_sizes, scale, message):
    with pytest.raises(ValueError, match=message):
        networks.NoiseMLP(hidden_sizes, noise_sizes, 2, noise_weight_scale=scale)


def test_a_noise_mlp_works_in_a_functional_model():
    context, noise = keras.Input([5]), keras.Input([5])
    layer = _noise_mlp(dtype="float32")
    model = keras.Model([context, noise], layer(context, noise))
    assert model.output_shape == (None, 4)
    parts = [RNG.normal(size=(2, 5)).astype("float32") for _ in range(2)]
    np.testing.assert_allclose(model.predict(parts, verbose=0), layer(*parts), rtol=1e-5, atol=1e-6)


def test_without_hidden_layers_it_is_linear():
    network = networks.MLP((), 2)
    network.build((None, 3))
    inputs = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    kernel, bias = network.get_weights()
    np.testing.assert_allclose(network(inputs), inputs @ kernel + bias, rtol=1e-5)
    np.testing.assert_array_equal(network.hidden(inputs), inputs)
