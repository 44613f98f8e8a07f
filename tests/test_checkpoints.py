"""Checkpoints: what is restored, what is kept, and what happens to a damaged one."""

import os
import resource

import keras
import numpy as np
import pytest

from sisrnn_tf import factory
from sisrnn_tf.configuration.presets import from_options
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.runs.checkpoints import Checkpoints


@pytest.fixture
def variable():
    return keras.Variable(np.arange(1000.0, dtype="float32"), name="weights")


def _saved(directory, variable, numbers, keep=3):
    series = Checkpoints(directory, "last", [variable], keep)
    for number in numbers:
        variable.assign(np.full(1000, number, "float32"))
        series.save(number)
    variable.assign(np.zeros(1000, "float32"))
    return series


def test_restores_the_newest_and_keeps_so_many(tmp_path, variable):
    series = _saved(tmp_path, variable, [1, 2, 10, 9, 11], keep=3)
    assert series.numbers() == [9, 10, 11]
    assert series.restore_latest() == 11
    np.testing.assert_array_equal(variable.numpy(), 11.0)
    assert {path.name.split(".")[0] for path in tmp_path.iterdir()} == {"last-9", "last-10", "last-11"}


def test_an_empty_folder_restores_nothing(tmp_path, variable):
    assert Checkpoints(tmp_path, "last", [variable], 1).restore_latest() is None
    np.testing.assert_array_equal(variable.numpy(), np.arange(1000.0))


@pytest.mark.parametrize("suffix", [".index", ".data-00000-of-00001"])
@pytest.mark.parametrize("damage", ["truncated", "flipped", "deleted"])
def test_a_damaged_newest_falls_back_with_a_warning(tmp_path, variable, caplog, suffix, damage):
    series = _saved(tmp_path, variable, [1, 2])
    path = tmp_path / f"last-2{suffix}"
    content = bytearray(path.read_bytes())
    if damage == "deleted":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    else:
        for position in range(len(content) // 2, len(content) // 2 + 8):
            content[position] ^= 0xFF
        path.write_bytes(content)
    assert series.restore_latest() == 1
    np.testing.assert_array_equal(variable.numpy(), 1.0)
    if (suffix, damage) != (".index", "deleted"):  # without its index there is no checkpoint
        assert "last-2 is damaged" in caplog.text
    series.save(2)
    assert series.restore_latest() == 2


def test_nothing_readable_is_an_error_not_a_fresh_start(tmp_path, variable):
    series = _saved(tmp_path, variable, [1])
    path = tmp_path / "last-1.data-00000-of-00001"
    backup = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"None of the checkpoints .* Restore them"):
        series.restore_latest()
    path.write_bytes(backup)
    assert series.restore_latest() == 1


def test_two_variables_of_one_path_are_refused(tmp_path, variable):
    with pytest.raises(ValueError, match="unique paths"):
        Checkpoints(tmp_path, "last", [variable, variable], 1)


@pytest.mark.parametrize("model", ["sisrnn", "rnn"])
def test_a_model_restores_what_another_of_the_process_saved(tmp_path, model):
    config = from_options("small", {"model": model})
    spec = DataSpec("digits", "digits", "bernoulli", 8, 8, (8, 8), (10, 10, 10))
    first, second = (factory.make_model(config.model, config.training, spec) for _ in range(2))
    Checkpoints(tmp_path, "best", first.variables, 1).save(5)
    assert Checkpoints(tmp_path, "best", second.variables, 1).restore_latest() == 5
    for left, right in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(left, right)


def _names(folder):
    return {path.name for path in folder.iterdir()}


def test_the_index_gets_its_name_last_and_whole(tmp_path, variable, monkeypatch):
    """Every moment at which a kill could come: the files there, and what is restored from them."""
    moments, replace = [], os.replace

    def watched(source, target):
        replace(source, target)
        moments.append(_names(tmp_path))
        saved = Checkpoints(tmp_path, "last", [variable], 3)
        moments.append(saved.restore_latest())

    series = _saved(tmp_path, variable, [1])
    variable.assign(np.full(1000, 2, "float32"))
    monkeypatch.setattr(os, "replace", watched)
    series.save(2)
    first = {"last-1.index", "last-1.data-00000-of-00001", "last-2.data-00000-of-00001"}
    assert [{name for name in names if name[0] != "."} for names in moments[::2]] == [first, first | {"last-2.index"}]
    assert moments[1::2] == [1, 2]


def test_a_full_disk_is_named_and_the_older_checkpoints_stay(tmp_path, variable):
    series = _saved(tmp_path, variable, [1, 2], keep=2)
    before = _names(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(OSError, match=r"last-3 cannot be written: File too large.* MB are free there\. Free some"):
            series.save(3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert _names(tmp_path) == before
    assert series.restore_latest() == 2
    series.save(3)  # with the space back
    assert series.restore_latest() == 3


def test_the_litter_of_killed_runs_goes_and_nothing_else(tmp_path, variable):
    series = _saved(tmp_path, variable, [1, 2])
    kept = _names(tmp_path) | {"damaged-last-3.data-00000-of-00001", "best-4.data-00000-of-00001", "last-notes.txt"}
    for name in kept - _names(tmp_path):
        (tmp_path / name).write_text("")
    (tmp_path / "last-3_temp").mkdir()  # of TensorFlow, as it once wrote here itself
    for name in ("last-3_temp/part", "last-3.data-00000-of-00001", "last-2.index.tempstate17"):
        (tmp_path / name).write_text("")
    series.clear_litter()
    assert _names(tmp_path) == kept
    assert series.restore_latest() == 2


def test_a_checkpoint_of_another_model_is_told_from_a_damaged_one(tmp_path):
    """As one of an earlier version, whose variables had other names."""
    old, new = (keras.Variable(np.ones(3), name=name) for name in ("old", "new"))
    Checkpoints(tmp_path, "last", [old], keep=2).save(1)
    with pytest.raises(ValueError, match="last-1 has other variables than the model: an earlier version"):
        Checkpoints(tmp_path, "last", [new], keep=2).restore_latest()
