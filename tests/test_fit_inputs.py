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
