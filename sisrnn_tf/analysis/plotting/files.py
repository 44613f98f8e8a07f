"""Figures -> files."""

import os
import pathlib
from typing import BinaryIO

import matplotlib
from matplotlib.figure import Figure

from sisrnn_tf.core import atomic

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
    atomic.write(path, lambda file: write(figure, file, pathlib.Path(path).suffix))


def write(figure: Figure, file: BinaryIO, ending: str) -> None:
    """Writes a figure to an open file, as SVG where its name has the ending `.svg`, else as PNG."""
    if ending == ".svg":
        with matplotlib.rc_context({"svg.hashsalt": _SALT}):
            figure.savefig(file, format="svg", metadata={"Date": None})
    else:
        figure.savefig(file, format="png", dpi=_DPI)
