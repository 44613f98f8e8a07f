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
    with pytest.raises(ValueError, match=r"arrays\.npz cannot be read .*with np\.savez\(path, NAME=array\)"):
        files.read_npz(path, ["a"])
    np.savez(path, a=np.load(path))
    assert files.read_npz(path, ["a"])["a"].tolist() == [0, 0, 0]


def test_pickles_are_refused_with_what_the_user_can_do(path):
    keys = np.array(["x", "y"], dtype=object)
    np.savez(path, a=keys)
    with pytest.raises(ValueError, match=r"cannot be read .*array\.astype\(str\)$"):
        files.read_npz(path, ["a"])
    with pytest.raises(ValueError, match=r"cannot be read .*--allow_pickle$"):
        files.read_npz(path, ["a"], allow_pickle=False)
    assert files.read_npz(path, ["a"], allow_pickle=True)["a"].tolist() == ["x", "y"]
    np.savez(path, a=keys.astype(str))
    assert files.read_npz(path, ["a"])["a"].tolist() == ["x", "y"]


def test_what_is_no_archive_is_not_taken_for_pickles(path):
    path.write_text("x,y\n1,2\n")
    with pytest.raises(ValueError, match=r"cannot be read as \.npz: it is no archive of arrays"):
        files.read_npz(path, allow_pickle=True)
    path.unlink()
    with pytest.raises(ValueError, match=r"cannot be read as \.npz: .*No such file"):
        files.read_npz(path)


def test_text_of_another_encoding_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("caf\xe9\n", encoding="utf-16")
    with pytest.raises(ValueError, match=r"x\.txt cannot be read as text: .*Save it as UTF-8"):
        files.read_text(path)
    path.write_text(path.read_text(encoding="utf-16"), encoding="utf-8")
    assert files.read_text(path) == "caf\xe9\n"


def test_missing_array_is_named(path):
    with pytest.raises(ValueError, match=r"arrays\.npz.*lacks \['c'\]"):
        files.read_npz(path, ["a", "c"])


def test_find(tmp_path, path):
    assert files.find(None, ["arrays.npz"]) is None
    assert files.find(str(tmp_path), ["arrays.npz"]) == [path]
    assert files.find(str(tmp_path), ["arrays.npz", "others.npz"]) is None
    with pytest.raises(ValueError, match=r"`data_dir` must be a folder that exists. Received: data_dir=.*nowhere"):
        files.find(str(tmp_path / "nowhere"), ["arrays.npz"])
