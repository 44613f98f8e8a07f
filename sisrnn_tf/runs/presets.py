"""Trained models that come with the package, by name: folders as `sharing` writes them."""

import os
import pathlib

PREFIX = "preset:"  # of a name, where the folder of a run is asked for
_FOLDER = pathlib.Path(__file__).with_name("shipped")


def names() -> list[str]:
    """Returns the names of all presets, in alphabetical order."""
    return sorted(path.name for path in _FOLDER.iterdir() if (path / "config.json").exists())


def listing() -> str:
    """Returns what `find` takes for presets, in words."""
    return ", ".join(f"{PREFIX}{name}" for name in names())


def find(path: str | os.PathLike[str]) -> pathlib.Path:
    """Returns the folder that a path is of: of `preset:NAME` that of the preset.

    Args:
        path: of a folder, or `preset:NAME`.

    Raises:
        ValueError: there is no preset of the name.
    """
    text = os.fspath(path)
    if not text.startswith(PREFIX):
        return pathlib.Path(text)
    name = text.removeprefix(PREFIX)
    if name not in names():
        raise ValueError(f"There is no preset {name!r}. Expected one of {listing()}. Received: {text}")
    return _FOLDER / name


def holds(path: pathlib.Path) -> bool:
    """Returns whether a path leads into a preset, where nothing is ever written."""
    return pathlib.Path(os.path.abspath(path)).is_relative_to(_FOLDER) or path.resolve().is_relative_to(_FOLDER)
