"""Checkpoints of all that training changes: weights, optimizer, metrics, in one state that resumes bit by bit."""

import logging
import os
import pathlib
import re
import shutil
from collections.abc import Iterable

import keras
import tensorflow as tf
from google.protobuf.message import DecodeError

from sisrnn_tf._version import __version__
from sisrnn_tf.core import atomic
from sisrnn_tf.runs.workdir import Workdir

_LOGGER = logging.getLogger(__name__)

# TensorFlow's reader raises its statuses as whatever Python class comes closest.
_DAMAGED = (tf.errors.OpError, AssertionError, IndexError, KeyError, ValueError, RuntimeError, DecodeError)


# Keras numbers its layers' seed generators over all models of a process; a checkpoint is of one of them.
_SEED_GENERATOR = re.compile(r"seed_generator(_\d+)?(?=/)")


def by_path(variables: Iterable[keras.Variable]) -> dict[str, tf.Variable]:
    """Returns variables by their paths, in which the seed generators of a model are numbered from 0 on.

    Raises:
        ValueError: two have the same path.
    """
    variables = list(variables)
    generators = list(dict.fromkeys(name for name in map(_seed_generator, variables) if name))
    numbered = {name: f"seed_generator_{index}".removesuffix("_0") for index, name in enumerate(generators)}
    paths = [
        variable.path.replace(name, numbered[name], 1) if (name := _seed_generator(variable)) else variable.path
        for variable in variables
    ]
    duplicates = sorted({path for path in paths if paths.count(path) > 1})
    if duplicates:
        raise ValueError(f"Variables must have unique paths to be checkpointed. Received twice: {duplicates}")
    return {path: variable.value for path, variable in zip(paths, variables, strict=True)}


def _seed_generator(variable) -> str | None:
    """Returns the name of the seed generator that a variable is the state of; None of any other."""
    match = _SEED_GENERATOR.match(variable.path)
    return match and match.group()


class ForeignCheckpointError(ValueError):
    """A checkpoint that is whole, and not of the model."""


class Checkpoints:
    """A series of checkpoints of a set of variables in one folder.

    Writing is atomic: TensorFlow writes to a folder with a temporary name, out of which the files are renamed, the
    index last. A checkpoint without its index does not exist, and one that cannot be read in full is damaged.

    Args:
        directory: where the files go.
        name: prefix of the files.
        variables: Keras variables; their paths are the keys.
        keep: how many to keep.
    """

    def __init__(self, directory: pathlib.Path, name: str, variables: Iterable[keras.Variable], keep: int):
        self.directory, self.name, self.keep = pathlib.Path(directory), name, keep
        self._checkpoint = tf.train.Checkpoint(variables=by_path(variables))

    def numbers(self) -> list[int]:
        """Returns the numbers of the checkpoints there are, ascending."""
        pattern = re.compile(re.escape(self.name) + r"-(\d+)\.index")
        matches = [pattern.fullmatch(path.name) for path in self.directory.glob(f"{self.name}-*.index")]
        return sorted(int(match.group(1)) for match in matches if match)

    def save(self, number: int) -> None:
        """Writes a checkpoint, then deletes all but the newest ones to keep.

        Raises:
            OSError: it cannot be written, which the message names with the space that is free; the older ones stay.
        """
        path = self.directory / f"{self.name}-{number}"
        temporary = atomic.temporary_name(path)
        with atomic.named(path):
            temporary.mkdir()  # fails where there is anything under this name
            try:
                self._checkpoint.write(str(temporary / path.name))
                for made in _index_last(temporary.iterdir()):
                    os.replace(made, self.directory / made.name)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        for old in self.numbers()[: -self.keep]:
            for path in reversed(_index_last(self.directory.glob(f"{self.name}-{old}.*"))):
                path.unlink()

    def clear_litter(self) -> None:
        """Removes what a killed process left: data without an index, and what TensorFlow did not rename.

        Only for the process that holds the folder: another may be writing a checkpoint.
        """
        numbers = self.numbers()
        pattern = re.compile(re.escape(self.name) + r"-(\d+)(_temp|\.data-.*|\.index\.tempstate.*)")
        for path in self.directory.glob(f"{self.name}-*"):
            match = pattern.fullmatch(path.name)
            if match and match.group(2) == "_temp":
                shutil.rmtree(path, ignore_errors=True)
            elif match and (int(match.group(1)) not in numbers or ".tempstate" in match.group(2)):
                path.unlink()

    def restore_latest(self) -> int | None:
        """Restores the newest checkpoint that can be read, and returns its number; None if there is none at all.

        Raises:
            ValueError: there are checkpoints, but none can be read, or the newest one is of other variables.
        """
        numbers = self.numbers()
        for number in reversed(numbers):
            path = str(self.directory / f"{self.name}-{number}")
            try:
                self._read(path)
            except ForeignCheckpointError:
                raise
            except _DAMAGED as error:
                _LOGGER.warning("Checkpoint %s is damaged; trying the one before. (%s)", path, str(error)[:200])
                continue
            for later in numbers[numbers.index(number) + 1 :]:
                for damaged in self.directory.glob(f"{self.name}-{later}.*"):
                    damaged.rename(damaged.with_name(f"damaged-{damaged.name}"))
            return number
        if numbers:
            raise ValueError(
                f"None of the checkpoints {self.directory / self.name}-* can be read, or none fits the model of the "
                "configuration. Restore them and config.json from a backup, or start in another workdir."
            )
        return None

    def _read(self, path: str) -> None:
        """Restores a checkpoint.

        Raises:
            ForeignCheckpointError: it is whole, but of other variables.
        """
        status = self._checkpoint.read(path)
        try:
            status.assert_consumed()
        except AssertionError as error:
            status.expect_partial()  # else TensorFlow lists at exit what it could not place
            raise ForeignCheckpointError(
                f"Checkpoint {path} has other variables than the model: an earlier version of this package wrote it "
                f"(this is {__version__}), or config.json has changed since. Evaluate it with the version that made "
                "it, or train again in another workdir."
            ) from error


def _index_last(paths: Iterable[pathlib.Path]) -> list[pathlib.Path]:
    """Returns a checkpoint's files in the order of their renaming: without the index the data is no checkpoint."""
    return sorted(paths, key=lambda path: path.suffix == ".index")


def best(model: keras.Model, workdir: Workdir) -> Checkpoints:
    """Returns the series that holds the weights of the best epoch of a run."""
    return Checkpoints(workdir.checkpoints, "best", model.variables, keep=1)


def training_variables(model: keras.Model) -> list[keras.Variable]:
    """Returns all variables that a step of training changes: weights, optimizer state, metric accumulators."""
    return [*model.variables, *model.metrics_variables, *model.optimizer.variables]
