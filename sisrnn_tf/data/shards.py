"""Shards: files of sequences to score, each whole in memory."""

import glob
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from sisrnn_tf.core.validation import require
from sisrnn_tf.data import files, kinds, layout, series_files, text_files
from sisrnn_tf.data.coverage import Coverage
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.data.vocabulary import Vocabulary


class Shard(NamedTuple):
    """The sequences of a file, in its order.

    Attributes:
        keys: what the file calls each.
        sequences: float `[T_n, D]`, in the user's units, NaN where a value is missing; or numbers of words, int32
            `[T_n]`.
        coverage: of text, how much of it the vocabulary knows; else None.
        covariates: what is known of each step, float `[T_n, U]`, in the user's units; None where there are none.
        times: of each, of its steps, text `[T_n]`; empty where there are none.
    """

    keys: Sequence[str]
    sequences: Sequence[np.ndarray]
    coverage: Coverage | None = None
    covariates: Sequence[np.ndarray] | None = None
    times: Sequence[np.ndarray] = ()


def find(pattern: str, endings: Sequence[str]) -> dict[str, pathlib.Path]:
    """Returns name -> path of shards, in the order of their names: file names without their endings.

    Args:
        pattern: a file, a folder of files, or a glob pattern.
        endings: that the files may have, such as a kind's `shard_endings`.

    Raises:
        ValueError: there is none, or two have the same name.
    """
    path = pathlib.Path(pattern).expanduser()
    candidates = path.iterdir() if path.is_dir() else map(pathlib.Path, glob.glob(str(path)))
    shards = {}
    for candidate in sorted(candidates):
        ending = next((ending for ending in reversed(endings) if candidate.name.endswith(ending)), None)
        if ending is None or not candidate.is_file():
            continue
        name = candidate.name.removesuffix(ending)
        require(name not in shards, "input", f"of files that differ in more than their endings {endings}", name)
        shards[name] = candidate
    require(bool(shards), "input", f"a file, a folder or a pattern of files {', '.join(endings)}", pattern)
    return shards


def read(path: pathlib.Path, spec: DataSpec, vocabulary: Vocabulary | None, nan_is_missing: bool = False) -> Shard:
    """Returns the sequences of a file.

        .npz        `observations` [N, T, D]; `lengths` [N] or `mask` [N, T] of right padding; `sequence` [N], the keys;
                    NaN of series stands for a missing value
        .csv, .parquet  as of `series_files.read_series`, laid out as the training data was; columns are taken by their
                    names where these are known, else by their place
        .tfrecord   an Example a sequence, `observations` being its T D numbers, or a SequenceExample of T steps, each D
                    numbers of `observations`; `sequence`, a string, is the key
        .txt[.gz]   a sentence a line, as training reads it: empty lines, a leading column of labels, and a sentence's
                    own marks of begin and end are left out; the key is the number of the line, from 1 on

    Args:
        path: of the file.
        spec: of the data that the model was trained on.
        vocabulary: of text, else None.
        nan_is_missing: whether NaN stands for a missing value of other data than series, too; it may be a mistake.

    Raises:
        ValueError: the file is damaged, holds no sequence, or one without a step or with other features, or text of
            which no word is known.
    """
    size = spec.observation_size
    try:
        if vocabulary is not None:
            shard = _read_text(path, vocabulary)
        elif path.suffix in layout.ENDINGS:
            found = series_files.read_series(path, spec.layout, spec.features)
            times = [label.times for label in found.labels if label.times is not None]
            shard = Shard([label.name for label in found.labels], found.values, None, found.covariates, times)
        else:
            shard = _read_npz(path) if path.suffix == ".npz" else _read_tfrecord(path, size)
        given = shard.covariates is not None or spec.covariate_size == 0
        require(given, "input", "a .csv or .parquet, whose columns the covariates are", path.name)
        require(bool(shard.keys), "sequences", "at least one", len(shard.keys))
        for key, sequence in zip(shard.keys, shard.sequences, strict=True):
            good = len(sequence) > 0 and (spec.kind.has_words or sequence.shape[1:] == (size,))
            require(good, f"sequence {key}", f"of at least one step of {size} features", sequence.shape)
            known = nan_is_missing or spec.kind is kinds.SERIES or not np.isnan(sequence).any()
            require(known, f"sequence {key}", "finite: values of series alone can be missing", "NaN")
    except (ValueError, OSError) as error:
        raise ValueError(f"{path} cannot be scored: {error}") from error
    return shard


def _read_text(path: pathlib.Path, vocabulary: Vocabulary) -> Shard:
    sentences = text_files.read_sentences(path)
    encoded = [vocabulary.encode(sentence) for sentence in sentences.values()]
    coverage = Coverage.of(vocabulary, list(sentences.values()), encoded)
    coverage.check("the shard")
    return Shard(list(map(str, sentences)), encoded, coverage)


def _read_npz(path: pathlib.Path) -> Shard:
    arrays = files.read_npz(path)
    known = {"observations", "lengths", "mask", "sequence"}
    require(
        "observations" in arrays and set(arrays) <= known,
        "arrays",
        f"`observations` and others of {known}",
        set(arrays),
    )
    observations = arrays["observations"]
    numbers = observations.ndim == 3 and observations.dtype.kind in "biuf"
    require(numbers, "observations", "real numbers [N, T, D]", f"{observations.dtype} {observations.shape}")
    count, num_steps = observations.shape[:2]
    mask = arrays.get("mask", np.ones([count, num_steps], bool)).astype(bool)
    require(mask.shape == (count, num_steps), "mask", f"of shape {(count, num_steps)}", mask.shape)
    require(not (mask[:, 1:] & ~mask[:, :-1]).any(), "mask", "right padding", "a gap")
    lengths = arrays.get("lengths", mask.sum(axis=1))
    whole = lengths.shape == (count,) and lengths.dtype.kind in "iu"
    good = whole and ((lengths >= 0) & (lengths <= num_steps)).all()
    require(good, "lengths", f"{count} numbers of at most {num_steps}", lengths)
    keys = arrays.get("sequence", np.arange(count)).astype(str).tolist()
    require(np.shape(keys) == (count,), "sequence", f"{count} keys", np.shape(keys))
    return Shard(keys, [sequence[:length] for sequence, length in zip(observations, lengths, strict=True)])


def _read_tfrecord(path: pathlib.Path, size: int) -> Shard:
    keys, sequences = [], []
    try:
        for number, record in enumerate(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()):
            # An Example is a SequenceExample that is all context.
            example = tf.train.SequenceExample.FromString(record)
            context = example.context.feature
            keys.append(context["sequence"].bytes_list.value[0].decode() if "sequence" in context else str(number))
            steps = example.feature_lists.feature_list["observations"].feature
            rows = [_numbers(step) for step in steps] or np.reshape(_numbers(context["observations"]), [-1, size])
            sequences.append(np.array(rows, np.float64))
    except (tf.errors.OpError, UnicodeDecodeError, IndexError, DecodeError) as error:
        raise ValueError(f"record {len(keys)} is damaged: {error}") from error
    return Shard(keys, sequences)


def _numbers(feature: tf.train.Feature) -> Sequence[float]:
    return feature.float_list.value or feature.int64_list.value
