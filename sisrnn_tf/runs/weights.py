"""The weights of a model that is handed on: one file of the safetensors format, which holds numbers and no code."""

import json
import os
from collections.abc import Iterable

import keras
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from sisrnn_tf._version import __version__
from sisrnn_tf.core import atomic
from sisrnn_tf.runs import checkpoints
from sisrnn_tf.runs.checkpoints import by_path
from sisrnn_tf.runs.workdir import Workdir

_ORIGIN = "origin"  # of the file's metadata


def write(path: str | os.PathLike[str], variables: Iterable[keras.Variable], epoch: int) -> None:
    """Writes the values of variables by their paths, whole or not at all.

    Args:
        path: of the file.
        variables: of a model.
        epoch: whose weights these are.

    Raises:
        OSError: the file cannot be written.
    """
    arrays = {name: np.array(variable.numpy(), order="C") for name, variable in by_path(variables).items()}
    # One entry: of several the library's order is another each time, and the same weights would be other bytes.
    content = save(arrays, {_ORIGIN: json.dumps({"epoch": epoch, "sisrnn_tf": __version__})})
    atomic.write(path, lambda file: file.write(content))


def restore(path: str | os.PathLike[str], variables: Iterable[keras.Variable]) -> int:
    """Gives variables the values of a file that `write` made, and returns their epoch.

    Args:
        path: of the file.
        variables: of a model of the same configuration.

    Raises:
        ValueError: the file is damaged, or its weights are of another model; no variable is changed.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            origin = json.loads((file.metadata() or {})[_ORIGIN])
            epoch, version = int(origin["epoch"]), origin["sisrnn_tf"]
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged: {error!r}. Copy the folder again from where it came.") from error
    present = by_path(variables)
    shapes, expected = ({name: tuple(each.shape) for name, each in part.items()} for part in (found, present))
    if shapes != expected:
        names = sorted(name for name in {*shapes, *expected} if shapes.get(name) != expected.get(name))
        raise ValueError(
            f"{path} has other weights than the model of config.json and data.json beside it, {names[0]} among them: "
            f"version {version} of this package wrote it (this is {__version__}), or a file is not its "
            "own. Load it with that version, or copy the folder again from where it came."
        )
    for name, variable in present.items():
        variable.assign(found[name])
    return epoch


def restore_best(model: keras.Model, workdir: Workdir) -> int:
    """Gives a model the weights of the best epoch of a run, trained here or handed on, and returns which epoch it is.

    Raises:
        ValueError: no epoch is finished, or what holds the weights is damaged or of another model.
    """
    if workdir.weights.exists():
        return restore(workdir.weights, model.variables)
    epoch = checkpoints.best(model, workdir).restore_latest()
    if epoch is None:
        raise ValueError(f"`workdir` {workdir.path} holds no finished epoch yet. Train it first.")
    return epoch
