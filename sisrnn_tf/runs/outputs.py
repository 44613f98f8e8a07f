"""The files that a user asks a launcher for."""

import os
import pathlib
from collections.abc import Callable, Sequence
from typing import BinaryIO

from sisrnn_tf.core import atomic
from sisrnn_tf.core.validation import require
from sisrnn_tf.runs.workdir import Workdir, require_writable


class Output:
    """A file to write, checked before any work.

    Args:
        name: of the flag that it belongs to.
        path: of the file; its folder is made when it is written.
        inputs: files that are read, which it must not replace.

    Attributes:
        path: as given.

    Raises:
        ValueError: the path is that of an input, of a file that belongs to a run, or of anything else that is no
            regular file; or its folder cannot be written.
    """

    def __init__(self, name: str, path: str | os.PathLike[str], inputs: Sequence[str | os.PathLike[str]] = ()):
        self.path = pathlib.Path(path)
        require(atomic.can_replace(self.path), name, "a new file, or a regular one to replace", str(self.path))
        for each in inputs:
            same = os.path.exists(each) and self.path.exists() and self.path.samefile(each)
            require(not same, name, "another file than the input, which it would replace", str(self.path))
        run = _owner(self.path.resolve()) or _owner(pathlib.Path(os.path.abspath(self.path)))
        require(run is None, name, f"no file that the run in {run} needs. Choose another", str(self.path))
        require_writable(name, self.path, self.path.parent, "a file in a folder that can be written")
        atomic.clear_litter(self.path.parent, self.path.name)

    def write(self, write_to: Callable[[BinaryIO], object]) -> str:
        """Writes the file, whole or not at all.

        Args:
            write_to: is given the open file.

        Returns:
            Where it is, and whether it replaced an earlier one, in words.

        Raises:
            OSError: the file cannot be written; an earlier one stays.
        """
        with atomic.named(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        replaced = self.path.exists()
        atomic.write(self.path, write_to)
        return f"{self.path}{', in the place of an earlier one' if replaced else ''}"


def _owner(path: pathlib.Path) -> pathlib.Path | None:
    """Returns the folder of the run that needs a file; None where none does."""
    runs = (folder for folder in path.parents if Workdir(folder).config.exists() and Workdir(folder).owns(path))
    return next(runs, None)
