"""Sequences as users hold them, arrays, data frames or files, and what is said of them in the same form.

A data frame has a row a step: a column `sequence`, which names the sequence, and a column a feature; without the column
`sequence` it is one sequence. The column of times, by its name in the run's files, may be there too.
"""

import csv
import pathlib
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sisrnn_tf.core.validation import require
from sisrnn_tf.data import layout, series_files, shards
from sisrnn_tf.data import times as step_times
from sisrnn_tf.data.spec import DataSpec

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")  # what begins one in a spreadsheet
_NUMBER = r"[+-]?\d+(?:\.\d+)?"
SEQUENCE, STEP, SAMPLE, QUANTILE = "sequence", "step", "sample", "quantile"


class Collection(NamedTuple):
    """Sequences, and how they were given.

    Attributes:
        keys: names of the N sequences; their numbers where they have none.
        sequences: each `[T_n, D]`, in the user's units.
        features: names of the D features.
        frame: the data frame that they were given as; None of arrays.
        is_array: whether they were given as one array `[N, T, D]`.
        covariates: of each, in the user's units, of its steps and of those to forecast, `[T_n + F, U]`; None of none.
        time: the name of the column of times; None where there is none.
        times: of each, of its steps and of those to forecast, `[T_n + F]`, as they were given; empty without a column.
    """

    keys: Sequence[Hashable]
    sequences: Sequence[np.ndarray]
    features: Sequence[str]
    frame: pd.DataFrame | None = None
    is_array: bool = False
    covariates: Sequence[np.ndarray] | None = None
    time: str | None = None
    times: Sequence[np.ndarray] = ()

    @property
    def lengths(self) -> np.ndarray:
        """Steps of each sequence, int `[N]`."""
        return np.array([len(sequence) for sequence in self.sequences])

    def like(self, parts: Sequence[np.ndarray], columns: Sequence[str]) -> Any:
        """Returns values of all steps in the form that the sequences were given in.

        Args:
            parts: of each sequence, `[T_n, C]`.
            columns: names of the C columns of a frame.
        """
        if self.frame is None:
            return np.stack(parts) if self.is_array else list(parts)
        found = pd.DataFrame(np.empty([len(self.frame), len(columns)]), self.frame.index, columns)
        for rows, part in zip(_rows(self.frame), parts, strict=True):
            found.iloc[rows] = part
        for place, name in enumerate(name for name in (SEQUENCE, self.time) if name in self.frame):
            found.insert(place, name, self.frame[name])
        return found

    def with_future(self, num_steps: int) -> "Collection":
        """Returns the same with times of so many steps after each; without any, which is said, where they are uneven.

        Args:
            num_steps: F.
        """
        if self.time is None:
            return self
        found = step_times.extend(self.times, (self.lengths + num_steps).tolist(), self.time)
        return self._replace(time=None, times=()) if found is None else self._replace(times=found)


def feature_names(spec: DataSpec) -> tuple[str, ...]:
    """Returns the names of a run's features, made up where its data has none."""
    return spec.features or tuple(f"feature_{index}" for index in range(spec.observation_size))


def of(observations: Any, spec: DataSpec) -> Collection:
    """Returns what a user gives as a collection.

    Args:
        observations: an array `[N, T, D]`, a list of arrays `[T_n, D]`, or a data frame, whose columns go by their
            names, or by their place where the run's features have none; NaN where values are missing. A collection
            is left as it is.
        spec: of the data that the model was trained on.

    Raises:
        ValueError: it is nothing of these, has other features, or no sequence.
    """
    if isinstance(observations, Collection):
        return observations
    if isinstance(observations, pd.DataFrame):
        return _of_frame(observations, spec)
    if isinstance(observations, list | tuple):
        parts = [np.asarray(part) for part in observations]
    else:
        array = np.asarray(observations)
        require(array.ndim == 3, "observations", f"[N, T, {spec.observation_size}]", f"shape {array.shape}")
        parts = list(array)
    is_array = not isinstance(observations, list | tuple)
    require(len(parts) > 0, "observations", "at least one sequence", len(parts))
    for part in parts:
        good = part.ndim == 2 and len(part) and part.shape[1] == spec.observation_size and part.dtype.kind in "biuf"
        expected = f"numbers [T, {spec.observation_size}] of at least one step, each sequence"
        require(bool(good), "observations", expected, f"{part.dtype} {part.shape}")
    return Collection(range(len(parts)), parts, feature_names(spec), None, is_array)


def _of_frame(frame: pd.DataFrame, spec: DataSpec) -> Collection:
    time = None
    if spec.layout is not None:  # the columns that have a role in the run's files have it here
        time = spec.layout.time if spec.layout.time in frame else None
        frame = frame if SEQUENCE in frame else frame.rename(columns={spec.layout.sequence: SEQUENCE})
    as_column = SEQUENCE in frame or SEQUENCE not in frame.index.names
    require(as_column, "observations", f"with `{SEQUENCE}` as a column, by `reset_index()`", f"an index `{SEQUENCE}`")
    found = [str(name) for name in frame.columns if name not in (SEQUENCE, time)]
    known = () if spec.layout is None else spec.layout.covariates
    names = [name for name in found if name not in known] if spec.features is None else list(spec.features)
    columns = [*names, *known]
    expected = f"a frame with the columns {columns}, and `{SEQUENCE}` if there are several sequences"
    good = sorted(found) == sorted(columns) and len(names) == spec.observation_size
    require(good, "observations", expected, found)
    require(len(frame) > 0, "observations", "of at least one step", "an empty frame")
    values = frame.rename(columns=str)[columns]
    numeric = [name for name, dtype in values.dtypes.items() if not pd.api.types.is_numeric_dtype(dtype)]
    require(not numeric, "observations", "numbers in all columns of features", numeric)
    values = values.to_numpy(np.float64, na_value=np.nan)
    size = len(names)
    require(not np.isnan(values[:, size:]).any(), "observations", f"with a value of {list(known)} in each row", "NaN")
    keys = [0] if SEQUENCE not in frame else frame[SEQUENCE].drop_duplicates().tolist()
    parts = [values[rows] for rows in _rows(frame)]
    covariates = [part[:, size:] for part in parts] if known else None
    times = [] if time is None else [frame[time].iloc[rows].to_numpy() for rows in _rows(frame)]
    features = [part[:, :size] for part in parts]
    return Collection(keys, features, names, frame, covariates=covariates, time=time, times=times)


def _rows(frame: pd.DataFrame) -> list[np.ndarray]:
    """Returns the numbers of each sequence's rows, in the order in which sequences begin."""
    if SEQUENCE not in frame:
        return [np.arange(len(frame))]
    codes, _ = pd.factorize(frame[SEQUENCE], use_na_sentinel=False)
    return np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])


def read(path: pathlib.Path, spec: DataSpec) -> Collection:
    """Returns the sequences of a user's file, with NaN where values are missing.

    Args:
        path: of a .csv or .parquet, see `series_files.read_series`, or of an .npz, see `shards.read`.
        spec: of the data that the model was trained on.

    Raises:
        ValueError: there is no such file, or it holds something else.
    """
    endings = (*layout.ENDINGS, ".npz")
    require(path.suffix in endings, "input", f"a file {', '.join(endings)}", str(path))
    require(path.is_file(), "input", "a file that exists", str(path))
    if path.suffix == ".npz":
        shard = shards.read(path, spec, None, nan_is_missing=True)
        return Collection(list(shard.keys), list(shard.sequences), feature_names(spec))
    series = series_files.read_series(path, spec.layout, spec.features)
    expected = f"of {spec.observation_size} features, as the data of training"
    require(len(series.columns) == spec.observation_size, "input", expected, list(series.columns))
    keys = [label.name for label in series.labels]
    time, times = series.layout.time, [label.times for label in series.labels if label.times is not None]
    return Collection(keys, series.values, series.columns, covariates=series.covariates, time=time, times=times)


def steps(table: Collection, parts: Sequence[np.ndarray], columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Returns values of all steps as a frame, a row a step, with their times where there are such.

    Args:
        table: the sequences that they are of.
        parts: of each sequence, `[T_n, C]`.
        columns: names of the C columns; None for those of the features.
    """
    columns = table.features if columns is None else columns
    if table.frame is not None:
        return table.like(parts, columns)
    frame = pd.DataFrame(np.concatenate(parts), columns=list(columns))
    frame.insert(0, SEQUENCE, np.repeat(np.asarray(table.keys), table.lengths))
    if table.time is not None:
        pairs = zip(table.times, table.lengths, strict=True)
        frame.insert(1, table.time, np.concatenate([times[:length] for times, length in pairs]))
    return frame


def draws(table: Collection, samples: np.ndarray, starts: np.ndarray, axis: str = SAMPLE, labels: Any = None) -> Any:
    """Returns draws, or quantiles, as a frame: a row a sequence, draw and step.

    Args:
        table: the sequences that they are of.
        samples: `[S, N, F, D]`.
        starts: number of each sequence's first step among them, from 0 on, int `[N]`.
        axis: the column that tells the S apart.
        labels: what stands there, `[S]`; None for their numbers.

    Returns:
        The columns sequence, axis, step, the one of times where there is one, and the features; one of the first three
        that has the name of another has an underscore behind it.
    """
    count, _, num_steps, size = samples.shape
    labels = np.arange(count) if labels is None else np.asarray(labels)
    frames = [
        pd.DataFrame(
            {
                SEQUENCE: [key] * (count * num_steps),
                label(axis, table): np.repeat(labels, num_steps),
                label(STEP, table): np.tile(start + np.arange(num_steps), count),
                **_times(table, index, start, count, num_steps),
                **dict(zip(table.features, samples[:, index].reshape([-1, size]).T, strict=True)),
            }
        )
        for index, (key, start) in enumerate(zip(table.keys, starts, strict=True))
    ]
    found = pd.concat(frames, ignore_index=True).infer_objects()
    return found if table.frame is None or SEQUENCE in table.frame else found.drop(columns=SEQUENCE)


def whole(table: Collection, samples: np.ndarray) -> pd.DataFrame:
    """Returns draws of whole sequences as a frame, as of `draws`, without what lies beyond their ends.

    Args:
        table: the sequences.
        samples: `[S, N, T, D]`, NaN beyond the end of a sequence.
    """
    found = draws(table, samples, np.zeros(len(table.keys), int))
    return found.dropna(subset=list(table.features), ignore_index=True)


def _times(table: Collection, index: int, start: int, count: int, num_steps: int) -> dict[str, Any]:
    """Returns the column of times of a sequence's draws, by its name; the last one stands where there are no more."""
    if table.time is None:
        return {}
    times = table.times[index]
    return {table.time: np.tile(times[np.minimum(start + np.arange(num_steps), len(times) - 1)], count)}


def label(name: str, table: Collection) -> str:
    """Returns the name of a column beside those of features and times: underscores tell it from one of that name."""
    while name in (*table.features, table.time):
        name += "_"
    return name


def to_csv(frame: pd.DataFrame) -> bytes:
    """Returns a frame as a .csv file, without its index.

    An apostrophe stands before a text that a spreadsheet would take for a formula, and run.

    Args:
        frame: of numbers and texts.
    """
    texts = frame.select_dtypes(exclude="number").astype(str)
    guarded = texts.map(lambda text: f"'{text}" if text.startswith(_FORMULAS) else text)
    for name in texts:
        if texts[name].str.fullmatch(_NUMBER).all():  # -1 among numbers is no formula
            guarded[name] = texts[name]
    # Python's writer would leave a carriage return as it is, after which a spreadsheet reads the next row.
    quoting = csv.QUOTE_NONNUMERIC if guarded.map(lambda text: "\r" in text).any(axis=None) else csv.QUOTE_MINIMAL
    return frame.assign(**guarded).to_csv(index=False, lineterminator="\n", quoting=quoting).encode()
