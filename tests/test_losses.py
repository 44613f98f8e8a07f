"""The loss layers: what they add, what they track, what may be assigned."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from sisrnn_tf import bounds
from sisrnn_tf.losses import ExactLoss, SIVILoss, weighted_mean
from sisrnn_tf.types import LogDensities

T, B = 5, 4
WEIGHT = np.array([1.0, 0.0, 2.5, 1.0], "float32")


def _densities(seed=0, num_components=3, dtype="float32"):
    rng = np.random.default_rng(seed)
    shapes = [(T, B), (T, B), (num_components, T, B)]
    return LogDensities(*(tf.constant(rng.normal(size=shape), dtype) for shape in shapes))


def _metrics(layer):
    return {metric.name: float(metric.result()) for metric in layer.metrics}


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize(("training", "beta"), [(True, 0.3), (False, 1.0)])
def test_the_loss_is_minus_the_weighted_mean(mask, training, beta, weight):
    layer, time_mask = SIVILoss(2, kl_weight=0.3), tf.transpose(mask)
    terms = layer(_densities(), time_mask=time_mask, weight=weight, training=training)
    expected = bounds.bound_terms(_densities(), time_mask)
    for value, other in zip(terms, expected, strict=True):
        np.testing.assert_array_equal(value, other)
    (loss,) = layer.losses
    objective = expected.reconstruction - beta * expected.kl
    np.testing.assert_allclose(loss, -np.average(objective, weights=weight), rtol=1e-5)


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_exact_loss_is_minus_the_weighted_mean(mask, weight):
    log_likelihood = _densities().emission
    layer = ExactLoss()
    total = layer(log_likelihood, time_mask=tf.transpose(mask), weight=weight)
    expected = np.sum(np.where(mask.T, log_likelihood, 0), axis=0)
    np.testing.assert_allclose(total, expected, rtol=1e-6)
    np.testing.assert_allclose(layer.losses[0], -np.average(expected, weights=weight), rtol=1e-5)


def test_a_weighted_mean_of_nothing_is_zero():
    assert float(weighted_mean(tf.ones([3]), tf.zeros([3]))) == 0.0


def test_metrics_are_means_over_batches_with_weights():
    layer, rows = SIVILoss(2, kl_weight=0.3), []
    for seed, weight in ((0, WEIGHT), (1, np.ones(B, "float32")), (2, np.zeros(B, "float32"))):
        terms = layer(_densities(seed), weight=weight, training=True)
        rows += [(*row, weight) for *row, weight in zip(*terms, weight, strict=True)]
    metrics, table = _metrics(layer), np.array(rows, np.float64)
    for index, name in enumerate(terms._fields):
        np.testing.assert_allclose(metrics[name], np.average(table[:, index], weights=table[:, -1]), rtol=1e-5)
    np.testing.assert_allclose(metrics["kl_weight"], 0.3, rtol=1e-6)
    assert metrics["num_mixing"] == 2
    assert set(metrics) == {*terms._fields, "kl_weight", "num_mixing"}


def test_metrics_outside_training_show_beta_1():
    layer = SIVILoss(2, kl_weight=0.3)
    layer(_densities(num_components=8), training=False)
    assert (_metrics(layer)["kl_weight"], _metrics(layer)["num_mixing"]) == (1.0, 7.0)


def test_beta_and_k_change_without_a_new_trace(make_model, observations):
    model, traces = make_model("SISRNN", num_mixing=1, kl_weight=1.0), []
    model.compile(jit_compile=False)

    @tf.function
    def loss(x):
        traces.append(x)
        model(x, training=True)
        return model.losses[0]

    for num_mixing, kl_weight in ((1, 1.0), (4, 0.5), (0, 0.0), (9, 2.0)):
        model.reset_metrics()
        model.loss_layer.num_mixing, model.loss_layer.kl_weight = num_mixing, kl_weight
        value, metrics = loss(observations), _metrics(model.loss_layer)
        assert (metrics["num_mixing"], metrics["kl_weight"]) == (num_mixing, kl_weight)
        np.testing.assert_allclose(value, -metrics["reconstruction"] + kl_weight * metrics["kl"], rtol=1e-5)
        assert (abs(metrics["regularizer"]) > 1e-6) == (num_mixing > 0)
    assert len(traces) == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_densities_keep_their_dtype_under_any_policy(policy, dtype):
    keras.config.set_dtype_policy(policy)
    try:
        stochastic, exact = SIVILoss(2, kl_weight=0.7), ExactLoss()
    finally:
        keras.config.set_dtype_policy("float32")
    terms = stochastic(_densities(dtype=dtype), training=True)
    exact(_densities(dtype=dtype).emission)
    assert {tensor.dtype for tensor in (*terms, *stochastic.losses, *exact.losses)} == {tf.as_dtype(dtype)}
    np.testing.assert_allclose(_metrics(stochastic)["kl_weight"], 0.7, rtol=1e-6)


def test_metrics_of_many_batches_are_not_rounded_under_a_mixed_policy():
    layer = SIVILoss(2, dtype="mixed_bfloat16")
    for seed in range(100):  # a count in bfloat16 stops at 256
        layer(_densities(seed))
    means = [np.mean(bounds.bound_terms(_densities(seed)).surrogate) for seed in range(100)]
    np.testing.assert_allclose(_metrics(layer)["surrogate"], np.mean(means), rtol=1e-4)


def test_save_and_restore_k_and_beta_as_weights(tmp_path):
    layer, other = SIVILoss(1, 1.0), SIVILoss(1, 1.0)
    layer.num_mixing, layer.kl_weight = 13, 0.25
    path = tf.train.Checkpoint(layer=layer).write(str(tmp_path / "checkpoint"))
    tf.train.Checkpoint(layer=other).read(path).assert_existing_objects_matched()
    assert (int(other.num_mixing.numpy()), float(other.kl_weight.numpy())) == (13, 0.25)
    assert not layer.trainable_weights
    assert {weight.dtype for weight in layer.weights} == {"int64", "float32"}


@pytest.mark.parametrize(
    ("kwargs", "name"),
    [
        ({"num_mixing": -1}, "num_mixing"),
        ({"num_mixing": 1.5}, "num_mixing"),
        ({"eval_num_mixing": -1}, "eval_num_mixing"),
        ({"kl_weight": -0.1}, "kl_weight"),
        ({"kl_weight": float("nan")}, "kl_weight"),
    ],
)
def test_arguments_are_checked(kwargs, name):
    with pytest.raises(ValueError, match=f"`{name}` must be .*Received: {name}="):
        SIVILoss(**kwargs)


@pytest.mark.parametrize(
    ("name", "value"), [("num_mixing", -1), ("num_mixing", 1.5), ("kl_weight", -0.1), ("kl_weight", float("nan"))]
)
def test_assignments_are_checked(name, value):
    layer = SIVILoss(2, 0.5)
    with pytest.raises(ValueError, match=f"`{name}` must be .*Received: {name}="):
        setattr(layer, name, value)
    assert (int(layer.num_mixing.numpy()), float(layer.kl_weight.numpy())) == (2, 0.5)
