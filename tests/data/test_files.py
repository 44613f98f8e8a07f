import numpy as np
import pytest

from sisrnn_tf.data import files


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "arrays.npz"
    np.savez_compressed(path, a=np.arange(5000), b=np.random.default_rng(0).random(5000))
    return path


def test_reads_what_is_asked_for(path):
    arrays = files.read_npz(path, ["a"])
    assert list(arrays) == ["a"]
    np.testing.assert_array_equal(arrays["a"], np.arange(5000))


def _cut(content):
    return content[: len(content) // 2]


def _scratch(content):
    middle = len(content) // 2
    return content[:middle] + bytes(64) + content[middle + 64 :]


@pytest.mark.parametrize("damage", [_cut, _scratch, lambda content: b"", lambda content: b"no archive"])
def test_damage_is_a_value_error_and_nothing_is_written(path, damage):
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match=r"arrays\.npz cannot be read"):
        files.read_npz(path, ["a", "b"])
    assert path.read_bytes() == damaged
    assert list(path.parent.iterdir()) == [path]


def test_single_array_is_no_archive(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(ValueError, match=r"arrays\.npz cannot be read"):
        files.read_npz(path, ["a"])


def test_pickles_are_refused(path):
    np.savez(path, a=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="cannot be read"):
        files.read_npz(path, ["a"])


def test_missing_array_is_named(path):
    with pytest.raises(ValueError, match=r"arrays\.npz.*lacks \['c'\]"):
        files.read_npz(path, ["a", "c"])


def test_find(tmp_path, path):
    assert files.find(None, ["arrays.npz"]) is None
    assert files.find(str(tmp_path), ["arrays.npz"]) == [path]
    assert files.find(str(tmp_path), ["arrays.npz", "others.npz"]) is None
    with pytest.raises(ValueError, match=r"`data_dir` must be a folder that exists. Received: data_dir=.*nowhere"):
        files.find(str(tmp_path / "nowhere"), ["arrays.npz"])
