"""The data sets by name."""

from collections.abc import Callable
from typing import NamedTuple

from sisrnn_tf.data import binarized_mnist, digits, images, mnist
from sisrnn_tf.data.spec import SequenceDataset


class Entry(NamedTuple):
    """A data set that can be named.

    Attributes:
        default_binarization: where none is given.
        binarizations: those that it allows.
        read: (data_dir, download, binarization, layout, seed) -> SequenceDataset.
    """

    default_binarization: str
    binarizations: tuple[str, ...]
    read: Callable[..., SequenceDataset]


def _read_digits(data_dir, download, binarization, layout, seed) -> SequenceDataset:
    return images.from_levels("digits", digits.read(), digits.MAXIMUM, binarization, layout, seed)


def _read_mnist(data_dir, download, binarization, layout, seed) -> SequenceDataset:
    levels = mnist.read(data_dir, download)
    return images.from_levels("mnist", levels, mnist.MAXIMUM, binarization, layout, seed)


def _read_binarized_mnist(data_dir, download, binarization, layout, seed) -> SequenceDataset:
    return images.from_binary("binarized_mnist", binarized_mnist.read(data_dir, download), binarization, layout)


DATASETS: dict[str, Entry] = {
    "digits": Entry("threshold", images.LEVELS, _read_digits),
    "mnist": Entry("dynamic", images.LEVELS, _read_mnist),
    "binarized_mnist": Entry("larochelle", ("larochelle",), _read_binarized_mnist),
}


def load(
    name: str,
    data_dir: str | None = None,
    download: bool = False,
    binarization: str | None = None,
    layout: str = "rows",
    seed: int = 0,
) -> SequenceDataset:
    """Reads a data set.

    Args:
        name: a key of `DATASETS`.
        data_dir: folder of the user's files, or of TFDS; embedded data ignores none and needs none.
        download: whether TFDS may use the network.
        binarization: convention; None for the data set's default.
        layout: `rows` or `pixels`.
        seed: of the binarization `sampled`.

    Raises:
        ValueError: the name or the convention is unknown, or the data is missing or damaged.
    """
    if name not in DATASETS:
        raise ValueError(f"`dataset` must be one of {', '.join(DATASETS)}. Received: dataset={name!r}")
    entry = DATASETS[name]
    binarization = binarization or entry.default_binarization
    if binarization not in entry.binarizations:
        raise ValueError(
            f"`binarization` must be one of {', '.join(entry.binarizations)} for {name}. "
            f"Received: binarization={binarization!r}"
        )
    if layout not in ("rows", "pixels"):
        raise ValueError(f"`layout` must be rows or pixels. Received: layout={layout!r}")
    return entry.read(data_dir, download, binarization, layout, seed)
