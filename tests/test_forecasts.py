"""Forecasts and fills in the user's units: beginnings of held-out sequences, files with gaps."""

import numpy as np
import pytest

import sisrnn_tf
from sisrnn_tf.analysis import forecasts, imputation
from sisrnn_tf.core import random
from sisrnn_tf.data import series
from sisrnn_tf.data.kinds import SERIES
from sisrnn_tf.data.spec import DataSpec


@pytest.fixture(scope="module")
def dataset():
    """Ramps of 3 to 6 steps, each sequence's own number of hundreds."""
    parts = [100.0 * n + np.arange(3 + n % 4, dtype=float)[:, np.newaxis] for n in range(12)]
    splits = {"train": parts[:4], "validation": parts[4:8], "test": parts[8:]}
    return series.make("ramps", splits, SERIES, "per_channel", None)


@pytest.fixture(scope="module")
def spec(dataset):
    return DataSpec.of(dataset)


@pytest.fixture(scope="module")
def model():
    return sisrnn_tf.RNN(sisrnn_tf.emissions.Normal(1), hidden_size=2, decoder_sizes=(2,))


def test_beginnings_are_of_sequences_that_go_on(dataset, spec):
    context, truth = forecasts.contexts(dataset, "test", 4, 3, 10)
    assert context.shape == (2, 4, 1) and truth.shape == (2, 3, 1)
    np.testing.assert_allclose(context[:, :, 0], [[1000, 1001, 1002, 1003], [1100, 1101, 1102, 1103]])
    np.testing.assert_allclose(truth[:, :, 0], [[1004, np.nan, np.nan], [1104, 1105, np.nan]])


def test_a_context_that_no_sequence_exceeds_is_refused(dataset):
    with pytest.raises(ValueError, match="`context_steps` must leave steps to forecast: of 4 sequences"):
        forecasts.contexts(dataset, "test", 6, 3, 10)


def test_forecasts_are_in_the_users_units(dataset, spec, model):
    context, _ = forecasts.contexts(dataset, "test", 4, 3, 10)
    found = forecasts.draw(model, spec, context, 3, 30, seed=1)
    seed = random.fold_in(random.as_seed(1), 0)
    plain = model.forecast(spec.from_units(context), 3, 30, seed=seed).numpy()
    shift, scale = spec.normalization.shift[0], spec.normalization.scale[0]
    np.testing.assert_allclose(found, plain * scale + shift, rtol=1e-5)


def test_forecasts_do_not_depend_on_the_sequences_after_them(spec, model):
    contexts = [np.full((1 + n % 3, 1), 100.0 * n) for n in range(70)]
    whole = forecasts.draw(model, spec, contexts, 2, 3, seed=1)
    np.testing.assert_allclose(whole[:, :10], forecasts.draw(model, spec, contexts[:10], 2, 3, seed=1), rtol=1e-5)
    assert whole.shape == (3, 70, 2, 1) and (whole[:, 0] != whole[:, 64]).all()


def test_gaps_are_filled_and_the_rest_left_as_it_is(spec, model):
    values = np.arange(140, dtype=np.float64).reshape(70, 2, 1) / 7
    values[3, 1] = values[68, 0] = np.nan
    sequences = list(values)
    sequences[5] = values[5, :1]
    samples = imputation.draw(model, spec, sequences, 6, seed=1, num_importance=5)
    assert samples.dtype == np.float64 and samples.shape == (6, 70, 2, 1)
    missing = np.isnan(values)
    assert np.isnan(samples[:, 5, 1]).all() and np.isnan(samples).sum() == 6
    values[5, 1] = np.nan
    np.testing.assert_array_equal(samples[:, ~missing], np.tile(values[~missing], (6, 1)))
    spread = spec.normalization.scale[0]
    assert 0.1 * spread < samples.std(axis=0)[missing].min() < 10 * spread


def test_infinity_is_no_gap(spec, model):
    with pytest.raises(ValueError, match="`observations` must be finite, or NaN"):
        imputation.draw(model, spec, [np.array([[np.inf]])], 2, seed=0)
