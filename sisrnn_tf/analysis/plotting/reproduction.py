"""Pictures of a reproduction: learning curves, tightness of bounds, our numbers beside the paper's."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

_COLORS = matplotlib.color_sequences["tab10"]


class Curve(NamedTuple):
    """Validation of one run.

    Attributes:
        label: of the row; runs of one label have one color.
        seconds: from the start of training to the end of each epoch, `[E]`.
        nll: after each epoch, nats a sequence, `[E]`.
    """

    label: str
    seconds: Sequence[float]
    nll: Sequence[float]


class Comparison(NamedTuple):
    """One line of a table.

    Attributes:
        label: of the model.
        paper: the paper's NLL; None if it has none.
        ours: estimator -> our NLL; empty if there is none.
    """

    label: str
    paper: float | None
    ours: Mapping[str, float]


def learning_curves(curves: Sequence[Curve]) -> Figure:
    """Draws the validation NLL of runs against epochs, and against seconds of training.

    Args:
        curves: a run each.

    Raises:
        ValueError: there is no run.
    """
    _require_some("curves", curves)
    labels = list(dict.fromkeys(curve.label for curve in curves))
    figure = Figure(figsize=(10.4, 4.2 + 0.16 * len(labels)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for curve in curves:
        index = labels.index(curve.label)
        style = {
            "color": _COLORS[index % len(_COLORS)],
            "marker": "o",
            "markersize": 3,
            "linewidth": 1.2,
            "linestyle": "-" if index < len(_COLORS) else "--",
        }
        left.plot(np.arange(1, len(curve.nll) + 1), curve.nll, label=curve.label, **style)
        right.plot(curve.seconds, curve.nll, **style)
    left.set_ylabel("validation NLL [nats a sequence]")
    left.set_xlabel("epoch")
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.set_xlabel("seconds of training")
    _finish(figure, (left, right), left)
    return figure


def bound_tightness(bounds: Mapping[str, Mapping[int, float]]) -> Figure:
    """Draws how much looser L_K is than at the largest K, against K.

    Args:
        bounds: label of the model -> K -> minus L_K, nats a sequence.

    Raises:
        ValueError: there is no model.
    """
    _require_some("bounds", bounds)
    figure = Figure(figsize=(6.4, 4.2 + 0.16 * len(bounds)), layout="constrained")
    axes = figure.subplots()
    for index, (label, values) in enumerate(bounds.items()):
        color = _COLORS[index % len(_COLORS)]
        gaps = [value - values[max(values)] for value in values.values()]
        axes.plot(list(values), gaps, marker="o", markersize=4, label=label, color=color)
    axes.set_xscale("symlog", linthresh=1.0)
    mixing = sorted({k for values in bounds.values() for k in values})
    axes.set_xticks(mixing, [str(k) for k in mixing])
    axes.minorticks_off()
    axes.set_xlabel("K, mixing draws beside the generating one")
    axes.set_ylabel("L_K below that of the largest K [nats]")
    _finish(figure, (axes,), axes)
    return figure


def beside_paper(lines: Sequence[Comparison], data: str) -> Figure:
    """Draws our numbers beside the paper's, a line a model.

    Args:
        lines: a model each, from the top.
        data: what our numbers are of.

    Raises:
        ValueError: there is no model.
    """
    _require_some("lines", lines)
    figure = Figure(figsize=(7.6, 1.6 + 0.28 * len(lines)), layout="constrained")
    axes = figure.subplots()
    heights = np.arange(len(lines))[::-1]
    quoted = [(line.paper, height) for line, height in zip(lines, heights, strict=True) if line.paper is not None]
    if quoted:
        axes.plot(*zip(*quoted, strict=True), "o", color="black", markersize=5, label="the paper")
    names = list(dict.fromkeys(name for line in lines for name in line.ours))
    for index, name in enumerate(names):
        ours = [(line.ours[name], height) for line, height in zip(lines, heights, strict=True) if name in line.ours]
        label = f"ours on {data}, {name}"
        axes.plot(*zip(*ours, strict=True), "Dsv^"[index % 4], color=_COLORS[index], markersize=5, label=label)
    axes.set_yticks(heights, [line.label for line in lines], fontsize=8)
    axes.set_xlabel("NLL [nats per sequence]")
    _finish(figure, (axes,), axes)
    return figure


def _require_some(name: str, values: Sequence | Mapping) -> None:
    if not values:
        raise ValueError(f"`{name}` must not be empty. Received: {name}={values!r}")


def _finish(figure: Figure, panels: Sequence[Axes], labeled: Axes) -> None:
    for axes in panels:
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    handles, labels = labeled.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(unique.values(), unique, loc="outside lower center", ncols=3, frameon=False, fontsize=8)
