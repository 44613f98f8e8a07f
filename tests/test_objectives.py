"""Training on several particles a sequence (IWAE, FIVO): the loss, its gradient, and what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import sisrnn_tf
from sisrnn_tf.core.types import Batch
from sisrnn_tf.inference.iwae import path_terms
from sisrnn_tf.inference.objectives import FIVO, IWAE, SIVI
from tests.conftest import build_model

K, M = 2, 3
SMOOTH = {"dtype": "float64", "activation": "tanh"}


def _make(resample=False, kind="SISRNN", **kwargs):
    return build_model(kind, objective=(FIVO if resample else IWAE)(M, K), **kwargs)


def _loss(model, inputs):
    model(inputs, training=True)
    (loss,) = model.losses
    return loss


@pytest.mark.parametrize("weight", [None, np.array([1.0, 0.0, 2.5, 1.0], "float32")])
@pytest.mark.parametrize("resample", [False, True])
@pytest.mark.parametrize("kind", ["SISRNN", "VRNN"])
def test_the_loss_is_minus_the_estimate(observations, mask, kind, resample, weight):
    inputs = {"observations": observations, "mask": mask} | ({} if weight is None else {"weight": weight})
    loss = _loss(_make(resample, kind), inputs)
    twin = _make(resample, kind)
    estimate = twin.log_likelihood(observations, mask, M, K, resample, twin.stream.next_seed()).numpy()
    np.testing.assert_allclose(loss, -np.average(estimate, weights=weight), rtol=1e-5)


def test_num_mixing_alone_is_the_bound(observations):
    losses = [
        _loss(build_model("SISRNN", **kwargs), observations) for kwargs in ({"num_mixing": K}, {"objective": SIVI(K)})
    ]
    np.testing.assert_array_equal(*losses)


def test_the_gradient_of_iwae_weighs_trajectories(observations, mask):
    """grad = sum_m w^m / (sum w) grad log w^m (Burda et al. 2016, eq. 13), with log w^m the bound of trajectory m."""
    model, twin = _make(**SMOOTH), _make(**SMOOTH)
    with tf.GradientTape() as tape:
        loss = _loss(model, {"observations": observations, "mask": mask})
    received = tape.gradient(loss, model.trainable_variables)
    seed = twin.stream.next_seed()
    with tf.GradientTape() as tape:
        paths = twin.make_pass(Batch(*map(tf.constant, (observations, mask)), None), seed).paths(0, M, K)
        log_weights = path_terms(paths, paths.mixture.log_density(), M).surrogate  # [M, B]
        shares = tf.stop_gradient(tf.nn.softmax(log_weights, axis=0))
        objective = -tf.reduce_mean(tf.reduce_sum(shares * log_weights, axis=0))
    assert np.ptp(shares) > 0.1
    expected = tape.gradient(objective, twin.trainable_variables)
    for gradient, other in zip(received, expected, strict=True):
        np.testing.assert_allclose(gradient, other, rtol=1e-9, atol=1e-12)


def _fivo_inputs():
    """Sequences long enough that particles are resampled."""
    return (np.random.default_rng(3).random((4, 8, 3)) < 0.5).astype("float64")


def _check_slope(resample):
    """Returns the loss, whose gradient must agree with central differences along a random direction, in float64."""
    x, rng = _fivo_inputs(), np.random.default_rng(0)
    model = _make(resample, **SMOOTH)
    with tf.GradientTape() as tape:
        loss = _loss(model, x)
    gradients = tape.gradient(loss, model.trainable_variables)
    directions = [rng.normal(size=variable.shape) for variable in model.trainable_variables]
    slope = sum(np.sum(gradient * direction) for gradient, direction in zip(gradients, directions, strict=True))
    values = []
    for step in (1e-6, -1e-6):
        other = _make(resample, **SMOOTH)
        for variable, direction in zip(other.trainable_variables, directions, strict=True):
            variable.assign_add(step * direction)
        values.append(float(_loss(other, x)))
    np.testing.assert_allclose(slope, (values[0] - values[1]) / 2e-6, rtol=1e-6)
    return float(loss)


def test_the_gradient_is_the_slope_between_changes_of_ancestors():
    """Of the noise and the ancestors as they are; particles are resampled in training."""
    assert abs(_check_slope(True) - _check_slope(False)) > 1e-3


def _fit(resample, epochs, validate=False, **kwargs):
    """Loss before training, and the history of training on a batch of four sequences."""
    x = (np.random.default_rng(0).random((4, 5, 3)) < 0.5).astype("float32")
    model = _make(resample)
    model.compile(optimizer=keras.optimizers.Adam(0.02), **kwargs)
    before = model.evaluate(x, verbose=0, return_dict=True)["loss"] if validate else None
    validation = {"validation_data": (x,)} if validate else {}
    return before, model.fit(x, epochs=epochs, batch_size=4, verbose=0, shuffle=False, **validation).history


@pytest.fixture(scope="module")
def fivo():
    """What `_fit` returns of 30 epochs of FIVO in graph mode."""
    return _fit(True, 30, validate=True)


@pytest.mark.parametrize("resample", [False, True])
def test_xla_and_graph_train_alike(fivo, resample):
    """And the metrics are means over particles."""
    losses = []
    for _, history in (_fit(resample, 2, jit_compile=True), fivo if resample else _fit(resample, 2)):
        history = {name: values[:2] for name, values in history.items()}
        losses.append(history["loss"])
        assert history["num_mixing"] == [K, K]
        assert history["surrogate"][0] < -history["loss"][0]  # the mean of L_K lies below the estimate
        np.testing.assert_allclose(
            history["surrogate"], np.subtract(history["reconstruction"], history["kl"]), rtol=1e-5
        )
    np.testing.assert_allclose(*losses, rtol=2e-4)


def test_fit_raises_the_estimate_and_validates_by_the_bound(fivo):
    before, history = fivo
    assert history["val_loss"][-1] < before - 1.0
    assert history["val_num_mixing"][-1] == 10
    np.testing.assert_allclose(history["val_loss"], np.negative(history["val_surrogate"]), rtol=1e-6)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"objective": IWAE(2), "kl_weight": 0.5}, "`kl_weight` must be 1 with the objective IWAE"),
        ({"objective": FIVO(2)}, "`num_importance` must be at least 3 for the objective FIVO"),
        ({"objective": SIVI(3), "num_mixing": 3}, "`num_mixing` must be left out where an objective is given"),
        ({"objective": "iwae"}, r"`objective` must be such as SIVI"),
    ],
)
def test_bad_arguments_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        build_model("SISRNN", **kwargs)


def test_beta_cannot_be_scheduled(observations):
    model = _make()
    model.compile(optimizer="adam")
    anneal = sisrnn_tf.callbacks.ScheduleCallback(kl_weight=sisrnn_tf.schedules.LinearKLWeight(10))
    with pytest.raises(ValueError, match="`kl_weight` must be 1 with the objective IWAE"):
        model.fit(observations, verbose=0, callbacks=[anneal])
    model.loss_layer.kl_weight = 1.0


def test_a_model_is_rebuilt_with_its_objective():
    model = _make(True)
    twin = sisrnn_tf.SISRNN.from_config(model.get_config())
    assert twin.loss_layer.objective == FIVO(M, K)
