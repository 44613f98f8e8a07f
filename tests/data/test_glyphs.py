"""Outlines of glyphs as pen strokes: closed, on the fonts' curves, and of characters that no other split has."""

import pathlib
import warnings

import matplotlib
import numpy as np
import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from sisrnn_tf.data import glyphs
from sisrnn_tf.data.checks import check
from sisrnn_tf.data.registry import load
from sisrnn_tf.data.spec import SPLITS, DataSpec


@pytest.fixture(scope="module")
def drawings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of a glyph that a font lacks, and draws another
        return glyphs.draw_all()


def points_of(strokes):
    return np.cumsum(np.vstack([[0, 0], strokes[:, :2]]), axis=0)


def contours_of(strokes):
    return np.split(points_of(strokes), np.flatnonzero(strokes[:, 2]) + 2)[:-1]


def test_every_contour_ends_where_it_began_and_every_step_leads_somewhere(drawings):
    for strokes in (each for faces in drawings.values() for each in faces):
        assert strokes.dtype == np.int16 and strokes[-1, 2] == 1
        assert strokes[:, :2].any(axis=1).all()
        for contour in contours_of(strokes):
            assert len(contour) > 3  # a triangle at least
            np.testing.assert_array_equal(contour[0], contour[-1])


@pytest.mark.parametrize(("character", "count"), [("l", 1), ("i", 2), ("O", 2), ("B", 3), ("8", 3), ("\u042b", 3)])
def test_the_pen_is_lifted_as_often_as_there_are_contours(drawings, character, count):
    assert [int(strokes[:, 2].sum()) for strokes in drawings[character]] == [count] * len(glyphs.FACES)


def test_an_l_is_a_bar():
    np.testing.assert_array_equal(
        glyphs.draw("l", "DejaVuSans"), [[184, 0, 0], [0, -1556, 0], [-184, 0, 0], [0, 1556, 1]]
    )


@pytest.mark.parametrize("character", "LSa8")
def test_points_are_ends_of_the_fonts_lines_and_curves_and_middles_of_its_curves(character):
    """Against matplotlib's own Bezier curves, y upward, to within the rounding of a curve's three points."""
    font = pathlib.Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSerif.ttf"
    path = TextPath((0, 0), character, size=2048, prop=FontProperties(fname=font))
    pieces = [curve(t) for curve, _ in path.iter_bezier() for t in ((0.5, 1) if curve.degree == 2 else (1,))]
    expected = np.array(pieces)
    expected = expected[np.append(True, np.abs(np.diff(expected, axis=0)).max(axis=1) > 0.5)]
    np.testing.assert_allclose(points_of(glyphs.draw(character, "DejaVuSerif")), expected - expected[0], atol=1.5)


def test_splits_are_of_different_characters_and_the_same_each_time(drawings):
    splits = {split: {part.tobytes() for part in parts} for split, parts in glyphs.read().items()}
    assert set().union(*splits.values()) == {strokes.tobytes() for faces in drawings.values() for strokes in faces}
    homes = []
    for faces in drawings.values():
        homes.append([split for split in SPLITS if splits[split] & {strokes.tobytes() for strokes in faces}])
    assert [home for home in homes if len(home) != 1] == []
    assert homes[:10] == [["train"]] * 8 + [["validation"], ["test"]]
    assert len(drawings) > 120 and "\u0410" not in drawings  # the Cyrillic A is drawn as the Latin one


def test_the_embedded_strokes():
    dataset = load("glyphs")
    check(dataset)
    spec = DataSpec.of(dataset)
    assert spec.num_sequences[0] > 1000 and min(spec.num_sequences) > 100
    assert dataset.train.lengths.min() >= 4 and dataset.train.lengths.max() < 100
    assert (dataset.emission, dataset.normalization.name) == ("strokes", "vrnn")
    assert dataset.convention.startswith(
        f"glyphs, outlines in the DejaVu fonts of matplotlib {matplotlib.__version__}, y up, characters held out, D=3"
    )
