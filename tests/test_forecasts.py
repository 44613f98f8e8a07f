"""Forecasts and fills in the user's units: beginnings of held-out sequences, files with gaps."""

import dataclasses

import numpy as np
import pytest

import sisrnn_tf
from sisrnn_tf.analysis import forecasts, imputation
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
    np.testing.assert_allclose(spec.to_units(context)[:, :, 0], [[1000, 1001, 1002, 1003], [1100, 1101, 1102, 1103]])
    np.testing.assert_allclose(spec.to_units(truth)[:, :, 0], [[1004, np.nan, np.nan], [1104, 1105, np.nan]])


def test_a_context_that_no_sequence_exceeds_is_refused(dataset):
    with pytest.raises(ValueError, match="`context_steps` must leave steps to forecast: of 4 sequences"):
        forecasts.contexts(dataset, "test", 6, 3, 10)


def test_forecasts_are_in_the_users_units(dataset, spec, model):
    context, truth = forecasts.contexts(dataset, "test", 4, 3, 10)
    found = forecasts.forecast(model, spec, context, truth, 30, seed=1)
    assert found["samples"].shape == (30, 2, 3, 1) and found["quantiles"].shape == (5, 2, 3, 1)
    plain = model.forecast(context, 3, 30, seed=1).numpy()
    np.testing.assert_allclose(
        found["samples"], plain * spec.normalization.scale[0] + spec.normalization.shift[0], rtol=1e-5
    )
    np.testing.assert_allclose(found["quantiles"][2], np.median(found["samples"], axis=0), rtol=1e-6)
    np.testing.assert_allclose(found["context"][1, :, 0], [1100, 1101, 1102, 1103])


def test_the_share_of_values_that_intervals_hold_is_told(spec):
    bounds = np.array([0.0, 0, 0, 0, 1])[:, np.newaxis, np.newaxis, np.newaxis] * np.ones((1, 4, 1))
    found = {"truth": np.array([[[0.5], [2.0], [1.0], [np.nan]]]), "quantiles": bounds}
    assert forecasts.describe(found, spec) == "80% intervals hold 66.7% of the 3 values that followed"
    pens = np.concatenate([found["truth"], found["truth"], np.zeros_like(found["truth"])], axis=-1)
    strokes = {"truth": pens, "quantiles": np.tile(bounds, 3)}
    of_strokes = dataclasses.replace(spec, emission="strokes")
    assert forecasts.describe(strokes, of_strokes) == "80% intervals hold 66.7% of the 6 values that followed"


def _write(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_gaps_are_filled_and_the_rest_left_as_it_is(spec, model, tmp_path):
    values = np.arange(140, dtype=np.float64).reshape(70, 2, 1) / 7
    values[3, 1] = values[68, 0] = np.nan
    lengths = np.full(70, 2)
    lengths[5], values[5, 1] = 1, np.nan  # beyond its end
    observations, mask = imputation.read(_write(tmp_path / "in.npz", observations=values, lengths=lengths), spec)
    filled = imputation.impute(model, spec, observations, mask, 6, seed=1, num_importance=5)
    assert filled["observations"].dtype == np.float64 and filled["samples"].shape == (6, 70, 2, 1)
    missing = np.isnan(values) & mask[..., np.newaxis]
    np.testing.assert_array_equal(filled["observations"][~missing], values[~missing])
    np.testing.assert_allclose(filled["observations"][missing], filled["samples"].mean(axis=0)[missing])
    spread = spec.normalization.scale[0]
    assert 0.1 * spread < filled["samples"].std(axis=0)[missing].min() < 10 * spread


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros(2)}, "must hold an array `observations`"),
        ({"observations": np.zeros((2, 3))}, r"`observations` must be numbers \[N, T, 1\]"),
        ({"observations": np.zeros((2, 3, 2))}, r"`observations` must be numbers \[N, T, 1\]"),
        ({"observations": np.array([[["a"]]])}, r"`observations` must be numbers"),
        ({"observations": np.full((2, 3, 1), np.inf)}, "must be finite, or NaN"),
        ({"observations": np.zeros((2, 3, 1)), "lengths": np.array([3])}, "`lengths` must be 2 ints from 1 to 3"),
        ({"observations": np.zeros((2, 3, 1)), "lengths": np.array([0, 3])}, "`lengths` must be 2 ints from 1 to 3"),
    ],
)
def test_bad_files_are_named(spec, tmp_path, arrays, message):
    with pytest.raises(ValueError, match=message):
        imputation.read(_write(tmp_path / "in.npz", **arrays), spec)
