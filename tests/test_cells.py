"""The cell: a Keras cell, and one time step as distributions, against NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import sisrnn_tf
from sisrnn_tf.inference import noise
from tests.reference import sequence

D, Z, H, B = 3, 2, 4, 6
RNG = np.random.default_rng(0)
X = (RNG.random((B, D)) < 0.5).astype("float32")
LATENT, HIDDEN = (RNG.normal(size=(B, size)).astype("float32") for size in (Z, H))


@pytest.fixture(scope="module", params=["sisrnn", "vrnn"])
def cell(request):
    return request.getfixturevalue(request.param).cell


def test_the_parts_are_distributions_over_one_step(cell):
    noise = cell.sample_noise([B], 0)
    for distribution, size in (
        (cell.prior(HIDDEN), Z),
        (cell.posterior(X, HIDDEN, noise), Z),
        (cell.emission(LATENT, HIDDEN), D),
    ):
        assert distribution.batch_shape == (B,) and distribution.event_shape == (size,)


def test_the_parts_agree_with_numpy(cell):
    reference, noise = sequence.Cell(cell), cell.sample_noise([B], 0)
    close = {"rtol": 1e-5, "atol": 1e-5}
    prior, posterior = cell.prior(HIDDEN), cell.posterior(X, HIDDEN, noise)
    for distribution, (loc, scale) in (
        (prior, reference.prior(HIDDEN)),
        (posterior, reference.posterior(X, HIDDEN, noise.numpy())),
    ):
        np.testing.assert_allclose(distribution.mean(), loc, **close)
        np.testing.assert_allclose(distribution.stddev(), scale, **close)
        expected = sequence.gaussian_log_density(LATENT, loc, scale)
        np.testing.assert_allclose(distribution.log_prob(LATENT), expected, **close)
    logits = reference.decode(LATENT, HIDDEN)
    emission = cell.emission(LATENT, HIDDEN).log_prob(X)
    np.testing.assert_allclose(emission, sequence.bernoulli_log_prob(X, logits), **close)
    hidden = cell.transition(X, LATENT, HIDDEN)
    np.testing.assert_allclose(hidden, reference.transition(X, LATENT, HIDDEN), **close)


def test_gru_reference_with_biases_that_are_not_zero(make_model):
    cell = make_model("SISRNN", dtype="float64").cell
    for weight in cell.transition.weights:
        weight.assign(RNG.normal(size=weight.shape))
    x, z, h = (tf.cast(value, tf.float64) for value in (X, LATENT, HIDDEN))
    expected = sequence.Cell(cell).transition(X, LATENT, HIDDEN)
    np.testing.assert_allclose(cell.transition(x, z, h), expected, rtol=1e-12)


def test_noise_has_the_posterior_s_size_and_none_for_a_point_mass(sisrnn, vrnn):
    assert sisrnn.cell.sample_noise([7, B], 0).shape == (7, B, 5)
    assert vrnn.cell.sample_noise([7, B], 0).shape == (7, B, 0)
    default = sisrnn_tf.SISRNNCell(sisrnn_tf.emissions.Bernoulli(D))
    assert default.sample_noise((B,), (1, 2)).shape == (B, 300)


def test_the_scale_floor_holds_for_prior_and_posterior(make_model):
    cell = make_model("SISRNN", scale_floor=0.9).cell
    scales = [cell.prior(HIDDEN).stddev(), cell.posterior(X, HIDDEN, cell.sample_noise([B], 0)).stddev()]
    assert all((scale.numpy() > 0.9).all() for scale in scales)


def test_keras_rnn_unrolls_the_cell(make_model, observations):
    cell = make_model("SISRNN").cell
    assert (cell.state_size, cell.output_size) == (H, D)
    parameters = keras.layers.RNN(cell, return_sequences=True)(observations)
    assert parameters.shape == (4, 5, D) and np.isfinite(parameters).all()
    last, state = keras.layers.RNN(cell, return_state=True)(observations)
    assert last.shape == (4, D) and state.shape == (4, H)


def test_a_call_is_one_step_with_the_noise_of_its_stream(make_model):
    cell = make_model("VRNN", dtype="float64").cell
    reference = sequence.Cell(cell)
    x, h = tf.cast(X, tf.float64), tf.cast(HIDDEN, tf.float64)
    outputs, (hidden,) = cell(x, [h])
    seed = sisrnn_tf.random.RandomStream(0).next_seed()
    normal = noise.draw(cell, noise.row_seeds(seed, tf.range(B))).latent.numpy()
    loc, scale = reference.posterior(X, HIDDEN, None)
    z = loc + scale * normal
    np.testing.assert_allclose(outputs, reference.decode(z, HIDDEN), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(hidden, reference.transition(X, z, HIDDEN), rtol=1e-6, atol=1e-8)
    other, _ = cell(x, [h])
    assert (other.numpy() != outputs.numpy()).any()


def test_the_initial_state_is_zero(cell):
    (hidden,) = cell.get_initial_state(B)
    np.testing.assert_array_equal(hidden, np.zeros((B, H)))


def test_inputs_of_another_size_are_refused(make_model):
    cell = make_model("SISRNN").cell
    with pytest.raises(ValueError, match="`inputs` must have 3 features"):
        cell.build((None, 2))
    with pytest.raises(ValueError, match=r"received input with shape|must have 3 features"):
        keras.layers.RNN(cell)(np.zeros((4, 5, 2), "float32"))


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"latent_size": 0}, "`latent_size`"),
        ({"hidden_size": -1}, "`hidden_size`"),
        ({"prior_sizes": (0,)}, "`prior_sizes`"),
        ({"decoder_sizes": (2.5,)}, "`decoder_sizes`"),
        ({"scale_floor": 0.0}, "`scale_floor`"),
        ({"scale_floor": -1.0, "posterior": sisrnn_tf.posteriors.Gaussian(Z)}, "`scale_floor`"),
        ({"posterior": sisrnn_tf.posteriors.Gaussian(5)}, "`posterior` must be a part with latent_size=2"),
    ],
)
def test_arguments_are_checked(kwargs, message):
    with pytest.raises(ValueError, match=message):
        sisrnn_tf.SISRNNCell(sisrnn_tf.emissions.Bernoulli(D), **{"latent_size": Z, **kwargs})


def test_a_posterior_of_another_precision_is_refused(make_posterior):
    posterior = make_posterior("semi_implicit", dtype="float32")
    with pytest.raises(ValueError, match="`posterior` must be a part that computes densities in float64"):
        sisrnn_tf.SISRNNCell(sisrnn_tf.emissions.Bernoulli(D), Z, H, posterior=posterior, dtype="float64")


def test_the_posterior_has_an_older_name(make_posterior):
    posterior = make_posterior("semi_implicit")
    cell = sisrnn_tf.SISRNNCell(sisrnn_tf.emissions.Bernoulli(D), Z, H, encoder=posterior)
    assert cell.posterior_part is posterior
    with pytest.raises(ValueError, match="`encoder` must be left out where `posterior` is given"):
        sisrnn_tf.SISRNNCell(sisrnn_tf.emissions.Bernoulli(D), Z, H, encoder=posterior, posterior=posterior)
