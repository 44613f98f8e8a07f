"""Models of sentences: against NumPy and quadrature, padded as alone, written with a cache as without."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import sisrnn_tf
from sisrnn_tf import objectives
from sisrnn_tf.analysis.likelihoods import plan
from sisrnn_tf.core import random
from sisrnn_tf.core.types import Batch
from tests.passes import draw_noise
from tests.reference import sentence as reference

V, E, H, Z = 5, 8, 4, 2
KINDS = ("transformer", "lstm", "point_mass")
WORDS = np.array([[3, 1, 4, 2, 0], [1, 1, 0, 4, 4], [0, 2, 2, 2, 2], [4, 3, 2, 0, 1]])
MASK = np.arange(5) < np.array([5, 3, 1, 4])[:, np.newaxis]


def make(kind="transformer", latent_size=Z, vocabulary_size=V, **kwargs):
    """A tiny model whose weights are all alive, always the same."""
    keras.utils.set_random_seed(1)
    policy = {"dtype": kwargs.get("dtype", "float64")}
    if kind == "lstm":
        decoder = sisrnn_tf.decoders.LSTMDecoder(E, 5, 0.3, **policy)
    else:
        decoder = sisrnn_tf.decoders.TransformerDecoder(E, 2, 2, 2, 0.3, **policy)
    posterior = sisrnn_tf.posteriors.SemiImplicit(latent_size, (5, 4), (3, 2), 2.0, activation="tanh", **policy)
    if kind == "point_mass":
        posterior = sisrnn_tf.posteriors.Gaussian(latent_size, (5,), activation="tanh", **policy)
    sizes = {"latent_size": latent_size, "embedding_size": E, "hidden_size": H}
    model = sisrnn_tf.SentenceSISRNN(vocabulary_size, decoder=decoder, posterior=posterior, **sizes, **policy | kwargs)
    rng = np.random.default_rng(3)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(scale=0.6, size=weight.shape))
    if latent_size == 1:  # a posterior about as wide as the prior: importance weights of little variance
        layers = getattr(posterior.network, "dense_layers", [getattr(posterior.network, "output_layer", None)])
        layers[-1].kernel.assign(0.3 * layers[-1].kernel)
        layers[-1].bias.assign([0.2, 0.8])
    return model


@pytest.fixture(scope="module")
def models():
    return {kind: make(kind) for kind in KINDS}


@pytest.mark.parametrize("kind", ["transformer", "lstm"])
@pytest.mark.parametrize("num_mixing", [0, 3])
def test_the_bound_is_that_of_numpy(models, kind, num_mixing):
    model = models[kind]
    terms = model.bound(WORDS, MASK, num_mixing, seed=7)
    noise = draw_noise(model.cell, 1, len(WORDS), num_mixing)
    mixing, latent, extra = noise.mixing[0], noise.latent[0], noise.extra_mixing[:, 0]
    for row, length in enumerate(MASK.sum(axis=1)):
        words = WORDS[row, :length].tolist()
        parts = (part.numpy() for part in (mixing[row], latent[row], extra[:, row]))
        expected = reference.bound(model, words, *parts, activation=np.tanh)
        np.testing.assert_allclose(terms.surrogate[row], expected, rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_a_padded_sentence_scores_as_alone(models, kind):
    """The first row of a batch draws what a batch of one draws."""
    model = models[kind]
    garbage = np.where(MASK, WORDS, 10**6)  # padding may hold anything
    for row, length in enumerate(MASK.sum(axis=1)):
        rolled, mask = np.roll(garbage, -row, axis=0), np.roll(MASK, -row, axis=0)
        together = model.bound(rolled, mask, 0, seed=1)
        alone = model.bound(WORDS[row : row + 1, :length], None, 0, seed=1)
        for value, other in zip(together, alone, strict=True):
            np.testing.assert_allclose(value[0], other[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_terms_and_estimates_are_related_as_they_should(models, kind):
    model = models[kind]
    for num_mixing in (0, 4):
        terms = model.bound(WORDS, MASK, num_mixing, seed=2)
        np.testing.assert_allclose(terms.surrogate, terms.reconstruction - terms.kl, rtol=1e-12)
        np.testing.assert_allclose(terms.surrogate, terms.lower_bound + terms.regularizer, rtol=1e-12)
        if num_mixing == 0 or kind == "point_mass":
            np.testing.assert_allclose(terms.regularizer, 0, atol=1e-12)
        assert (terms.regularizer.numpy() <= np.log(num_mixing + 1) + 1e-9).all()
        own = model.bound(WORDS, MASK, num_mixing, seed=2)  # draws as particle 0 does
        one = model.log_likelihood(WORDS, MASK, 1, num_mixing, seed=2)
        np.testing.assert_allclose(one, own.surrogate, rtol=1e-10)


def test_chunks_of_particles_change_nothing(models, monkeypatch):
    model = models["transformer"]
    whole = model.log_likelihood(WORDS, MASK, 7, 2, seed=3)
    monkeypatch.setattr("sisrnn_tf.models.sentence._CHUNK_LOGITS", 2 * WORDS.size * V)
    np.testing.assert_allclose(model.log_likelihood(WORDS, MASK, 7, 2, seed=3), whole, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_estimates_are_unbiased_and_the_likelihood_sums_to_one(kind):
    """The mean of exp of 4,000 estimates is the likelihood by quadrature, within 4 standard errors (6e-5 each)."""
    model = make(kind, latent_size=1, vocabulary_size=3)
    sentences = list(itertools.product(range(3), repeat=3))
    exact = reference.quadrature(model, sentences)
    np.testing.assert_allclose(exact.sum(), 1.0, rtol=1e-7)
    rows = np.tile(sentences[5], [4000, 1])
    for num_importance, num_mixing in ((1, 0), (1, 4), (3, 4)):
        estimates = np.exp(model.log_likelihood(rows, None, num_importance, num_mixing, seed=11))
        error = estimates.std(ddof=1) / np.sqrt(len(rows))
        assert abs(estimates.mean() - exact[5]) < 4 * error, (num_importance, num_mixing)
        assert error < 0.05 * exact[5]


def test_bounds_rise_with_k_and_m():
    model = make(latent_size=1, vocabulary_size=3)
    rows = np.tile([2, 0, 1], [4000, 1])
    exact = np.log(reference.quadrature(model, [(2, 0, 1)]))[0]
    by_k = [model.bound(rows, None, k, seed=5).surrogate.numpy().mean() for k in (0, 3, 30)]
    by_m = [model.log_likelihood(rows, None, m, 3, seed=5).numpy().mean() for m in (1, 10)]
    assert by_k[0] < by_k[1] < by_k[2] < exact
    assert by_m[0] < by_m[1] < exact + 0.01


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("num_importance", [1, 3])
def test_the_gradient_of_training_is_that_of_the_plain_bound(kind, num_importance):
    """Without dropout and at beta = 1 the loss is minus the estimate, and so is its gradient."""
    several = objectives.IWAE(num_importance, 4)
    objective = several if num_importance > 1 else objectives.SIVI(4)
    model = make(kind, objective=objective, seed=5)
    model.decoder.dropout_rate = 0.0
    for block in getattr(model.decoder, "blocks", ()):
        block.dropout_rate = 0.0
    weight = np.array([1.0, 2.0, 0.0, 1.0])
    seed = random.fold_in(random.as_seed(5), 0)  # the first of the model's stream
    with tf.GradientTape() as tape:
        model({"observations": WORDS, "mask": MASK, "weight": weight}, training=True)
        (loss,) = model.losses
    gradients = tape.gradient(loss, model.trainable_variables)
    with tf.GradientTape() as tape:
        estimate = objective.estimate(model.make_pass(Batch(WORDS, MASK, None), seed)).log_likelihood
        expected_loss = -tf.reduce_sum(estimate * weight) / 4
    expected = tape.gradient(expected_loss, model.trainable_variables)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-9)
    for variable, value, other in zip(model.trainable_variables, gradients, expected, strict=True):
        value, other = (tf.convert_to_tensor(part).numpy() for part in (value, other))
        np.testing.assert_allclose(value, other, atol=1e-9, err_msg=variable.path)
        assert np.abs(other).max() > 0 or "key" in variable.path, variable.path


def test_word_dropout_hides_words_from_the_decoder_alone():
    model = make(word_dropout=0.9, unknown_id=2, seed=5)
    seen = []
    decoder_call = model.decoder.call
    model.decoder.call = lambda inputs, *arguments: seen.append(inputs.numpy()) or decoder_call(inputs, *arguments)
    model(np.tile(WORDS, [50, 1]), training=True)
    model(WORDS)
    scale = E**0.5
    embeddings = model.words.embeddings.numpy()
    begins = np.isclose(seen[0][:, 0], embeddings[V] * scale).all()
    hidden = np.isclose(seen[0][:, 1:], embeddings[2] * scale).all(axis=-1).mean()
    assert begins and 0.85 < hidden < 0.95
    np.testing.assert_allclose(seen[1][:, 1:], embeddings[WORDS[:, :-1]] * scale)


@pytest.mark.parametrize("kind", ["transformer", "lstm"])
def test_writing_with_the_cache_is_writing_without_it(models, kind):
    """Each word is the likeliest, or the drawn one, of the logits that reading all words before it gives."""
    model, latent = models[kind], tf.constant(np.random.default_rng(0).normal(size=(6, Z)) * 2)
    for sampler in (sisrnn_tf.Sampler(0), sisrnn_tf.Sampler(1.3, 4, 0.95)):
        written = model.decode(latent, 7, seed=9, sampler=sampler).numpy()
        words, ended = np.full([6, 1], V), np.zeros(6, bool)
        for time in range(7):
            features = model.decoder(model.words(tf.constant(words)), latent)[:, -1]
            chosen = sampler(
                model.words.logits(features), random.fold_in(random.fold_in(random.as_seed(9), time), tf.range(6))
            ).numpy()
            chosen = np.where(ended, model.end_id, chosen)
            ended |= chosen == model.end_id
            words = np.concatenate([words, chosen[:, np.newaxis]], axis=1)
        np.testing.assert_array_equal(written, words[:, 1:])
        assert len(np.unique(written)) > 1  # not all the same word


def test_generated_sentences_come_as_often_as_their_likelihood_says():
    model = make("lstm", latent_size=1, vocabulary_size=3, end_id=0)
    written = model.generate(20_000, 2, seed=4).numpy()
    expected = reference.quadrature(model, list(itertools.product(range(3), repeat=2)))
    expected = np.concatenate([[expected[:3].sum()], expected[3:]])  # what follows an end is not drawn
    found = np.array([np.mean((written == pair).all(axis=1)) for pair in itertools.product(range(3), repeat=2)])
    found = np.concatenate([[found[:3].sum()], found[3:]])
    assert (np.abs(found - expected) < 5 * np.sqrt(expected / 20_000)).all()


def test_interpolation_goes_from_one_reconstruction_to_the_other(models):
    model, first, second = models["transformer"], WORDS[0], WORDS[3, :4]
    line = model.interpolate(first, second, 5, 6, seed=3).numpy()
    ends = [
        model.encode(end[np.newaxis], None, random.fold_in(random.as_seed(3), index))
        for index, end in enumerate((first, second))
    ]
    greedy = sisrnn_tf.Sampler(0)
    expected = [model.decode(0.5 * (1 - s) * ends[0] + 0.5 * (1 + s) * ends[1], 6, 0, greedy)[0] for s in (-1, 0, 1)]
    np.testing.assert_array_equal(line[[0, 2, 4]], expected)


def test_seeds_make_the_same_draws(models):
    model = models["lstm"]
    for draw in (
        lambda seed: model.generate(4, 6, seed),
        lambda seed: model.encode(WORDS, MASK, seed),
        lambda seed: model.reconstruct(WORDS, MASK, seed, sampler=sisrnn_tf.Sampler()),
    ):
        np.testing.assert_array_equal(draw(1), draw(1))
        assert (draw(1).numpy() != draw(2).numpy()).any()


def test_learns_to_reconstruct():
    """Two sentences that differ in all words: the latent must carry which one it is."""
    keras.utils.set_random_seed(0)
    words = np.tile([[1, 2, 3, 0], [4, 4, 2, 0]], [64, 1])
    posterior = sisrnn_tf.posteriors.SemiImplicit(2, (16,), (4,))
    decoder = sisrnn_tf.decoders.LSTMDecoder(8, 16, 0.0)
    model = sisrnn_tf.SentenceSISRNN(5, 2, 8, 16, decoder, posterior, num_mixing=3, word_dropout=0.5)
    model.compile(optimizer=keras.optimizers.Adam(0.02))
    model.fit(words, epochs=60, batch_size=32, verbose=0)
    assert -model.bound(words, num_mixing=10, seed=0).surrogate.numpy().mean() < np.log(2) + 0.3
    np.testing.assert_array_equal(model.reconstruct(words[:2], seed=0), words[:2])


def test_estimators_of_a_sentence_are_the_bound_and_iwae(models):
    estimates = plan(models["lstm"], "test", ["bound", "iwae", "smc"], [2], [5], [0])
    assert [estimate.estimator for estimate in estimates] == ["L_K", "IWAE"]
    assert {estimate.num_mixing for estimate in plan(models["point_mass"], "test", ["iwae"], [2], [5], [0])} == {0}
    with pytest.raises(ValueError, match="a sentence has one latent"):
        plan(models["lstm"], "test", ["smc"], [2], [5], [0])


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda model: model.bound(WORDS[..., np.newaxis]), r"must have the shape \[B, T\]"),
        (lambda model: model.bound(WORDS, MASK[:, ::-1]), "right padding"),
        (lambda model: model.log_likelihood(WORDS, MASK, 3, 1, resample=True), "`resample` must be False"),
        (lambda model: model.fit(WORDS + 1), r"must be in 0\.\.4"),
        (lambda model: model.fit(WORDS.astype("float32")), "must be numbers of words, ints"),
        (lambda model: model.decode(np.zeros([3, Z + 1]), 4), "`latent` must be of shape"),
        (lambda model: model.generate(0, 4), "`batch_size` must be"),
        (lambda model: model.interpolate(WORDS[0], WORDS[1], 1, 4), "`num_points` must be"),
        (lambda _: make(end_id=V), "`end_id` must be below 5"),
        (lambda _: make(word_dropout=1.0), "`word_dropout` must be"),
        (lambda _: sisrnn_tf.SentenceSISRNN(V, decoder=sisrnn_tf.decoders.LSTMDecoder(8)), "`decoder` must be of size"),
    ],
)
def test_errors(models, call, message):
    with pytest.raises(ValueError, match=message):
        call(models["transformer"])
