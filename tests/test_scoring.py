"""Scoring shards: formats, units, what is done again, what is refused."""

import csv
import dataclasses
import json
import zlib

import numpy as np
import pytest
import tensorflow as tf

from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.core import choices, random
from sisrnn_tf.data import shards
from sisrnn_tf.data.coverage import Coverage
from sisrnn_tf.data.kinds import SERIES, TEXT
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.runs import scoring, training
from tests import exports

K, M, SEED = 2, 3, 9
SPEC = DataSpec("numbers", "by hand", "reals", 3, 5, None, (1, 1, 1))
LENGTHS = (3, 1, 5, 2, 4)


@pytest.fixture(scope="module")
def models():
    return exports.make_models()


@pytest.fixture
def make_scorer(models, monkeypatch, tmp_path):
    """Returns a function: name of a model, fields of the job -> scorer, as if the model were of a run."""

    def make(name="sisrnn", features=("x", "y", "z"), **fields):
        shared = {"normalization": exports.NORMALIZATION if name == "sisrnn" else None, "features": features}
        vocabulary = exports.VOCABULARY if name == "text" else None
        emission, size = ("reals", 3) if vocabulary is None else ("tokens", len(vocabulary))
        spec = DataSpec("numbers", "by hand", emission, size, 5, None, (1, 1, 1), **shared)
        run = training.TrainedRun(models[name], spec, ExperimentConfig(), 4, vocabulary)
        monkeypatch.setattr(training, "load_best", lambda _: run)
        (tmp_path / "scores" / "done").mkdir(parents=True, exist_ok=True)
        values = {"num_mixing": K, "num_importance": M, "seed": SEED, "batch_size": 2, "format": "npz"} | fields
        return scoring.Scorer(scoring.Job("run", tmp_path / "scores", **values))

    return make


def _sequences():
    return [np.random.default_rng(length).normal(size=(length, 3)).astype(np.float32) for length in LENGTHS]


def _padded():
    observations = np.full([len(LENGTHS), 6, 3], np.nan, np.float32)
    for row, sequence in zip(observations, _sequences(), strict=True):
        row[: len(sequence)] = sequence
    return observations


def _write_npz(path):
    np.savez(path, observations=_padded(), lengths=np.array(LENGTHS), sequence=[f"s{n}" for n in LENGTHS])


def _write_npz_with_mask(path):
    mask = np.arange(6) < np.array(LENGTHS)[:, np.newaxis]
    np.savez(path, observations=_padded(), mask=mask, sequence=[f"s{n}" for n in LENGTHS])


def _write_csv(path, names="xyz"):
    order = ["xyz".index(name) for name in names]
    rows = [[f"s{len(part)}", *map(repr, step[order].tolist())] for part in _sequences() for step in part]
    path.write_text("\n".join(",".join(row) for row in [["sequence", *names], *rows]) + "\n")


def _feature(values):
    return tf.train.Feature(float_list=tf.train.FloatList(value=np.ravel(values)))


def _key(sequence):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[f"s{len(sequence)}".encode()]))


def _write_examples(path):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for sequence in _sequences():
            features = {"observations": _feature(sequence), "sequence": _key(sequence)}
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())


def _write_sequence_examples(path):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for sequence in _sequences():
            steps = tf.train.FeatureList(feature=[_feature(step) for step in sequence])
            lists = tf.train.FeatureLists(feature_list={"observations": steps})
            context = tf.train.Features(feature={"sequence": _key(sequence)})
            writer.write(tf.train.SequenceExample(context=context, feature_lists=lists).SerializeToString())


WRITERS = {
    "npz": (_write_npz, ".npz"),
    "npz with mask": (_write_npz_with_mask, ".npz"),
    "csv": (_write_csv, ".csv"),
    "examples": (_write_examples, ".tfrecord"),
    "sequence examples": (_write_sequence_examples, ".tfrecord"),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_shard_is_read_in_every_format(tmp_path, kind):
    write, ending = WRITERS[kind]
    path = tmp_path / f"part{ending}"
    write(path)
    shard = shards.read(path, SPEC, None)
    assert list(shard.keys) == [f"s{length}" for length in LENGTHS]
    for received, expected in zip(shard.sequences, _sequences(), strict=True):
        np.testing.assert_array_equal(received.astype(np.float32), expected)


@pytest.mark.parametrize("output_format", choices.SCORE_FORMATS)
def test_values_are_the_models_in_the_users_units_whatever_the_batches(models, make_scorer, tmp_path, output_format):
    _write_csv(tmp_path / "part.csv")
    result = make_scorer(format=output_format).score("part", tmp_path / "part.csv")
    assert result == scoring.Result("part", num_sequences=5)
    output = tmp_path / "scores" / f"part.{output_format}"
    if output_format == "csv":
        values = np.genfromtxt(output, delimiter=",", names=True, dtype=None, encoding="utf-8")
        assert values.dtype.names == ("sequence", "log_likelihood", "num_steps")
    else:
        values = np.load(output)
    assert values["sequence"].tolist() == [f"s{length}" for length in LENGTHS]
    assert values["num_steps"].tolist() == list(LENGTHS)
    seed = random.fold_in(random.as_seed(SEED), zlib.crc32(b"part") - 2**31)
    mask = np.arange(6) < np.array(LENGTHS)[:, np.newaxis]
    observations = exports.NORMALIZATION.apply(_padded())
    expected = models["sisrnn"].score(observations, mask, M, K, seed).numpy()
    expected -= np.array(LENGTHS) * exports.NORMALIZATION.log_volume
    np.testing.assert_allclose(values["log_likelihood"], expected, rtol=1e-5)


def _scores(folder):
    return np.load(folder / "scores" / "part.npz")["log_likelihood"]


def test_columns_go_by_their_names_where_the_run_keeps_them(make_scorer, tmp_path):
    _write_csv(tmp_path / "part.csv")
    scorer = make_scorer()
    scorer.score("part", tmp_path / "part.csv")
    expected = _scores(tmp_path)
    _write_csv(tmp_path / "part.csv", "zxy")
    assert not scorer.score("part", tmp_path / "part.csv").was_done
    np.testing.assert_array_equal(_scores(tmp_path), expected)
    make_scorer(features=None).score("part", tmp_path / "part.csv")  # an older run: by their place
    assert (np.abs(_scores(tmp_path) - expected) > 1e-3).all()
    text = (tmp_path / "part.csv").read_text()
    (tmp_path / "part.csv").write_text(text.replace("sequence,z,x,y", "sequence,z,x,w"))
    with pytest.raises(ValueError, match=r"must have the columns .*'x', 'y', 'z'\].*lacks \['y'\].*others, \['w'\]"):
        scorer.score("part", tmp_path / "part.csv")


@pytest.mark.parametrize("text", ["7\ta b zorkmid\n\n8\td\n", "\ufeff-7\t<s> a b zorkmid </s>\r\r8\td\r9\t<eos>\r"])
def test_sentences_are_scored_by_line_without_labels_and_marks(models, make_scorer, tmp_path, text):
    (tmp_path / "part.txt").write_text(text, newline="")
    coverage = Coverage(num_words=4, num_unknown=1, num_marked="<s>" in text)
    score = make_scorer("text").score
    for was_done in (False, True):
        assert score("part", tmp_path / "part.txt") == scoring.Result("part", 2, was_done, coverage=coverage)
    values = np.load(tmp_path / "scores" / "part.npz")
    assert values["sequence"].tolist() == ["1", "3"] and values["num_steps"].tolist() == [4, 2]
    words = np.array([exports.VOCABULARY.encode("a b zorkmid"), [*exports.VOCABULARY.encode("d"), 0, 0]])
    seed = random.fold_in(random.as_seed(SEED), zlib.crc32(b"part") - 2**31)
    expected = models["text"].score(words, np.arange(4) < [[4], [2]], M, K, seed)
    np.testing.assert_allclose(values["log_likelihood"], expected, rtol=1e-5)


def test_a_shard_is_done_again_only_if_something_has_changed(make_scorer, tmp_path):
    path = tmp_path / "part.csv"
    _write_csv(path)
    score = make_scorer("rnn").score
    path.write_text("sequence,x,y,z\na,0,1,1\n")
    assert not score("part", path).was_done and score("part", path).was_done
    output, record = tmp_path / "scores" / "part.npz", tmp_path / "scores" / "done" / "part.npz.json"
    content = output.read_bytes()
    for change in (
        lambda: output.write_bytes(content[:-1]),
        output.unlink,
        lambda: record.write_text("{"),
        lambda: record.write_text(json.dumps(json.loads(record.read_text()) | {"identity": {}})),
    ):
        change()
        assert not score("part", path).was_done
        assert np.load(output)["sequence"].tolist() == ["a"]
    assert score("part", path).was_done
    assert not make_scorer("rnn", seed=SEED + 1).score("part", path).was_done
    assert not make_scorer("rnn").score("part", path).was_done
    weight = make_scorer("rnn").predictor.model.trainable_variables[0]
    weight.assign(weight + 1)  # as if trained again to the same epoch
    assert not make_scorer("rnn").score("part", path).was_done
    weight.assign(weight - 1)
    path.write_text("sequence,x,y,z\na,0,1,1\nb,0,1,1\n")
    assert score("part", path).num_sequences == 2
    assert sorted(child.name for child in output.parent.iterdir()) == ["done", "part.npz"]


BAD = {
    "nothing": ("part.csv", "sequence,x,y,z\n", "it holds no step"),
    "features": ("part.csv", "sequence,x,y\na,1,0\n", "`sequence a` must be of at least one step of 3 features"),
    "no number": ("part.csv", "sequence,x,y,z\na,1,2,?\n", "could not convert to a finite number"),
    "torn": ("part.csv", "sequence,x,y,z\na,1,1,1\nb,1,1,1\na,1,1,1\n", "do not lie together"),
    "not binary": ("part.csv", "sequence,x,y,z\na,1,0.5,1\n", "`observations` must be 0 or 1"),
    "large": ("part.csv", "sequence,x,y,z\na,1,1,1e300\n", "must lie within float32"),
    "no npz": ("part.npz", "hello", "cannot be read as .npz"),
    "no tfrecord": ("part.tfrecord", "hello, this is no record", "record 0 is damaged"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_shard_is_an_error_that_names_it_and_leaves_nothing(make_scorer, tmp_path, case):
    name, text, message = BAD[case]
    (tmp_path / name).write_text(text)
    scorer = make_scorer("rnn", features=None)
    with pytest.raises(ValueError, match=message) as error:
        scorer.score("part", tmp_path / name)
    assert str(tmp_path / name) in str(error.value)
    assert [child.name for child in (tmp_path / "scores").rglob("*")] == ["done"]


@pytest.mark.parametrize(
    "text, message", [("A\nB\n", "knows none of the 2 words"), ("a\nb </s> d\n", "line 2: .*break")]
)
def test_text_that_says_nothing_or_hides_an_end_is_refused(make_scorer, tmp_path, text, message):
    (tmp_path / "part.txt").write_text(text)
    with pytest.raises(ValueError, match=rf"part\.txt.*{message}"):
        make_scorer("text").score("part", tmp_path / "part.txt")


def test_no_key_is_a_formula_to_a_spreadsheet(make_scorer, tmp_path):
    keys = ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "a\r=1", "'=1", '2-"1",']
    np.savez(tmp_path / "part.npz", observations=np.zeros([len(keys), 1, 3]), sequence=keys)
    make_scorer("rnn").score("part", tmp_path / "part.npz")
    assert np.load(tmp_path / "scores" / "part.npz")["sequence"].tolist() == keys
    make_scorer("rnn", format="csv").score("part", tmp_path / "part.npz")
    with (tmp_path / "scores" / "part.csv").open(newline="") as file:
        received = [row["sequence"] for row in csv.DictReader(file)]
    assert received == [f"'{key}" for key in keys[:7]] + keys[7:]


def test_shards_are_found_by_file_folder_or_pattern(tmp_path):
    for name in ("b.npz", "a.csv", "c.tfrecord", "notes.txt", "text.txt.gz"):
        (tmp_path / name).touch()
    assert list(shards.find(str(tmp_path), SERIES.shard_endings)) == ["a", "b", "c"]
    assert list(shards.find(str(tmp_path), TEXT.shard_endings)) == ["notes", "text"]
    assert (
        shards.find(f"{tmp_path}/*.npz", SERIES.shard_endings)
        == {"b": tmp_path / "b.npz"}
        == shards.find(f"{tmp_path}/b.npz", SERIES.shard_endings)
    )
    with pytest.raises(ValueError, match="`input` must be a file"):
        shards.find(f"{tmp_path}/*.csv", TEXT.shard_endings)
    (tmp_path / "a.npz").touch()
    with pytest.raises(ValueError, match="`input` must be of files that differ"):
        shards.find(str(tmp_path), SERIES.shard_endings)


def test_the_input_is_never_written_over(tmp_path):
    path = tmp_path / "part.csv"
    _write_csv(path)
    content = path.read_bytes()
    with pytest.raises(ValueError, match="`output` must be another folder than that of the input"):
        list(scoring.run(scoring.Job("run", tmp_path / "x" / ".."), {"part": path}))
    assert path.read_bytes() == content and [child.name for child in tmp_path.iterdir()] == ["part.csv"]


@pytest.mark.parametrize("change", [{"lengths": np.array([1.0])}, {"observations": np.full((1, 2, 3), "a")}])
def test_arrays_of_another_type_are_named(tmp_path, change):
    np.savez(tmp_path / "part.npz", **{"observations": np.zeros((1, 2, 3)), **change})
    with pytest.raises(ValueError, match=f"part.npz cannot be scored: `{next(iter(change))}` must be"):
        shards.read(tmp_path / "part.npz", SPEC, None)


def test_a_record_that_is_no_example_is_named(tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "part.tfrecord")) as writer:
        writer.write(b"garbage\xff\xff")
    with pytest.raises(ValueError, match=r"part\.tfrecord cannot be scored: record 0 is damaged"):
        shards.read(tmp_path / "part.tfrecord", SPEC, None)


def test_nan_is_a_missing_value_of_series_alone(tmp_path):
    observations = np.ones([1, 2, 3])
    observations[0, 1, 2] = np.nan
    np.savez(tmp_path / "part.npz", observations=observations)
    np.testing.assert_array_equal(shards.read(tmp_path / "part.npz", SPEC, None).sequences, observations)
    image = dataclasses.replace(SPEC, emission="bernoulli", image_shape=(2, 3))
    with pytest.raises(ValueError, match="sequence 0` must be finite: values of series alone can be missing"):
        shards.read(tmp_path / "part.npz", image, None)
    assert shards.read(tmp_path / "part.npz", image, None, nan_is_missing=True).keys == ["0"]
