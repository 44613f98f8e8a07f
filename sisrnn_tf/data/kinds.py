"""Kinds of data: what all but their readers must know of images, text, strokes and series."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from sisrnn_tf.core.validation import require


@dataclasses.dataclass(frozen=True)
class Support:
    """What single values of observations can be.

    Attributes:
        name: by which data sets, and data.json, name it as their `emission`.
        expected: what a sequence must do or have, in words; {size} stands for the number of words.
        allows: (observations `[N, T, ..]`, D, or of words V) -> which values can be, bool of the same shape.
        is_real: whether values are measured in units of the user, and may be normalized.
        quantity: what minus the log of their probability is called.
    """

    name: str
    expected: str
    allows: Callable[[np.ndarray, int], np.ndarray]
    is_real: bool = False
    quantity: str = "NLL"


def _pen_is_binary(observations: np.ndarray, size: int) -> np.ndarray:
    allowed = np.ones(observations.shape, bool)
    allowed[..., 2] = np.isin(observations[..., 2], (0, 1))
    return allowed


_BINARY = Support("bernoulli", "be 0 or 1", lambda x, size: (x == 0) | (x == 1))
_INTENSITIES = Support(
    "intensities", "lie between 0 and 1", lambda x, size: (x >= 0) & (x <= 1), quantity="cross-entropy"
)
_TOKENS = Support("tokens", "hold numbers of {size} words", lambda x, size: (x >= 0) & (x < size))
_REALS = Support("reals", "be finite", lambda x, size: np.isfinite(x), is_real=True)
# Rows (dx, dy, pen), the pen being 1 where it is lifted after the step.
_PEN = Support("strokes", "have 0 or 1 as their pen", _pen_is_binary, is_real=True)
SUPPORTS: Mapping[str, Support] = {each.name: each for each in (_BINARY, _INTENSITIES, _TOKENS, _REALS, _PEN)}

_NUMBER_SHARDS = (".npz", ".csv", ".parquet", ".tfrecord")


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of data.

    Attributes:
        name: of the kind.
        supports: what its observations can be, the usual first.
        default_model: the family of models that is taken where none is named.
        options: fields of the configuration's data that all of its readers make use of.
        scoring_options: fields of the configuration's model that say how its observations are scored.
        generation_flags: flags of `launch.generate` for this kind alone.
        sample_endings: of the files of samples.
        shard_endings: of the files that can be scored.
        picture: how sequences are drawn, a key of `runs.pictures.PICTURES`; None for sentences, which are read.
        default_normalization: one of `normalization.NORMALIZATIONS`.
        is_image: whether a sequence is an image, of rows or pixels.
        has_words: whether observations are numbers of words, without an axis of features.
        has_pen: whether features are offsets dx, dy and a pen, which is neither normalized nor a real value.
    """

    name: str
    supports: tuple[Support, ...]
    default_model: str
    options: tuple[str, ...]
    scoring_options: tuple[str, ...] = ()
    generation_flags: tuple[str, ...] = ()
    sample_endings: tuple[str, ...] = (".npz", ".png")
    shard_endings: tuple[str, ...] = _NUMBER_SHARDS
    picture: str | None = "series"
    default_normalization: str = "none"
    is_image: bool = False
    has_words: bool = False
    has_pen: bool = False

    @property
    def observation_rank(self) -> int:
        """Axes of observations: sequences, steps and, but for words, features."""
        return 2 if self.has_words else 3


IMAGES = Kind(
    "images",
    (_BINARY, _INTENSITIES),
    default_model="sisrnn",
    options=("binarization", "layout"),
    picture="images",
    is_image=True,
)
TEXT = Kind(
    "text",
    (_TOKENS,),
    default_model="sentence_sisrnn",
    options=("vocabulary_size", "max_length"),
    generation_flags=("top_k", "top_p", "reconstruct", "interpolate"),
    sample_endings=(".txt",),
    shard_endings=(".txt", ".txt.gz"),
    picture=None,
    has_words=True,
)
STROKES = Kind(
    "strokes",
    (_PEN,),
    default_model="sisrnn",
    options=("normalization", "max_length"),
    scoring_options=("num_components", "emission_scale_floor", "max_correlation"),
    generation_flags=("context_steps",),
    sample_endings=(".npz", ".png", ".svg"),
    picture="drawings",
    default_normalization="vrnn",
    has_pen=True,
)
SERIES = Kind(
    "series",
    (_REALS, _BINARY, _INTENSITIES),
    default_model="sisrnn",
    options=("normalization", "max_length"),
    scoring_options=("emission", "num_components", "emission_scale_floor"),
    default_normalization="per_channel",
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (IMAGES, TEXT, STROKES, SERIES)}


def of(support: str, is_image: bool) -> Kind:
    """Returns the kind of data whose observations can be such, and are an image or not.

    Args:
        support: a key of `SUPPORTS`.
        is_image: whether a sequence is an image.

    Raises:
        ValueError: there is none.
    """
    fitting = [
        kind
        for kind in KINDS.values()
        if kind.is_image == is_image and support in [each.name for each in kind.supports]
    ]
    expected = f"one of {', '.join(SUPPORTS)}, of images {' or '.join(each.name for each in IMAGES.supports)}"
    require(bool(fitting), "emission", expected, support)
    return fitting[0]
