"""Times that follow those of a file or a frame."""

import numpy as np
import pandas as pd
import pytest

from sisrnn_tf.data import times


@pytest.mark.parametrize(
    ("given", "following"),
    [
        (["30.01.2024 22:00", "30.01.2024 23:00"], ["31.01.2024 00:00", "31.01.2024 01:00"]),
        (["01/30/2024", "01/31/2024"], ["02/01/2024", "02/02/2024"]),
        (["20240130", "20240131"], ["20240201", "20240202"]),
        (["2024-01-01T00:00:00+02:00", "2024-01-01T01:00:00+02:00"], ["2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z"]),
        (["2024-01-31", "2024-02-29", "2024-03-31"], ["2024-04-30", "2024-05-31"]),  # ends of months
        ([f"2024-01-{day:02}" for day in (5, 8, 9, 10, 11, 12)], ["2024-01-15", "2024-01-16"]),
        (["0", "2"], ["4", "6"]),
        (["0.1", "0.2"], ["0.3", "0.4"]),
        ([7, 9], [11, 13]),
        ([-0.5, -0.25], [0.0, 0.25]),
    ],
)
def test_times_go_on_as_they_were_written(given, following):
    found = times.extend([np.array(given), np.array(given[:2])], [len(given) + 2, 2], "date")
    assert found[0].tolist() == [*given, *following] and found[1].tolist() == given[:2]


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_dates_of_a_frame_stay_dates(zone):
    column = pd.Series(pd.date_range("2024-03-30", periods=3, freq="h", tz=zone))
    (found,) = times.extend([column.to_numpy()], [5], "date")
    assert pd.Series(found).infer_objects().equals(pd.Series(pd.date_range("2024-03-30", periods=5, freq="h", tz=zone)))


@pytest.mark.parametrize(
    "given", [["a", "b"], ["2024-01-01", "2024-01-02", "2024-01-05"], ["2024-01-01"], ["1", "1"], [pd.NaT, pd.NaT]]
)
def test_times_without_an_even_step_are_left_out_which_is_said(given, caplog):
    assert times.extend([np.array(given)], [len(given) + 1], "date") is None
    assert "What follows has no `date`" in caplog.text
    assert times.extend([np.array(given)], [len(given)], "date") is not None  # nothing follows
