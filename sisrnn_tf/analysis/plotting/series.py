"""Pictures of real-valued series: samples beside data, forecasts as fans, and gaps that are filled."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sisrnn_tf.analysis import gaussian_mixtures

BANDS = ((0.1, 0.9), (0.25, 0.75))  # quantiles between which a fan is filled
_MAX_FEATURES = 4
_MAX_SEQUENCES = 6
_MAX_LINES = 8
_FAN_COLOR, _PATH_COLOR = "tab:blue", "tab:red"
_NUM_PATHS = 6  # single draws that are shown where a band would hide how they differ
_FEW_DRAWS = 30  # of which a density cannot be told


def series_beside_data(
    samples: np.ndarray, sample_lengths: np.ndarray, data: np.ndarray, data_lengths: np.ndarray
) -> Figure:
    """Plots a few series that the model generates beside a few that it was fitted to, a feature a row.

    Args:
        samples, data: `[N, T, D]`.
        sample_lengths, data_lengths: steps of each, int `[N]`.

    Raises:
        ValueError: an argument is no such array, or the two differ in D.
    """
    columns = {"Samples from the model": (samples, sample_lengths), "Data": (data, data_lengths)}
    for name, (values, _) in zip(("samples", "data"), columns.values(), strict=True):
        _check_rank(name, values, 3)
    if np.shape(samples)[2] != np.shape(data)[2]:
        raise ValueError(
            f"`samples` must have the features of `data`. Received shapes {np.shape(samples)} and {np.shape(data)}"
        )
    num_features = min(np.shape(data)[2], _MAX_FEATURES)
    figure = Figure(figsize=(9.0, 2.2 * num_features + 0.6), layout="constrained")
    grid = figure.subplots(num_features, 2, sharex=True, sharey="row", squeeze=False)
    for column, (title, (values, lengths)) in enumerate(columns.items()):
        for feature in range(num_features):
            axes = grid[feature, column]
            for series, length in zip(values[:_MAX_LINES], lengths[:_MAX_LINES], strict=True):
                axes.plot(series[:length, feature], linewidth=0.9, alpha=0.8)
            _style(axes, title if feature == 0 else "", f"feature {feature}" if column == 0 else "")
    for axes in grid[-1]:
        axes.set_xlabel("step")
    return figure


def fans(
    context: Sequence[np.ndarray],
    draws: np.ndarray,
    truth: np.ndarray | None = None,
    title: str | None = None,
    names: Sequence[str] | None = None,
    features: Sequence[str] | None = None,
) -> Figure:
    """Plots forecasts as medians with bands between quantiles, a sequence a row and a feature a column.

    They go on from what was observed last. Where draws gather around several values, which no median or band shows, a
    few of them are drawn too.

    Args:
        context: what was observed of each sequence, `[C_n, D]`; of the first few.
        draws: of what follows, `[S, N, F, D]`.
        truth: what did follow, `[N, F, D]`; NaN where it is not known. None where nothing is.
        title: written above.
        names: of the sequences, `[N]`; None for their numbers.
        features: their names, `[D]`; None for their numbers.

    Raises:
        ValueError: the shapes do not fit.
    """
    _check_rank("draws", draws, 4)
    truth_shape = None if truth is None else np.shape(truth)
    fits = truth_shape in (None, np.shape(draws)[1:])
    if len(context) != np.shape(draws)[1] or not fits:
        raise ValueError(
            f"`context` and `truth` must be of the sequences of `draws`. Received: {len(context)} contexts, "
            f"truth.shape={truth_shape}, draws.shape={np.shape(draws)}"
        )
    rows, columns = min(len(context), _MAX_SEQUENCES), min(np.shape(draws)[3], _MAX_FEATURES)
    names = [f"sequence {index}" for index in range(rows)] if names is None else names
    features = [f"feature {index}" for index in range(columns)] if features is None else features
    figure, grid = _grid(rows, columns)
    for index in range(rows):
        for feature in range(columns):
            axes = grid[index, feature]
            known = None if truth is None else truth[index, :, feature]
            _fan(axes, context[index][:, feature], draws[:, index, :, feature], known)
            _style(axes, features[feature] if index == 0 else "", names[index] if feature == 0 else "")
    _label(figure, title)
    return figure


def fills(
    sequences: Sequence[np.ndarray],
    draws: np.ndarray,
    title: str | None = None,
    names: Sequence[str] | None = None,
    features: Sequence[str] | None = None,
) -> Figure:
    """Plots series and what is drawn for their gaps, joined to what was observed; those with most missing come first.

    Args:
        sequences: each `[T_n, D]`, NaN where values are missing.
        draws: of the sequences without gaps, `[S, N, T, D]`; what was observed as it was.
        title, names, features: as of `fans`.

    Raises:
        ValueError: the shapes do not fit.
    """
    _check_rank("draws", draws, 4)
    longest = max(map(len, sequences), default=0)
    if (len(sequences), longest) != np.shape(draws)[1:3]:
        raise ValueError(
            f"`sequences` must be those of `draws`. Received: {len(sequences)} of at most {longest} steps, "
            f"draws.shape={np.shape(draws)}"
        )
    order = sorted(range(len(sequences)), key=lambda index: -np.isnan(sequences[index]).sum())[:_MAX_SEQUENCES]
    columns = min(np.shape(draws)[3], _MAX_FEATURES)
    figure, grid = _grid(len(order), columns)
    for row, index in zip(grid, order, strict=True):
        for feature, axes in enumerate(row):
            given = sequences[index][:, feature]
            _fill(axes, given, draws[:, index, : len(given), feature])
            heading = f"feature {feature}" if features is None else features[feature]
            name = f"sequence {index}" if names is None else names[index]
            _style(axes, heading if index == order[0] else "", name if feature == 0 else "")
    _label(figure, title)
    return figure


def has_several_modes(draws: np.ndarray) -> bool:
    """Returns whether draws gather around several values at half of the steps or more.

    Their density is a kernel estimate of the middle nine tenths, since single draws far out are peaks of their own,
    with Silverman's bandwidth; of whole numbers at least their distance.

    Args:
        draws: `[S, F]`.
    """
    outside = len(draws) // 20
    draws = np.sort(draws, axis=0)[outside : len(draws) - outside]
    spread = np.minimum(draws.std(axis=0), np.subtract(*np.quantile(draws, (0.75, 0.25), axis=0)) / 1.34)
    spread = np.where(spread > 0, spread, draws.std(axis=0))  # most draws may be equal
    moves = spread > 0
    if len(draws) < _FEW_DRAWS or not moves.any():
        return False
    bandwidth = 1.06 * spread[moves] * len(draws) ** -0.2
    whole = bool((draws == np.rint(draws)).all())
    scale = np.broadcast_to(np.maximum(bandwidth, 1.0 if whole else 0.0), [len(draws), moves.sum()])
    _, log_density = gaussian_mixtures.densities_on_grid(draws[:, moves], scale)
    return bool((gaussian_mixtures.count_modes(np.exp(log_density)) > 1).sum() >= 0.5 * draws.shape[1])


def _fan(axes: Axes, context: np.ndarray, draws: np.ndarray, truth: np.ndarray | None) -> None:
    """Plots one feature of one sequence: context `[C]`, draws `[S, F]`, truth `[F]`."""
    steps, several = len(context) + np.arange(draws.shape[1]), has_several_modes(draws)
    if len(context):
        axes.plot(np.arange(len(context)), context, color="black", linewidth=1.0, label="observed")
    if len(context) and np.isfinite(context[-1]):
        steps = np.concatenate([[len(context) - 1], steps])
        draws = np.concatenate([np.full([len(draws), 1], context[-1]), draws], axis=1)
        truth = None if truth is None else np.concatenate([context[-1:], truth])
    _bands(axes, steps, draws)
    if several:
        for index, draw in enumerate(draws[:_NUM_PATHS]):
            style: dict[str, Any] = {"color": _PATH_COLOR, "linewidth": 0.6, "alpha": 0.8}
            axes.plot(steps, draw, label=f"{_NUM_PATHS} single draws" if index == 0 else None, **style)
    if truth is not None:
        axes.plot(steps, truth, color="black", linewidth=1.0, linestyle=":", label="what followed")


def _fill(axes: Axes, given: np.ndarray, draws: np.ndarray) -> None:
    """Plots one feature of one sequence, `[T]`, NaN in its gaps, and draws of the whole, `[S, T]`."""
    ends = np.flatnonzero(np.diff(np.isnan(given), prepend=False, append=False)).reshape(-1, 2)
    for first, last in ends:
        steps = np.arange(max(first - 1, 0), min(last + 1, len(given)))  # with the values that it is joined to
        _bands(axes, steps, draws[:, steps])
    style: dict[str, Any] = {"color": "black", "linewidth": 1.0, "marker": ".", "markersize": 3}
    axes.plot(given, label="observed", **style)


def _bands(axes: Axes, steps: np.ndarray, draws: np.ndarray) -> None:
    """Plots the median of draws `[S, F]` and bands between their quantiles."""
    for number, (lower, upper) in enumerate(BANDS):
        label = f"{100 * lower:.0f}-{100 * upper:.0f} %"
        band = np.quantile(draws, (lower, upper), axis=0)
        axes.fill_between(steps, *band, color=_FAN_COLOR, alpha=0.2 + 0.15 * number, linewidth=0, label=label)
    axes.plot(steps, np.median(draws, axis=0), color=_FAN_COLOR, linewidth=1.2, label="median")


def _grid(rows: int, columns: int) -> tuple[Figure, np.ndarray]:
    figure = Figure(figsize=(max(5.0, 4.0 * columns), 2.0 * rows + 0.8), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def _label(figure: Figure, title: str | None) -> None:
    """Names the lowest axes, and what is drawn, once for all of them."""
    entries: dict[str, Any] = {}
    for axes in figure.axes:
        if axes.get_subplotspec().is_last_row():  # type: ignore[union-attr]
            axes.set_xlabel("step")
        entries |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    place: dict[str, Any] = {"loc": "outside lower center", "ncols": 6, "frameon": False, "fontsize": 9}
    figure.legend(entries.values(), entries.keys(), **place)
    if title:
        figure.suptitle(title, fontsize=11)


def _check_rank(name: str, values: np.ndarray, rank: int) -> None:
    shape = np.shape(values)
    if len(shape) != rank or 0 in shape:
        raise ValueError(f"`{name}` must be a non-empty array of {rank} axes. Received: {name}.shape={shape}")


def _style(axes: Axes, title: str, label: str) -> None:
    axes.set_title(title, fontsize=11)
    axes.set_ylabel(label, fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
