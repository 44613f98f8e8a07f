"""Drawings by their points and by their offsets."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sisrnn_tf.data import pen

_COORDINATES = st.tuples(st.integers(-9, 9), st.integers(-9, 9))
_STROKES = st.lists(st.lists(_COORDINATES, min_size=1, max_size=4), min_size=1, max_size=4)


@given(strokes=_STROKES, is_down=st.booleans())
def test_offsets_lead_back_to_the_points(strokes, is_down):
    strokes = [np.array(stroke, float) for stroke in strokes]
    offsets = pen.to_offsets(strokes, is_down)
    assert offsets.shape == (sum(map(len, strokes)) - 1, 3)
    first = len(strokes[0]) > 1 or (is_down and len(strokes) == 1)  # else the pen is lifted where it is set down
    back = pen.to_strokes(offsets, strokes[0][0], is_down=first)
    expected = strokes if first else strokes[1:]
    assert len(back) == len(expected)
    for one, other in zip(back, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    if len(offsets):
        assert offsets[-1, 2] == (not is_down)


def test_nothing_drawn_is_no_step():
    assert pen.to_offsets([], False).shape == (0, 3)
    assert pen.to_strokes(np.zeros([0, 3]), np.zeros(2), False) == []


@given(points=st.lists(_COORDINATES, min_size=1, max_size=12), tolerance=st.floats(0, 5))
def test_a_simpler_line_stays_near_all_points(points, tolerance):
    points = np.array(points, float)
    kept = pen.simplify(points, tolerance)
    np.testing.assert_array_equal(kept[[0, -1]], points[[0, -1]])
    shares = np.linspace(0, 1, 2001)[:, np.newaxis]
    line = np.concatenate([kept, *(first + shares * (last - first) for first, last in itertools.pairwise(kept))])
    for point in points:
        assert np.linalg.norm(point - line, axis=1).min() <= tolerance + 0.01  # of the line's own spacing


@pytest.mark.parametrize(
    ("tolerance", "kept"), [(0.05, [0, 1, 2, 3, 4, 6]), (0.5, [0, 2, 3, 4, 6]), (3.0, [0, 4, 6]), (9.0, [0, 6])]
)
def test_what_is_left_out_follows_the_tolerance(tolerance, kept):
    points = np.array([[0, 0], [1, 0.1], [2, 0], [3, 1], [4, 0], [4, 4], [4, 8.0]])
    np.testing.assert_array_equal(pen.simplify(points, tolerance), points[kept])
