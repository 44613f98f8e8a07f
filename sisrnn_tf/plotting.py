"""Pictures: arrays -> matplotlib figures, without pyplot and its global state."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

_TRAIN_COLOR = "tab:blue"
_VALIDATION_COLOR = "tab:orange"
_SEPARATOR = 0.3  # gray between images, on a scale where 1 is ink
_INCHES_PER_IMAGE = 0.75
_DPI = 120

# One curve: (metric, label, color, sign). One panel: (title, vertical axis, curves).
_Curve = tuple[str, str, str, int]
_Panel = tuple[str, str, tuple[_Curve, ...]]

_PANELS: tuple[_Panel, ...] = (
    (
        "Negative log-likelihood",
        "NLL [nats per sequence]",
        (
            ("loss", "training", _TRAIN_COLOR, 1),
            ("val_loss", "validation", _VALIDATION_COLOR, 1),
        ),
    ),
    (
        "Parts of the bound",
        "[nats per sequence]",
        (
            ("reconstruction", r"$-\log\, p(x \mid z, h)$, training", "tab:green", -1),
            ("val_reconstruction", r"$-\log\, p(x \mid z, h)$, validation", "tab:green", -1),
            ("kl", "KL, training", "tab:purple", 1),
            ("val_kl", "KL, validation", "tab:purple", 1),
        ),
    ),
    ("KL weight", "β", (("kl_weight", "β", _TRAIN_COLOR, 1),)),
    ("Extra mixing draws", "K", (("num_mixing", "K", _TRAIN_COLOR, 1),)),
)
_BOUND_PANEL: _Panel = (
    "Bound on the negative log-likelihood",
    "NLL ≤ [nats per sequence]",
    (
        ("surrogate", "training (β = 1, K as scheduled)", _TRAIN_COLOR, -1),
        ("val_loss", "validation (β = 1, K fixed)", _VALIDATION_COLOR, 1),
    ),
)


def training_curves(records: Iterable[Mapping[str, Any]]) -> Figure:
    """Plots what `metrics.jsonl` holds; metrics that no record has leave no trace.

    Args:
        records: one mapping an epoch. Read where present: `epoch` (else the position, from 1), `loss`, of a bound
            `surrogate` (shown negated) instead, `val_loss`,
            `reconstruction`, `val_reconstruction` (sum_t log p(x_t|.), shown negated), `kl`, `val_kl` (nats per
            sequence), `kl_weight` and `num_mixing`. None and values that are not finite leave a gap.

    Returns:
        A figure with one panel each for the NLL, its parts, beta and K, as far as the records know them.

    Raises:
        ValueError: a record is no mapping, or there is nothing to plot.
    """
    records = list(records)
    for record in records:
        if not isinstance(record, Mapping):
            raise ValueError(f"`records` must be mappings from metric to value. Received: record={record!r}")
    has_latent = any(np.isfinite(_values(records, key)).any() for key in ("kl", "val_kl"))
    panels = (_BOUND_PANEL, *_PANELS[1:]) if has_latent else _PANELS
    panels = [panel for panel in panels if any(np.isfinite(_values(records, curve[0])).any() for curve in panel[2])]
    if not panels:
        known = sorted({curve[0] for panel in (*_PANELS, _BOUND_PANEL) for curve in panel[2]})
        raise ValueError(f"`records` must hold at least one of {known}. Received: {len(records)} records without")
    columns = min(2, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(5.2 * columns, 3.4 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel_axes, panel in zip(axes, panels, strict=False):
        _draw_panel(panel_axes, panel, records)
    for unused in axes[len(panels) :]:
        unused.remove()
    return figure


def _values(records: Sequence[Mapping[str, Any]], key: str) -> np.ndarray:
    """Returns the metric `key` of every record, NaN where it is missing or None."""
    values = [record.get(key) for record in records]
    return np.array([math.nan if value is None else float(value) for value in values])


def _draw_panel(axes: Axes, panel: _Panel, records: Sequence[Mapping[str, Any]]) -> None:
    title, label, curves = panel
    epochs = _values(records, "epoch")
    epochs = np.where(np.isfinite(epochs), epochs, np.arange(1, len(records) + 1))
    for key, name, color, sign in curves:
        values = _values(records, key)
        if np.isfinite(values).any():
            few = np.isfinite(values).sum() < 10
            style = {
                "color": color,
                "linestyle": "--" if key.startswith("val_") else "-",
                "marker": "o" if few else None,  # a line through one epoch is invisible
                "markersize": 3,
                "linewidth": 1.4,
            }
            axes.plot(epochs, sign * np.where(np.isfinite(values), values, math.nan), label=name, **style)
    axes.set_title(title, fontsize=11)
    axes.set_xlabel("epoch")
    axes.set_ylabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if len(curves) > 1:
        axes.legend(frameon=False, fontsize=9)


def image_grid(images: np.ndarray, columns: int | None = None, title: str | None = None) -> Figure:
    """Draws images side by side, 0 as paper and 1 as ink.

    Args:
        images: `[N, R, C]`, values in [0, 1].
        columns: images in a row of the grid; None makes the grid about square.
        title: written above the grid.

    Raises:
        ValueError: `images` is not such an array, or `columns` is not positive.
    """
    images = _checked_images("images", images)
    columns = _checked_columns(columns, len(images))
    mosaic = _mosaic(images, columns)
    figure = Figure(figsize=_figure_size(mosaic, columns), layout="constrained")
    _show(figure.subplots(), mosaic, title)
    return figure


def samples_beside_data(samples: np.ndarray, data: np.ndarray) -> Figure:
    """Draws a grid of what the model generates beside a grid of what it was fitted to.

    Args:
        samples: `[N, R, C]`, values in [0, 1].
        data: `[M, R, C]`, values in [0, 1]; M may differ from N.

    Raises:
        ValueError: an argument is not such an array, or the two differ in image size.
    """
    samples, data = _checked_images("samples", samples), _checked_images("data", data)
    if samples.shape[1:] != data.shape[1:]:
        raise ValueError(
            f"`samples` must have images of the size of `data`. Received: samples.shape={samples.shape}, "
            f"data.shape={data.shape}"
        )
    columns = _checked_columns(None, max(len(samples), len(data)))
    grids = {
        f"Samples from the model ({len(samples)})": _mosaic(samples, columns),
        f"Data ({len(data)})": _mosaic(data, columns),
    }
    width, height = _figure_size(max(grids.values(), key=len), columns)
    figure = Figure(figsize=(2 * width + 0.3, height), layout="constrained")
    for axes, (title, grid) in zip(figure.subplots(1, 2), grids.items(), strict=True):
        _show(axes, grid, title)
    return figure


def reconstructions(data: np.ndarray, reconstructed: np.ndarray) -> Figure:
    """Draws each image above its reconstruction.

    Args:
        data: `[N, R, C]`, values in [0, 1].
        reconstructed: `[N, R, C]`, values in [0, 1], the reconstruction of `data[n]` at n.

    Raises:
        ValueError: an argument is not such an array, or the two differ in shape.
    """
    data, reconstructed = _checked_images("data", data), _checked_images("reconstructed", reconstructed)
    if data.shape != reconstructed.shape:
        raise ValueError(
            f"`reconstructed` must have the shape of `data`, {data.shape}. "
            f"Received: reconstructed.shape={reconstructed.shape}"
        )
    seam = np.full((len(data), 1, data.shape[2]), _SEPARATOR)
    pairs = np.concatenate([data, seam, reconstructed], axis=1)
    columns = min(len(pairs), 2 * math.ceil(math.sqrt(len(pairs) / 2)))  # a pair is about twice as high as wide
    title = "Data (upper) and reconstruction (lower of each pair)"
    mosaic = _mosaic(pairs, columns, gap=max(2, data.shape[1] // 6))
    figure = Figure(figsize=_figure_size(mosaic, columns), layout="constrained")
    _show(figure.subplots(), mosaic, title)
    return figure


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Writes a figure as PNG; at no moment does `path` hold half a picture.

    Args:
        figure: what to write.
        path: the file; its folder must exist.

    Raises:
        OSError: the folder does not exist or cannot be written.
    """
    folder, name = os.path.split(os.fspath(path))
    temporary = os.path.join(folder, f".{name}.{os.getpid()}.tmp")
    try:
        figure.savefig(temporary, format="png", dpi=_DPI)
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


def _checked_images(name: str, images: np.ndarray) -> np.ndarray:
    images = np.asarray(images)
    if images.ndim != 3 or 0 in images.shape:
        raise ValueError(f"`{name}` must be a non-empty array [N, R, C]. Received: {name}.shape={images.shape}")
    if images.dtype.kind not in "biuf":
        raise ValueError(f"`{name}` must be numbers in [0, 1]. Received: {name}.dtype={images.dtype}")
    images = images.astype(np.float64)
    # Written so that NaN fails, too; probabilities may exceed 1 by rounding.
    if not (images.min() >= 0 and images.max() <= 1 + 1e-6):
        raise ValueError(
            f"`{name}` must be numbers in [0, 1]. Received: {name} from {images.min():g} to {images.max():g}"
        )
    return images


def _checked_columns(columns: int | None, num_images: int) -> int:
    if columns is None:
        return math.ceil(math.sqrt(num_images))
    if columns < 1:
        raise ValueError(f"`columns` must be at least 1. Received: columns={columns}")
    return min(columns, num_images)


def _mosaic(images: np.ndarray, columns: int, gap: int = 1) -> np.ndarray:
    """Lays `[N, R, C]` out as one image, row by row, with `gap` pixels around each."""
    count, height, width = images.shape
    rows = math.ceil(count / columns)
    mosaic = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap), _SEPARATOR)
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        top, left = gap + row * (height + gap), gap + column * (width + gap)
        mosaic[top : top + height, left : left + width] = image
    return mosaic


def _figure_size(mosaic: np.ndarray, columns: int) -> tuple[float, float]:
    """Returns width and height in inches: the width also holds a title, the height follows the mosaic's proportions."""
    height, width = mosaic.shape
    inches = columns * _INCHES_PER_IMAGE
    return max(4.5, inches), inches * height / width + 0.4


def _show(axes: Axes, mosaic: np.ndarray, title: str | None) -> None:
    axes.imshow(mosaic, cmap="gray_r", vmin=0.0, vmax=1.0, interpolation="nearest")
    axes.set_axis_off()
    if title:
        axes.set_title(title, fontsize=11)
