"""Pictures of pen strokes: grids of drawings, samples beside data, completions of what was begun."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

_PEN, _GIVEN, _TRUE = "black", "tab:orange", "tab:blue"
_GAP = 0.15  # between drawings, of the height of one
_INCHES = 1.1  # height of one
_WIDTH = 9.0  # of a grid at most, in inches
_WIDEST = 10.0  # cells are at most so many times as wide as high


def drawings(strokes: np.ndarray, lengths: np.ndarray, y_down: bool = False, title: str | None = None) -> Figure:
    """Draws pen strokes side by side, each as large as its cell allows.

    Args:
        strokes: offsets from point to point and whether the pen is lifted after the step, `[N, T, 3]`; the first
            starts at a point where the pen is down.
        lengths: steps of each, int `[N]`.
        y_down: whether y grows downward in the data, as in images, and not upward.
        title: written above the grid.

    Raises:
        ValueError: `strokes` or `lengths` is no such array, or holds what cannot be drawn.
    """
    parts = _checked("strokes", strokes, lengths)
    size = _cell_size(parts)
    columns = _columns(len(parts), size)
    figure = Figure(figsize=_figure_size(len(parts), columns, size), layout="constrained")
    _draw(figure.subplots(), parts, columns, size, y_down, title)
    return figure


def completions(
    completed: np.ndarray,
    truth: np.ndarray,
    truth_lengths: np.ndarray,
    context_steps: int,
    y_down: bool = False,
    title: str | None = None,
) -> Figure:
    """Draws what a model makes of begun drawings beside what they were, and says which color is which.

    Args:
        completed: as `strokes` of `drawings`; the first steps are those of `truth`.
        truth: the same drawings as they were, `[N, T, 3]`; anything after their ends.
        truth_lengths: steps of each, int `[N]`.
        context_steps: so many first steps were given.
        y_down: as of `drawings`.
        title: written above.

    Raises:
        ValueError: an argument is no such array, or holds what cannot be drawn.
    """
    lengths = np.full(len(completed), np.shape(completed)[1])
    grids = {
        "Completed by the model": (_checked("completed", completed, lengths), _PEN),
        "As they were": (_checked("truth", truth, truth_lengths), _TRUE),
    }
    size, count = _cell_size(grids["As they were"][0]), max(len(parts) for parts, _ in grids.values())
    columns = _columns(count, size)
    width, height = _figure_size(count, columns, size)
    figure = Figure(figsize=(2 * width + 0.3, height + 0.5), layout="constrained")
    for axes, (name, (parts, color)) in zip(figure.subplots(1, 2), grids.items(), strict=True):
        _draw(axes, parts, columns, size, y_down, name, context_steps, color)
    meanings = {"given": _GIVEN, "what the model adds": _PEN, "what followed": _TRUE}
    lines = [Line2D([], [], color=color, label=meaning) for meaning, color in meanings.items()]
    figure.legend(handles=lines, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def drawings_beside_data(
    samples: np.ndarray, sample_lengths: np.ndarray, data: np.ndarray, data_lengths: np.ndarray, y_down: bool = False
) -> Figure:
    """Draws a grid of what the model generates beside a grid of what it was fitted to.

    Args:
        samples, data: as `strokes` of `drawings`.
        sample_lengths, data_lengths: steps of each, int `[N]`.
        y_down: as of `drawings`.

    Raises:
        ValueError: an argument is no such array, or holds what cannot be drawn.
    """
    grids = {
        "Samples from the model": _checked("samples", samples, sample_lengths),
        "Data": _checked("data", data, data_lengths),
    }
    size, count = _cell_size(grids["Data"]), max(map(len, grids.values()))
    columns = _columns(count, size)
    width, height = _figure_size(count, columns, size)
    figure = Figure(figsize=(2 * width + 0.3, height), layout="constrained")
    for axes, (title, parts) in zip(figure.subplots(1, 2), grids.items(), strict=True):
        _draw(axes, parts, columns, size, y_down, f"{title} ({len(parts)})")
    return figure


def _checked(name: str, strokes: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    """Returns each drawing alone, `[T_n, 3]`."""
    strokes, lengths = np.asarray(strokes, np.float64), np.asarray(lengths)
    if strokes.ndim != 3 or 0 in strokes.shape or strokes.shape[2] != 3:
        raise ValueError(f"`{name}` must be a non-empty array [N, T, 3]. Received: {name}.shape={strokes.shape}")
    if lengths.shape != strokes.shape[:1] or (lengths < 1).any() or (lengths > strokes.shape[1]).any():
        raise ValueError(f"`lengths` must be {len(strokes)} ints from 1 to {strokes.shape[1]}. Received: {lengths}")
    parts = [part[:length] for part, length in zip(strokes, lengths, strict=True)]
    if not all(np.isfinite(part).all() for part in parts):
        raise ValueError(f"`{name}` must be finite. Received NaN or infinity")
    return parts


def _points(part: np.ndarray) -> np.ndarray:
    """Returns the points that a pen visits, the origin first, `[T + 1, 2]`."""
    return np.concatenate([np.zeros((1, 2)), np.cumsum(part[:, :2], axis=0)])


def _cell_size(parts: Sequence[np.ndarray]) -> tuple[float, float]:
    """Returns width and height of the cells, the height 1: the proportions of the median drawing."""
    width, height = np.median([np.ptp(_points(part), axis=0) for part in parts], axis=0)
    return (min(max(width / height, 1.0), _WIDEST) if height > 0 else 1.0), 1.0


def _columns(count: int, size: tuple[float, float]) -> int:
    return min(count, max(1, round(math.sqrt(count / size[0]))))


def _figure_size(count: int, columns: int, size: tuple[float, float]) -> tuple[float, float]:
    rows = math.ceil(count / columns)
    width, height = (number * (side + _GAP) for number, side in zip((columns, rows), size, strict=True))
    inches = min(_INCHES, _WIDTH / width)
    return max(4.5, width * inches), height * inches + 0.4


def _draw(
    axes: Axes,
    parts: Sequence[np.ndarray],
    columns: int,
    size: tuple[float, float],
    y_down: bool,
    title: str | None,
    context_steps: int = 0,
    color: str = _PEN,
) -> None:
    """Draws each part in its cell, row by row; the first steps in another color where they were given."""
    lines: dict[str, list[np.ndarray]] = {color: [], _GIVEN: []}
    for index, part in enumerate(parts):
        row, column = divmod(index, columns)
        center = np.array([column * (size[0] + _GAP), -row * (size[1] + _GAP)])
        points = _points(part) * (1, -1 if y_down else 1)
        extent = np.ptp(points, axis=0)
        scale = min(side / length if length > 0 else math.inf for side, length in zip(size, extent, strict=True))
        middle = points.min(axis=0) + extent / 2
        points = center + (points - middle) * (scale if math.isfinite(scale) else 1.0)
        for pen, first, last in ((_GIVEN, 0, context_steps), (color, context_steps, len(part))):
            lines[pen] += _lines(points, part[:, 2] > 0.5, first, min(last, len(part)))
    for pen, segments in lines.items():
        axes.add_collection(LineCollection(segments, colors=pen, linewidths=1.0, capstyle="round"))
    rows = math.ceil(len(parts) / columns)
    half = np.array([size[0], size[1]]) / 2 + _GAP / 2
    axes.set_xlim(-half[0], (columns - 1) * (size[0] + _GAP) + half[0])
    axes.set_ylim(-(rows - 1) * (size[1] + _GAP) - half[1], half[1])
    axes.set_aspect("equal")
    axes.set_axis_off()
    if title:
        axes.set_title(title, fontsize=11)


def _lines(points: np.ndarray, lifted: np.ndarray, first: int, last: int) -> list[np.ndarray]:
    """Returns the lines that the pen draws in steps first..last - 1, each `[P, 2]`.

    Args:
        points: `[T + 1, 2]`; step t leads from point t to point t + 1.
        lifted: after step t, bool `[T]`.
        first, last: steps.
    """
    if first >= last:
        return []
    steps = np.arange(first, last)
    drawn = np.array([step == 0 or not lifted[step - 1] for step in steps])
    runs = np.split(steps, np.flatnonzero(np.diff(drawn.astype(int))) + 1)
    return [points[run[0] : run[-1] + 2] for run in runs if drawn[run[0] - first]]
