"""The data sets by name."""

import logging
import pathlib
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from sisrnn_tf.data import (
    binarized_mnist,
    digits,
    iamondb,
    images,
    layout,
    mnist,
    npz_files,
    pydoc,
    sentences,
    series,
    vocabulary,
)
from sisrnn_tf.data.kinds import IMAGES, SERIES, STROKES, TEXT, Kind
from sisrnn_tf.data.spec import Y_UP, SequenceDataset

_LOGGER = logging.getLogger(__name__)
NO_IMAGES = "none"  # the binarization of all that is no image
_TEXT_FILES = (
    "train.txt, valid.txt or val.txt, and test.txt, plain or gzipped, a tokenized sentence a line; text may lack the "
    "latter two, or be a single file"
)
# The paper's handwriting: "the same .. except that we used 256 hidden units for GRU".
_HANDWRITING = {"paper": {"hidden_size": 256}}


class Entry(NamedTuple):
    """A data set that can be named.

    Attributes:
        kind: of its data.
        read: (seed, **options) -> SequenceDataset.
        more_options: names of those arguments of `load` that its reader takes as keywords beside those of its kind.
        default_binarization: of images, where none is given.
        binarizations: those that it allows.
        sizes: preset -> fields of the configuration that are other for it than for the model.
        files: what `data_dir` must be, in words.
        find: (data_dir, download, train_split) -> anything; raises a ValueError where files are missing, without
            reading one. None for embedded data.
    """

    kind: Kind
    read: Callable[..., SequenceDataset]
    more_options: tuple[str, ...] = ()
    default_binarization: str = NO_IMAGES
    binarizations: tuple[str, ...] = (NO_IMAGES,)
    sizes: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
    files: str = ""
    find: Callable[[str | None, bool, str], object] | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """Names of the arguments of `load` that it makes use of."""
        return (*self.more_options, *self.kind.options)


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

    def find(data_dir, download, train_split) -> object:
        return sentences.find(name, data_dir, train_split, whole)

    return Entry(TEXT, read, ("data_dir", "train_split", "vocabulary_file"), files=_TEXT_FILES, find=find)


def _read_glyphs(seed, normalization, max_length) -> SequenceDataset:
    from sisrnn_tf.data import glyphs  # here, because a command is checked before matplotlib is imported

    notes = [glyphs.version(), Y_UP, "characters held out"]
    return series.make("glyphs", glyphs.read(), STROKES, normalization, max_length, notes)


def _read_iamondb(seed, data_dir, splits, normalization, max_length) -> SequenceDataset:
    lines, notes = iamondb.read(data_dir, splits)
    return series.make("iamondb", lines, STROKES, normalization, max_length, notes)


def _read_strokes(seed, data_dir, normalization, max_length, allow_pickle) -> SequenceDataset:
    path = npz_files.find(data_dir, "strokes")
    return series.make(path.stem, npz_files.read(path, allow_pickle), STROKES, normalization, max_length)


def _read_npz(seed, data_dir, normalization, max_length) -> SequenceDataset:
    path = npz_files.find(data_dir, "npz")
    return series.make(path.stem, npz_files.read(path), SERIES, normalization, max_length)


def _read_csv(seed, data_dir, normalization, max_length, window_length, covariates) -> SequenceDataset:
    from sisrnn_tf.data import series_files, windows  # here, because a command is checked before pandas is imported

    splits = series_files.read_splits(layout.find(data_dir), covariates)
    train = splits["train"]
    name = pathlib.Path(data_dir).expanduser().stem
    notes: list[str] = []
    columns = f"{len(train.columns)} features: {', '.join(train.columns)}"
    _LOGGER.info("%s: %s; %s.", name, train.layout.describe(), columns)
    if train.layout.sequence is None and window_length is None:
        window_length = windows.default_length(int(train.lengths[0]))
    if window_length is not None:
        splits, notes = windows.split_in_time(name, splits, window_length)
    parts = ("values", "labels", "covariates")
    values, labels, known = ({split: getattr(part, each) for split, part in splits.items()} for each in parts)
    beside = (train.columns, train.layout, labels, known if covariates else None)
    return series.make(name, values, SERIES, normalization, max_length, notes, *beside)


DATASETS: dict[str, Entry] = {
    "digits": Entry(IMAGES, _read_digits, (), "threshold", images.LEVELS),
    "mnist": Entry(
        IMAGES,
        _read_mnist,
        ("data_dir", "download"),
        "dynamic",
        images.LEVELS,
        find=lambda data_dir, download, train_split: mnist.find(data_dir, download),
    ),
    "binarized_mnist": Entry(
        IMAGES,
        _read_binarized_mnist,
        ("data_dir", "download"),
        "larochelle",
        ("larochelle",),
        find=lambda data_dir, download, train_split: binarized_mnist.find(data_dir, download),
    ),
    "pydoc": Entry(TEXT, _read_pydoc),
    "ptb": _text("ptb", whole=True),
    "yahoo": _text("yahoo", whole=True),
    "text": _text("text", whole=False),
    "glyphs": Entry(STROKES, _read_glyphs),
    "iamondb": Entry(
        STROKES,
        _read_iamondb,
        ("data_dir", "splits"),
        sizes=_HANDWRITING,
        files="lineStrokes/ and the lists of forms",
        find=lambda data_dir, download, train_split: iamondb.find(data_dir),
    ),
    "strokes": Entry(
        STROKES,
        _read_strokes,
        ("data_dir", "allow_pickle"),
        sizes=_HANDWRITING,
        files="the .npz file",
        find=lambda data_dir, download, train_split: npz_files.find(data_dir, "strokes"),
    ),
    "npz": Entry(
        SERIES,
        _read_npz,
        ("data_dir",),
        files="the .npz file",
        find=lambda data_dir, download, train_split: npz_files.find(data_dir, "npz"),
    ),
    "csv": Entry(
        SERIES,
        _read_csv,
        ("data_dir", "window_length", "covariates"),
        files="the .csv or .parquet file, or train.csv, valid.csv and test.csv: series in wide or long form, or one",
        find=lambda data_dir, download, train_split: layout.find(data_dir),
    ),
}


def users(option: str) -> str:
    """Returns which data sets make use of a field of the configuration's data, or of how it is scored, in words."""
    return _join(name for name, entry in DATASETS.items() if option in (*entry.options, *entry.kind.scoring_options))


def by_value(get: Callable[[Entry], str]) -> str:
    """Returns which data sets have which value, in words, without those that have none.

    Args:
        get: an entry -> its value, or an empty text.
    """
    groups: dict[str, list[str]] = {}
    for name, entry in DATASETS.items():
        groups.setdefault(get(entry), []).append(name)
    return "; ".join(f"{_join(names)}: {value}" for value, names in groups.items() if value)


def _join(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def find(name: str, data_dir: str | None = None, download: bool = False, train_split: str = "train") -> None:
    """Looks for the files of a data set, without reading one.

    Args:
        name: a key of `DATASETS`.
        data_dir: as of `load`, and so are the rest.
        download: whether TFDS may use the network.
        train_split: of text.

    Raises:
        ValueError: a file is missing.
    """
    find_files = DATASETS[name].find
    if find_files is not None:
        find_files(data_dir, download, train_split)


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
    window_length: int | None = None,
    covariates: tuple[str, ...] = (),
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
        window_length: of csv, steps of the windows in which series are cut and split by time; None leaves them whole,
            and cuts a single one as it suits its length.
        covariates: of csv, names of those columns that are known and not scored.

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
        "normalization": normalization or entry.kind.default_normalization,
        "splits": splits,
        "allow_pickle": allow_pickle,
        "window_length": window_length,
        "covariates": covariates,
    }
    return entry.read(seed, **{option: given[option] for option in entry.options})
