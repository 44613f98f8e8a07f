"""Real-valued sequences in the layouts that users have, and what makes a data set of them."""

import math

import numpy as np
import pytest

from sisrnn_tf.data import npz_files, series
from sisrnn_tf.data.checks import check
from sisrnn_tf.data.kinds import SERIES
from sisrnn_tf.data.normalization import Normalization, fit
from sisrnn_tf.data.registry import load
from sisrnn_tf.data.spec import SPLITS, DataSpec

COUNTS = {"train": 12, "valid": 3, "test": 2}


def make_strokes(count, seed):
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, 9, size=count)
    return [
        np.column_stack([generator.integers(-90, 90, size=(n, 2)), generator.integers(2, size=n)]).astype(np.int16)
        for n in lengths
    ]


STROKES = {split: make_strokes(count, count) for split, count in COUNTS.items()}


def save_flat(path, splits=STROKES, **others):
    arrays = {split: np.concatenate(parts) for split, parts in splits.items()}
    arrays |= {f"{split}_offsets": np.cumsum([0, *map(len, parts)]) for split, parts in splits.items()}
    np.savez(path, **arrays, **others)
    return str(path)


def save_pickled(path):
    arrays = {}
    for split, parts in STROKES.items():
        arrays[split] = np.empty(len(parts), object)
        arrays[split][:] = parts
    np.savez(path, **arrays)
    return str(path)


def real(sequences):
    return [x[:n] for x, n in zip(sequences.observations, sequences.lengths, strict=True)]


def assert_same(found, expected):
    for part, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(part, other)


def test_the_flat_layout_and_the_layout_of_sketch_rnn_hold_the_same(tmp_path):
    flat = load("strokes", data_dir=save_flat(tmp_path / "flat.npz"), normalization="none")
    pickled = load("strokes", data_dir=save_pickled(tmp_path / "p.npz"), normalization="none", allow_pickle=True)
    check(flat)
    for split, name in zip(SPLITS, COUNTS, strict=True):
        assert_same(real(flat.split(split)), STROKES[name])
        np.testing.assert_array_equal(flat.split(split).observations, pickled.split(split).observations)
    assert (flat.emission, flat.observation_size) == ("strokes", 3) and flat.normalization is None
    assert flat.convention == "flat, D=3, sequences whole, lengths given, in the data's units"


def test_pickles_are_refused_unless_allowed(tmp_path):
    with pytest.raises(ValueError, match=r"p\.npz cannot be read .*can run any code.*--allow_pickle"):
        load("strokes", data_dir=save_pickled(tmp_path / "p.npz"))


def test_sequences_of_one_length_and_padded_ones(tmp_path):
    x = np.random.default_rng(0).normal(size=(120, 5, 2))
    np.savez(tmp_path / "a.npz", train=x, test=x[:3])
    np.savez(tmp_path / "b.npz", train=x, train_lengths=np.full(120, 4), val=x[:7])
    whole = load("npz", data_dir=str(tmp_path / "a.npz"), normalization="none")
    assert [len(whole.split(split)) for split in SPLITS] == [108, 12, 3]  # every tenth validates
    np.testing.assert_allclose(whole.validation.observations, x[9::10], rtol=1e-6)
    assert "every 10th sequence for validation" in whole.convention and whole.emission == "reals"
    cut = load("npz", data_dir=str(tmp_path / "b.npz"), normalization="none")
    assert [len(cut.split(split)) for split in SPLITS] == [108, 7, 12] and cut.num_steps == 4


def test_training_statistics_normalize_all_splits():
    generator = np.random.default_rng(0)
    splits = {split: [generator.normal(3, 2, size=(n, 2)) for n in (4, 7)] for split in SPLITS}
    splits["test"][0] += 100
    dataset = series.make("made", splits, SERIES, "per_channel", None)
    rows = np.concatenate(splits["train"])
    for split in SPLITS:
        for part, raw in zip(real(dataset.split(split)), splits[split], strict=True):
            np.testing.assert_allclose(part, (raw - rows.mean(axis=0)) / rows.std(axis=0), rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(dataset.normalization.invert(part), raw, rtol=1e-5)
    assert dataset.normalization.log_volume == pytest.approx(np.log(rows.std(axis=0)).sum())
    spec = DataSpec.of(dataset)
    assert DataSpec.from_json(spec.to_json()) == spec


def test_vrnn_takes_one_mean_and_one_scale_for_both_offsets():
    rows = np.array([[1.0, 2.0, 1.0], [3.0, -4.0, 0.0]])
    found = fit("vrnn", rows, 2)
    shift, square = 2.0 + -1.0, (1 + 9) / 2 + (4 + 16) / 2
    assert found == Normalization("vrnn", (shift, shift, 0.0), (math.sqrt(square - 1),) * 2 + (1.0,))


def test_long_sequences_are_cut_and_the_convention_says_how_many(tmp_path):
    dataset = load("strokes", data_dir=save_flat(tmp_path / "flat.npz"), max_length=4)
    longer = sum(len(part) > 4 for parts in STROKES.values() for part in parts)
    assert longer > 0 and f"sequences cut to 4 steps ({longer} were longer)" in dataset.convention
    assert dataset.num_steps == 4 and all(len(part) <= 4 for part in real(dataset.train))


def damaged(tmp_path, **changes):
    arrays = {"train": np.ones((6, 3)), "train_offsets": np.array([0, 2, 6])} | changes
    np.savez(tmp_path / "x.npz", **{name: array for name, array in arrays.items() if array is not None})
    return tmp_path / "x.npz"


def test_nan_in_an_npz_is_a_missing_value_of_series_and_none_of_strokes(tmp_path):
    values = np.random.default_rng(0).normal(size=(24, 3, 3))
    values[2, 1, 0] = np.nan
    np.savez(tmp_path / "x.npz", train=values)
    dataset = load("npz", str(tmp_path))
    assert "1 values are missing and not scored" in dataset.convention and not dataset.train.observed[2, 1, 0]
    with pytest.raises(ValueError, match="`strokes` must be finite"):
        load("strokes", str(tmp_path))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": None}, r"must hold an array `train`. Received \['train_offsets'\]"),
        ({"train_offsets": None}, r"`train` must be \[sum T, D\] with `train_offsets`.*Received shape \(6, 3\)"),
        ({"train_offsets": np.array([0, 2, 5])}, "must rise from 0 to the 6 rows"),
        ({"train_offsets": np.array([0, 4, 2, 6])}, "must rise from 0 to the 6 rows"),
        ({"train_offsets": np.array([0, 0, 6])}, r"sequence 0 of `train` must be numbers"),
        ({"train": np.full((6, 3), np.inf)}, r"sequence 0 of `train` must be numbers .*, finite or"),
        ({"train": np.full((6, 3), "a")}, r"sequence 0 of `train` must be numbers"),
        ({"train": np.ones((6, 2, 3)), "train_lengths": np.full(6, 3)}, "must be 6 ints of at most 2"),
        ({"train": np.ones((6, 2, 3)), "train_lengths": np.full(6, -1)}, "must be 6 ints of at most 2"),
        ({"train": np.ones((2, 2, 3), object)}, r"Received object \(2, 3\); save numbers with array\.astype\(float\)"),
        ({"train": np.ones((0, 2, 3))}, "`train` must hold at least one sequence"),
        ({"val": np.ones((3, 2, 3)), "valid": np.ones((3, 2, 3))}, "one array of the validation split.*val, valid"),
    ],
)
def test_damaged_npz_files(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        npz_files.read(damaged(tmp_path, **changes), allow_pickle=True)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("strokes", {}, "No data for strokes: give its .npz file as --data_dir"),
        ("csv", {}, "No data for csv: give a .csv or .parquet file"),
        ("npz", {"data_dir": "two"}, r"a folder with one of them. Received a\.npz, b\.npz"),
        ("csv", {"data_dir": "two"}, r"`data_dir` must hold train\.csv"),
        ("npz", {"data_dir": "two/a.npz", "normalization": "vrnn"}, "vrnn is of the two offsets of strokes"),
        ("npz", {"data_dir": "two/a.npz", "normalization": "z"}, "`normalization` must be one of none, vrnn"),
        ("strokes", {"data_dir": "two/b.npz"}, r"must have the features dx, dy and pen. Received \[2\]"),
        ("npz", {"data_dir": "two/b.npz"}, "Feature 0, counted from 0, is 1 in all of training: a feature that never"),
        ("csv", {"data_dir": "nope.csv"}, r"`data_dir` must be a file or a folder that exists.*nope\.csv"),
        ("npz", {"data_dir": "nope.npz"}, r"`data_dir` must be a file or a folder that exists.*nope\.npz"),
        ("npz", {"data_dir": "two/array.npy"}, r"array\.npy cannot be read as \.npz: it is a single array"),
        ("npz", {"data_dir": "two/objects.npz"}, r"holds an array of objects\. Save numbers.*array\.astype\(float\)"),
    ],
)
def test_errors(tmp_path, name, options, message, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two").mkdir()
    save_flat(tmp_path / "two" / "a.npz")
    np.savez(tmp_path / "two" / "b.npz", train=np.ones((100, 3, 2)))
    if "." in options.get("data_dir", ""):  # beside the two, a folder would hold too many
        np.save(tmp_path / "two" / "array.npy", np.ones((100, 3, 2)))
        np.savez(tmp_path / "two" / "objects.npz", train=np.ones((100, 3, 2), object))
    with pytest.raises(ValueError, match=message):
        load(name, **options)


def test_strokes_whose_pen_is_neither_up_nor_down_are_refused(tmp_path):
    splits = {split: [np.full((3, 3), 2.0)] for split in COUNTS}
    splits["train"] = [np.random.default_rng(0).normal(size=(3, 3))]
    with pytest.raises(ValueError, match="Sequence 0 of the train split must have 0 or 1 as their pen"):
        check(load("strokes", data_dir=save_flat(tmp_path / "x.npz", splits)))


@pytest.mark.parametrize("damage", [5, {"name": "x"}, {"name": "x", "shift": [0.0], "scale": [0.0]}])
def test_a_damaged_normalization_is_named(damage):
    spec = '{"normalization": %s}' % str(damage).replace("'", '"')  # noqa: UP031
    with pytest.raises(ValueError, match="specification of the data is damaged"):
        DataSpec.from_json(spec)


def test_a_change_below_float32_is_no_constant():
    rows = np.random.default_rng(0).normal(size=(20, 2)) * [1, 1e-200]
    with pytest.raises(ValueError, match=r"`b` must change by more than float32 holds, .*Multiply it by a power"):
        fit("per_channel", rows, 2, ("a", "b"))
    assert fit("per_channel", rows * [1, 1e200], 2).scale == pytest.approx((rows * [1, 1e200]).std(axis=0).tolist())


def test_a_constant_is_refused_though_its_deviation_is_rounded(tmp_path):
    count = next(count for count in range(100, 2000) if np.full(count, 0.1).std() > 0)
    rows = np.column_stack([np.random.default_rng(0).normal(size=count), np.full(count, 0.1)])
    with pytest.raises(ValueError, match="a feature that never changes"):
        fit("per_channel", rows, 2)
    with pytest.raises(ValueError, match="vrnn's scale"):
        fit("vrnn", np.ones((6, 3)), 2)


def test_other_values_are_another_data_set(tmp_path):
    first = load("strokes", data_dir=save_flat(tmp_path / "a.npz"))
    changed = {**STROKES, "test": [STROKES["test"][0] + np.int16([1, 0, 0]), *STROKES["test"][1:]]}
    (tmp_path / "other").mkdir()
    other = load("strokes", data_dir=save_flat(tmp_path / "other" / "a.npz", changed))
    assert DataSpec.of(first).fingerprint is not None
    assert DataSpec.of(first).normalization == DataSpec.of(other).normalization
    assert DataSpec.of(first) != DataSpec.of(other)
