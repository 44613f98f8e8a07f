"""Pictures of what a model draws, by the kind of its data."""

import dataclasses

import matplotlib.image
import numpy as np
import pytest

import sisrnn_tf
from sisrnn_tf.data.normalization import Normalization
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.runs import pictures
from sisrnn_tf.runs.workdir import Workdir

SIZES = {"hidden_size": 2, "decoder_sizes": (2,)}
REALS = DataSpec("sensors", "sensors", "reals", 2, 6, None, (4, 1, 1), normalization=Normalization("a", (5, 0), (2, 1)))
STROKES = DataSpec("glyphs", "glyphs", "strokes", 3, 6, None, (4, 1, 1))


def _axes(figure):
    return figure.axes[0]


@pytest.mark.parametrize("spec", [REALS, STROKES])
def test_samples_beside_data_are_drawn_of_reals_and_strokes(spec, tmp_path):
    emissions = sisrnn_tf.emissions
    emission = emissions.StrokeMixture(2) if spec is STROKES else emissions.Normal(spec.observation_size)
    workdir = Workdir(tmp_path)
    workdir.plots.mkdir()
    data = np.ones((4, 6, spec.observation_size), "float32")
    pictures.draw(sisrnn_tf.RNN(emission, **SIZES), data, np.array([6, 3, 1, 2]), spec, workdir, 0)
    assert [path.name for path in workdir.plots.iterdir()] == ["samples.png"]
    assert matplotlib.image.imread(workdir.plots / "samples.png").std() > 0.01


def test_samples_beside_data_are_in_the_users_units():
    figure = pictures._beside_data(np.zeros((2, 6, 2)), np.ones((2, 6, 2)), np.array([6, 2]), REALS)
    values = [[line.get_ydata() for line in axes.get_lines()] for axes in figure.axes]
    assert [len(line) for line in values[0]] == [6, 2]
    assert [set(line) for row in values for line in row] == [{5}] * 2 + [{7}] * 2 + [{0}] * 2 + [{1}] * 2


def test_samples_of_reals_are_a_fan_and_of_strokes_drawings():
    draws = np.random.default_rng(0).normal(size=(50, 6, 2))
    fan = _axes(pictures.samples(draws, REALS))
    median = next(line for line in fan.get_lines() if line.get_label() == "median")
    np.testing.assert_allclose(median.get_ydata(), np.median(draws[..., 0], axis=0))
    assert len(_axes(pictures.samples(np.ones((3, 6, 3)), STROKES)).collections) == 2


def test_y_grows_upward_where_the_reader_makes_it_so():
    upward = np.array([[[0.0, 1.0, 0.0]]])
    lines = {
        convention: _axes(pictures.samples(upward, dataclasses.replace(STROKES, convention=convention)))
        .collections[0]
        .get_segments()[0]
        for convention in ("glyphs, y up, D=3", "glyphs, D=3")  # the latter of the user's file of this name
    }
    assert {name: np.sign(line[1, 1] - line[0, 1]) for name, line in lines.items()} == {
        "glyphs, y up, D=3": 1,
        "glyphs, D=3": -1,
    }


def test_images_of_another_size_have_no_picture():
    spec = DataSpec("digits", "digits", "bernoulli", 8, 8, (8, 8), (4, 1, 1))
    assert pictures.samples(np.zeros((2, 5, 8)), spec) is None
    assert pictures.samples(np.zeros((2, 8, 8)), spec) is not None
