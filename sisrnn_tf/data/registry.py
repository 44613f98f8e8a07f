"""The data sets by name."""

from collections.abc import Callable
from typing import NamedTuple

from sisrnn_tf.data import binarized_mnist, digits, images, mnist, pydoc, sentences, vocabulary
from sisrnn_tf.data.spec import SequenceDataset

NO_IMAGES = "none"  # the binarization of text
_IMAGE_OPTIONS = ("binarization", "layout")
_VOCABULARY_OPTIONS = ("vocabulary_size", "max_length")
_TEXT_OPTIONS = ("data_dir", "train_split", "vocabulary_file", *_VOCABULARY_OPTIONS)


class Entry(NamedTuple):
    """A data set that can be named.

    Attributes:
        default_binarization: where none is given.
        binarizations: those that it allows.
        options: names of those arguments of `load` that it makes use of; its reader takes them as keywords.
        read: (seed, **options) -> SequenceDataset.
    """

    default_binarization: str
    binarizations: tuple[str, ...]
    options: tuple[str, ...]
    read: Callable[..., SequenceDataset]

    @property
    def is_text(self) -> bool:
        """Whether its sequences are sentences."""
        return self.default_binarization == NO_IMAGES


def _read_digits(seed, binarization, layout) -> SequenceDataset:
    return images.from_levels("digits", digits.read(), digits.MAXIMUM, binarization, layout, seed)


def _read_mnist(seed, data_dir, download, binarization, layout) -> SequenceDataset:
    levels = mnist.read(data_dir, download)
    return images.from_levels("mnist", levels, mnist.MAXIMUM, binarization, layout, seed)


def _read_binarized_mnist(seed, data_dir, download, binarization, layout) -> SequenceDataset:
    return images.from_binary("binarized_mnist", binarized_mnist.read(data_dir, download), binarization, layout)


def _read_pydoc(seed, vocabulary_size, max_length) -> SequenceDataset:
    texts = pydoc.read()
    words = vocabulary.build(texts["train"], vocabulary_size)
    return sentences.make("pydoc", texts, words, [pydoc.version(), "of the training text"], max_length)


def _text(name: str, whole: bool) -> Entry:
    def read(seed, **options):
        return sentences.read(name, whole=whole, **options)

    return Entry(NO_IMAGES, (NO_IMAGES,), _TEXT_OPTIONS, read)


DATASETS: dict[str, Entry] = {
    "digits": Entry("threshold", images.LEVELS, _IMAGE_OPTIONS, _read_digits),
    "mnist": Entry("dynamic", images.LEVELS, ("data_dir", "download", *_IMAGE_OPTIONS), _read_mnist),
    "binarized_mnist": Entry(
        "larochelle", ("larochelle",), ("data_dir", "download", *_IMAGE_OPTIONS), _read_binarized_mnist
    ),
    "pydoc": Entry(NO_IMAGES, (NO_IMAGES,), _VOCABULARY_OPTIONS, _read_pydoc),
    "ptb": _text("ptb", whole=True),
    "yahoo": _text("yahoo", whole=True),
    "text": _text("text", whole=False),
}


def load(
    name: str,
    data_dir: str | None = None,
    download: bool = False,
    binarization: str | None = None,
    layout: str = "rows",
    seed: int = 0,
    train_split: str = "train",
    vocabulary_file: str | None = None,
    vocabulary_size: int = 20_000,
    max_length: int | None = None,
) -> SequenceDataset:
    """Reads a data set.

    Args:
        name: a key of `DATASETS`.
        data_dir: folder of the user's files, or of TFDS; embedded data needs none.
        download: whether TFDS may use the network.
        binarization: convention of images; None for the data set's default.
        layout: of images, `rows` or `pixels`.
        seed: of the binarization `sampled`.
        train_split: of text, `train` or `val`; see `sentences.read`, also for what follows.
        vocabulary_file: of text, a word a line.
        vocabulary_size: of text, V at the most where the vocabulary is made of the training text.
        max_length: of text, tokens of a sentence at the most.

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
    given = {
        "data_dir": data_dir,
        "download": download,
        "binarization": binarization,
        "layout": layout,
        "train_split": train_split,
        "vocabulary_file": vocabulary_file,
        "vocabulary_size": vocabulary_size,
        "max_length": max_length,
    }
    return entry.read(seed, **{option: given[option] for option in entry.options})
