"""IAM-OnDB's files as its owners lay them out, made by the test, with their oddities and with damage."""

import logging

import numpy as np
import pytest
import tensorflow_datasets as tfds

from sisrnn_tf.data import iamondb
from sisrnn_tf.data.checks import check
from sisrnn_tf.data.registry import load
from sisrnn_tf.data.spec import SPLITS, DataSpec
from sisrnn_tf.data.tfds_iamondb import Handwriting

HEAD = """<?xml version="1.0" encoding="ISO-8859-1"?>
<WhiteboardCaptureSession>
  <WhiteboardDescription>
    <SensorLocation corner="top_left"/>
    <DiagonallyOppositeCoords x="6512" y="1376"/>
  </WhiteboardDescription>
  <StrokeSet>
"""
TAIL = "  </StrokeSet>\n</WhiteboardCaptureSession>\n"
STROKES = (((10, 20), (13, 24), (11, 24)), (), ((30, 5),), ((31, 7), (40, 7)))  # an empty stroke, one of a single point
# x to the right, y up, and the pen lifted at the last point of each stroke; the first point has no offset.
OFFSETS = [[3, -4, 0], [-2, 0, 1], [19, 19, 1], [1, -2, 0], [9, 0, 1]]
BOMB = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol1 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>
<WhiteboardCaptureSession><StrokeSet><Stroke><Point x="1" y="2" time="&lol1;"/></Stroke></StrokeSet>
</WhiteboardCaptureSession>
"""


def xml(strokes=STROKES):
    lines = []
    for number, points in enumerate(strokes):
        lines.append(f'    <Stroke colour="black" start_time="{number}.50" end_time="{number}.91">')
        lines += [f'      <Point x="{x}" y="{y}" time="{number}.{index}"/>' for index, (x, y) in enumerate(points)]
        lines.append("    </Stroke>")
    return HEAD + "\n".join(lines) + "\n" + TAIL


def shifted(step):
    """A line of three points, told apart by its first offset."""
    return xml([((0, 0), (step, 0)), ((step, 1),)])


FORMS = {"trainset": "a01-000u", "testset_v": "b02-001", "testset_t": "c03-002z", "testset_f": "d04-003"}


@pytest.fixture
def folder(tmp_path):
    """Twelve lines of a training form, one or two of the others, one of a form in no list."""
    lines = {f"a01-000u-{number:03}": shifted(100 + number) for number in range(1, 121)}
    lines |= {"b02-001-01": xml(), "c03-002z-01": shifted(3), "c03-002z-02": shifted(4), "d04-003-01": shifted(5)}
    lines["z99-999-01"] = shifted(6)
    for name, content in lines.items():
        path = tmp_path / "lineStrokes" / name[:3] / name[:7] / f"{name}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    for name, form in FORMS.items():
        (tmp_path / f"{name}.txt").write_text(f"{form}\n\n{form}\r\nq00-000\n")  # blank lines, one twice, one unknown
    return tmp_path


def first_offsets(lines):
    return [int(line[0, 0]) for line in lines]


def test_offsets_are_exact(folder):
    (folder / "testset_v.txt").write_text(f"\ufeff{FORMS['testset_v']}\n", encoding="utf-8")  # as Notepad writes it
    splits, notes = iamondb.read(str(folder), "official")
    np.testing.assert_array_equal(splits["validation"], [OFFSETS])
    assert first_offsets(splits["train"]) == list(range(101, 221)) and first_offsets(splits["test"]) == [5]
    np.testing.assert_array_equal(splits["test"][0], [[5, 0, 1], [0, -1, 1]])
    assert notes == ["splits official", "y up"]


def test_the_protocol_of_vrnn(folder, caplog):
    with caplog.at_level(logging.INFO, "sisrnn_tf"):
        dataset = load("iamondb", data_dir=str(folder), normalization="none")
    check(dataset)
    # trainset, testset_t, testset_f: 123 lines, every tenth of them validates; testset_v is reported.
    assert [len(dataset.split(split)) for split in SPLITS] == [111, 12, 1]
    assert first_offsets(dataset.validation.observations) == list(range(110, 221, 10))
    assert first_offsets(dataset.train.observations)[-3:] == [3, 4, 5]
    np.testing.assert_array_equal(dataset.test.observations, [OFFSETS])
    assert "125 lines, 1 of them in no list" in caplog.text
    assert "train: 111 sequences of 222 steps" in caplog.text and "test: 1 sequences of 5 steps" in caplog.text
    assert dataset.convention.startswith("iamondb, splits vrnn, y up, every 10th sequence for validation, D=3")


def test_normalization_is_of_the_training_split_and_is_kept(folder):
    raw = load("iamondb", data_dir=str(folder), normalization="none")
    dataset = load("iamondb", data_dir=str(folder))
    lengths = raw.train.lengths
    rows = np.concatenate([x[:n] for x, n in zip(raw.train.observations, lengths, strict=True)]).astype(np.float64)
    shift = rows[:, 0].mean() + rows[:, 1].mean()
    scale = np.sqrt((rows[:, :2] ** 2).sum(axis=1).mean() - shift**2)
    expected = (np.array(OFFSETS)[:, :2] - shift) / scale
    np.testing.assert_allclose(dataset.test.observations[0, :, :2], expected, rtol=1e-5)
    np.testing.assert_array_equal(dataset.test.observations[0, :, 2], np.array(OFFSETS)[:, 2])
    spec = DataSpec.from_json(DataSpec.of(dataset).to_json())
    assert spec == DataSpec.of(dataset) and spec.normalization.name == "vrnn"
    np.testing.assert_allclose(spec.normalization.invert(dataset.test.observations[0]), OFFSETS, atol=1e-4)
    assert spec.normalization.log_volume == pytest.approx(2 * np.log(scale))
    channels = load("iamondb", data_dir=str(folder), normalization="per_channel").normalization
    np.testing.assert_allclose(channels.scale, [*rows[:, :2].std(axis=0), 1.0])


def test_hostile_and_truncated_files_are_refused_by_name(folder, caplog):
    below = folder / "lineStrokes" / "a01" / "a01-000"
    damaged = {
        "a01-000u-001": BOMB,
        "a01-000u-002": xml()[:-60],
        "a01-000u-003": xml([((1, 2),)]),
        "a01-000u-004": xml().replace('y="24"', ""),
        "a01-000u-005": xml().replace('y="24"', 'y="nan"'),
        "a01-000u-006": xml().replace('y="24"', 'y="2_4"'),
        "a01-000u-007": '<?xml version="1.0" encoding="foo-bar"?><a/>',
    }
    for name, content in damaged.items():
        (below / f"{name}.xml").write_text(content)
    splits, notes = iamondb.read(str(folder), "official")
    assert first_offsets(splits["train"]) == list(range(108, 221))
    assert notes[-1] == "7 unreadable files skipped" and "7 of 125 files could not be read" in caplog.text
    problems = ("EntitiesForbidden", "ParseError", "two points", "a point has no y", "finite", "2_4", "LookupError")
    for name, problem in zip(damaged, problems, strict=True):
        assert any(f"{name}.xml" in message and problem in message for message in caplog.messages), name


def test_files_are_parsed_once(folder, monkeypatch, caplog):
    first = iamondb.read_lines(folder)
    monkeypatch.setattr(iamondb.iamondb_lines, "read", lambda path: pytest.fail(f"{path} is parsed again"))
    again = iamondb.read_lines(folder)
    assert again.names == first.names and again.skipped == first.skipped == []
    for line, other in zip(first.strokes, again.strokes, strict=True):
        np.testing.assert_array_equal(line, other)
    monkeypatch.undo()
    (folder / "lineStrokes" / "d04" / "d04-003" / "d04-003-01.xml").write_text(shifted(77))
    assert first_offsets(iamondb.read(str(folder), "official")[0]["test"]) == [77]
    cache = folder / "iamondb-parsed.npz"
    cache.write_bytes(cache.read_bytes()[:100])
    assert first_offsets(iamondb.read(str(folder), "official")[0]["test"]) == [77]
    assert "iamondb-parsed.npz cannot be read" in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "lineStrokes").rename(folder / "strokes"), "unpack lineStrokes-all.tar.gz"),
        (lambda folder: (folder / "testset_v.txt").unlink(), r"testset_v\.txt cannot be read as a list of forms"),
        (
            lambda folder: (folder / "testset_f.txt").write_text("q00-000"),
            "It holds none for test",
        ),
    ],
)
def test_what_is_missing_is_named(folder, change, message):
    change(folder)
    with pytest.raises(ValueError, match=message):
        iamondb.read(str(folder), "official")


def test_the_data_set_without_a_folder_says_how_to_get_it():
    with pytest.raises(ValueError, match="No data for iamondb: unpack lineStrokes-all"):
        load("iamondb")


def test_the_tfds_builder_wraps_the_reader(folder, tmp_path):
    builder = Handwriting(config="official", data_dir=str(tmp_path / "prepared"))
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=str(folder)))
    (example,) = tfds.as_numpy(builder.as_dataset(split="validation"))
    np.testing.assert_array_equal(example["strokes"], OFFSETS)
    assert builder.info.splits["train"].num_examples == 120
