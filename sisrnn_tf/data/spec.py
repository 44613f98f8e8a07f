"""Data sets of sequences, as every reader returns them."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sisrnn_tf.core.validation import parse_json, require
from sisrnn_tf.data import kinds
from sisrnn_tf.data.layout import Layout
from sisrnn_tf.data.normalization import Normalization, to_float32
from sisrnn_tf.data.vocabulary import Vocabulary

if TYPE_CHECKING:
    import tensorflow as tf

SPLITS = ("train", "validation", "test")
Y_UP = "y up"  # what a convention says of strokes whose y grows upward


class Label(NamedTuple):
    """What a file calls a sequence.

    Attributes:
        name: of the sequence.
        times: the labels of its steps, str `[T_n]`; None where there are none.
    """

    name: str
    times: np.ndarray | None = None

    def cut(self, num_steps: int) -> "Label":
        """Returns the label of the first so many steps."""
        return self if self.times is None else self._replace(times=self.times[:num_steps])


def pad(parts: Sequence[np.ndarray], padding: float) -> np.ndarray:
    """Returns sequences of different lengths as one array, `[N, T, ..]`.

    Args:
        parts: each `[T_n, ..]`, of one dtype.
        padding: what follows a sequence.
    """
    lengths, joined = np.array([len(part) for part in parts]), np.concatenate(parts)
    values = np.full([len(parts), lengths.max(), *joined.shape[1:]], padding, joined.dtype)
    values[np.arange(values.shape[1]) < lengths[:, np.newaxis]] = joined
    return values


@dataclasses.dataclass(frozen=True, eq=False)
class Sequences:
    """Right-padded sequences in memory.

    Attributes:
        observations: `[N, T, D]`, uint8 or float32; or numbers of words, int32 `[N, T]`.
        lengths: real steps of each, int32 `[N]`.
        labels: what the file calls each; None where they have no names.
        observed: bool `[N, T, D]`, False on missing values, which are 0 in the observations; None where none are.
        covariates: what is known of each step, normalized, float32 `[N, T, U]`; None where there are none.
    """

    observations: np.ndarray
    lengths: np.ndarray
    labels: tuple[Label, ...] | None = None
    observed: np.ndarray | None = None
    covariates: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.observations)

    @property
    def mask(self) -> np.ndarray:
        """Which steps are real, bool `[N, T]`."""
        return np.arange(self.observations.shape[1]) < self.lengths[:, np.newaxis]

    @classmethod
    def of(cls, parts: Sequence[np.ndarray], padding: float = 0) -> "Sequences":
        """Returns sequences of different lengths as one array, padded on the right.

        Args:
            parts: the sequences, each `[T_n, ..]`, of one dtype; NaN where a value is missing.
            padding: what follows a sequence.
        """
        lengths = np.array([len(part) for part in parts], np.int32)
        observations = pad(parts, padding)
        missing = np.isnan(observations)
        if not missing.any():
            return cls(observations, lengths)
        return cls(np.where(missing, np.zeros([], observations.dtype), observations), lengths, observed=~missing)


@dataclasses.dataclass(frozen=True, eq=False)
class SequenceDataset:
    """A data set under one convention.

    Attributes:
        name: of the data set.
        convention: all that moves a score, in words.
        emission: what the observations can be, a key of `kinds.SUPPORTS`.
        train, validation, test: the splits, disjoint.
        draw: None, or (observations `[B, T, D]` as stored, seed int32 `[2]`, or `[B, 2]`, one a sequence) -> float32
            observations drawn afresh.
        image_shape: rows and columns of the image that a sequence is; None where it is none.
        vocabulary: of `tokens`, else None.
        normalization: that was applied to the observations; None where they are in the user's units.
        features: the names of the D features; None where they have none.
        layout: how the file of series is laid out; None of other data.
        covariate_normalization: that was applied to the covariates; None where there are none.
    """

    name: str
    convention: str
    emission: str
    train: Sequences
    validation: Sequences
    test: Sequences
    draw: "Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None" = None
    image_shape: tuple[int, int] | None = None
    vocabulary: Vocabulary | None = None
    normalization: Normalization | None = None
    features: tuple[str, ...] | None = None
    layout: Layout | None = None
    covariate_normalization: Normalization | None = None

    @property
    def kind(self) -> kinds.Kind:
        """Of what kind the data is."""
        return kinds.of(self.emission, self.image_shape is not None)

    @property
    def num_steps(self) -> int:
        """T, of the longest sequence."""
        return self.train.observations.shape[1]

    @property
    def observation_size(self) -> int:
        """D; of words V, as many as there are."""
        return len(self.vocabulary) if self.vocabulary is not None else self.train.observations.shape[2]

    @property
    def num_tokens(self) -> tuple[int, int, int] | None:
        """Words of each split, the ends of its sentences among them; None where there are no words."""
        if self.vocabulary is None:
            return None
        train, validation, test = (int(self.split(split).lengths.sum()) for split in SPLITS)
        return train, validation, test

    @property
    def words(self) -> str | None:
        """A fingerprint of the vocabulary; None where there is none."""
        return None if self.vocabulary is None else self.vocabulary.fingerprint

    @functools.cached_property
    def fingerprint(self) -> str | None:
        """A hash of real-valued sequences, whose number says little; None of images and text."""
        if not kinds.SUPPORTS[self.emission].is_real:
            return None
        parts = [self.split(split) for split in SPLITS]
        names = ("observations", "lengths", "observed", "covariates")
        arrays = [getattr(part, name) for part in parts for name in names]
        content = [array.tobytes() for array in arrays if array is not None]
        return hashlib.sha256(b"".join(content)).hexdigest()[:16]

    def split(self, name: str) -> Sequences:
        """Returns a split by its name.

        Raises:
            ValueError: there is none of that name.
        """
        if name not in SPLITS:
            raise ValueError(f"`split` must be one of {', '.join(SPLITS)}. Received: split={name!r}")
        return getattr(self, name)


@dataclasses.dataclass(frozen=True)
class DataSpec:
    """What a model must know of its data without reading it; lies in a workdir as data.json."""

    name: str
    convention: str
    emission: str
    observation_size: int
    num_steps: int
    image_shape: tuple[int, int] | None
    num_sequences: tuple[int, int, int]  # of training, validation and test
    num_tokens: tuple[int, int, int] | None = None  # likewise, of text, the ends of sentences among them
    words: str | None = None  # the vocabulary's fingerprint
    fingerprint: str | None = None  # of real-valued sequences
    normalization: Normalization | None = None  # that is applied to observations before a model sees them
    features: tuple[str, ...] | None = None  # their names
    layout: Layout | None = None  # of the file of series, as which others are read; names the covariates
    covariate_normalization: Normalization | None = None  # that is applied to them; they always are

    @property
    def covariate_size(self) -> int:
        """U."""
        return 0 if self.layout is None else len(self.layout.covariates)

    @property
    def kind(self) -> kinds.Kind:
        """Of what kind the data is."""
        return kinds.of(self.emission, self.image_shape is not None)

    @property
    def y_up(self) -> bool:
        """Whether y grows upward in drawings, as the reader says in the convention; else downward, as in images."""
        return Y_UP in self.convention.split(", ")[1:]

    @classmethod
    def of(cls, dataset: SequenceDataset) -> "DataSpec":
        """Returns the specification of a data set."""
        names = [field.name for field in dataclasses.fields(cls) if field.name != "num_sequences"]
        train, validation, test = (len(dataset.split(split)) for split in SPLITS)
        return cls(num_sequences=(train, validation, test), **{name: getattr(dataset, name) for name in names})

    @classmethod
    def from_json(cls, text: str) -> "DataSpec":
        """Reads what `to_json` wrote.

        Raises:
            ValueError: the text is something else.
        """
        try:
            values = {"image_shape": None} | parse_json(text)
            for name in ("normalization", "covariate_normalization"):
                if name in values:
                    values[name] = Normalization(**_to_tuples(values[name]))
            if "layout" in values:
                values["layout"] = Layout(**_to_tuples(values["layout"]))
            spec = cls(**_to_tuples(values))
            names = spec.features
            are_names = isinstance(names, tuple) and all(isinstance(name, str) for name in names)
            good = names is None or (are_names and len(set(names)) == len(names) == spec.observation_size)
            require(good, "features", f"{spec.observation_size} different names", names)
            kinds.of(spec.emission, spec.image_shape is not None)
            scale, size = spec.covariate_normalization, spec.covariate_size
            good = (0 if scale is None else len(scale.shift)) == size
            require(good, "covariate_normalization", f"of {size} covariates", scale)
            return spec
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"The specification of the data is damaged: {error}") from error

    def to_json(self) -> str:
        """Returns the specification as JSON text, without what the data does not have."""
        values = {name: value for name, value in dataclasses.asdict(self).items() if value is not None}
        return json.dumps(values, indent=2) + "\n"

    def to_units(self, observations: np.ndarray) -> np.ndarray:
        """Returns observations `[.., D]` of a model in the user's units."""
        return np.asarray(observations) if self.normalization is None else self.normalization.invert(observations)

    def from_units(self, observations: np.ndarray) -> np.ndarray:
        """Returns observations `[.., D]` in the user's units as a model takes them, float32.

        Raises:
            ValueError: they are beyond float32.
        """
        return to_float32(observations) if self.normalization is None else self.normalization.apply(observations)

    def to_known(self, covariates: Sequence[np.ndarray]) -> np.ndarray:
        """Returns covariates, each `[T_n, U]` in the user's units, as a model takes them, float32 `[N, T, U]`.

        Raises:
            ValueError: the data has none, or they are beyond float32.
        """
        if self.covariate_normalization is None:
            raise ValueError(f"`covariates` must be left out: {self.name} was learned without")
        return pad([self.covariate_normalization.apply(part) for part in covariates], 0)

    def describe(self) -> str:
        """Returns the convention and the sizes of the splits, in words."""
        sizes = " / ".join(f"{count:,}" for count in self.num_sequences)
        tokens = "" if self.num_tokens is None else " / ".join(f"{count:,}" for count in self.num_tokens)
        return f"{self.convention}: {sizes} sequences" + (f", {tokens} scored tokens" if tokens else "")


def _to_tuples(values: Mapping) -> dict:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
