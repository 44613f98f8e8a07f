"""Posteriors against NumPy: context once, noise many times, floors and shapes."""

import numpy as np
import pytest
import tensorflow as tf

from sisrnn_tf import posteriors
from sisrnn_tf.core import random
from tests.reference import sequence

D, H, Z = 3, 4, 2
RNG = np.random.default_rng(0)
X, HIDDEN = RNG.normal(size=(6, D)), RNG.normal(size=(6, H))


def _built(posterior):
    posterior.build((None, D), (None, H))
    return posterior


def _call(posterior, noise):
    dtype = posterior.compute_dtype
    return posterior(posterior.context(tf.constant(X, dtype), tf.constant(HIDDEN, dtype)), tf.cast(noise, dtype))


def _expected(outputs, floor):
    return outputs[..., :Z], floor + sequence.softplus(outputs[..., Z:])


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
@pytest.mark.parametrize("floor", [1e-3, 0.7])
def test_semi_implicit_agrees_with_numpy(make_posterior, floor, dtype, tolerance):
    posterior = _built(make_posterior("semi_implicit", scale_floor=floor, activation="tanh", dtype=dtype))
    noise = posterior.sample_noise([5, 6], random.as_seed(1))
    weights, inputs = sequence.layer_weights(posterior), np.concatenate([X, HIDDEN], axis=-1)
    loc, scale = _call(posterior, noise)
    assert loc.shape == scale.shape == (5, 6, Z) and loc.dtype == scale.dtype == dtype
    for draw in range(5):
        outputs = sequence.noise_mlp(weights, inputs, noise[draw].numpy(), (3, 2), np.tanh)
        for value, expected in zip((loc, scale), _expected(outputs, floor), strict=True):
            np.testing.assert_allclose(value[draw], expected, rtol=tolerance, atol=tolerance)


def test_gaussian_agrees_with_numpy_and_is_the_same_for_every_draw(make_posterior):
    posterior = _built(make_posterior("gaussian", dtype="float64"))
    noise = posterior.sample_noise([5, 6], random.as_seed(1))
    assert noise.shape == (5, 6, 0) and posterior.noise_size == 0
    outputs = sequence.mlp(sequence.layer_weights(posterior), np.concatenate([X, HIDDEN], axis=-1))
    for value, expected in zip(_call(posterior, noise), _expected(outputs, 1e-3), strict=True):
        assert value.shape == (5, 6, Z)
        np.testing.assert_allclose(value, np.broadcast_to(expected, (5, 6, Z)), rtol=1e-12, atol=1e-12)


def test_noise_moves_the_parameters(make_posterior):
    posterior = _built(make_posterior("semi_implicit"))
    loc, scale = _call(posterior, posterior.sample_noise([30, 6], random.as_seed(1)))
    assert (np.std(loc, axis=0) > 1e-3).any() and (np.std(scale, axis=0) > 1e-3).any()


def test_the_paper_sizes_are_the_defaults():
    posterior = _built(posteriors.SemiImplicit(16))
    assert posterior.noise_size == 300
    assert posterior.sample_noise([2], random.as_seed(0)).shape == (2, 300)
    shapes = {name: value.shape for name, value in sequence.layer_weights(posterior).items() if "kernel" in name}
    assert shapes == {
        "hidden_0/kernel": (D + H, 128),
        "hidden_1/kernel": (128, 128),
        "hidden_2/kernel": (128, 128),
        "noise_0/kernel": (150, 128),
        "noise_1/kernel": (100, 128),
        "noise_2/kernel": (50, 128),
        "output/kernel": (128, 32),
    }


@pytest.mark.parametrize("kind", ["gaussian", "semi_implicit"])
def test_output_shapes_are_foretold(make_posterior, kind):
    posterior = _built(make_posterior(kind))
    noise = posterior.sample_noise([5, 6], random.as_seed(1))
    shapes = posterior.compute_output_shape((6, 5), noise.shape)
    assert [tuple(shape) for shape in shapes] == [(5, 6, Z), (5, 6, Z)]


@pytest.mark.parametrize("posterior_class", [posteriors.Gaussian, posteriors.SemiImplicit])
@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"latent_size": 0}, "`latent_size` must be an int of at least 1"),
        ({"latent_size": 2, "hidden_sizes": (3, 0, 2)}, "`hidden_sizes` must be an int of at least 1"),
        ({"latent_size": 2, "scale_floor": 0.0}, "`scale_floor` must be positive"),
        ({"latent_size": 2, "scale_floor": -1.0}, "`scale_floor` must be positive"),
    ],
)
def test_arguments_are_checked(posterior_class, kwargs, message):
    with pytest.raises(ValueError, match=message):
        posterior_class(**kwargs)
