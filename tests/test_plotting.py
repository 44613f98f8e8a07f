"""Pictures: what is drawn, where, and what is refused."""

import matplotlib.image
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from sisrnn_tf.analysis import plotting
from sisrnn_tf.analysis.plotting import images as image_pictures
from sisrnn_tf.core.types import Marginal

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
    figure = plotting.training_curves(
        [{"loss": 5.0, "log_likelihood": -2.0, "val_loss": 3.0}, {"log_likelihood": -1.0, "val_loss": None}]
    )
    (axes,) = figure.axes
    assert axes.get_ylabel() == "NLL [nats per sequence]"
    assert _curves(figure)["training"] == [2.0, 1.0]
    assert np.isnan(_curves(figure)["validation"][1])


def test_late_progress_shows_and_the_epochs_before_are_named():
    values = [1000.0, 300.0, *np.linspace(52.0, 50.0, 18)]
    figure = plotting.training_curves([{"log_likelihood": -value, "val_loss": value + 1} for value in values])
    (axes,) = figure.axes
    low, high = axes.get_ylim()
    assert 49 < low < 50 and 52.5 < high < 53  # those from the sixth epoch on, and a margin
    assert [text.get_text() for text in axes.texts] == ["epochs 1 to 4 lie beyond this scale"]
    steady = plotting.training_curves([{"log_likelihood": epoch - 52.0} for epoch in range(20)])
    assert not steady.axes[0].texts and steady.axes[0].get_ylim()[1] > 52


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

    def fail(figure, file, **_):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        plotting.save(plotting.image_grid(np.zeros((1, 2, 2))), tmp_path / "grid.png")
    assert (tmp_path / "grid.png").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["grid.png"]


# A square of side 2 whose last side is not drawn, then a jump and a line.
SQUARE = np.array([[2, 0, 0], [0, 2, 0], [-2, 0, 1], [0, -2, 0], [1, 0, 0]], float)


def _segments(axes, color):
    (found,) = [part for part in axes.collections if (part.get_colors()[0] == to_rgba(color)).all()]
    return found.get_segments()


def test_the_pen_draws_where_it_is_down():
    first, second = _segments(plotting.drawings(SQUARE[np.newaxis], [5]).axes[0], "black")
    assert first.shape == (4, 2) and second.shape == (2, 2)
    size = np.ptp(first[:, 0])
    np.testing.assert_allclose((first - first[0]) / size, [[0, 0], [1, 0], [1, 1], [0, 1]], atol=1e-12)
    np.testing.assert_allclose((second - first[0]) / size, [[0, 0], [0.5, 0]], atol=1e-12)


def test_y_grows_downward_on_request():
    first, _ = _segments(plotting.drawings(SQUARE[np.newaxis], [5], y_down=True).axes[0], "black")
    assert first[1, 1] == first[0, 1] > first[2, 1]


def test_completions_stand_beside_what_was_drawn_and_say_which_color_is_which():
    truth = np.stack([SQUARE, SQUARE])
    truth[1, 3:] = np.nan
    figure = plotting.completions(np.stack([SQUARE, SQUARE]), truth, [5, 3], context_steps=2)
    assert [axes.get_title() for axes in figure.axes] == ["Completed by the model", "As they were"]
    for axes, color, pieces in ((figure.axes[0], "black", [2, 2, 2, 2]), (figure.axes[1], "tab:blue", [2, 2, 2])):
        assert [len(part) for part in _segments(axes, "tab:orange")] == [3, 3]  # points
        assert [len(part) for part in _segments(axes, color)] == pieces
    handles = {line.get_label(): line.get_color() for line in figure.legends[0].legend_handles}
    assert handles == {"given": "tab:orange", "what the model adds": "black", "what followed": "tab:blue"}


def test_drawings_stay_in_their_cells():
    rng = np.random.default_rng(0)
    strokes = np.concatenate(
        [rng.normal(size=(9, 20, 2)) * rng.uniform(1, 99, (9, 1, 2)), np.zeros((9, 20, 1))], axis=-1
    )
    figure = plotting.drawings(strokes, np.full(9, 20))
    boxes = np.array([[line.min(axis=0), line.max(axis=0)] for line in _segments(figure.axes[0], "black")])
    for index, (lower, upper) in enumerate(boxes):
        for other_lower, other_upper in boxes[:index]:
            assert (upper < other_lower).any() or (lower > other_upper).any()
    limits = np.array([figure.axes[0].get_xlim(), figure.axes[0].get_ylim()]).T
    assert (boxes > limits[0]).all() and (boxes < limits[1]).all()


def test_a_drawing_of_one_point_is_drawn():
    figure = plotting.drawings_beside_data(np.zeros((1, 1, 3)), [1], SQUARE[np.newaxis], [5])
    assert [axes.get_title() for axes in figure.axes] == ["Samples from the model (1)", "Data (1)"]


def test_a_fan_has_the_quantiles_of_its_draws():
    draws = np.random.default_rng(0).normal(size=(200, 2, 4, 1))
    figure = plotting.fans([np.zeros((3, 1)), np.zeros((5, 1))], draws, np.ones((2, 4, 1)))
    assert len(figure.axes) == 2
    axes = figure.axes[1]
    outer, inner = (part.get_paths()[0].vertices for part in axes.collections)
    for band, (lower, upper) in ((outer, (0.1, 0.9)), (inner, (0.25, 0.75))):
        assert band[:, 0].min() == 4 and band[:, 0].max() == 8  # from what was observed last
        assert set(band[band[:, 0] == 4, 1]) == {0.0}
        at_five = band[band[:, 0] == 5, 1]
        np.testing.assert_allclose([at_five.min(), at_five.max()], np.quantile(draws[:, 1, 0, 0], [lower, upper]))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "observed",
        "10-90 %",
        "25-75 %",
        "median",
        "what followed",
    ]


def test_a_fan_and_what_followed_go_on_from_what_was_observed_last():
    draws = np.random.default_rng(0).normal(size=(200, 1, 4, 1))
    (axes,) = plotting.fans([np.full((3, 1), 7.0)], draws, np.ones((1, 4, 1))).axes
    curves = {line.get_label(): line.get_xydata().tolist() for line in axes.get_lines()}
    assert curves["median"][0] == curves["what followed"][0] == [2.0, 7.0]
    assert curves["what followed"][1:] == [[3.0 + step, 1.0] for step in range(4)]


def test_draws_around_several_values_are_drawn_singly():
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(2, 100, 1, 6, 1))
    two += np.where(rng.random((100, 1, 1, 1)) < 0.3, 8.0, -8.0)
    for draws, several in ((one, False), (two, True), (rng.poisson(4.0, one.shape).astype(float), False)):
        labels = [text.get_text() for text in plotting.fans([np.zeros((2, 1))], draws).legends[0].get_texts()]
        assert ("6 single draws" in labels) == several
        (axes,) = plotting.fans([np.zeros((2, 1))], draws).axes
        assert len(axes.get_lines()) == 2 + 6 * several


def test_a_fan_of_what_nothing_comes_before_names_no_observation():
    figure = plotting.fans([np.zeros((0, 1))], np.random.default_rng(0).normal(size=(20, 1, 4, 1)))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["10-90 %", "25-75 %", "median"]


def test_what_fills_a_gap_is_joined_to_what_was_observed():
    draws = np.random.default_rng(0).normal(size=(200, 2, 6, 1))
    whole, gappy = np.zeros((4, 1)), np.array([[7.0], [np.nan], [np.nan], [5.0], [6.0], [np.nan]])
    draws[:, 1][:, ~np.isnan(gappy[:, 0]), 0] = [7.0, 5.0, 6.0]
    figure = plotting.fills([whole, gappy], draws, names=["whole", "gappy"])
    first, second = figure.axes
    assert (first.get_ylabel(), second.get_ylabel(), second.get_xlabel()) == ("gappy", "whole", "step")
    medians = [line.get_xydata().tolist() for line in first.get_lines() if line.get_label() == "median"]
    middle = np.median(draws[:, 1, :, 0], axis=0)
    assert medians == [[[0, 7], [1, middle[1]], [2, middle[2]], [3, 5]], [[4, 6], [5, middle[5]]]]
    assert len(first.collections) == 4 and not second.collections
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "10-90 %",
        "25-75 %",
        "median",
        "observed",
    ]


def test_series_stand_beside_data_on_one_scale():
    figure = plotting.series_beside_data(np.zeros((2, 3, 2)), [3, 1], np.ones((1, 4, 2)), [4])
    assert [axes.get_title() for axes in figure.axes] == ["Samples from the model", "Data", "", ""]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
    assert [len(line.get_ydata()) for line in figure.axes[0].get_lines()] == [3, 1]


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plotting.drawings(np.zeros((2, 3)), [1]), "`strokes` must be a non-empty array"),
        (lambda: plotting.drawings(np.zeros((2, 3, 2)), [1, 1]), "`strokes` must be a non-empty array"),
        (lambda: plotting.drawings(np.zeros((2, 3, 3)), [1, 4]), "`lengths` must be 2 ints from 1 to 3"),
        (lambda: plotting.drawings(np.full((1, 3, 3), np.nan), [2]), "`strokes` must be finite"),
        (lambda: plotting.fans([np.zeros((2, 1))], np.zeros((5, 1, 0, 1))), "`draws` must be a non-empty array"),
        (lambda: plotting.fills([np.zeros((2, 1))], np.zeros((5, 1, 3, 1))), "`sequences` must be those of `draws`"),
        (lambda: plotting.fans([], np.zeros((5, 1, 2, 1))), "`context` and `truth` must be of the sequences"),
        (
            lambda: plotting.series_beside_data(np.zeros((1, 2, 2)), [2], np.zeros((1, 2, 1)), [2]),
            "`samples` must have the features",
        ),
    ],
)
def test_bad_strokes_and_series_are_named(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def test_the_same_figure_makes_the_same_svg(tmp_path):
    for name in ("a.svg", "b.svg"):
        plotting.save(plotting.drawings(SQUARE[np.newaxis], [5]), tmp_path / name)
    text = (tmp_path / "a.svg").read_text()
    assert text == (tmp_path / "b.svg").read_text() and "<svg" in text and text.rstrip().endswith("</svg>")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.svg", "b.svg"]
