"""The unrolled recurrence: outputs, masks, states, and its place in Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from sisrnn_tf.core import random
from sisrnn_tf.core.types import Noise
from sisrnn_tf.inference import noise as noises
from sisrnn_tf.inference.recurrence import batch_to_time_major
from tests.passes import draw_noise
from tests.reference import sequence

D, Z, H, P = 3, 2, 4, 3
SIZES = {"emission_parameters": P, "latent": Z, "hidden": H}


def _noise(cell, num_steps, batch_size):
    seeds = noises.row_seeds(noises.step_seeds(random.as_seed(7), num_steps), tf.range(batch_size))
    return noises.draw(cell, seeds)


def test_time_major_and_back():
    x = tf.reshape(tf.range(24), [2, 3, 4])
    time_major = batch_to_time_major(x)
    np.testing.assert_array_equal(time_major, np.swapaxes(x, 0, 1))
    np.testing.assert_array_equal(batch_to_time_major(time_major), x)
    assert batch_to_time_major(x[..., 0]).shape == (3, 2)


@pytest.mark.parametrize("kind", ["sisrnn", "vrnn"])
def test_scan_agrees_with_numpy(request, kind, observations):
    model = request.getfixturevalue(kind)
    noise = draw_noise(model.cell, 5, 4)
    trajectory = model.rnn.scan(batch_to_time_major(tf.constant(observations)), Noise(*noise[:2]))
    reference = sequence.Cell(model.cell)
    previous = np.zeros((5, 4, H))
    for row in range(4):
        steps = reference.run(observations[row], 5, noise, row)
        hidden = np.stack([step.hidden for step in steps])
        previous[1:, row] = hidden[:-1]
        np.testing.assert_allclose(trajectory.hidden[:, row], hidden, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(trajectory.latent[:, row], [step.latent for step in steps], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(trajectory.previous_hidden, previous, rtol=1e-5, atol=1e-5)


def test_latent_is_the_posterior_draw(sisrnn, observations):
    noise = _noise(sisrnn.cell, 5, 4)
    trajectory = sisrnn.rnn.scan(batch_to_time_major(tf.constant(observations)), noise)
    expected = trajectory.posterior.loc + trajectory.posterior.scale * noise.latent
    np.testing.assert_allclose(trajectory.latent, expected, rtol=1e-6)


def test_a_masked_step_leaves_the_state(sisrnn, observations):
    mask = np.array([[1, 0, 1, 1, 0]] * 4, bool)  # gaps too
    noise = _noise(sisrnn.cell, 5, 4)
    x = batch_to_time_major(tf.constant(observations))
    hidden = sisrnn.rnn.scan(x, noise, tf.transpose(mask)).hidden.numpy()
    np.testing.assert_array_equal(hidden[1], hidden[0])
    np.testing.assert_array_equal(hidden[4], hidden[3])
    kept = [0, 2, 3]
    gathered = noise._replace(mixing=tf.gather(noise.mixing, kept), latent=tf.gather(noise.latent, kept))
    expected = sisrnn.rnn.scan(tf.gather(x, kept), gathered).hidden
    np.testing.assert_allclose(hidden[kept], expected, rtol=1e-6, atol=1e-7)


def test_scanning_in_two_parts_equals_scanning_once(sisrnn, observations):
    x, noise = batch_to_time_major(tf.constant(observations)), _noise(sisrnn.cell, 5, 4)
    parts = [noise._replace(mixing=noise.mixing[part], latent=noise.latent[part]) for part in (slice(2), slice(2, 5))]
    first = sisrnn.rnn.scan(x[:2], parts[0])
    second = sisrnn.rnn.scan(x[2:], parts[1], initial_state=[first.hidden[-1]])
    whole = sisrnn.rnn.scan(x, noise)
    np.testing.assert_allclose(tf.concat([first.hidden, second.hidden], 0), whole.hidden, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(second.previous_hidden[0], first.hidden[-1])


def test_a_call_returns_a_dictionary_of_the_foretold_shapes(make_model, observations, mask):
    layer = make_model("SISRNN").rnn
    for kwargs in ({}, {"mask": tf.constant(mask)}, {"initial_state": tf.ones([4, H])}):
        outputs = layer(observations, **kwargs)
        assert {name: value.shape for name, value in outputs.items()} == {
            name: (4, 5, size) for name, size in SIZES.items()
        }
    assert layer.compute_output_shape((4, 5, D)) == {name: (4, 5, size) for name, size in SIZES.items()}
    assert (outputs["hidden"][:, -1].numpy() != 0).any()


def test_a_call_draws_afresh_each_time(make_model, observations):
    layer = make_model("SISRNN").rnn
    first, second = layer(observations), layer(observations)
    assert (first["latent"].numpy() != second["latent"].numpy()).any()


def test_use_in_a_functional_model(make_model, observations):
    layer = make_model("SISRNN").rnn
    inputs = keras.Input([None, D])
    outputs = layer(inputs)
    model = keras.Model(inputs, {"probability": keras.layers.Dense(1, "sigmoid")(outputs["hidden"]), **outputs})
    predictions = model.predict(observations, verbose=0)
    assert predictions["probability"].shape == (4, 5, 1)
    assert predictions["emission_parameters"].shape == (4, 5, P)


def test_a_masking_layer_masks(make_model, observations):
    layer = make_model("SISRNN").rnn
    inputs = keras.Input([None, D])
    model = keras.Model(inputs, layer(keras.layers.Masking(mask_value=-1.0)(inputs)))
    padded = np.concatenate([observations, -np.ones((4, 2, D), "float32")], axis=1)
    hidden = model.predict(padded, verbose=0)["hidden"]
    np.testing.assert_array_equal(hidden[:, 5], hidden[:, 4])
    np.testing.assert_array_equal(hidden[:, 6], hidden[:, 4])


def test_scan_takes_unknown_sizes(sisrnn, observations):
    signature = [tf.TensorSpec([None, None, D])]
    dynamic = tf.function(
        lambda x: sisrnn.rnn.scan(x, _noise(sisrnn.cell, tf.shape(x)[0], tf.shape(x)[1])), input_signature=signature
    )
    x = batch_to_time_major(tf.constant(observations))
    expected = sisrnn.rnn.scan(x, _noise(sisrnn.cell, 5, 4)).latent
    np.testing.assert_allclose(dynamic(x).latent, expected, rtol=1e-5, atol=1e-6)
