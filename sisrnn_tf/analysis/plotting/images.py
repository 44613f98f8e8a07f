"""Pictures of images: grids, samples beside data, reconstructions."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_SEPARATOR = 0.3  # gray between images, on a scale where 1 is ink
_INCHES_PER_IMAGE = 0.75


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
