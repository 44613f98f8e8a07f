"""The mixture by chunks: value and gradient of training against plain differentiation of `model.bound` in float64."""

import numpy as np
import pytest
import tensorflow as tf

import sisrnn_tf
from sisrnn_tf.posteriors import posterior
from tests.conftest import SIZES, build_model

SMOOTH = {"dtype": "float64", "activation": "tanh"}
WEIGHT = np.array([1.0, 0.0, 2.5, 1.0])
EMISSIONS = {"bernoulli": sisrnn_tf.emissions.Bernoulli, "normal": sisrnn_tf.emissions.Normal}


def _gradients(loss, model):
    with tf.GradientTape() as tape:
        value = loss()
    return value, tape.gradient(value, [variable.value for variable in model.trainable_variables])


def _step(model, inputs):
    """Loss and gradients of the training pass."""

    def loss():
        model(inputs, training=True)
        (value,) = model.losses
        return value

    return _gradients(loss, model)


def _compiled_step(model, inputs, jit_compile=False):
    model.jit_compile = jit_compile
    return tf.function(lambda: _step(model, inputs), jit_compile=jit_compile)


def _reference_loss(model, inputs, num_mixing, kl_weight):
    """Minus the bound with beta, by `model.bound`, whose draws are those of the training pass."""
    terms = model.bound(inputs["observations"], inputs.get("mask"), num_mixing, model.stream.next_seed())
    values = terms.reconstruction - kl_weight * terms.kl
    weight = inputs.get("weight", tf.ones_like(values))
    return -tf.reduce_sum(weight * values) / tf.reduce_sum(weight)


def _assert_alike(received, expected, tolerance):
    """Loss and gradients agree, the latter in the norm of each variable's."""
    np.testing.assert_allclose(received[0], expected[0], rtol=tolerance)
    assert all(np.any(other) for other in expected[1])
    for gradient, other in zip(received[1], expected[1], strict=True):
        assert np.linalg.norm(gradient - tf.cast(other, gradient.dtype)) <= tolerance * np.linalg.norm(other)


@pytest.mark.parametrize(
    ("way", "num_mixing", "draws"),  # 20 rows: of 33 draws at K = 7 in fives, which do not divide them
    [("graph", 0, 33), ("graph", 1, 1600), ("graph", 7, 33), ("graph", 100, 1600), ("xla", 0, 33), ("xla", 7, 33)],
)
def test_training_has_the_gradient_of_the_bound(observations, mask, monkeypatch, way, num_mixing, draws):
    """Masked, weighted, at a beta that is not 1."""
    monkeypatch.setattr(posterior, "CHUNK_DRAWS", draws)
    model, twin = (build_model("SISRNN", num_mixing=num_mixing, kl_weight=0.6, **SMOOTH) for _ in range(2))
    inputs = {"observations": observations, "mask": mask, "weight": WEIGHT}
    received = _compiled_step(model, inputs, way == "xla")()
    expected = _gradients(lambda: _reference_loss(twin, inputs, num_mixing, tf.cast(np.float32(0.6), tf.float64)), twin)
    _assert_alike(received, expected, 1e-12)


@pytest.mark.parametrize("kind", ["SISRNN", "VRNN"])
@pytest.mark.parametrize("emission", EMISSIONS)
def test_every_emission_in_eager(observations, mask, kind, emission):
    def build():
        posterior = build_model(kind, **SMOOTH).cell.posterior_part
        sizes = SIZES | {"num_mixing": 3} | SMOOTH
        return getattr(sisrnn_tf, kind)(EMISSIONS[emission](3), posterior=posterior, **sizes)

    model, twin = build(), build()
    twin.set_weights(model.get_weights())
    inputs = {"observations": observations - 0.3 * (emission == "normal"), "mask": mask}
    received = _step(model, inputs)
    expected = _gradients(lambda: _reference_loss(twin, inputs, 3, 1.0), twin)
    _assert_alike(received, expected, 1e-12)


def test_float32_is_within_1e_5_of_float64_at_the_paper_s_sizes():
    """8 sequences of up to 6 steps, which at K = 7 and 100 are no multiple of a chunk; norms of each gradient."""
    x = (np.random.default_rng(0).random((8, 6, 28)) < 0.5).astype("float32")
    inputs = {"observations": x, "mask": np.arange(6) < np.arange(8)[:, np.newaxis] % 6 + 1}
    model, twin = (
        sisrnn_tf.SISRNN(sisrnn_tf.emissions.Bernoulli(28), kl_weight=0.5, dtype=dtype)
        for dtype in ("float32", "float64")
    )
    twin.set_weights(model.get_weights())
    step = _compiled_step(model, inputs)  # traced once for all K
    for num_mixing in (0, 1, 7, 100):
        model.loss_layer.num_mixing = num_mixing
        expected = _gradients(lambda k=num_mixing: _reference_loss(twin, inputs, k, 0.5), twin)
        _assert_alike(step(), expected, 1e-5)


def test_a_bfloat16_policy_trains(observations):
    model = build_model("SISRNN", num_mixing=5, dtype="mixed_bfloat16")
    loss, gradients = _compiled_step(model, {"observations": observations})()
    assert loss.dtype == tf.float32
    assert all(gradient.dtype == tf.float32 and np.isfinite(gradient).all() for gradient in gradients)


def test_evaluation_has_the_value_of_the_bound(observations, mask):
    model = build_model("SISRNN", eval_num_mixing=7, kl_weight=0.3, **SMOOTH)
    model.compile()
    loss = model.evaluate({"observations": observations, "mask": mask}, batch_size=4, verbose=0)
    model.evaluation_stream.restart()
    seed = model.evaluation_stream.next_seed()
    np.testing.assert_allclose(loss[0], -np.mean(model.bound(observations, mask, 7, seed).surrogate), rtol=1e-6)


def test_a_second_derivative_is_refused(observations):
    model = build_model("SISRNN", num_mixing=2)
    with tf.GradientTape() as outer:
        _, gradients = _step(model, {"observations": observations})
        total = tf.add_n([tf.reduce_sum(gradient) for gradient in gradients])
    with pytest.raises(LookupError, match=r"second derivative is not defined: differentiate `model\.bound`"):
        outer.gradient(total, [variable.value for variable in model.trainable_variables])


def test_no_draw_is_kept_for_the_backward_pass(observations):
    """Of all tensors that a training step makes outside its loops, none has an axis of K."""
    model = build_model("SISRNN", num_mixing=97)
    step = _compiled_step(model, {"observations": observations}, jit_compile=True)  # K is static
    graph = step.get_concrete_function().graph
    shapes = [output.shape for op in graph.get_operations() for output in op.outputs]
    assert len(shapes) > 100
    assert not [shape for shape in shapes if shape.rank and {97, 98} & set(shape.as_list())]
