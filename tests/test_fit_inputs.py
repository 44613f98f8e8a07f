"""What `fit` and `evaluate` accept beside arrays and batches, and what they refuse."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

KINDS = ("SISRNN", "RNN")


def _compiled(make_model, kind="SISRNN", **kwargs):
    model = make_model(kind)
    model.compile(optimizer=keras.optimizers.Adam(1e-2), **{"jit_compile": False, **kwargs})
    return model


def test_a_generator_trains_from_its_first_batch_on(make_model, observations):
    batches = [observations, 1 - observations]
    by_generator, by_dataset = (_compiled(make_model) for _ in range(2))
    by_dataset.set_weights(by_generator.get_weights())
    generator = ((batch,) for batch in itertools.cycle(batches))
    first = by_generator.fit(generator, steps_per_epoch=2, epochs=2, verbose=0, shuffle=False).history
    dataset = tf.data.Dataset.from_tensor_slices(np.stack(batches)).repeat()
    second = by_dataset.fit(dataset, steps_per_epoch=2, epochs=2, verbose=0, shuffle=False).history
    np.testing.assert_allclose(first["loss"], second["loss"], rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["y", "sample_weight"])
def test_what_keras_takes_beside_the_inputs_is_refused(make_model, observations, kind, name):
    model = _compiled(make_model, kind)
    before = model.get_weights()
    for method in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=f"`{name}` must be left out"):
            method(observations, **{name: np.ones(len(observations), "float32")}, verbose=0)
    with pytest.raises(ValueError, match="`y` must be left out"):
        model.fit(tf.data.Dataset.from_tensors((observations, observations)), verbose=0)
    for left, right in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_k_assigned_between_fits_takes_effect(make_model, observations, jit_compile):
    model = _compiled(make_model, jit_compile=jit_compile)
    trained = []
    for num_mixing in (1, 4, 0):
        model.loss_layer.num_mixing = num_mixing
        trained += model.fit(observations, batch_size=len(observations), verbose=0).history["num_mixing"]
    assert trained == [1.0, 4.0, 0.0]


def test_positional_arguments_are_those_of_keras(make_model, observations):
    """fit(x, y, batch_size, epochs, verbose), evaluate(x, y, batch_size, verbose), predict(x, batch_size, verbose)."""
    model = _compiled(make_model, "RNN")
    history = model.fit(observations, None, 2, 3, 0)
    assert len(history.history["loss"]) == 3 and model.optimizer.iterations == 6
    np.testing.assert_allclose(model.evaluate(observations, None, 2, 0), model.evaluate(observations, verbose=0))
    assert model.predict(observations, 2, 0)["hidden"].shape[:2] == observations.shape[:2]


@pytest.fixture(scope="module")
def still(make_model):
    """A model that training leaves as it is."""
    model = make_model("RNN")
    model.compile(optimizer=keras.optimizers.SGD(0.0), jit_compile=False)
    return model


@pytest.mark.parametrize("to_list", [list, tuple, np.ndarray.tolist, lambda x: [tf.constant(row) for row in x]])
def test_a_list_of_sequences_is_what_their_stack_is(still, observations, to_list):
    """Keras alone would cut it along time: 52 nats for 208."""
    model, x = still, to_list(observations)
    expected = model.evaluate(observations, verbose=0, return_dict=True)["loss"]
    np.testing.assert_allclose(model.evaluate({"observations": x}, verbose=0)[0], expected, rtol=1e-6)
    np.testing.assert_allclose(model.evaluate(x, verbose=0)[0], expected, rtol=1e-6)
    np.testing.assert_array_equal(
        model.predict(x, verbose=0)["hidden"], model.predict(observations, verbose=0)["hidden"]
    )
    logs = model.fit(x, validation_data=x if isinstance(x, list) else (x,), verbose=0).history
    np.testing.assert_allclose([logs["loss"][0], logs["val_loss"][0]], expected, rtol=1e-6)


RAGGED = tf.ragged.constant([[[1.0, 0.0, 1.0]], [[1.0, 0.0, 1.0]] * 2], ragged_rank=1)
REFUSED = {
    "list of lengths": ([np.zeros((2, 3)), np.zeros((1, 3))], "`observations` must be one array of real numbers"),
    "tensors of lengths": ([tf.zeros([2, 3]), tf.zeros([1, 3])], "`observations` must be one array of real numbers"),
    "ragged": (RAGGED, "filled up at their end, and `mask` says"),
    "strings": (np.full((2, 2, 3), "a"), "of real numbers.*type <U1"),
    "complex": (np.zeros((2, 2, 3), complex), "of real numbers.*type complex128"),
    "none": (None, "of real numbers.*NoneType"),
    "features": (np.zeros((2, 2, 4)), "must have 3 features"),
    "float32 overflows": (np.full((2, 2, 3), 1e300), "must be finite"),
    "last of many": (np.concatenate([np.zeros((70, 2, 3)), np.full((1, 2, 3), 0.5)]), "must be 0 or 1"),
    "weight [B, 1]": (
        {"observations": np.zeros((2, 2, 3)), "weight": np.ones((2, 1))},
        r"`weight` must have the shape",
    ),
    "scalar weight": ({"observations": np.zeros((2, 2, 3)), "weight": 1.0}, "equally many rows"),
    "negative weight": ({"observations": np.zeros((2, 2, 3)), "weight": [1.0, -1.0]}, "`weight` must be finite.*-1"),
    "weight nan": ({"observations": np.zeros((2, 2, 3)), "weight": [1.0, np.nan]}, "`weight` must be finite.*nan"),
    "rows": ({"observations": np.zeros((2, 2, 3)), "mask": np.ones((3, 2), bool)}, "equally many rows"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_scored_is_refused_by_all_of_keras_methods(still, observations, monkeypatch, case):
    """Before the first epoch, so that nothing is lost."""
    (x, message), model, before = REFUSED[case], still, int(still.optimizer.iterations)
    monkeypatch.setattr("sisrnn_tf.core.batches._CHUNK_VALUES", 60)  # several chunks
    methods = [model.fit, model.evaluate, model.predict, model.train_on_batch, model.test_on_batch]
    methods += [lambda x: model.fit(observations, validation_data=(x,), epochs=9)] if x is not None else []
    if case == "ragged":
        methods += [lambda x: model.fit(tf.data.Dataset.from_tensors(x))]
    for method in methods:
        with pytest.raises(ValueError, match=message):
            method(x)
    assert model.optimizer.iterations == before


@pytest.mark.parametrize("make", [lambda x: (x, x), lambda x: tf.data.Dataset.from_tensors((x, x))])
def test_targets_of_validation_data_are_refused_before_the_first_epoch(still, observations, make):
    before = int(still.optimizer.iterations)
    with pytest.raises(ValueError, match="`y` must be left out"):
        still.fit(observations, validation_data=make(observations), verbose=0)
    assert still.optimizer.iterations == before


@pytest.mark.parametrize("arguments", [{"loss": "mse"}, {"metrics": ["mae"]}, {"weighted_metrics": ["mae"]}])
def test_losses_and_metrics_of_keras_are_refused(still, arguments):
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}` must be left out: the model brings"):
        still.compile("adam", **arguments)


def test_a_saved_model_goes_on_where_it_was(still, observations, tmp_path):
    still.fit(observations, verbose=0)
    still.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.compiled and int(loaded.optimizer.iterations) == int(still.optimizer.iterations) > 0


def test_hdf5_is_refused_when_saving(still, tmp_path):
    with pytest.raises(ValueError, match=r"`filepath` must be the name of a \.keras file"):
        still.save(tmp_path / "model.h5")
    assert not any(tmp_path.iterdir())


SPOILS = {
    "value": lambda batch: batch["observations"].__setitem__((1, 2, 0), np.nan),
    "hole": lambda batch: batch["mask"].__setitem__((1, 2), False),
    "no step": lambda batch: batch["mask"].__setitem__(1, False),
    "left padding": lambda batch: batch["mask"].__setitem__((1, 0), False),
    "weight": lambda batch: batch["weight"].__setitem__(1, -1.0),
}


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_later_batch_that_cannot_be_scored_is_nan_and_trains_on_the_others(make_model, observations, jit_compile):
    """The gradient is that of the others, of which the mean is over all."""
    model = make_model("RNN")
    model.compile(keras.optimizers.SGD(0.0), jit_compile=jit_compile)
    start, good = model.get_weights(), {"observations": observations, "mask": np.ones((4, 5), bool)}
    good["weight"] = np.ones(4, "float32")

    def train(second, rate):
        model.set_weights(start)
        rates = keras.callbacks.LambdaCallback(
            on_train_batch_begin=lambda step, logs: model.optimizer.learning_rate.assign(rate * step)
        )
        dataset = tf.data.Dataset.from_tensor_slices({name: np.stack([good[name], second[name]]) for name in good})
        loss = model.fit(dataset, callbacks=[rates], shuffle=False, verbose=0).history["loss"][0]
        return loss, [weight.numpy() for weight in model.trainable_weights], dataset

    loss, expected, _ = train(good | {"weight": np.array([1.0, 0.0, 1.0, 1.0], "float32")}, 0.3)
    assert np.isfinite(loss)
    for case, spoil in SPOILS.items():
        second = {name: part.copy() for name, part in good.items()}
        spoil(second)
        loss, weights, dataset = train(second, 0.4)
        assert np.isnan(loss), case
        for left, right in zip(weights, expected, strict=True):
            np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-6, err_msg=case)
        if not jit_compile:
            assert np.isnan(model.evaluate(dataset, verbose=0)[0]), case
