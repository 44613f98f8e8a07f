"""Series in .csv and .parquet files: what is read, by which names, and what is refused."""

import logging

import numpy as np
import pandas as pd
import pytest

from sisrnn_tf.data.checks import check
from sisrnn_tf.data.layout import Layout
from sisrnn_tf.data.normalization import Normalization
from sisrnn_tf.data.registry import load
from sisrnn_tf.data.series_files import read_series
from sisrnn_tf.data.spec import SPLITS, DataSpec
from tests.data.test_series import assert_same


def write_csv(path, sequences, header="sequence,speed,angle"):
    lines = [header] + [f"{name},{','.join(map(repr, row))}" for name, rows in sequences.items() for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def assert_read(path):
    found = read_series(path)
    assert [label.name for label in found.labels] == list(SERIES) and found.columns == ("speed", "angle")
    assert_same(found.values, [np.array(rows) for rows in SERIES.values()])
    assert found.lengths.tolist() == list(map(len, SERIES.values()))


SERIES = {f"s{index}": [[float(index), 0.5], [-1.5, 1e-3 * index]][: 1 + index % 2] for index in range(100)}


def test_csv(tmp_path):
    assert_read(tmp_path / write_csv(tmp_path / "one.csv", SERIES))
    (tmp_path / "folder").mkdir()
    for name, count in (("train", 100), ("val", 5), ("test", 4)):
        write_csv(tmp_path / "folder" / f"{name}.csv", dict(list(SERIES.items())[:count]))
    dataset = load("csv", data_dir=str(tmp_path / "folder"), normalization="none")
    check(dataset)
    assert [len(dataset.split(split)) for split in SPLITS] == [100, 5, 4]
    np.testing.assert_allclose(dataset.test.observations[3], np.array(SERIES["s3"], np.float32))
    alone = load("csv", data_dir=str(tmp_path / "one.csv"))
    assert [len(alone.split(split)) for split in SPLITS] == [81, 10, 9]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,a\ns,1\n", "line 2, column `name`: could not .*'s'. A column that names series is called `sequence`"),
        ("sequence\ns\n", "it must have a column for each feature"),
        ("", "its first line must hold the names of columns"),
        ("sequence,a\n", "it holds no step"),
        ("sequence,a,b,a\ns,1,2,3\n", r"its columns must have different names. Received \['a'\]"),
        ("sequence,sequence\ns,1\n", r"its columns must have different names. Received \['sequence'\]"),
        ("sequence,a\ns,1\ns,1_000\n", "line 3, column `a`: could not convert to a finite number: '1_000'"),
        ('sequence,a\n"s\n",1\n\ns,x\n', "line 5, column `a`: could not convert to a finite number: 'x'"),
        ("sequence,a\ns,inf\n", "line 2, column `a`: could not convert to a finite number: 'inf'"),
        ("sequence;a\ns;1,5\ns;1.5\n", "line 3, column `a`: .*'1.5'; the decimals of this file begin with ','"),
        ("sequence,a\ns,1,2\n", "line 2 must hold 2 cells, as the first"),
        ("sequence,a,b\ns,1,2\ns,1", "line 3 must hold 3 cells, as the first"),
        ('sequence,a\ns,"1\n', "line 2: unexpected end of data"),
        ("sequence,a\n,1\n", "line 2, column `sequence`: must hold a name. It is empty"),
        ("variable,value\na,1\n", "a table of `variable` and `value` must have a column `time`"),
        ("time,variable,value\n1,a,1\n2,a,1\n1,a,2\n", "line 4: a value must be given once"),
        ("time,variable,value,b\n1,a,1,1\n", r".* in any order. It lacks none and has others, \['b'\]"),
        ("sequence,a\ns,1\nt,1\ns,1\n", "the steps of sequence 's' do not lie together"),
    ],
)
def test_damaged_csv_files(tmp_path, content, message):
    path = tmp_path / "x.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=rf"x\.csv cannot be read as sequences: {message}"):
        read_series(path)


def test_columns_of_csv_files_go_by_their_names(tmp_path):
    write_csv(tmp_path / "train.csv", SERIES)
    write_csv(tmp_path / "val.csv", SERIES)
    plain = load("csv", data_dir=str(tmp_path))
    assert plain.features == ("speed", "angle") == DataSpec.from_json(DataSpec.of(plain).to_json()).features
    exchanged = {name: [row[::-1] for row in rows] for name, rows in SERIES.items()}
    write_csv(tmp_path / "val.csv", exchanged, "sequence, angle ,speed")
    dataset = load("csv", data_dir=str(tmp_path))
    np.testing.assert_array_equal(dataset.validation.observations, plain.validation.observations)
    assert DataSpec.of(dataset) == DataSpec.of(plain)
    for header, problem in {
        "sequence,speed,Angle": r"It lacks \['angle'\] and has others, \['Angle'\]",
        "sequence,speed": r"It lacks \['angle'\] and has others, none",
        "sequence,speed,angle,day": r"It lacks none and has others, \['day'\]",
    }.items():
        row = [1.0] * header.count(",")
        write_csv(tmp_path / "val.csv", {"s": [row]}, header)
        expected = rf"val\.csv cannot .* it must have the columns \['sequence', 'speed', 'angle'\].*{problem}"
        with pytest.raises(ValueError, match=expected):
            load("csv", data_dir=str(tmp_path))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_csv_of_excel_is_read(tmp_path, end):
    write_csv(tmp_path / "x.csv", SERIES)
    text = (tmp_path / "x.csv").read_text().replace("\n", end)
    (tmp_path / "x.csv").write_bytes(f"\ufeff{text}".encode())
    assert_read(tmp_path / "x.csv")


def test_numbers_of_rows_as_names_of_sequences_are_a_warning(tmp_path, caplog):
    write_csv(tmp_path / "x.csv", SERIES)
    read_series(tmp_path / "x.csv")
    assert not caplog.records
    write_csv(tmp_path / "x.csv", {str(number): [[0.5, number]] for number in range(3)})
    read_series(tmp_path / "x.csv")
    assert "x.csv: each of its 3 sequences has a single step" in caplog.text


def test_a_constant_column_is_named_and_the_ways_out_are_ways_out(tmp_path):
    rows = {name: [[*row, 0.1] for row in part] for name, part in SERIES.items()}
    write_csv(tmp_path / "x.csv", rows, "sequence,speed,angle,gain")
    with pytest.raises(ValueError, match=r"The column `gain` is 0\.1 in all of training: a feature that never changes"):
        load("csv", data_dir=str(tmp_path / "x.csv"))
    check(load("csv", data_dir=str(tmp_path / "x.csv"), normalization="none"))
    write_csv(tmp_path / "x.csv", SERIES)
    check(load("csv", data_dir=str(tmp_path / "x.csv")))


@pytest.mark.parametrize("normalization", ["none", "per_channel"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_numbers_beyond_float32_are_named(tmp_path, normalization, split):
    for name in ("train", "val", "test"):
        write_csv(tmp_path / f"{name}.csv", SERIES)
    write_csv(tmp_path / f"{split}.csv", SERIES | {"s1": [[0.5, 0.5], [0.5, 1e300]]})
    with pytest.raises(
        ValueError, match=r"`angle` must lie within float32, below 3\.4e\+38\. Received 1e\+300\. Divide it"
    ):
        load("csv", data_dir=str(tmp_path), normalization=normalization)
    write_csv(tmp_path / f"{split}.csv", SERIES | {"s1": [[0.5, 0.5], [0.5, 1e300 / 1e270]]})
    check(load("csv", data_dir=str(tmp_path), normalization=normalization))
    found = Normalization("by hand", (0.0,), (1e-9,))
    with pytest.raises(ValueError, match="must lie within float32"):
        found.apply(np.array([[1e30]]))


GERMAN = (
    '\ufeff"Datum";"Drehzahl; Welle 1";"Temp, °C"\r\n'
    "30.01.2020 23:00;1000,5;-1,25\r\n"
    "31.01.2020 00:00;1001;,5\r\n"
    "31.01.2020 01:00;;1e1\r\n"
    "31.01.2020 04:00;1002,75;NA\r\n"
)


def test_semicolons_decimal_commas_quoted_names_and_dates_are_read_as_they_come(tmp_path, caplog):
    path = tmp_path / "pump.csv"
    path.write_bytes(GERMAN.encode())
    with caplog.at_level(logging.INFO, "sisrnn_tf"):
        found = read_series(path)
    assert found.layout == Layout("wide", ";", ",", time="Datum") and found.columns == ("Drehzahl; Welle 1", "Temp, °C")
    np.testing.assert_array_equal(found.values, [[[1000.5, -1.25], [1001, 0.5], [np.nan, 10], [1002.75, np.nan]]])
    np.testing.assert_array_equal(found.observed, ~np.isnan(found.values))
    (label,) = found.labels
    assert label.name == "pump" and label.times[[0, -1]].tolist() == ["30.01.2020 23:00", "31.01.2020 04:00"]
    expected = "1 of 3 steps of `Datum` are not 0 days 01:00:00 long, the first of them before 31.01.2020 04:00"
    assert expected in caplog.text


def test_a_layout_is_kept_and_other_files_are_read_as_it_says(tmp_path):
    layout = Layout("wide", ";", ",", "sequence", "Datum")
    (tmp_path / "x.csv").write_text("Datum;b;sequence;a\n1.2.2020;1;s;2\n")  # no decimal: would be read with points
    found = read_series(tmp_path / "x.csv", layout, ["a", "b"])
    assert found.values[0].tolist() == [[2, 1]] and found.layout == layout
    (tmp_path / "y.csv").write_text("Datum,b,sequence,a\n1.2.2020,1,s,2\n")
    with pytest.raises(ValueError, match=r"y\.csv cannot .*It lacks \['Datum', 'a', 'b', 'sequence'\] and has others"):
        read_series(tmp_path / "y.csv", layout, ["a", "b"])


def test_months_are_even_steps_and_a_column_of_row_numbers_is_no_feature(tmp_path, caplog):
    frame = pd.DataFrame({"x": np.arange(30.0)}, index=pd.date_range("2019-01-31", periods=30, freq="ME", name="month"))
    frame.to_csv(tmp_path / "months.csv")
    frame.reset_index(drop=True).to_csv(tmp_path / "rows.csv")  # whose column has no name
    frame.to_parquet(tmp_path / "months.parquet")
    for name in ("months.csv", "rows.csv", "months.parquet"):
        found = read_series(tmp_path / name)
        assert found.columns == ("x",)
        assert found.labels[0].times is None if name == "rows.csv" else found.labels[0].times[0] == "2019-01-31"
        np.testing.assert_array_equal(found.values[0][:, 0], np.arange(30))
    assert not caplog.records


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_long_form_is_what_the_wide_form_is(tmp_path, ending):
    dates = pd.date_range("2020-02-27", periods=3).astype(str)
    rows = [
        (name, dates[step], column, values[step] + (column == "b"))
        for name, values in {"s": [1.0, 2.0, 3.0], "r": [4.0, 5.0]}.items()
        for column in "ab"
        for step in range(len(values))
    ]
    frame = pd.DataFrame(rows, columns=["sequence", "time", "variable", "value"]).drop(index=4)
    frame = frame.sample(frac=1, random_state=0).sort_values("sequence", ascending=False, kind="stable")
    getattr(frame, f"to_{ending}")(tmp_path / f"long.{ending}", index=False)
    found = read_series(tmp_path / f"long.{ending}", columns=("a", "b"))
    assert found.layout == Layout("long", "," if ending == "csv" else None, ".", *frame.columns)
    assert [label.name for label in found.labels] == ["s", "r"]
    assert [label.times.tolist() for label in found.labels] == [dates.tolist(), dates[:2].tolist()]
    for values, expected in zip(found.values, ([[1, 2], [2, np.nan], [3, 4]], [[4, 5], [5, 6]]), strict=True):
        np.testing.assert_array_equal(values, expected)
    with pytest.raises(ValueError, match=r"variables \['a'\] of training. It has others, \['b'\]"):
        read_series(tmp_path / f"long.{ending}", columns=["a"])
    found = read_series(tmp_path / f"long.{ending}", columns=["c", "b", "a"])
    np.testing.assert_array_equal(found.values[1], [[np.nan, 5, 4], [np.nan, 6, 5]])


def test_what_a_run_must_know_of_a_file_and_the_names_of_its_series_are_kept(tmp_path):
    rows = "".join(f"s{index};{step}.1.2020;{index},5;{step}\n" for index in range(12) for step in (1, 2))
    (tmp_path / "x.csv").write_text("sequence;day;a;b\n" + rows)
    dataset = load("csv", data_dir=str(tmp_path / "x.csv"))
    assert dataset.layout == Layout("wide", ";", ",", "sequence", "day")
    spec = DataSpec.of(dataset)
    assert DataSpec.from_json(spec.to_json()) == spec
    assert [label.name for label in dataset.validation.labels] == ["s9"]
    assert [label.name for label in dataset.train.labels] == [
        f"s{index}" for index in range(12) if index not in (9, 10)
    ]
    assert dataset.test.labels[0].times.tolist() == ["1.1.2020", "2.1.2020"]
    np.testing.assert_allclose(spec.to_units(dataset.validation.observations), [[[9.5, 1], [9.5, 2]]], rtol=1e-6)
    with pytest.raises(ValueError, match="`form` must be one of wide, long"):
        DataSpec.from_json(spec.to_json().replace('"wide"', '"tall"'))


@pytest.mark.parametrize(
    "times", [("2020.01.02", "2020.01.03", "2020.02.01"), ("2020-01-01", "2020-01-01 06:00", "2020-01-02")]
)
def test_times_of_the_long_form_are_in_their_order(tmp_path, times):
    """Also where the file is not, and where a later series begins earlier."""
    rows = [f"b,{time},x,{value}" for value, time in enumerate(times)]
    (tmp_path / "long.csv").write_text("\n".join(["sequence,time,variable,value", f"a,{times[1]},x,9", *rows[::-1]]))
    series = read_series(tmp_path / "long.csv")
    assert [part[:, 0].tolist() for part in series.values] == [[9], [0, 1, 2]]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("2020Q1", "column `time`: must hold times that can be put in order"),
        ("NaT", "line 3, column `time`: must hold a time"),
    ],
)
def test_a_long_form_without_an_order_is_refused(tmp_path, cell, message):
    rows = ["time,variable,value", "2020-01-01,x,1", f"{cell},x,2"]
    (tmp_path / "long.csv").write_text("\n".join(rows))
    with pytest.raises(ValueError, match=message):
        read_series(tmp_path / "long.csv")


def test_row_numbers_of_pandas_are_no_feature(tmp_path):
    pd.DataFrame({"time": ["2020-01-01", "2020-01-02"], "x": [5.0, 6.0]}).to_csv(tmp_path / "rows.csv")
    series = read_series(tmp_path / "rows.csv")
    assert series.columns == ("x",) and series.values[0].tolist() == [[5.0], [6.0]]


def test_what_may_be_thousands_is_said(tmp_path, caplog):
    (tmp_path / "big.csv").write_text("time;x\n1;1.234\n2;999\n")
    assert read_series(tmp_path / "big.csv").values[0].tolist() == [[1.234], [999.0]]
    assert "numbers such as 1.234, beside whole ones, are read with decimals" in caplog.text
