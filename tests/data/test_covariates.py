"""Columns that are known and not scored: read, checked, normalized on their own, and kept beside the features."""

import numpy as np
import pandas as pd
import pytest

from sisrnn_tf import factory
from sisrnn_tf.configuration.data_config import DataConfig
from sisrnn_tf.configuration.families import FAMILIES, fitting
from sisrnn_tf.configuration.model_config import ModelConfig
from sisrnn_tf.configuration.training_config import TrainingConfig
from sisrnn_tf.data import pipeline, shards
from sisrnn_tf.data.checks import check
from sisrnn_tf.data.covariates import before_future
from sisrnn_tf.data.registry import load
from sisrnn_tf.data.series_files import read_series
from sisrnn_tf.data.spec import DataSpec

NAMES = ("site", "hour")


def _frame(num_series=24):
    """Series of 3 to 5 steps: a feature with a gap, the hour, and a number of each series."""
    rows = [
        {"series": f"s{n}", "hour": step, "load": 10.0 * n + step, "site": n * n}
        for n in range(num_series)
        for step in range(3 + n % 3)
    ]
    frame = pd.DataFrame(rows)
    frame.loc[4, "load"] = np.nan
    return frame


@pytest.fixture(params=["wide", "long"])
def path(request, tmp_path):
    frame, path = _frame(), tmp_path / "x.csv"
    if request.param == "long":
        frame["time"] = frame["hour"]
        frame = frame.melt(["series", "time"], ["hour", "load", "site"])
    frame.to_csv(path, index=False)
    return path


def test_covariates_are_read_beside_the_features_in_the_order_of_the_flag(path):
    found = read_series(path, known=NAMES)
    assert found.columns == ("load",) and found.layout.covariates == NAMES
    expected = [
        [part["site"].to_numpy(), part["hour"].to_numpy()] for _, part in _frame().groupby("series", sort=False)
    ]
    for part, values, known in zip(found.covariates, found.values, expected, strict=True):
        np.testing.assert_array_equal(part, np.transpose(known))
        assert len(part) == len(values)
    again = read_series(path, found.layout, found.columns)
    np.testing.assert_array_equal(np.concatenate(again.covariates), np.concatenate(found.covariates))


def test_a_data_set_normalizes_them_on_their_own_and_pads_them(path):
    dataset = load("csv", data_dir=str(path), normalization="none", covariates=NAMES)
    check(dataset)
    assert dataset.features == ("load",) and "given site and hour" in dataset.convention
    spec = DataSpec.of(dataset)
    assert DataSpec.from_json(spec.to_json()) == spec and spec.covariate_size == 2
    train = dataset.train
    real = np.arange(train.observations.shape[1]) < train.lengths[:, np.newaxis]
    np.testing.assert_allclose(train.covariates[real].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(train.covariates[real].std(axis=0), 1, rtol=1e-6)
    assert not train.covariates[~real].any()
    assert np.ptp(train.covariates[..., 0][1][real[1]]) == 0  # static: the same at each step of a series
    batch = next(iter(pipeline.evaluation_batches(dataset, "test", 2)))
    hours = batch["covariates"][..., 1] * spec.covariate_normalization.scale[1] + spec.covariate_normalization.shift[1]
    known = batch["mask"].numpy()
    np.testing.assert_allclose(hours[known], np.tile(np.arange(5), (2, 1))[:, : known.shape[1]][known], atol=1e-5)
    next(iter(pipeline.training_batches(dataset, 4, seed=0)))["covariates"].shape.assert_has_rank(3)
    others = load("csv", data_dir=str(path), normalization="none", covariates=NAMES[:1])
    assert others.fingerprint != dataset.fingerprint


def test_windows_take_their_covariates_along(tmp_path):
    steps = np.arange(100)
    pd.DataFrame({"day": steps % 7, "load": steps}).to_csv(tmp_path / "x.csv", index=False)
    dataset = load("csv", data_dir=str(tmp_path / "x.csv"), window_length=10, normalization="none", covariates=("day",))
    scale = dataset.covariate_normalization
    days = dataset.test.covariates * scale.scale[0] + scale.shift[0]
    np.testing.assert_allclose(days, dataset.test.observations % 7, atol=1e-5)


def test_covariates_that_say_nothing_or_are_not_there_are_refused(tmp_path):
    path, frame = tmp_path / "x.csv", _frame()
    for changed, names, message in (
        (frame, ("temperature",), r"must have the columns \['series', 'temperature'\].*It lacks \['temperature'\]"),
        (frame.drop(columns="load"), NAMES, "must have a (column for each feature|feature)"),
        (frame.assign(site=3), NAMES, "`covariates` must be columns that change .* Received: .*site, .* always 3"),
        (
            frame.assign(hour=frame["hour"].where(frame.index != 7)),
            NAMES,
            r"the covariate `hour` must have a value at each step. It has none at step 1 of sequence 's2'",
        ),
    ):
        changed.to_csv(path, index=False)
        with pytest.raises(ValueError, match=message):
            load("csv", data_dir=str(path), covariates=names)
    for names in (("a", "a"), ("",)):
        with pytest.raises(ValueError, match="`covariates` must be different names of columns"):
            DataConfig(covariates=names)


def test_rows_with_covariates_alone_at_the_end_are_the_future():
    values, known = np.array([[1.0], [np.nan], [2.0], [np.nan], [np.nan]]), np.zeros((5, 2))
    (before,) = before_future(["s"], [values], [known], 2)
    np.testing.assert_array_equal(before, values[:3])
    with pytest.raises(ValueError, match=r"`num_steps` must be at most 2, the rows .* after the last value of 's'"):
        before_future(["s"], [values], [known], 3)
    with pytest.raises(ValueError, match="`input` must be of sequences with a value each"):
        before_future(["s"], [values * np.nan], [known], 1)


def test_shards_bring_them_and_arrays_have_none(path, tmp_path):
    spec = DataSpec.of(load("csv", data_dir=str(path), covariates=NAMES))
    shard = shards.read(path, spec, None)
    np.testing.assert_array_equal(shard.covariates[2][:, 1], np.arange(5))
    np.savez(tmp_path / "x.npz", observations=np.zeros((1, 2, 1)))
    with pytest.raises(ValueError, match=r"`input` must be a \.csv or \.parquet, whose columns the covariates are"):
        shards.read(tmp_path / "x.npz", spec, None)


@pytest.mark.parametrize("smoothing", [False, True])
def test_weights_are_counted_before_a_model_is_made(path, smoothing):
    spec = DataSpec.of(load("csv", data_dir=str(path), covariates=NAMES))
    for name in fitting(spec.kind):
        sizes = {"latent_size": 2, "hidden_size": 3, "encoder_sizes": (5,), "noise_sizes": (2,), "backward_size": 2}
        posterior = "smoothing" if smoothing else "filtering"
        config = ModelConfig(model=name, **sizes, prior_sizes=(4,), decoder_sizes=(6,), posterior=posterior)
        model = factory.make_model(config, TrainingConfig(), spec)
        count = FAMILIES[name].num_weights(config, spec, model.emission)
        assert sum(np.prod(weight.shape) for weight in model.trainable_weights) == count, name
