"""Drawings as the points of their strokes, as a hand makes them, and as the offsets that models read."""

from collections.abc import Sequence

import numpy as np


def simplify(points: np.ndarray, tolerance: float) -> np.ndarray:
    """Returns the few points of a line that stay within a distance of all, as Douglas & Peucker (1973) choose them.

    Args:
        points: in their order, `[N, 2]`; the first and the last are kept.
        tolerance: the distance, in their units.
    """
    kept = np.zeros(len(points), bool)
    kept[[0, -1]] = True
    spans = [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        distances = _distances(points[first + 1 : last], points[first], points[last])
        if distances.size and distances.max() > tolerance:
            middle = first + 1 + int(distances.argmax())
            kept[middle] = True
            spans += [(first, middle), (middle, last)]
    return points[kept]


def _distances(points: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Returns how far points are from the segment between two others."""
    direction = last - first
    squared = max(float(direction @ direction), np.finfo(float).tiny)
    shares = np.clip((points - first) @ direction / squared, 0.0, 1.0)
    return np.linalg.norm(points - first - shares[:, np.newaxis] * direction, axis=1)


def to_offsets(strokes: Sequence[np.ndarray], is_down: bool) -> np.ndarray:
    """Returns the steps from each point to the next and whether the pen is lifted after it, `[T, 3]`.

    The first point has no step, so T is one less than there are points.

    Args:
        strokes: the points of each, `[N, 2]`, at least one.
        is_down: whether the pen is still down at the last point.
    """
    points = np.concatenate([np.zeros([0, 2]), *strokes])
    lifted = np.zeros(len(points))
    lifted[np.cumsum([len(stroke) for stroke in strokes], dtype=int) - 1] = 1.0
    if is_down:
        lifted[-1:] = 0.0
    return np.column_stack([np.diff(points, axis=0), lifted[1:]]) if len(points) else np.zeros([0, 3])


def to_strokes(offsets: np.ndarray, start: np.ndarray, is_down: bool) -> list[np.ndarray]:
    """Returns the points of each stroke of a drawing that goes on from a point, each `[N, 2]`.

    Args:
        offsets: steps, as of `to_offsets`, `[T, 3]`.
        start: where the pen is, `[2]`.
        is_down: whether it is down there; the first stroke then begins with that point.
    """
    points = start + np.cumsum(offsets[:, :2], axis=0)
    ends = np.flatnonzero(offsets[:, 2] > 0.5) + 1
    strokes = np.split(points, ends)
    if is_down:
        strokes[0] = np.concatenate([start[np.newaxis], strokes[0]])
    return [stroke for stroke in strokes if len(stroke)]
