"""The semi-amortized VAE: its refinement, the gradient through it, and that its bounds stay bounds."""

import numpy as np
import pytest
import tensorflow as tf

import sisrnn_tf
from sisrnn_tf import objectives
from sisrnn_tf.core import random
from sisrnn_tf.core.types import Batch
from sisrnn_tf.inference.refinement import Ascent, direction, refine
from tests.reference import sentence as reference

V, E, H, Z = 5, 4, 3, 2
KINDS = ("point_mass", "joint")
WORDS = np.array([[3, 1, 4, 2], [1, 1, 0, 4], [0, 2, 2, 2]])
MASK = np.arange(4) < np.array([4, 3, 2])[:, np.newaxis]
STEPS = {"refinement_steps": 3, "refinement_rate": 0.2, "refinement_clip": 1.5}


def make(kind="point_mass", latent_size=Z, vocabulary_size=V, **kwargs):
    """A tiny model whose weights are all alive, always the same."""
    policy, cls = {"dtype": kwargs.pop("dtype", "float64")}, kwargs.pop("cls", sisrnn_tf.SAVAE)
    posterior = {
        "point_mass": lambda: sisrnn_tf.posteriors.Gaussian(latent_size, (5,), activation="tanh", **policy),
        "joint": lambda: sisrnn_tf.posteriors.SemiImplicit(latent_size, (5,), (3,), 2.0, activation="tanh", **policy),
        "per_dimension": lambda: sisrnn_tf.posteriors.PerDimension(latent_size, (5,), 2, 2.0, **policy),
    }[kind]()
    decoder = sisrnn_tf.decoders.LSTMDecoder(E, 4, 0.3, use_cudnn=False, **policy)
    sizes = {"latent_size": latent_size, "embedding_size": E, "hidden_size": H}
    steps = STEPS if cls is sisrnn_tf.SAVAE else {}
    model = cls(vocabulary_size, decoder=decoder, posterior=posterior, **sizes, **policy, **{**steps, **kwargs})
    rng = np.random.default_rng(3)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(scale=0.6, size=weight.shape))
    return model


@pytest.fixture(scope="module")
def models():
    return {kind: make(kind) for kind in KINDS}


def _pass(model, words=WORDS, mask=MASK, seed=7, **kwargs):
    return model.make_pass(Batch(tf.constant(words), tf.constant(mask), None), random.as_seed(seed), **kwargs)


def _loss_and_gradients(model):
    model.stream.restart()
    with tf.GradientTape() as tape:
        model({"observations": WORDS, "mask": MASK}, training=True)
        (loss,) = model.losses
    gradients = tape.gradient(loss, model.trainable_variables)
    return loss, [tf.convert_to_tensor(gradient).numpy() for gradient in gradients]


def test_without_steps_it_is_the_vae():
    """Bounds and gradients are the same numbers, not about the same."""
    model, plain = make(refinement_steps=0), make(cls=sisrnn_tf.SentenceSISRNN)
    for value, other in zip(model.bound(WORDS, MASK, seed=1), plain.bound(WORDS, MASK, seed=1), strict=True):
        np.testing.assert_array_equal(value, other)
    (loss, gradients), (expected_loss, expected) = _loss_and_gradients(model), _loss_and_gradients(plain)
    assert loss == expected_loss
    for value, other in zip(gradients, expected, strict=True):
        np.testing.assert_array_equal(value, other)


@pytest.mark.parametrize("kind", KINDS)
def test_the_direction_of_a_step_is_the_gradient_of_each_sentence_s_own_bound(models, kind):
    passed = _pass(models[kind])
    cell, step = models[kind].cell, tf.constant(1)
    context = cell.posterior_part.inner.context(passed.hidden[:, :0], passed.hidden)
    shift = tf.constant(np.random.default_rng(0).normal(size=(3, 2 * Z)))

    def bounds(shift):
        return passed._bound(step, shift, context).numpy()

    expected = np.zeros([3, 2 * Z])
    for axis in range(2 * Z):
        ahead = 1e-5 * np.eye(2 * Z)[axis]
        expected[:, axis] = (bounds(shift + ahead) - bounds(shift - ahead)) / 2e-5
    found = direction(passed._bound, step, shift, context, 1e6)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)
    norms = np.linalg.norm(found.numpy().reshape(3, 2, Z), axis=-1, keepdims=True)
    clipped = direction(passed._bound, step, shift, context, 0.5)
    shares = np.minimum(1, 0.5 / norms)
    assert (shares < 1).any()
    np.testing.assert_allclose(clipped, (found.numpy().reshape(3, 2, Z) * shares).reshape(3, 2 * Z), rtol=1e-9)


def test_the_steps_of_training_weigh_the_kl_as_the_loss_does():
    model = make(kl_weight=0.3)
    model.decoder.dropout_rate = 0.0
    training, passed = _pass(model, training=True), _pass(model)
    context = model.cell.posterior_part.inner.context(passed.hidden[:, :0], passed.hidden)
    psi = model.cell.posterior_part.inner(context, tf.zeros([3, 0]))
    kl = np.sum((psi.loc**2 + psi.scale**2 - 1) / 2 - np.log(psi.scale), axis=-1)
    bounds = [each._bound(tf.constant(0), tf.zeros([3, 2 * Z], tf.float64), context) for each in (training, passed)]
    np.testing.assert_allclose(bounds[0] - bounds[1], 0.7 * kl)


@pytest.mark.parametrize("kind", [*KINDS, "per_dimension"])
def test_no_shift_is_the_posterior_itself(kind):
    shifted = make(kind).cell.posterior_part
    hidden, nothing = tf.constant(np.random.default_rng(0).normal(size=(3, H))), tf.zeros([3, 0], tf.float64)
    seeds = random.fold_in(random.as_seed(1), tf.range(3))
    psi = shifted(shifted.context(nothing, hidden), shifted.sample_noise([3], seeds))
    mixtures = [
        part.log_mixture_of_draws(part.context(nothing, hidden), psi.loc, psi, seeds, 5)
        for part in (shifted, shifted.inner)
    ]
    np.testing.assert_allclose(*mixtures, rtol=1e-12)


@pytest.mark.parametrize(("kind", "beta"), [("point_mass", 0.3), ("joint", 1.0)])
def test_the_gradient_goes_through_the_steps(kind, beta):
    """Of the training loss, along a random direction of all weights, against differences of the loss itself."""
    model = make(kind, kl_weight=beta, num_mixing=2, word_dropout=0.3)
    _, gradients = _loss_and_gradients(model)
    rng = np.random.default_rng(1)
    values = [weight.numpy() for weight in model.trainable_weights]
    ways = [rng.normal(size=value.shape) for value in values]
    losses = []
    for ahead in (1e-5, -1e-5):
        for weight, value, way in zip(model.trainable_weights, values, ways, strict=True):
            weight.assign(value + ahead * way)
        model.stream.restart()
        model({"observations": WORDS, "mask": MASK}, training=True)
        losses.append(float(model.losses[0]))
    found = sum(np.sum(gradient * way) for gradient, way in zip(gradients, ways, strict=True))
    assert found == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-6)


def test_a_refinement_has_no_second_derivative(models):
    kernel = models["point_mass"].decoder.output_layer.kernel
    with tf.GradientTape() as outer:
        with tf.GradientTape() as tape:
            shift = tf.reduce_sum(_pass(models["point_mass"]).shift)
        gradient = tf.reduce_sum(tape.gradient(shift, kernel.value))
    with pytest.raises(LookupError, match="second derivative of a refinement"):
        outer.gradient(gradient, kernel.value)


@pytest.mark.parametrize("kind", KINDS)
def test_refinement_raises_each_sentence_s_own_bound(models, kind):
    """With the noise of one step throughout, step after step."""
    passed = _pass(models[kind])
    context = models[kind].cell.posterior_part.inner.context(passed.hidden[:, :0], passed.hidden)
    start = tf.zeros([3, 2 * Z], tf.float64)

    def bound(step, shift, context):
        return passed._bound(tf.zeros_like(step), shift, context)

    shifts = [start] + [refine(bound, context, start, [], Ascent(steps, 0.05, 0.5, 5.0)) for steps in (1, 6)]
    values = [bound(tf.constant(0), shift, context).numpy() for shift in shifts]
    assert (np.diff(values, axis=0) > 1e-3).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_sentence_is_refined_by_itself(models, kind):
    """Alone or among others, padded or not, its posterior and its bound are the same."""
    model = models[kind]
    together = _pass(model, np.where(MASK, WORDS, 10**6))
    terms = objectives.IWAE(2, 3).estimate(together).terms
    for row, length in enumerate(MASK.sum(axis=1)):
        alone = _pass(model, WORDS[row : row + 1, :length], MASK[row : row + 1, :length], first_row=row)
        np.testing.assert_allclose(together.shift[row], alone.shift[0], rtol=1e-10)
        for value, other in zip(terms, objectives.IWAE(2, 3).estimate(alone).terms, strict=True):
            np.testing.assert_allclose(value[row], other[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", [*KINDS, "per_dimension"])
def test_estimates_are_unbiased_and_bounds_stay_below(kind):
    """The mean of exp of 3,000 estimates is the likelihood by quadrature; so psi^0..psi^K are alike given the shift."""
    model = make(kind, 1, 3, refinement_rate=0.5)
    exact = reference.quadrature(model, [(2, 0, 1)])[0]
    passed = _pass(model, np.tile([2, 0, 1], [3000, 1]), np.ones([3000, 3], bool))
    assert np.abs(passed.shift).mean() > 0.1
    for objective in (objectives.SIVI(0), objectives.SIVI(4), objectives.IWAE(3, 4)):
        logs = objective.estimate(passed).log_likelihood.numpy()
        estimates, error = np.exp(logs), np.exp(logs).std(ddof=1) / np.sqrt(len(logs))
        assert abs(estimates.mean() - exact) < 4 * error < 0.2 * exact, objective
        assert logs.mean() < np.log(exact)
    few = _pass(model, [[2, 0, 1]], np.ones([1, 3], bool))
    many = objectives.IWAE(20_000, 4).estimate(few).log_likelihood.numpy()
    assert many[0] == pytest.approx(np.log(exact), abs=0.02)


def test_a_word_depends_on_those_before_it_alone(models):
    """Given z; the posterior reads all of the sentence."""
    model, latent = models["point_mass"], tf.constant(np.random.default_rng(0).normal(size=(3, Z)))
    changed = np.array(WORDS)
    changed[:, 2] = (changed[:, 2] + 1) % V
    values = [model.word_log_probs(_pass(model, words).batch, latent).numpy() for words in (WORDS, changed)]
    np.testing.assert_array_equal(values[0][:, :2], values[1][:, :2])
    assert (values[0][:2, 2] != values[1][:2, 2]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_in_bfloat16_it_is_about_the_same(kind):
    """Its shift and densities are float32, and so is the loss, whose gradient goes through the steps."""
    model, plain = make(kind, dtype="mixed_bfloat16"), make(kind, dtype="float32")
    passes = [_pass(each) for each in (model, plain)]
    np.testing.assert_allclose(passes[0].shift, passes[1].shift, atol=0.1)
    terms, expected = (objectives.SIVI(2).estimate(each).terms for each in passes)
    assert {value.dtype for value in terms} == {passes[0].shift.dtype} == {tf.float32}
    np.testing.assert_allclose(terms.surrogate, expected.surrogate, atol=0.3)
    loss, gradients = _loss_and_gradients(model)
    assert loss.dtype == tf.float32 and all(np.isfinite(gradient).all() for gradient in gradients)


def test_xla_is_refused_as_it_would_compile_each_step_anew(models):
    with pytest.raises(ValueError, match="`jit_compile` must be False"):
        models["joint"].compile(optimizer="sgd", jit_compile=True)
    models["joint"].compile(optimizer="sgd")
    assert not models["joint"].jit_compile
    plain = make(refinement_steps=0)
    plain.compile(optimizer="sgd", jit_compile=True)
    assert plain.jit_compile


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"refinement_steps": -1}, "`refinement_steps` must be"),
        ({"refinement_rate": 0.0}, "`refinement_rate` must be positive"),
        ({"refinement_momentum": 1.0}, "`refinement_momentum` must be in"),
        ({"refinement_clip": 0.0}, "`refinement_clip` must be positive"),
        ({"decoder": sisrnn_tf.decoders.LSTMDecoder(E, 4)}, "`decoder` must be one without cuDNN"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        sisrnn_tf.SAVAE(V, Z, E, H, **arguments)
