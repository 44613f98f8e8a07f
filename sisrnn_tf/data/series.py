"""Real-valued sequences of different lengths as a data set: cut, normalized and padded."""

import dataclasses
import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sisrnn_tf.core.validation import require
from sisrnn_tf.data import covariates, normalization
from sisrnn_tf.data.held_out import hold_out
from sisrnn_tf.data.kinds import Kind
from sisrnn_tf.data.layout import Layout
from sisrnn_tf.data.spec import SPLITS, Label, SequenceDataset, Sequences

_LOGGER = logging.getLogger(__name__)
_UNITS = "in the data's units"


def make(
    name: str,
    splits: Mapping[str, Sequence[np.ndarray]],
    kind: Kind,
    normalization_name: str,
    max_length: int | None,
    notes: Sequence[str] = (),
    features: tuple[str, ...] | None = None,
    layout: Layout | None = None,
    labels: Mapping[str, Sequence[Label]] | None = None,
    known: Mapping[str, Sequence[np.ndarray]] | None = None,
) -> SequenceDataset:
    """Returns the data set of sequences in the user's units; statistics are the training split's alone.

    Args:
        name: of the data set.
        splits: split -> sequences `[T_n, D]`, NaN where a value of a series is missing; validation and test are held
            out of training where they are missing.
        kind: `kinds.SERIES`, or `kinds.STROKES`, whose last feature, the pen, is not normalized.
        normalization_name: one of `normalization.NORMALIZATIONS`.
        max_length: steps of a sequence at the most; None for no limit.
        notes: on the data, for the convention.
        features: their names; None where they have none.
        layout: of the file that they come from; None where it has none.
        labels: split -> what the file calls each of its sequences; None where they have no names.
        known: split -> the covariates of each of its sequences, `[T_n, U]`; None where there are none. The layout has
            their names.

    Raises:
        ValueError: sequences differ in their number of features, there are too few of them, a feature of the training
            split, or a covariate, does not vary, or one is too large for float32.
    """
    fitting = kind.has_pen or normalization_name != "vrnn"
    require(fitting, "normalization", "none or per_channel: vrnn is of the two offsets of strokes", normalization_name)
    sizes = {part.shape[1] for sequences in splits.values() for part in sequences}
    if len(sizes) != 1 or (kind.has_pen and sizes != {3}):
        expected = "the features dx, dy and pen" if kind.has_pen else "the same number of features"
        raise ValueError(f"All sequences of {name} must have {expected}. Received {sorted(sizes)}")
    missing = sum(int(np.isnan(part).sum()) for sequences in splits.values() for part in sequences)
    require(not (missing and kind.has_pen), "strokes", "finite: what is missing of them is not known", math.nan)
    held, held_notes = hold_out(splits, "train", "sequence")
    num_cut = 0 if max_length is None else sum(len(part) > max_length for split in SPLITS for part in held[split])
    held = {split: [part[:max_length] for part in held[split]] for split in SPLITS}
    for split in SPLITS:
        steps = sum(map(len, held[split]))
        _LOGGER.info("%s, %s: %s sequences of %s steps.", name, split, f"{len(held[split]):,}", f"{steps:,}")
    for split in SPLITS:
        normalization.to_float32(np.concatenate(held[split]), features)  # for its error, which names the column
    rows, (size,) = np.concatenate(held["train"]), sizes
    fitted = normalization.fit(normalization_name, rows, size - kind.has_pen, features)
    gaps = [f"{missing:,} values are missing and not scored"] if missing else []
    whole = "whole" if max_length is None else f"cut to {max_length} steps ({num_cut} were longer)"
    scaled = _UNITS if fitted is None else f"normalized {_describe(fitted)}"
    held_labels = {} if labels is None else hold_out(labels, "train", "sequence")[0]
    sequences: dict[str, Any] = {split: _to_sequences(held[split], fitted, held_labels.get(split)) for split in SPLITS}
    names = () if known is None or layout is None else layout.covariates
    scale = None
    if known is not None:
        sequences, scale = covariates.add(sequences, hold_out(known, "train", "sequence")[0], names)
    beside = [f"given {' and '.join(names)}"] if names else []
    return SequenceDataset(
        name=name,
        convention=", ".join(
            [name, *notes, *held_notes, f"D={size}", f"sequences {whole}, lengths given", *beside, *gaps, scaled]
        ),
        emission=kind.supports[0].name,
        normalization=fitted,
        covariate_normalization=scale,
        features=features,
        layout=layout,
        **sequences,
    )


def _describe(fitted: normalization.Normalization) -> str:
    if fitted.name == "vrnn":
        return f"as VRNN ((x - {fitted.shift[0]:.6g}) / {fitted.scale[0]:.6g})"
    return "per channel by mean and standard deviation"


def _to_sequences(
    parts: Sequence[np.ndarray], fitted: normalization.Normalization | None, labels: Sequence[Label] | None
) -> Sequences:
    made = Sequences.of([(normalization.to_float32(part) if fitted is None else fitted.apply(part)) for part in parts])
    if labels is None:
        return made
    pairs = zip(labels, parts, strict=True)
    return dataclasses.replace(made, labels=tuple(label.cut(len(part)) for label, part in pairs))
