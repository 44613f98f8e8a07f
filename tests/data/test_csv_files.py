"""Sequences in .csv files: what is read, by which names, and what is refused."""

import numpy as np
import pytest

from sisrnn_tf.data import csv_files
from sisrnn_tf.data.normalization import Normalization
from sisrnn_tf.data.registry import load
from sisrnn_tf.data.spec import SPLITS, DataSpec, check
from tests.data.test_series import assert_same


def write_csv(path, sequences, header="sequence,speed,angle"):
    lines = [header] + [f"{name},{','.join(map(repr, row))}" for name, rows in sequences.items() for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


SERIES = {f"s{index}": [[float(index), 0.5], [-1.5, 1e-3 * index]][: 1 + index % 2] for index in range(100)}


def test_csv(tmp_path):
    names, parts = csv_files.read(tmp_path / write_csv(tmp_path / "one.csv", SERIES))
    assert names == list(SERIES)
    assert_same(parts, [np.array(rows) for rows in SERIES.values()])
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
        ("name,a\ns,1\n", "its first line must be `sequence`"),
        ("sequence\ns\n", "its first line must be `sequence`"),
        ("", "its first line must be `sequence`"),
        ("sequence,a\n", "it holds no step"),
        ("sequence,a,b,a\ns,1,2,3\n", r"its columns must have different names. Received \['a'\]"),
        ("sequence,sequence\ns,1\n", r"its columns must have different names. Received \['sequence'\]"),
        ("sequence,a\ns,1\ns,1_000\n", "line 3: could not convert string to float: '1_000'"),
        ("sequence,a\ns,1\ns,x\n", "line 3: could not convert string to float: 'x'"),
        ("sequence,a\ns,1,2\n", "line 2 must hold a name and 1 finite numbers"),
        ("sequence,a\ns,nan\n", "line 2 must hold a name and 1 finite numbers"),
        ("sequence,a\ns,1\nt,1\ns,1\n", "the steps of sequence 's' do not lie together"),
    ],
)
def test_damaged_csv_files(tmp_path, content, message):
    path = tmp_path / "x.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=rf"x\.csv cannot be read as sequences: {message}"):
        csv_files.read(path)


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
        expected = rf"val\.csv must have the columns \['sequence', 'speed', 'angle'\].*{problem}"
        with pytest.raises(ValueError, match=expected):
            load("csv", data_dir=str(tmp_path))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_csv_of_excel_is_read(tmp_path, end):
    write_csv(tmp_path / "x.csv", SERIES)
    text = (tmp_path / "x.csv").read_text().replace("\n", end)
    (tmp_path / "x.csv").write_bytes(f"\ufeff{text}".encode())
    names, parts = csv_files.read(tmp_path / "x.csv")
    assert names == list(SERIES)
    assert_same(parts, [np.array(rows) for rows in SERIES.values()])


def test_numbers_of_rows_as_names_of_sequences_are_a_warning(tmp_path, caplog):
    write_csv(tmp_path / "x.csv", SERIES)
    csv_files.read(tmp_path / "x.csv")
    assert not caplog.records
    write_csv(tmp_path / "x.csv", {str(number): [[0.5, number]] for number in range(3)})
    csv_files.read(tmp_path / "x.csv")
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
