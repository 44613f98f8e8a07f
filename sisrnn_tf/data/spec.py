"""Data sets of sequences, as every reader returns them, and their check."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from sisrnn_tf.data.normalization import Normalization, to_float32
from sisrnn_tf.data.vocabulary import Vocabulary
from sisrnn_tf.validation import parse_json, require

SPLITS = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True, eq=False)
class Sequences:
    """Right-padded sequences in memory.

    Attributes:
        observations: `[N, T, D]`, uint8 or float32; or numbers of words, int32 `[N, T]`.
        lengths: real steps of each, int32 `[N]`.
    """

    observations: np.ndarray
    lengths: np.ndarray

    def __len__(self) -> int:
        return len(self.observations)

    @classmethod
    def of(cls, parts: Sequence[np.ndarray], padding: float = 0) -> "Sequences":
        """Returns sequences of different lengths as one array, padded on the right.

        Args:
            parts: the sequences, each `[T_n, ..]`, of one dtype.
            padding: what follows a sequence.
        """
        lengths = np.array([len(part) for part in parts], np.int32)
        joined = np.concatenate(parts)
        observations = np.full([len(parts), lengths.max(), *joined.shape[1:]], padding, joined.dtype)
        observations[np.arange(observations.shape[1]) < lengths[:, np.newaxis]] = joined
        return cls(observations, lengths)


@dataclasses.dataclass(frozen=True, eq=False)
class SequenceDataset:
    """A data set under one convention.

    Attributes:
        name: of the data set.
        convention: all that moves a score, in words.
        emission: what the observations need: `bernoulli`, `intensities` for values between 0 and 1, `tokens`, `reals`,
            or `strokes` for rows (dx, dy, pen), the pen being 1 where it is lifted after the step.
        train, validation, test: the splits, disjoint.
        draw: None, or (observations `[B, T, D]` as stored, seed int32 `[2]`) -> float32 observations drawn afresh.
        image_shape: rows and columns of the image that a sequence is; None where it is none.
        vocabulary: of `tokens`, else None.
        normalization: that was applied to the observations; None where they are in the user's units.
        features: the names of the D features; None where they have none.
    """

    name: str
    convention: str
    emission: str
    train: Sequences
    validation: Sequences
    test: Sequences
    draw: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None = None
    image_shape: tuple[int, int] | None = None
    vocabulary: Vocabulary | None = None
    normalization: Normalization | None = None
    features: tuple[str, ...] | None = None

    @property
    def num_steps(self) -> int:
        """T, of the longest sequence."""
        return self.train.observations.shape[1]

    @property
    def observation_size(self) -> int:
        """D; of words V, as many as there are."""
        return self.train.observations.shape[2] if self.vocabulary is None else len(self.vocabulary)

    @property
    def num_tokens(self) -> tuple[int, ...] | None:
        """Words of each split, the ends of its sentences among them; None where there are no words."""
        return self.vocabulary and tuple(int(self.split(split).lengths.sum()) for split in SPLITS)

    @property
    def words(self) -> str | None:
        """A fingerprint of the vocabulary; None where there is none."""
        return self.vocabulary and self.vocabulary.fingerprint

    @functools.cached_property
    def fingerprint(self) -> str | None:
        """A hash of real-valued sequences, whose number says little; None of images and text."""
        if self.emission not in ("reals", "strokes"):
            return None
        parts = [self.split(split) for split in SPLITS]
        content = [array.tobytes() for part in parts for array in (part.observations, part.lengths)]
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

    @classmethod
    def of(cls, dataset: SequenceDataset) -> "DataSpec":
        """Returns the specification of a data set."""
        names = [field.name for field in dataclasses.fields(cls) if field.name != "num_sequences"]
        num_sequences = tuple(len(dataset.split(split)) for split in SPLITS)
        return cls(num_sequences=num_sequences, **{name: getattr(dataset, name) for name in names})

    @classmethod
    def from_json(cls, text: str) -> "DataSpec":
        """Reads what `to_json` wrote.

        Raises:
            ValueError: the text is something else.
        """
        try:
            values = {"image_shape": None} | parse_json(text)
            if "normalization" in values:
                values["normalization"] = Normalization(**_to_tuples(values["normalization"]))
            spec = cls(**_to_tuples(values))
            names = spec.features
            are_names = isinstance(names, tuple) and all(isinstance(name, str) for name in names)
            good = names is None or (are_names and len(set(names)) == len(names) == spec.observation_size)
            require(good, "features", f"{spec.observation_size} different names", names)
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

    def describe(self) -> str:
        """Returns the convention and the sizes of the splits, in words."""
        sizes = " / ".join(f"{count:,}" for count in self.num_sequences)
        tokens = "" if self.num_tokens is None else " / ".join(f"{count:,}" for count in self.num_tokens)
        return f"{self.convention}: {sizes} sequences" + (f", {tokens} scored tokens" if tokens else "")


def _to_tuples(values: Mapping) -> dict:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def check(dataset: SequenceDataset) -> None:
    """Scans a data set once for what a model could not score.

    Raises:
        ValueError: a split is empty or differs in its number of features, a sequence has no step or more than there
            are, or a value is NaN, infinite or outside what the emission can give; names the split and the first such
            sequence.
    """
    for name in SPLITS:
        sequences = dataset.split(name)
        observations, lengths = sequences.observations, sequences.lengths
        is_text = dataset.vocabulary is not None
        if observations.ndim != (2 if is_text else 3) or lengths.shape != observations.shape[:1]:
            raise ValueError(
                f"The {name} split must hold observations {'[N, T]' if is_text else '[N, T, D]'} and lengths [N]. "
                f"Received shapes {observations.shape} and {lengths.shape}"
            )
        if not observations.size:
            raise ValueError(
                f"The {name} split of {dataset.name} is empty. It must hold at least one sequence of one value. "
                f"Received shape {observations.shape}"
            )
        if not is_text and observations.shape[2] != dataset.observation_size:
            raise ValueError(
                f"All splits must have the same number of features. Received {observations.shape[2]} in the {name} "
                f"split and {dataset.observation_size} in the train split"
            )
        _refuse((lengths < 1) | (lengths > observations.shape[1]), name, "have between 1 and T steps", lengths)
        if is_text:
            valid = (observations >= 0) & (observations < len(dataset.vocabulary))
            _refuse(~valid.all(axis=1), name, f"hold numbers of {len(dataset.vocabulary)} words", observations)
            continue
        if np.issubdtype(observations.dtype, np.floating):
            _refuse(~np.isfinite(observations).all(axis=(1, 2)), name, "be finite", observations)
        if dataset.draw is None and dataset.emission in ("bernoulli", "intensities"):
            bernoulli = dataset.emission == "bernoulli"
            valid = (
                (observations == 0) | (observations == 1) if bernoulli else (observations >= 0) & (observations <= 1)
            )
            expected = "be 0 or 1" if bernoulli else "lie between 0 and 1"
            _refuse(~valid.all(axis=(1, 2)), name, expected, observations)
        if dataset.emission == "strokes":
            pen = observations[..., 2]
            _refuse(~((pen == 0) | (pen == 1)).all(axis=1), name, "have 0 or 1 as their pen", pen)


def _refuse(bad: np.ndarray, split: str, expected: str, values: np.ndarray) -> None:
    """Raises for the first sequence that is bad, bool `[N]`."""
    if bad.any():
        index = int(np.argmax(bad))
        received = np.unique(values[index])[:5]
        raise ValueError(
            f"Sequence {index} of the {split} split must {expected}. Received values such as {received.tolist()}. "
            "Clean the data or choose another convention."
        )
