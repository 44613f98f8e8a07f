"""The loss layers: what they add, what they track, what may be assigned."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from sisrnn_tf.inference.auxiliary_loss import AuxiliaryLoss
from sisrnn_tf.inference.bounds import bound_terms, weighted_mean
from sisrnn_tf.inference.exact_loss import ExactLoss
from sisrnn_tf.inference.loss import SIVILoss
from sisrnn_tf.inference.objectives import FIVO, IWAE, SIVI
from tests.passes import GivenPass, given_densities

T, B = 5, 4
WEIGHT = np.array([1.0, 0.0, 2.5, 1.0], "float32")


def _densities(seed=0, dtype="float32"):
    return given_densities(T, B, seed, dtype=dtype)


def _given(seed=0, dtype="float32", mask=None):
    return GivenPass(*_densities(seed, dtype), mask)


def _metrics(layer):
    return {metric.name: float(metric.result()) for metric in layer.metrics}


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize(("training", "beta"), [(True, 0.3), (False, 1.0)])
def test_the_loss_is_minus_the_weighted_mean(mask, training, beta, weight):
    layer, time_mask = SIVILoss(SIVI(2), kl_weight=0.3), tf.transpose(mask)
    terms = layer(passed=_given(mask=time_mask), weight=weight, training=training)
    expected = bound_terms(*_densities(), time_mask)
    for value, other in zip(terms, expected, strict=True):
        np.testing.assert_array_equal(value, other)
    (loss,) = layer.losses
    objective = expected.reconstruction - beta * expected.kl
    np.testing.assert_allclose(loss, -np.average(objective, weights=weight), rtol=1e-5)


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_exact_loss_is_minus_the_weighted_mean(mask, weight):
    log_likelihood = _densities()[0].emission
    layer = ExactLoss()
    total = layer(log_likelihood, time_mask=tf.transpose(mask), weight=weight)
    expected = np.sum(np.where(mask.T, log_likelihood, 0), axis=0)
    np.testing.assert_allclose(total, expected, rtol=1e-6)
    np.testing.assert_allclose(layer.losses[0], -np.average(expected, weights=weight), rtol=1e-5)


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_an_auxiliary_cost_is_a_loss_in_training_alone_and_a_metric_of_its_own(weight):
    layer, cost = AuxiliaryLoss(0.5, name="beside"), _densities()[0].emission[0]
    expected = np.average(cost, weights=weight)
    layer(cost, weight=weight)
    assert not layer.losses
    np.testing.assert_allclose(_metrics(layer)["beside"], expected, rtol=1e-5)
    layer.coefficient = 2.0
    layer(cost, weight=weight, training=True)
    np.testing.assert_allclose(layer.losses, [2.0 * expected], rtol=1e-5)
    with pytest.raises(ValueError, match=r"`coefficient` must be finite and at least 0.*Received: coefficient=-1"):
        layer.coefficient = -1


def test_a_weighted_mean_of_nothing_is_zero():
    assert float(weighted_mean(tf.ones([3]), tf.zeros([3]))) == 0.0


def test_metrics_are_means_over_batches_with_weights():
    layer, rows = SIVILoss(SIVI(2), kl_weight=0.3), []
    for seed, weight in ((0, WEIGHT), (1, np.ones(B, "float32")), (2, np.zeros(B, "float32"))):
        terms = layer(passed=_given(seed), weight=weight, training=True)
        rows += [(*row, weight) for *row, weight in zip(*terms, weight, strict=True)]
    metrics, table = _metrics(layer), np.array(rows, np.float64)
    for index, name in enumerate(terms._fields):
        np.testing.assert_allclose(metrics[name], np.average(table[:, index], weights=table[:, -1]), rtol=1e-5)
    np.testing.assert_allclose(metrics["kl_weight"], 0.3, rtol=1e-6)
    assert metrics["num_mixing"] == 2
    assert set(metrics) == {*terms._fields, "kl_weight", "num_mixing"}


def test_metrics_outside_training_show_beta_1():
    layer = SIVILoss(SIVI(2), kl_weight=0.3, eval_num_mixing=7)
    layer(passed=_given(), training=False)
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
        stochastic, exact = SIVILoss(SIVI(2), kl_weight=0.7), ExactLoss()
    finally:
        keras.config.set_dtype_policy("float32")
    terms = stochastic(passed=_given(dtype=dtype), training=True)
    exact(_densities(dtype=dtype)[0].emission)
    assert {tensor.dtype for tensor in (*terms, *stochastic.losses, *exact.losses)} == {tf.as_dtype(dtype)}
    np.testing.assert_allclose(_metrics(stochastic)["kl_weight"], 0.7, rtol=1e-6)


def test_metrics_of_many_batches_are_not_rounded_under_a_mixed_policy():
    layer = SIVILoss(SIVI(2), dtype="mixed_bfloat16")
    for seed in range(100):  # a count in bfloat16 stops at 256
        layer(passed=_given(seed))
    means = [np.mean(bound_terms(*_densities(seed)).surrogate) for seed in range(100)]
    np.testing.assert_allclose(_metrics(layer)["surrogate"], np.mean(means), rtol=1e-4)


def test_save_and_restore_k_and_beta_as_weights(tmp_path):
    layer, other = SIVILoss(), SIVILoss()
    layer.num_mixing, layer.kl_weight = 13, 0.25
    path = tf.train.Checkpoint(layer=layer).write(str(tmp_path / "checkpoint"))
    tf.train.Checkpoint(layer=other).read(path).assert_existing_objects_matched()
    assert (int(other.num_mixing.numpy()), float(other.kl_weight.numpy())) == (13, 0.25)
    assert not layer.trainable_weights
    assert {weight.dtype for weight in layer.weights} == {"int64", "float32"}


@pytest.mark.parametrize(
    ("kwargs", "name"),
    [
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
    layer = SIVILoss(SIVI(2), 0.5)
    with pytest.raises(ValueError, match=f"`{name}` must be .*Received: {name}="):
        setattr(layer, name, value)
    assert (int(layer.num_mixing.numpy()), float(layer.kl_weight.numpy())) == (2, 0.5)


@pytest.mark.parametrize("num_mixing", [-1, 1.5])
@pytest.mark.parametrize("kind", [SIVI, IWAE, FIVO])
def test_sizes_of_objectives_are_checked(kind, num_mixing):
    with pytest.raises(ValueError, match=r"`num_mixing` must be .*Received: num_mixing="):
        kind(num_mixing=num_mixing)


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (IWAE(1), "`num_importance` must be at least 2 for the objective IWAE"),
        (FIVO(2), "`num_importance` must be at least 3 for the objective FIVO"),
        ("sivi", r"`objective` must be such as SIVI\(num_mixing=5\)"),
    ],
)
def test_objectives_that_cannot_train_are_refused(objective, message):
    with pytest.raises(ValueError, match=message):
        SIVILoss(objective)


def test_importance_weights_have_no_other_beta():
    with pytest.raises(ValueError, match="`kl_weight` must be 1 with the objective IWAE"):
        SIVILoss(IWAE(4), kl_weight=0.5)
    layer = SIVILoss(IWAE(4))
    with pytest.raises(ValueError, match="`kl_weight` must be 1 with the objective IWAE"):
        layer.kl_weight = 0.5


def test_a_beta_assigned_past_the_check_is_not_reported_where_it_is_not_used(make_model):
    model = make_model("SISRNN", objective=IWAE(2))
    model.compile()
    model.loss_layer.kl_weight.assign(0.5)
    assert model.fit(np.ones([2, 3, 3], "float32"), verbose=0).history["kl_weight"] == [1.0]
