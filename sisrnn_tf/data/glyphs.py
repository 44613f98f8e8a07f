"""Outlines of letters and digits in the DejaVu fonts, as pen strokes: inside matplotlib, no network needed."""

import pathlib

import matplotlib
import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath

FACES = tuple(
    f"DejaVu{family}{style}"
    for family, slant in (("Sans", "Oblique"), ("SansMono", "Oblique"), ("Serif", "Italic"))
    for style in ("", "-Bold", f"-{slant}", f"-Bold{slant}")
)
# First and last code points of digits; of capital and small letters: Latin, Greek, Cyrillic.
_RANGES = ((0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A), (0x391, 0x3A9), (0x3B1, 0x3C9), (0x410, 0x42F), (0x430, 0x44F))
_EM = 2048  # units of the fonts
# Faces of a character are alike: a split by drawing would test what was trained on, by character it is fair.
_SPLIT_OF = {8: "validation", 9: "test"}


def read() -> dict[str, list[np.ndarray]]:
    """Returns split -> drawings as of `draw`; of ten characters, in all faces, the last two are held out."""
    splits: dict[str, list[np.ndarray]] = {"train": [], "validation": [], "test": []}
    for index, drawings in enumerate(draw_all().values()):
        splits[_SPLIT_OF.get(index % 10, "train")].extend(drawings)
    return splits


def version() -> str:
    """Returns which fonts they are of: each matplotlib ships its own."""
    return f"outlines in the DejaVu fonts of matplotlib {matplotlib.__version__}"


def draw_all() -> dict[str, list[np.ndarray]]:
    """Returns character -> its drawings in all faces, but for characters that in any face are drawn as one before."""
    found: dict[str, list[np.ndarray]] = {}
    seen: set[bytes] = set()
    for character in (chr(point) for first, last in _RANGES for point in range(first, last + 1)):
        if character.isalnum():  # not all code points are taken
            drawings = [draw(character, face) for face in FACES]
            drawn = {drawing.tobytes() for drawing in drawings}
            if not drawn & seen:  # as the Latin, the Greek and the Cyrillic A are
                found[character] = drawings
                seen |= drawn
    return found


def draw(character: str, face: str) -> np.ndarray:
    """Returns the offsets from each point of an outline to the next and whether the pen is lifted there.

    The pen goes once round each contour, in the font's order, is lifted where it began, and jumps to the next. Points
    are the ends of lines and curves, and a curve's middle. The first point has no offset, so T is one less than there
    are points. y grows upward.

    Args:
        character: that the face has.
        face: one of `FACES`.

    Returns:
        (dx, dy, pen), int16 `[T, 3]`, in the font's units, 2048 to the em.
    """
    contours = _contours(character, face)
    lengths = np.array([len(contour) for contour in contours])
    lifted = np.zeros(lengths.sum())
    lifted[np.cumsum(lengths) - 1] = 1
    offsets = np.diff(np.concatenate(contours), axis=0)
    return np.column_stack([offsets, lifted[1:]]).astype(np.int16)


def _contours(character: str, face: str) -> list[np.ndarray]:
    """Returns the points of each contour, whole numbers `[P, 2]`, the first of them again as the last."""
    font = pathlib.Path(matplotlib.get_data_path(), "fonts", "ttf", f"{face}.ttf")
    path = TextPath((0, 0), character, size=_EM, prop=FontProperties(fname=font))
    points, codes = np.rint(path.vertices), path.codes
    starts = np.flatnonzero(codes == Path.MOVETO)
    points[codes == Path.CLOSEPOLY] = points[starts]
    controls = np.flatnonzero(codes == Path.CURVE3)[::2]  # a curve is two rows, its control point and its end
    points[controls] = np.rint((points[controls - 1] + 2 * points[controls] + points[controls + 1]) / 4)
    contours = [
        contour[np.append(True, np.diff(contour, axis=0).any(axis=1))]  # without steps that lead nowhere
        for contour in np.split(points, starts[1:])
    ]
    return [contour for contour in contours if len(contour) > 1]  # Sans has a stray point in its u
