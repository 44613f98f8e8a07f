"""Pictures: what is drawn, where, and what is refused."""

import matplotlib.image
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from sisrnn_tf import plotting
from sisrnn_tf.plotting import images as image_pictures
from sisrnn_tf.types import Marginal

BOUND_RECORDS = [
    {"epoch": 1, "loss": 9.0, "surrogate": -8.0, "val_loss": 7.0, "reconstruction": -5.0, "kl": 3.0, "kl_weight": 0.5},
    {"epoch": 2, "loss": 8.0, "surrogate": -6.0, "val_loss": 5.0, "reconstruction": -4.0, "kl": 2.0, "kl_weight": 1.0},
]


def _curves(figure):
    return {line.get_label(): line.get_ydata().tolist() for axes in figure.axes for line in axes.get_lines()}


def test_training_curves_show_the_bound_at_beta_1_not_the_loss():
    curves = _curves(plotting.training_curves(BOUND_RECORDS))
    assert curves["training (β = 1, K as scheduled)"] == [8.0, 6.0]
    assert curves["validation (β = 1, K fixed)"] == [7.0, 5.0]
    assert curves["KL, training"] == [3.0, 2.0]
    assert curves["β"] == [0.5, 1.0]
    assert curves[r"$-\log\, p(x \mid z, h)$, training"] == [5.0, 4.0]


def test_an_exact_likelihood_has_one_panel_without_a_bound_sign():
    figure = plotting.training_curves([{"loss": 2.0, "val_loss": 3.0}, {"loss": 1.0, "val_loss": None}])
    (axes,) = figure.axes
    assert axes.get_ylabel() == "NLL [nats per sequence]"
    assert _curves(figure)["training"] == [2.0, 1.0]
    assert np.isnan(_curves(figure)["validation"][1])


@pytest.mark.parametrize("records", [[], [{"epoch": 1}], ["text"]])
def test_nothing_to_plot_is_refused(records):
    with pytest.raises(ValueError, match="`records` must"):
        plotting.training_curves(records)


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 9), columns=st.none() | st.integers(1, 12))
def test_each_image_stands_in_the_grid_once(count, columns):
    images = np.zeros((count, 2, 3))
    images[:, 1, 2] = (1 + np.arange(count)) / count
    (axes,) = plotting.image_grid(images, columns).axes
    mosaic = axes.get_images()[0].get_array()
    corners = mosaic[2::3, 3::4]  # each tile is 2 x 3 and a gap of 1
    np.testing.assert_allclose(np.sort(corners[corners != image_pictures._SEPARATOR]), images[:, 1, 2], atol=1e-12)


def test_samples_and_data_share_a_scale():
    figure = plotting.samples_beside_data(np.zeros((4, 2, 2)), np.ones((3, 2, 2)))
    assert [axes.get_title() for axes in figure.axes] == ["Samples from the model (4)", "Data (3)"]
    assert {axes.get_images()[0].get_clim() for axes in figure.axes} == {(0.0, 1.0)}


def test_a_reconstruction_stands_under_its_image():
    (axes,) = plotting.reconstructions(np.ones((1, 2, 2)), np.zeros((1, 2, 2))).axes
    column = axes.get_images()[0].get_array()[2:-2, 2]
    np.testing.assert_array_equal(column, [1.0, 1.0, image_pictures._SEPARATOR, 0.0, 0.0])


@pytest.mark.parametrize(
    ("draw", "name"),
    [
        (lambda: plotting.image_grid(np.zeros((2, 3))), "images"),
        (lambda: plotting.image_grid(np.zeros((0, 3, 3))), "images"),
        (lambda: plotting.image_grid(np.full((1, 3, 3), np.nan)), "images"),
        (lambda: plotting.image_grid(np.full((1, 3, 3), 2.0)), "images"),
        (lambda: plotting.image_grid(np.zeros((1, 3, 3)), columns=0), "columns"),
        (lambda: plotting.samples_beside_data(np.zeros((1, 3, 3)), np.zeros((1, 3, 2))), "samples"),
        (lambda: plotting.reconstructions(np.zeros((1, 3, 3)), np.zeros((2, 3, 3))), "reconstructed"),
    ],
)
def test_bad_images_are_named(draw, name):
    with pytest.raises(ValueError, match=f"`{name}` must .*Received: {name}"):
        draw()


def test_each_marginal_has_a_panel_with_its_gaussian():
    examples = [Marginal(n, 3, 1, np.array([-2.0, 2.0]), np.array([1.0, 1.0])) for n in range(5)]
    figure = plotting.marginals(examples)
    assert [axes.get_title().splitlines()[0] for axes in figure.axes] == [
        f"sequence {n}, step 3, dimension 1" for n in range(5)
    ]
    (axes, *_) = figure.axes
    assert "skewness 0.00, excess kurtosis -1.28" in axes.get_title()  # -2 a^4 / (a^2 + s^2)^2
    assert "negentropy" in axes.get_title()
    assert axes.get_xlabel() == "z"
    density, gaussian = axes.get_lines()
    assert density.get_ydata().max() == pytest.approx(0.5 / np.sqrt(2 * np.pi), rel=1e-2)
    assert gaussian.get_ydata().max() == pytest.approx(1 / np.sqrt(2 * np.pi * 5), rel=1e-2)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        r"posterior $g(z_t \mid x_t, h_{t-1})$",
        "Gaussian of equal mean and variance",
    ]


def test_information_is_drawn_under_its_limit():
    figure = plotting.information(np.array([1.0, np.nan]), np.array([0.5, np.nan]), np.array([4, 0]))
    (axes,) = figure.axes
    kl, information, limit = (line.get_ydata() for line in axes.get_lines())
    np.testing.assert_array_equal(kl, [1, np.nan])
    np.testing.assert_array_equal(information, [0.5, np.nan])
    np.testing.assert_array_equal(limit, [np.log(4), np.nan])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "[nats per step]")
    assert [text.get_text().split()[0] for text in figure.legends[0].get_texts()] == ["KL", "mutual", "log"]


def test_nothing_to_draw_of_a_posterior_is_refused():
    with pytest.raises(ValueError, match="`examples` must"):
        plotting.marginals([])
    with pytest.raises(ValueError, match="must be of one length"):
        plotting.information(np.zeros(3), np.zeros(2), np.ones(3))


def test_save_writes_a_png_and_nothing_else(tmp_path):
    plotting.save(plotting.image_grid(np.eye(3)[np.newaxis]), tmp_path / "grid.png")
    assert matplotlib.image.imread(tmp_path / "grid.png").std() > 0.1
    assert [path.name for path in tmp_path.iterdir()] == ["grid.png"]


def test_a_failed_save_keeps_the_old_picture(tmp_path, monkeypatch):
    (tmp_path / "grid.png").write_bytes(b"old")

    def fail(figure, path, **_):
        with open(path, "wb") as file:
            file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        plotting.save(plotting.image_grid(np.zeros((1, 2, 2))), tmp_path / "grid.png")
    assert (tmp_path / "grid.png").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["grid.png"]
