"""Missing values: what is left out of a likelihood, what stands for them, and that nothing depends on it."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import sisrnn_tf
from sisrnn_tf import objectives
from sisrnn_tf.analysis import forecasts, likelihood_records, scores
from sisrnn_tf.analysis.likelihoods import plan, sequence_likelihoods
from sisrnn_tf.data import pipeline, series
from sisrnn_tf.data.checks import check
from sisrnn_tf.data.kinds import SERIES
from sisrnn_tf.data.spec import DataSpec

CHOICES = {
    "bernoulli": sisrnn_tf.emissions.Bernoulli(3),
    "normal mixture": sisrnn_tf.emissions.NormalMixture(3, 2),
    "logistic mixture": sisrnn_tf.emissions.LogisticMixture(3, 2),
    "strokes": sisrnn_tf.emissions.StrokeMixture(2),
    "categories": sisrnn_tf.emissions.OneHotCategorical(3),
}


@pytest.fixture
def observed():
    """Which of the observations of `conftest` are there; a whole step is missing, too."""
    known = np.random.default_rng(1).random((4, 5, 3)) < 0.7
    known[0, 2] = False
    return known


def test_a_model_without_latent_is_a_distribution_of_what_is_observed(make_model):
    """Exhaustively: of the last step it is the sum over what is missing, and under any pattern its sum is 1."""
    model = make_model("RNN", dtype="float64")
    every = np.reshape(list(itertools.product((0.0, 1.0), repeat=6)), [-1, 2, 3])
    likelihood = np.exp(model.log_likelihood(every))
    last = np.broadcast_to([[True, True, True], [False, True, False]], every.shape)
    given = np.exp(model.log_likelihood(np.where(last, every, np.nan), observed=last))
    assert np.ptp(likelihood) > 0.001
    sums = np.reshape(likelihood, [8, 2, 2, 2]).sum(axis=(1, 3), keepdims=True)
    np.testing.assert_allclose(given, np.broadcast_to(sums, [8, 2, 2, 2]).ravel(), rtol=1e-12)
    pattern = np.broadcast_to([[True, False, False], [False, True, True]], every.shape)
    given = np.exp(model.log_likelihood(every, observed=pattern))
    np.testing.assert_allclose(given.sum() / 2**3, 1.0, rtol=1e-12)  # three are missing: each case comes 8 times


@pytest.mark.parametrize("name", CHOICES)
def test_a_bound_leaves_out_what_is_missing_whatever_the_emission(make_posterior, name, observed):
    rng = np.random.default_rng(0)
    x = np.eye(3)[rng.integers(3, size=(4, 5))] if name == "categories" else (rng.random((4, 5, 3)) < 0.5).astype(float)
    keras.utils.set_random_seed(1)
    sizes = {"latent_size": 2, "hidden_size": 4, "prior_sizes": (4,), "decoder_sizes": (5,)}
    posterior = make_posterior("semi_implicit", dtype="float64")
    model = sisrnn_tf.SISRNN(CHOICES[name], posterior=posterior, dtype="float64", **sizes)
    terms = model.bound(np.where(observed, x, np.nan), num_mixing=2, seed=0, observed=observed)
    outputs = model.infer(np.where(observed, x, 7.0), seed=0, observed=observed)
    expected = CHOICES[name].log_prob_observed(outputs["emission_parameters"], tf.constant(x), observed)
    np.testing.assert_allclose(terms.reconstruction, tf.reduce_sum(expected, axis=1), rtol=1e-8)
    whole = model.bound(x, num_mixing=2, seed=0).surrogate
    np.testing.assert_allclose(
        model.bound(x, num_mixing=2, seed=0, observed=np.ones_like(observed)).surrogate, whole, rtol=1e-8
    )
    assert (np.abs(terms.surrogate - whole) > 1e-6).all()
    smc = model.score(np.where(observed, x, np.nan), num_importance=1, num_mixing=2, seed=0, observed=observed)
    np.testing.assert_allclose(smc, terms.surrogate, rtol=1e-12)
    filtered = model.estimate(objectives.FIVO(1, 2), np.where(observed, x, np.nan), seed=0, observed=observed)
    np.testing.assert_allclose(filtered.log_likelihood, terms.surrogate, rtol=1e-8)


@pytest.mark.parametrize("objective", [objectives.SIVI(2), objectives.IWAE(2, 1), objectives.FIVO(3, 1)])
def test_training_depends_on_what_is_observed_alone(make_model, observations, mask, observed, objective):
    weights, losses = [], []
    for filling in (np.nan, 1.0):
        model = make_model(objective=objective)
        model.compile(keras.optimizers.SGD(0.1), jit_compile=False)
        x = {"observations": np.where(observed, observations, filling), "mask": mask, "observed": observed}
        losses.append(model.fit(x, validation_data=(x,), epochs=2, shuffle=False, verbose=0).history)
        weights.append(model.get_weights())
    assert np.isfinite(losses[0]["loss"]).all() and np.isfinite(losses[0]["val_loss"]).all()
    assert losses[0] == losses[1]
    for left, right in zip(*weights, strict=True):
        np.testing.assert_array_equal(left, right)


def test_a_forecast_goes_on_from_what_was_observed(sisrnn, observations, observed):
    given = [np.where(observed, observations, filling) for filling in (np.nan, 1.0, 0.0)]
    options = {"num_steps": 3, "num_samples": 4, "seed": 2}
    first, second = (sisrnn.forecast(x, **options, observed=observed) for x in given[:2])
    np.testing.assert_array_equal(first, second)
    assert np.any(first != sisrnn.forecast(given[2], **options))  # where the zeros count as observed


def test_what_is_no_mask_of_values_is_refused(sisrnn, observations, observed):
    for wrong, message in (
        (observed.astype(float), "`observed` must be bool. Received: observed='float64'"),
        (observed[:, :, :2], r"`observed` must be of the shape \(4, 5, 3\) or \(4, 5\)"),
        (observed[:, :3], r"`observed` must be of the shape"),
    ):
        with pytest.raises(ValueError, match=message):
            sisrnn.bound(observations, observed=wrong)
    steps = observed[..., 0]
    whole = np.repeat(steps[..., np.newaxis], 3, axis=2)
    left, right = (sisrnn.bound(observations, seed=0, observed=each).surrogate for each in (steps, whole))
    np.testing.assert_array_equal(left, right)
    with pytest.raises(ValueError, match=r"must be finite.* or say by `observed`, .* which values are missing"):
        sisrnn.bound(np.where(observed, observations, np.nan))
    with pytest.raises(ValueError, match="`observations` must be 0 or 1"):
        sisrnn.bound(np.where(observed, 0.5, np.nan), observed=observed)
    text = sisrnn_tf.SentenceSISRNN(5, latent_size=2, hidden_size=3, embedding_size=4, decoder=_decoder())
    with pytest.raises(ValueError, match="`observed` must be left out: a sentence has no missing words"):
        text.bound(np.zeros((1, 2), int), observed=np.ones((1, 2), bool))


def _decoder():
    return sisrnn_tf.decoders.LSTMDecoder(4, 3)


def test_in_a_graph_what_is_observed_and_impossible_is_nan_and_what_is_missing_is_not(sisrnn, observations, observed):
    x = np.where(observed, observations, np.nan)
    x[2, 3], observed[2, 3] = 0.5, True
    found = tf.function(lambda x, known: sisrnn.bound(x, seed=0, observed=known).surrogate)(x, observed)
    np.testing.assert_array_equal(np.isnan(found), [False, False, True, False])


def _dataset(normalization="per_channel"):
    rng = np.random.default_rng(0)
    parts = [rng.normal([5, -3], [2, 7], size=(1 + index % 4, 2)) for index in range(24)]
    for index, part in enumerate(parts):
        part[index % len(part), index % 2] = np.nan
    return series.make("made", {"train": parts}, SERIES, normalization, None), parts


def test_a_data_set_knows_its_missing_values_and_its_batches_too():
    dataset, parts = _dataset()
    check(dataset)
    train = [part for index, part in enumerate(parts) if index % 10 != 9 and index not in (10, 21)]
    rows = np.concatenate(train)
    np.testing.assert_allclose(dataset.normalization.shift, np.nanmean(rows, axis=0))
    np.testing.assert_allclose(dataset.normalization.scale, np.nanstd(rows, axis=0))
    assert "24 values are missing and not scored" in dataset.convention
    batch = next(iter(pipeline.training_batches(dataset, 4, seed=0)))
    assert batch["observed"].shape == batch["observations"].shape and not np.isnan(batch["observations"]).any()
    batch = next(iter(pipeline.evaluation_batches(dataset, "test", 2)))
    real = batch["mask"].numpy()[..., np.newaxis]
    known = np.where(real, DataSpec.of(dataset).to_units(pipeline.with_gaps(batch)), 0)
    expected = sorted([parts[10], parts[21]], key=len)
    for row, part in zip(known, expected, strict=True):
        np.testing.assert_allclose(row[: len(part)], part, rtol=1e-6)
    full, _ = _dataset("none")
    assert full.fingerprint != dataset.fingerprint and full.train.observed is not None


def test_a_likelihood_in_the_datas_units_counts_what_was_observed():
    dataset, _ = _dataset()
    model = sisrnn_tf.RNN(sisrnn_tf.emissions.Normal(2), hidden_size=3, decoder_sizes=(4,))
    (estimate,) = plan(model, "validation", ["bound"], [0], [1], [0])
    batches = pipeline.evaluation_batches(dataset, "validation", 2)
    values = sequence_likelihoods(model, batches, estimate, normalization=dataset.normalization)
    record = likelihood_records.to_record(model, 1, estimate, "made", "float32", values, dataset.normalization)
    count = (dataset.validation.observed & (np.arange(4) < dataset.validation.lengths[:, np.newaxis])[..., np.newaxis])[
        :, : dataset.validation.observations.shape[1]
    ].sum(axis=(0, 1))
    volume = (count * np.log(dataset.normalization.scale)).sum() / len(dataset.validation)
    assert record["nll_data_units"] == pytest.approx(record["nll"] + volume)
    assert "log_volume" not in record and math.isfinite(record["nll"])


def test_contexts_of_forecasts_keep_their_gaps(sisrnn):
    dataset, _ = _dataset()
    context, truth = forecasts.contexts(dataset, "train", 2, 1, 20)
    assert np.isnan(context).any() and np.isnan(truth).any()
    model = sisrnn_tf.RNN(sisrnn_tf.emissions.Normal(2), hidden_size=3, decoder_sizes=(4,))
    spec = DataSpec.of(dataset)
    samples = forecasts.draw(model, spec, list(context), 1, 3, 0)
    assert samples.shape == (3, *truth.shape) and np.isfinite(samples).all()
    filled = forecasts.draw(model, spec, list(np.nan_to_num(context, nan=5.0)), 1, 3, 0)
    gaps = np.isnan(context).any(axis=(1, 2))
    assert np.any(filled[:, gaps] != samples[:, gaps]) and np.array_equal(filled[:, ~gaps], samples[:, ~gaps])


def test_scores_of_steps_add_up_to_that_of_what_is_there():
    dataset, _ = _dataset()
    model = sisrnn_tf.RNN(sisrnn_tf.emissions.Normal(2), hidden_size=3, decoder_sizes=(4,))
    spec, sequences = DataSpec.of(dataset), forecasts.held_out(dataset, "train", 10)
    found = scores.score_steps(model, spec, sequences, 1, 0, 0)
    ends = np.cumsum([len(sequence) for sequence in sequences])[:-1]
    total = [part.sum() for part in np.split(found.steps, ends)]
    np.testing.assert_allclose(total, -scores.score(model, spec, sequences, 1, 0, 0), rtol=1e-4)
    np.testing.assert_array_equal(np.isnan(found.features), np.isnan(np.concatenate(sequences)))
    np.testing.assert_allclose(np.nansum(found.features, axis=1), found.steps, rtol=1e-4, atol=1e-4)  # independent
