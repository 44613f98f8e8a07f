"""The data sets by name."""

import pathlib
from collections.abc import Callable
from typing import NamedTuple

from sisrnn_tf.data import (
    binarized_mnist,
    csv_files,
    digits,
    glyphs,
    iamondb,
    images,
    mnist,
    npz_files,
    pydoc,
    sentences,
    series,
    vocabulary,
)
from sisrnn_tf.data.spec import SequenceDataset

NO_IMAGES = "none"  # the binarization of all that is no image
_IMAGE_OPTIONS = ("binarization", "layout")
_VOCABULARY_OPTIONS = ("vocabulary_size", "max_length")
_TEXT_OPTIONS = ("data_dir", "train_split", "vocabulary_file", *_VOCABULARY_OPTIONS)
_SERIES_OPTIONS = ("normalization", "max_length")

# Which fields of the configuration's model say how observations are scored, by the kind of data.
EMISSION_OPTIONS = {
    "images": (),
    "text": (),
    "strokes": ("num_components", "emission_scale_floor", "max_correlation"),
    "reals": ("emission", "num_components", "emission_scale_floor"),
}


class Entry(NamedTuple):
    """A data set that can be named.

    Attributes:
        kind: a key of `EMISSION_OPTIONS`.
        options: names of those arguments of `load` that it makes use of; its reader takes them as keywords.
        read: (seed, **options) -> SequenceDataset.
        default_binarization: of images, where none is given.
        binarizations: those that it allows.
        default_normalization: of real-valued sequences, where none is given.
    """

    kind: str
    options: tuple[str, ...]
    read: Callable[..., SequenceDataset]
    default_binarization: str = NO_IMAGES
    binarizations: tuple[str, ...] = (NO_IMAGES,)
    default_normalization: str = "none"

    @property
    def is_text(self) -> bool:
        """Whether its sequences are sentences."""
        return self.kind == "text"


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

    return Entry("text", _TEXT_OPTIONS, read)


def _read_glyphs(seed, normalization, max_length) -> SequenceDataset:
    notes = [glyphs.version(), "y up", "characters held out"]
    return series.make("glyphs", glyphs.read(), "strokes", normalization, max_length, notes)


def _read_iamondb(seed, data_dir, splits, normalization, max_length) -> SequenceDataset:
    lines, notes = iamondb.read(data_dir, splits)
    return series.make("iamondb", lines, "strokes", normalization, max_length, notes)


def _read_strokes(seed, data_dir, normalization, max_length, allow_pickle) -> SequenceDataset:
    path = npz_files.find(data_dir, "strokes")
    return series.make(path.stem, npz_files.read(path, allow_pickle), "strokes", normalization, max_length)


def _read_npz(seed, data_dir, normalization, max_length) -> SequenceDataset:
    path = npz_files.find(data_dir, "npz")
    return series.make(path.stem, npz_files.read(path), "reals", normalization, max_length)


def _read_csv(seed, data_dir, normalization, max_length) -> SequenceDataset:
    names, splits = csv_files.read_splits(csv_files.find(data_dir))
    name = pathlib.Path(data_dir).expanduser().stem
    return series.make(name, splits, "reals", normalization, max_length, features=tuple(names))


def _strokes(read: Callable[..., SequenceDataset], *more_options: str) -> Entry:
    return Entry("strokes", (*more_options, *_SERIES_OPTIONS), read, default_normalization="vrnn")


def _reals(read: Callable[..., SequenceDataset]) -> Entry:
    return Entry("reals", ("data_dir", *_SERIES_OPTIONS), read, default_normalization="per_channel")


DATASETS: dict[str, Entry] = {
    "digits": Entry("images", _IMAGE_OPTIONS, _read_digits, "threshold", images.LEVELS),
    "mnist": Entry("images", ("data_dir", "download", *_IMAGE_OPTIONS), _read_mnist, "dynamic", images.LEVELS),
    "binarized_mnist": Entry(
        "images", ("data_dir", "download", *_IMAGE_OPTIONS), _read_binarized_mnist, "larochelle", ("larochelle",)
    ),
    "pydoc": Entry("text", _VOCABULARY_OPTIONS, _read_pydoc),
    "ptb": _text("ptb", whole=True),
    "yahoo": _text("yahoo", whole=True),
    "text": _text("text", whole=False),
    "glyphs": _strokes(_read_glyphs),
    "iamondb": _strokes(_read_iamondb, "data_dir", "splits"),
    "strokes": _strokes(_read_strokes, "data_dir", "allow_pickle"),
    "npz": _reals(_read_npz),
    "csv": _reals(_read_csv),
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
    normalization: str | None = None,
    splits: str = "vrnn",
    allow_pickle: bool = False,
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
        max_length: tokens of a sentence, or steps of a real-valued sequence, at the most.
        normalization: of real-valued sequences; None for the data set's default.
        splits: of iamondb, a key of `iamondb.PROTOCOLS`.
        allow_pickle: of strokes, whether to read pickled arrays, which can run any code.

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
        "normalization": normalization or entry.default_normalization,
        "splits": splits,
        "allow_pickle": allow_pickle,
    }
    return entry.read(seed, **{option: given[option] for option in entry.options})
