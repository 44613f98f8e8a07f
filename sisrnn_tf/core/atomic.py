"""Files written whole or not at all: under a random temporary name that is opened exclusively, then renamed."""

import contextlib
import errno
import fcntl
import os
import pathlib
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np

# How TensorFlow's errors, whatever their class, end where a disk or a quota is full or a file may grow no further.
_NO_SPACE = tuple(map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)))
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{16}\.tmp")


def write(path: str | os.PathLike[str], write_to: Callable[[BinaryIO], object]) -> None:
    """Writes a file so that a kill leaves the old one or the new one, never a part.

    Args:
        path: of the file; its folder must exist.
        write_to: is given the open file, and writes what goes into it.

    Raises:
        OSError: the file cannot be written, which the message names with the space that is free; the old one stays.
            Or there is something that is no regular file, which a new file must not replace.
    """
    path = pathlib.Path(path)
    with named(path):
        require_regular(path)
        temporary = temporary_name(path)
        # Not through what somebody else planted under the name, be it a file or a link.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o666)
        try:
            with os.fdopen(descriptor, "wb") as file:
                with contextlib.suppress(OSError):  # some file systems have no locks: there litter stays
                    fcntl.flock(file, fcntl.LOCK_EX)
                write_to(file)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes text, as `write` does."""
    write(path, lambda file: file.write(text.encode("utf-8")))


def write_npz(path: str | os.PathLike[str], **arrays: Any) -> None:
    """Writes arrays, and numbers and texts as such, compressed, as `write` does."""
    write(path, lambda file: np.savez_compressed(file, **arrays))


def append_text(path: str | os.PathLike[str], text: str) -> None:
    """Appends text to a file, which is made if need be; a kill may leave a part of the text.

    Raises:
        OSError: the file cannot be written, which the message names with the space that is free, or is no regular one.
    """
    path = pathlib.Path(path)
    with named(path):
        require_regular(path)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o666), "ab") as file:
            file.write(text.encode("utf-8"))


def temporary_name(path: pathlib.Path) -> pathlib.Path:
    """Returns a name beside a path's that nobody can foresee, and that `clear_litter` knows."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")


def can_replace(path: pathlib.Path) -> bool:
    """Returns whether there is nothing at a path, or a regular file: no folder, device or link."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True


def require_regular(path: pathlib.Path) -> None:
    """Raises an OSError unless `can_replace` holds."""
    if not can_replace(path):
        raise OSError(f"{path} is no regular file, and is left alone. Move it away, or choose another name.")


def clear_litter(folder: pathlib.Path, name: str | None = None) -> None:
    """Removes the temporary files and folders that killed processes left; those in use, and other files, stay.

    Args:
        folder: where they lie.
        name: of the file that was written; None for all.
    """
    for path in folder.glob(".*.tmp"):
        match = _TEMPORARY.fullmatch(path.name)
        if not match or name not in (None, match["name"]):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif not _in_use(path):
            path.unlink(missing_ok=True)


def _in_use(path: pathlib.Path) -> bool:
    """Returns whether a process still writes a file; also of what cannot be known."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextlib.contextmanager
def named(path: str | os.PathLike[str]) -> Iterator[None]:
    """Says of a file that cannot be written which it is, and how much space is free where it lies.

    Args:
        path: of the file, or of the folder of several.

    Raises:
        OSError: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.strerror is None:  # it says so already
            raise
        raise _unwritten(path, error.strerror) from error
    except Exception as error:
        reason = next((reason for reason in _NO_SPACE if _is_of_tensorflow(error) and reason in str(error)), None)
        if reason is None:
            raise
        raise _unwritten(path, reason) from error


def _is_of_tensorflow(error: Exception) -> bool:
    """Returns whether TensorFlow raised an error, which it did not unless it was imported."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(error, tensorflow.errors.OpError)


def _unwritten(path: str | os.PathLike[str], reason: str) -> OSError:
    path = pathlib.Path(path).absolute()
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    advice = " Free some space, and run the same command again." if reason in _NO_SPACE else ""
    return OSError(f"{path} cannot be written: {reason}. {free / 1e6:,.1f} MB are free there.{advice}")
