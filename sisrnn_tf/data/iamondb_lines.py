"""One line of handwriting in the XML format of IAM-OnDB."""

import pathlib
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import DefusedXmlException, ElementTree

from sisrnn_tf.data import files

_LIMIT = 1e9  # of coordinates; a board has some 10,000


def read(path: pathlib.Path) -> np.ndarray:
    """Returns the offsets from each point to the next and whether the pen is lifted there, float32 `[T, 3]`.

    A file holds `<StrokeSet>` with a `<Stroke>` for each time the pen is down, of `<Point x= y= time=/>`. y grows
    downward there and upward here. The first point has no offset, so T is one less than there are points. Strokes
    without a point are left out.

    Args:
        path: of the file.

    Raises:
        ValueError: the file is no such XML, refers to entities, or has fewer than two points.
    """
    try:
        root = ElementTree.parse(path).getroot()
        strokes = [_read_points(stroke) for stroke in root.iterfind(".//StrokeSet/Stroke")]
    except (OSError, ParseError, DefusedXmlException, ValueError, TypeError, LookupError) as error:
        raise ValueError(f"{path} cannot be read as a line of strokes: {error!r}") from error
    points = [point for stroke in strokes for point in stroke]
    if len(points) < 2:
        raise ValueError(f"{path} must hold at least two points. It holds {len(points)}")
    lengths = np.array([len(stroke) for stroke in strokes if stroke])
    lifted = np.zeros(len(points), np.float32)
    lifted[np.cumsum(lengths) - 1] = 1
    offsets = np.diff(np.array(points), axis=0)
    return np.column_stack([offsets, lifted[1:]]).astype(np.float32)


def _read_points(stroke: Element) -> list[tuple[float, float]]:
    points = [(_coordinate(point, "x"), -_coordinate(point, "y")) for point in stroke.iterfind("Point")]
    if not (np.abs(points) < _LIMIT).all():
        raise ValueError(f"its coordinates must be finite and below {_LIMIT:g}")
    return points


def _coordinate(point: Element, name: str) -> float:
    text = point.get(name)
    if text is None:
        raise ValueError(f"a point has no {name}")
    return files.to_number(text)
