"""Sequences as users hold them: files and frames, read and written."""

import csv
import dataclasses
import io

import numpy as np
import pandas as pd
import pytest

from sisrnn_tf.data import frames
from sisrnn_tf.data.layout import Layout
from sisrnn_tf.data.spec import DataSpec

SPEC = DataSpec("numbers", "by hand", "reals", 2, 5, None, (1, 1, 1), features=("level", "flow"))


def test_a_csv_has_names_and_gaps(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("sequence,flow,level\n07,1.5,0.1\n07,,2\nb,3,4\n")
    table = frames.read(path, SPEC)
    assert list(table.keys) == ["07", "b"] and table.lengths.tolist() == [2, 1]
    np.testing.assert_array_equal(table.sequences[0], [[0.1, 1.5], [2, np.nan]])
    frame = frames.steps(table, table.sequences)
    assert frames.to_csv(frame) == b"sequence,level,flow\n07,0.1,1.5\n07,2.0,\nb,4.0,3.0\n"


def test_an_npz_has_lengths_and_gaps(tmp_path):
    path = tmp_path / "in.npz"
    values = np.arange(8.0).reshape(2, 2, 2)
    values[0, 1, 0] = np.nan
    np.savez(path, observations=values, lengths=np.array([2, 1]), sequence=["a", "b"])
    table = frames.read(path, SPEC)
    assert table.keys == ["a", "b"]
    np.testing.assert_array_equal(table.sequences[0], values[0])
    frame = frames.steps(table, table.sequences)
    assert frame["sequence"].tolist() == ["a", "a", "b"] and frame["flow"].tolist() == [1.0, 3.0, 5.0]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.csv", "sequence,flow\na,1\n", r"in\.csv cannot be read as sequences: it must have the columns"),
        ("in.csv", "sequence,flow,level\na,1,high\n", "line 2, column `level`: could not convert to a finite number"),
        ("in.csv", "", r"in\.csv cannot be read as sequences"),
        ("in.txt", "", r"`input` must be a file \.csv, \.parquet, \.npz"),
        ("in.npz", "no archive", r"in\.npz cannot be read as \.npz"),
    ],
)
def test_a_file_of_something_else_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        frames.read(tmp_path / name, SPEC)
    with pytest.raises(ValueError, match="`input` must be a file that exists"):
        frames.read(tmp_path / "nowhere.csv", SPEC)


def test_draws_are_rows_of_sequence_draw_and_step():
    table = frames.of([np.zeros((3, 2)), np.zeros((1, 2))], SPEC)
    samples = np.arange(2 * 2 * 2 * 2.0).reshape(2, 2, 2, 2)
    frame = frames.draws(table, samples, table.lengths, frames.QUANTILE, [0.1, 0.9])
    assert list(frame.columns) == ["sequence", "quantile", "step", "level", "flow"]
    of_first = frame[frame["sequence"] == 0]
    assert of_first["step"].tolist() == [3, 4, 3, 4]
    assert of_first["quantile"].tolist() == [0.1, 0.1, 0.9, 0.9]
    assert of_first["flow"].tolist() == samples[:, 0, :, 1].ravel().tolist()


def test_a_feature_may_be_called_as_a_column():
    table = frames.Collection([0], [np.ones((1, 2))], ("step", "sample"))
    frame = frames.draws(table, np.ones((1, 1, 1, 2)), table.lengths)
    assert list(frame.columns) == ["sequence", "sample_", "step_", "step", "sample"]


def test_no_text_is_a_formula_to_a_spreadsheet():
    keys = ["=1", "a\rb", 'say "so"', "-x", "c"]
    content = frames.to_csv(pd.DataFrame({"sequence": keys, "value": np.float32(0.1)})).decode()
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    assert [row["sequence"] for row in rows] == ["'=1", "a\rb", 'say "so"', "'-x", "c"]
    assert {np.float32(row["value"]) for row in rows} == {np.float32(0.1)}


def test_series_named_by_an_index_are_refused():
    frame = pd.DataFrame({"sequence": ["a", "b"], "level": [1.0, 2.0], "flow": [3.0, 4.0]}).set_index("sequence")
    with pytest.raises(ValueError, match=r"with `sequence` as a column, by `reset_index\(\)`"):
        frames.of(frame, SPEC)


def test_columns_with_a_role_in_the_run_s_files_have_it_in_a_frame():
    layout = Layout("wide", ";", ",", sequence="unique_id", time="Datum")
    spec = dataclasses.replace(SPEC, layout=layout)
    frame = pd.DataFrame({"unique_id": ["a", "b"], "Datum": "2020", "level": [1.0, 2.0], "flow": [3.0, 4.0]})
    table = frames.of(frame, spec)
    assert table.keys == ["a", "b"] and [part.tolist() for part in table.sequences] == [[[1.0, 3.0]], [[2.0, 4.0]]]
    assert [each.tolist() for each in table.times] == [["2020"], ["2020"]]
    back = table.like(table.sequences, ["level", "flow"])
    assert back.equals(frame.rename(columns={"unique_id": "sequence"}))
    alone = frames.of(frame.drop(columns=["Datum", "unique_id"]), spec)
    assert alone.lengths.tolist() == [2] and alone.time is None


def test_times_of_a_csv_stand_beside_steps_and_draws(tmp_path):
    path, spec = tmp_path / "in.csv", dataclasses.replace(SPEC, layout=Layout("wide", ",", ".", "sequence", "day"))
    path.write_text("sequence,day,flow,level\na,-1,1.5,0.1\na,0,,2\nb,7,3,4\n")
    table = frames.read(path, spec)
    content = frames.to_csv(frames.steps(table, table.sequences))
    assert content == b"sequence,day,level,flow\na,-1,0.1,1.5\na,0,2.0,\nb,7,4.0,3.0\n"  # -1 is no formula
    after = frames.draws(table.with_future(2), np.zeros((1, 2, 2, 2)), table.lengths)
    assert list(after.columns) == ["sequence", "sample", "step", "day", "level", "flow"]
    assert after["day"].tolist() == ["1", "2", "8", "9"]
