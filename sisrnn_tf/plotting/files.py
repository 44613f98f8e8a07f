"""Figures -> files."""

import os

from matplotlib.figure import Figure

_DPI = 120


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Writes a figure as PNG; at no moment does `path` hold half a picture.

    Args:
        figure: what to write.
        path: the file; its folder must exist.

    Raises:
        OSError: the folder does not exist or cannot be written.
    """
    folder, name = os.path.split(os.fspath(path))
    temporary = os.path.join(folder, f".{name}.{os.getpid()}.tmp")
    try:
        figure.savefig(temporary, format="png", dpi=_DPI)
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)
