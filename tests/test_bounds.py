"""The bound: against NumPy, and the identities that it must keep."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import sisrnn_tf
from sisrnn_tf.core import gaussians, random
from sisrnn_tf.core.log_space import log_mean_exp
from sisrnn_tf.core.types import Gaussian, StepDensities
from sisrnn_tf.inference import bounds
from tests.passes import draw_noise, make_pass
from tests.reference import sequence

MODELS = ["sisrnn", "vrnn"]


def _assert_close(terms, expected, **tolerance):
    for name, value, other in zip(terms._fields, terms, expected, strict=True):
        np.testing.assert_allclose(value, other, err_msg=name, **tolerance)


# One step and the whole bound against NumPy.


@pytest.mark.parametrize("kind", MODELS)
def test_one_step_agrees_with_numpy(request, kind, observations):
    model = request.getfixturevalue(kind)
    noise = draw_noise(model.cell, 1, 4, 3)
    densities, mixture, _ = make_pass(model, observations[:, :1]).paths(0, 1, 3)
    for row in range(4):
        (step,) = sequence.Cell(model.cell).run(observations[row], 1, noise, row)
        np.testing.assert_allclose(densities.emission[0, row], step.emission, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(densities.prior[0, row], step.prior, rtol=1e-5, atol=1e-5)
        assert len(step.components) == (4 if kind == "sisrnn" else 1)
        np.testing.assert_allclose(densities.posterior[0, row], step.components[0], rtol=1e-5, atol=1e-5)
        log_mixture = sequence.log_mean_exp(step.components)
        np.testing.assert_allclose(mixture.log_density()[0, row], log_mixture, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("num_mixing", [0, 1, 4])
@pytest.mark.parametrize(("kind", "tolerance"), [("sisrnn", 1e-5), ("vrnn", 1e-5), ("sisrnn64", 1e-9)])
def test_the_whole_bound_agrees_with_numpy(request, kind, tolerance, num_mixing, masked, observations, mask):
    """Through the public method, on the noise that its seed stands for."""
    model = request.getfixturevalue(kind)
    mask = mask if masked else None
    terms = model.bound(observations, mask, num_mixing=num_mixing, seed=7)
    assert terms.surrogate.dtype == model.density_dtype and terms.surrogate.shape == (4,)
    noise = draw_noise(model.cell, 5, 4, num_mixing)
    expected = sequence.Cell(model.cell).bound(observations, noise, mask)
    _assert_close(terms, expected, rtol=tolerance, atol=tolerance)


def test_gaussian_log_density_and_mixture_agree_with_numpy():
    rng = np.random.default_rng(0)
    z, loc, scale = rng.normal(size=(4, 2)), rng.normal(size=(3, 4, 2)), rng.random((3, 4, 2)) + 0.1
    components = gaussians.log_density(tf.constant(z), Gaussian(tf.constant(loc), tf.constant(scale)))
    expected = sequence.gaussian_log_density(z, loc, scale)
    np.testing.assert_allclose(components, expected, rtol=1e-12)
    np.testing.assert_allclose(log_mean_exp(components), sequence.log_mean_exp(expected), rtol=1e-12)


# Identities.


def test_surrogate_at_k_0_is_the_lower_bound(sisrnn, observations):
    terms = sisrnn.bound(observations, num_mixing=0, seed=1)
    np.testing.assert_allclose(terms.surrogate, terms.lower_bound, rtol=1e-6)
    np.testing.assert_allclose(terms.regularizer, np.zeros(4), atol=1e-6)


def test_the_terms_add_up_and_only_the_mixture_depends_on_k(sisrnn64, observations):
    none, terms = (sisrnn64.bound(observations, num_mixing=k, seed=1) for k in (0, 4))
    np.testing.assert_allclose(terms.surrogate, terms.lower_bound + terms.regularizer, rtol=1e-12)
    np.testing.assert_allclose(terms.surrogate, terms.reconstruction - terms.kl, rtol=1e-12)
    np.testing.assert_allclose(terms.lower_bound, none.lower_bound, rtol=1e-12)
    np.testing.assert_allclose(terms.reconstruction, none.reconstruction, rtol=1e-12)
    assert (np.abs(terms.regularizer) > 1e-3).all()


def _point_mass_pair(make_model):
    """A SISRNN whose noise weights are 0, and the VRNN of the same weights."""
    semi, point = make_model("SISRNN", dtype="float64"), make_model("VRNN", dtype="float64")
    for part in ("posterior_part", "prior_part", "decoder", "transition"):
        values = sequence.layer_weights(getattr(semi.cell, part))
        for weight in getattr(point.cell, part).weights:
            weight.assign(values["/".join(weight.path.split("/")[-2:])])
    for layer in semi.cell.posterior_part.network.noise_layers:
        layer.kernel.assign(tf.zeros_like(layer.kernel))
    return semi, point


def test_point_mass_mixing_equals_the_vrnn_bound_for_every_k(make_model, observations, mask):
    semi, point = _point_mass_pair(make_model)
    expected = point.bound(observations, mask, num_mixing=0, seed=1)
    for num_mixing in (0, 1, 7):
        _assert_close(semi.bound(observations, mask, num_mixing, seed=1), expected, rtol=1e-10, atol=1e-10)
        _assert_close(point.bound(observations, mask, num_mixing, seed=1), expected, rtol=1e-10, atol=1e-10)


def _terms_of(components, mask=None):
    zeros = tf.zeros(components.shape[1:], components.dtype)
    components = tf.constant(components)
    return bounds.bound_terms(StepDensities(zeros, zeros, components[0]), log_mean_exp(components), mask)


@given(
    seed=st.integers(0, 2**32 - 1), k=st.integers(0, 8), steps=st.integers(1, 6), spread=st.sampled_from([0.1, 10, 1e4])
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_regularizer_is_at_most_t_log_k_plus_1_for_any_densities(seed, k, steps, spread):
    components = np.random.default_rng(seed).normal(size=(k + 1, steps, 3)) * spread
    lengths = np.random.default_rng(seed).integers(1, steps + 1, size=3)
    mask = np.arange(steps)[:, np.newaxis] < lengths
    assert (_terms_of(components).regularizer.numpy() <= steps * np.log(k + 1) + 1e-9).all()
    assert (_terms_of(components, tf.constant(mask)).regularizer.numpy() <= lengths * np.log(k + 1) + 1e-9).all()


@pytest.mark.parametrize("num_mixing", [1, 4, 99])
def test_regularizer_reaches_its_limit_for_components_far_apart(num_mixing):
    components = np.full([num_mixing + 1, 5, 2], -1e5, "float32")
    components[0] = 0.0
    np.testing.assert_allclose(_terms_of(components).regularizer, [5 * np.log(num_mixing + 1)] * 2, rtol=1e-5)


@pytest.fixture(scope="module")
def separated(make_model):
    """A SISRNN whose noise moves psi by far more than its scale."""
    model = make_model("SISRNN")
    for layer in model.cell.posterior_part.network.noise_layers:
        layer.kernel.assign(layer.kernel * 300.0)
    output = model.cell.posterior_part.network.output_layer
    output.kernel.assign(output.kernel * np.array([1.0, 1.0, 0.0, 0.0]))
    output.bias.assign([0.0, 0.0, -5.0, -5.0])
    return model


@pytest.mark.parametrize(("num_mixing", "num_steps"), [(1, 5), (6, 2)])
@given(seed=st.integers(-(2**63), 2**64 - 1), rows=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_regularizer_is_at_most_t_log_k_plus_1_on_every_path(sisrnn, separated, num_mixing, num_steps, seed, rows):
    x = (np.random.default_rng(rows).random((4, num_steps, 3)) < 0.5).astype("float32")
    limit = num_steps * np.log(num_mixing + 1)
    for model in (sisrnn, separated):
        regularizer = model.bound(x, num_mixing=num_mixing, seed=seed).regularizer.numpy()
        assert (regularizer <= limit + 1e-4).all()


def test_a_path_of_the_model_comes_near_the_limit(separated, observations):
    """With one extra draw, many paths have it far away at most steps."""
    regularizer = separated.bound(np.tile(observations, (50, 1, 1)), num_mixing=1, seed=0).regularizer.numpy()
    assert 0.9 < np.max(regularizer) / (5 * np.log(2)) <= 1 + 1e-5


@pytest.mark.parametrize("num_mixing", [1, 5])
def test_regularizer_is_not_negative_in_the_mean(sisrnn, num_mixing):
    """Mean of 4,000 paths above -4 standard errors: a false alarm in at most one of 30,000, were the seed fresh."""
    x = np.tile((np.random.default_rng(0).random((1, 5, 3)) < 0.5).astype("float32"), (4000, 1, 1))
    regularizer = sisrnn.bound(x, num_mixing=num_mixing, seed=3).regularizer.numpy()
    assert np.mean(regularizer) > -4 * np.std(regularizer) / np.sqrt(len(x))
    assert np.min(regularizer) < 0  # on a path it may be


def test_the_bound_rises_with_k_in_the_mean(sisrnn):
    """Paired differences above -4 standard errors: a false alarm in at most one of 30,000 each."""
    x = np.tile((np.random.default_rng(0).random((1, 5, 3)) < 0.5).astype("float32"), (4000, 1, 1))
    rungs = [sisrnn.bound(x, num_mixing=k, seed=3).surrogate.numpy() for k in (0, 1, 5)]
    for lower, upper in itertools.pairwise(rungs):
        difference = upper - lower
        assert np.mean(difference) > -4 * np.std(difference) / np.sqrt(len(x))


# Masks, batches, ways to run.


@pytest.mark.parametrize("num_mixing", [0, 2])
@pytest.mark.parametrize("kind", MODELS)
def test_an_unknown_batch_size_changes_nothing(request, kind, num_mixing, observations):
    model = request.getfixturevalue(kind)
    signature = [tf.TensorSpec([None, None, 3])]
    dynamic = tf.function(lambda x: model.bound(x, num_mixing=num_mixing, seed=1), input_signature=signature)
    expected = model.bound(observations, num_mixing=num_mixing, seed=1)
    _assert_close(dynamic(observations), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", MODELS)
def test_masked_equals_truncated(request, kind, observations):
    """Padding of any kind, NaN too: the noise of a longer sequence extends that of a shorter one."""
    model = request.getfixturevalue(kind)
    expected = model.bound(observations, num_mixing=3, seed=5)
    mask = np.arange(9) < np.full([4, 1], 5)
    for filling in (0.0, 1.0, np.nan, np.inf):
        padded = np.concatenate([observations, np.full((4, 4, 3), filling, "float32")], axis=1)
        _assert_close(model.bound(padded, mask, num_mixing=3, seed=5), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", [*MODELS, "RNN"])
def test_padding_does_not_reach_value_or_gradients(make_model, kind, observations, mask):
    results = []
    model = make_model(kind.upper())
    for filling in (0.0, np.nan):
        x = np.where(mask[..., np.newaxis], observations, np.float32(filling))
        with tf.GradientTape() as tape:
            surrogate = model.bound(x, mask, num_mixing=2, seed=5).surrogate
        gradients = tape.gradient(surrogate, [weight.value for weight in model.trainable_weights])
        results.append([surrogate, *gradients])
    for zero, nan in zip(*results, strict=True):
        assert np.isfinite(nan).all()
        np.testing.assert_array_equal(zero, nan)


@pytest.mark.parametrize("kind", MODELS)
def test_a_batch_equals_singles(request, kind, observations, mask):
    model = request.getfixturevalue(kind)
    objective = sisrnn_tf.objectives.SIVI(3)
    batch = model.bound(observations, mask, 3, seed=7)
    for row in range(4):
        parts = observations[row : row + 1], mask[row : row + 1]
        single = model.estimate(objective, *parts, seed=7, first_row=row).terms
        _assert_close(single, [value[row : row + 1] for value in batch], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", MODELS)
def test_eager_graph_and_xla_agree_on_a_seed(request, kind, observations, mask):
    model = request.getfixturevalue(kind)
    x, mask, seed = tf.constant(observations), tf.constant(mask), random.as_seed(9)

    def bound(x, mask, seed):
        return model.bound(x, mask, num_mixing=2, seed=seed)

    graph = tf.function(bound)(x, mask, seed)
    xla = tf.function(bound, jit_compile=True)(x, mask, seed)
    tf.config.run_functions_eagerly(True)
    try:
        eager = bound(x, mask, seed)
    finally:
        tf.config.run_functions_eagerly(False)
    _assert_close(graph, eager, rtol=1e-5, atol=1e-5)
    _assert_close(xla, eager, rtol=1e-5, atol=1e-5)
