"""Pictures of series whose surprising steps are marked."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

_MAX_FEATURES = 4
_MAX_SEQUENCES = 6
_MARK = "tab:red"


def surprises(
    sequences: Sequence[np.ndarray],
    nll: Sequence[np.ndarray],
    beyond: Sequence[np.ndarray],
    names: Sequence[str],
    features: Sequence[str],
) -> Figure:
    """Plots the series with the most surprising steps, a sequence a row: its features, and -log p of each step.

    Args:
        sequences: each `[T_n, D]`.
        nll: -log p(x_t | x_<t) of their steps, each `[T_n]`.
        beyond: whether a step is marked, each `[T_n]`.
        names: of the sequences, `[N]`.
        features: their names, `[D]`.

    Raises:
        ValueError: the arguments are not of the same sequences, or there is none.
    """
    lengths = [list(map(len, parts)) for parts in (sequences, nll, beyond)]
    if not sequences or lengths.count(lengths[0]) != 3 or len(names) != len(sequences):
        raise ValueError(f"`nll` and `beyond` must be of the steps of `sequences`. Received lengths {lengths}")
    order = sorted(range(len(sequences)), key=lambda index: -np.max(nll[index]))[:_MAX_SEQUENCES]
    columns = min(sequences[0].shape[1], _MAX_FEATURES)
    figure = Figure(figsize=(4.0 * (columns + 1), 2.0 * len(order) + 0.8), layout="constrained")
    grid = figure.subplots(len(order), columns + 1, squeeze=False)
    for row, index in zip(grid, order, strict=True):
        marked = np.flatnonzero(beyond[index])
        curves = [*np.asarray(sequences[index])[:, :columns].T, nll[index]]
        for axes, values in zip(row, curves, strict=True):
            axes.plot(values, color="black", linewidth=0.9)
            axes.plot(marked, values[marked], "o", color=_MARK, markersize=4, label="beyond the threshold")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.tick_params(labelsize=8)
            axes.grid(alpha=0.3)
            axes.spines[["top", "right"]].set_visible(False)
        row[0].set_ylabel(names[index], fontsize=9)
    for axes, title in zip(grid[0], [*features[:columns], "-log p of the step, nats"], strict=True):
        axes.set_title(title, fontsize=11)
    for axes in grid[-1]:
        axes.set_xlabel("step")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", frameon=False, fontsize=9)
    return figure
