"""Files written whole or not at all: what is refused, what a failure leaves, whose litter goes."""

import errno
import fcntl
import os
import resource

import numpy as np
import pytest
import tensorflow as tf

from sisrnn_tf.core import atomic


@pytest.fixture
def full_disk():
    """Lets no file grow beyond 2,000 bytes, which fails as a full disk does: inside a write, after a part of it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_is_written_with_the_rights_of_any_other(tmp_path):
    atomic.write_text(tmp_path / "file", "before")
    atomic.write_text(tmp_path / "file", "after ≤")
    (tmp_path / "other").touch()
    assert (tmp_path / "file").read_text(encoding="utf-8") == "after ≤"
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "other").stat().st_mode
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("write", [atomic.write_text, atomic.append_text])
def test_nothing_is_written_through_a_link_or_over_what_is_no_file(tmp_path, write):
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "victim")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "folder", "pipe"):
        with pytest.raises(OSError, match=f"{name} is no regular file, and is left alone. Move it away"):
            write(tmp_path / name, "text")
        assert (tmp_path / "victim").read_text() == "mine"
        (tmp_path / name).rename(tmp_path / "away")
        write(tmp_path / name, "text")
        assert (tmp_path / name).read_text() == "text"
        (tmp_path / "away").rmdir() if name == "folder" else (tmp_path / "away").unlink()


def test_a_link_planted_under_the_temporary_name_is_not_followed(tmp_path, monkeypatch):
    (tmp_path / "victim").write_text("mine")
    names = {atomic.temporary_name(tmp_path / "file") for _ in range(20)}
    assert len(names) == 20 and all(name.parent == tmp_path for name in names)  # nobody can foresee it
    planted = names.pop()
    planted.symlink_to(tmp_path / "victim")
    monkeypatch.setattr(atomic, "temporary_name", lambda path: planted)
    with pytest.raises(OSError, match="file cannot be written: File exists"):
        atomic.write_text(tmp_path / "file", "text")
    assert (tmp_path / "victim").read_text() == "mine" and planted.is_symlink()


def test_a_full_disk_is_named_with_its_space_and_leaves_the_old_file(tmp_path, full_disk):
    atomic.write_text(tmp_path / "file", "old")
    values = np.random.default_rng(0).normal(size=1000)
    for write in (
        lambda path: atomic.write_text(path, "x" * 9000),
        lambda path: atomic.write_npz(path, values=values),
        lambda path: atomic.append_text(path.with_name("log"), "x" * 9000),
    ):
        with pytest.raises(OSError, match=r"cannot be written: File too large\. [\d,.]+ MB are free there\. Free some"):
            write(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} == {"file", "log"}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_tensorflows_errors_of_a_full_disk_are_named_too_and_no_others(tmp_path, number):
    message = f"{tmp_path}/x.data-00000-of-00001; {os.strerror(number)}"
    with pytest.raises(OSError, match=f"folder/x cannot be written: {os.strerror(number)}"), \
            atomic.named(tmp_path / "folder" / "x"):  # fmt: skip
        raise tf.errors.ResourceExhaustedError(None, None, message)
    with pytest.raises(tf.errors.ResourceExhaustedError), atomic.named(tmp_path):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")


def test_litter_goes_but_for_what_is_in_use_and_what_is_not_ours(tmp_path):
    left, used, other = (atomic.temporary_name(tmp_path / name) for name in ("a", "b", "c.npz"))
    folder = atomic.temporary_name(tmp_path / "last-5")
    (folder / "last-5_temp").mkdir(parents=True)
    for path in (left, used, other, tmp_path / ".mine.tmp", tmp_path / ".a.0123.tmp", tmp_path / "a"):
        path.touch()
    with used.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        atomic.clear_litter(tmp_path, "a")
        assert not left.exists() and used.exists() and other.exists() and folder.exists()
        atomic.clear_litter(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {used.name, ".mine.tmp", ".a.0123.tmp", "a"}
    atomic.clear_litter(tmp_path)
    assert not used.exists()


def test_what_is_being_written_is_no_litter(tmp_path):
    def write_to(file):
        file.write(b"whole")
        atomic.clear_litter(tmp_path)

    atomic.write(tmp_path / "file", write_to)
    assert (tmp_path / "file").read_bytes() == b"whole"
