"""Long series as windows: how many, where they lie, and that test comes last."""

import logging

import numpy as np
import pandas as pd
import pytest

from sisrnn_tf.data import series_files, windows
from sisrnn_tf.data.layout import Layout
from sisrnn_tf.data.registry import load
from sisrnn_tf.data.series_files import Series
from sisrnn_tf.data.spec import SPLITS, Label

LAYOUT = Layout("wide", ",", ".", "sequence")


def _series(*lengths):
    values = [np.arange(100.0 * index, 100 * index + length)[:, np.newaxis] for index, length in enumerate(lengths)]
    labels = [Label(f"s{index}", np.arange(length).astype(str)) for index, length in enumerate(lengths)]
    return Series(values, ("x",), labels, LAYOUT)


def _steps(series):
    return [part[:, 0].tolist() for part in series.values]


def test_a_single_series_of_10_000_steps_is_cut_split_by_time_and_said(tmp_path, caplog):
    frame = pd.DataFrame({"time": np.arange(10_000), "x": np.sin(np.arange(10_000) / 7), "y": np.arange(10_000)})
    frame.to_csv(tmp_path / "long.csv", index=False)
    with caplog.at_level(logging.INFO, "sisrnn_tf"):
        dataset = load("csv", data_dir=str(tmp_path / "long.csv"), normalization="none")
    assert [dataset.split(split).observations.shape for split in SPLITS] == [(80, 100, 2), (10, 100, 2), (10, 100, 2)]
    steps = np.concatenate([dataset.split(split).observations[..., 1].ravel() for split in SPLITS])
    np.testing.assert_array_equal(steps, np.arange(10_000))
    assert dataset.test.labels[0].name == "long from 9000" and dataset.test.labels[0].times[-1] == "9099"
    assert "windows of 100 steps, in time train before validation before test" in dataset.convention
    assert "1 series of 10,000 steps, cut in windows of 100 steps (--window_length): 80 train, 10 vali" in caplog.text
    layout = "wide form, cells divided by ',', decimal '.', all rows one series, time `time`; 2 features: x, y"
    assert layout in caplog.text
    short = load("csv", data_dir=str(tmp_path / "long.csv"), normalization="none", window_length=6)
    assert short.num_steps == 6 and short.train.observations[0, 0, 1] == 10_000 % 6
    assert short.test.observations[-1, -1, 1] == 9_999


def test_each_of_several_series_is_split_by_time():
    cut, _ = windows.split_in_time("made", {"train": _series(7, 2, 10)}, 2)
    assert _steps(cut["train"]) == [[1, 2], [100, 101], [200, 201], [202, 203], [204, 205]]
    assert _steps(cut["validation"]) == [[3, 4], [206, 207]] and _steps(cut["test"]) == [[5, 6], [208, 209]]


def test_splits_that_are_there_stay():
    cut, notes = windows.split_in_time("made", {"train": _series(9), "test": _series(5)}, 3)
    assert _steps(cut["train"]) == [[0, 1, 2], [3, 4, 5]] and _steps(cut["validation"]) == [[6, 7, 8]]
    assert _steps(cut["test"]) == [[2, 3, 4]] and notes == ["windows of 3 steps, in time train before validation"]


def test_windows_too_long_for_the_series_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"`window_length` must be at most 3, so that .* Received: window_length=4"):
        windows.split_in_time("made", {"train": _series(9, 5)}, 4)
    with pytest.raises(ValueError, match="`window_length` must be at most the steps of the test series"):
        windows.split_in_time("made", {"train": _series(9), "test": _series(2)}, 3)
    (tmp_path / "x.csv").write_text("x\n" + "1\n2\n" * 14)
    with pytest.raises(ValueError, match="`window_length` must be at most 9"):
        load("csv", data_dir=str(tmp_path / "x.csv"))
    assert series_files.read_series(tmp_path / "x.csv").lengths.tolist() == [28]
