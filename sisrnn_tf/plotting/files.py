"""Figures -> files."""

import os

import matplotlib
from matplotlib.figure import Figure

_DPI = 120
_SALT = "sisrnn_tf"  # of the names inside an SVG, which would else be random


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Writes a figure as PNG, or as SVG; at no moment does `path` hold half a picture.

    Args:
        figure: what to write.
        path: the file, its ending `.svg` for SVG; its folder must exist. The same figure makes the same file.

    Raises:
        OSError: the folder does not exist or cannot be written.
    """
    folder, name = os.path.split(os.fspath(path))
    temporary = os.path.join(folder, f".{name}.{os.getpid()}.tmp")
    try:
        if name.endswith(".svg"):
            with matplotlib.rc_context({"svg.hashsalt": _SALT}):
                figure.savefig(temporary, format="svg", metadata={"Date": None})
        else:
            figure.savefig(temporary, format="png", dpi=_DPI)
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)
