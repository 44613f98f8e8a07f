"""Forecasts of a trained run: what becomes of a user's series, and a backtest on held-out ones."""

import functools
import io
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from sisrnn_tf.analysis import backtests, forecasts, plotting, seasons
from sisrnn_tf.analysis.seasons import Season
from sisrnn_tf.core.validation import require
from sisrnn_tf.data import covariates, frames
from sisrnn_tf.data.spec import SequenceDataset, pad
from sisrnn_tf.runs.outputs import Output
from sisrnn_tf.runs.predictor import Predictor

_MAX_SERIES = 64  # of the training split, for the guess of the season
ORIGIN = "origin"


class Draws(NamedTuple):
    """How draws are made.

    Attributes:
        num_steps: F.
        num_samples, num_importance, temperature, seed: as of `Predictor.forecast`.
    """

    num_steps: int
    num_samples: int = 100
    num_importance: int = 100
    temperature: float = 1.0
    seed: int = 0


class Origins(NamedTuple):
    """Where the forecasts of a backtest begin.

    Attributes:
        split: which sequences.
        num_sequences: at most so many of them, evenly spaced.
        context_steps, num_origins, stride: as of `backtests.windows`.
        season_length: m; None for a guess.
    """

    split: str
    num_sequences: int
    context_steps: int
    num_origins: int = 1
    stride: int = 1
    season_length: int | None = None


class Forecast(NamedTuple):
    """Forecasts, in the user's units.

    Attributes:
        table: the sequences before them.
        samples: draws, `[S, N, F, D]`.
        title: of a picture.
        truth: what did follow, `[N, F, D]`, NaN where it is not known; None where nothing is.
        record: of a backtest, what lies in forecasts.json; else None.
        season: of a backtest.
    """

    table: frames.Collection
    samples: np.ndarray
    title: str
    truth: np.ndarray | None = None
    record: dict[str, Any] | None = None
    season: Season | None = None


def continue_file(run: Predictor, path: pathlib.Path, draws: Draws) -> Forecast:
    """Returns forecasts of what follows the sequences of a file.

    Args:
        run: the model.
        path: of a .csv, .parquet or .npz, see `frames.read`.
        draws: how to draw.

    Raises:
        ValueError: the file holds something else, or a number is out of its range.
    """
    table = frames.read(path, run.spec)
    if table.covariates is not None:
        given = (table.keys, table.sequences, table.covariates)
        table = table._replace(sequences=covariates.before_future(*given, draws.num_steps))
    table = table.with_future(draws.num_steps)
    return Forecast(table, run.forecast(table, *draws), f"Forecasts, {path.name}")


def backtest(run: Predictor, dataset: SequenceDataset, origins: Origins, draws: Draws) -> Forecast:
    """Returns forecasts of held-out sequences, and their measures beside those of naive forecasts.

    Args:
        run: the model.
        dataset: of the run.
        origins: where the forecasts begin.
        draws: how to draw.

    Raises:
        ValueError: no sequence goes on after the first origin, a season is longer than what lies before it, or a number
            is out of its range.
    """
    require(draws.num_samples > 1, "num_samples", "at least 2, for a CRPS", draws.num_samples)
    season = _season(dataset, origins)
    sequences = forecasts.held_out(dataset, origins.split, origins.num_sequences)
    sizes = (origins.context_steps, draws.num_steps, origins.num_origins, origins.stride)
    found = backtests.windows(sequences, *sizes)
    names = frames.feature_names(run.spec)
    known = _known(dataset, origins, found, draws.num_steps)
    table = frames.Collection(found.numbers.tolist(), found.contexts, names, covariates=known)
    table = _with_labels(table, dataset, origins, found).with_future(draws.num_steps)
    samples = run.forecast(table, *draws)
    real = slice(2 if run.spec.kind.has_pen else len(names))  # the pen is no real value
    parts = found._replace(contexts=[context[:, real] for context in found.contexts], truth=found.truth[..., real])
    records = backtests.measure(parts, samples[..., real], season.length, names[real])
    record = {
        "epoch": run.epoch,
        "convention": run.spec.convention,
        "num_windows": len(found.numbers),
        **(origins._asdict() | {"season_length": season.length, "season_correlation": season.correlation}),
        **draws._asdict(),
        "records": records,
    }
    record["num_sequences"] = len(set(found.numbers.tolist()))
    return Forecast(table, samples, f"Forecasts, {origins.split} split", found.truth, record, season)


def _known(
    dataset: SequenceDataset, origins: Origins, found: backtests.Windows, num_steps: int
) -> list[np.ndarray] | None:
    """Returns the covariates of windows and of the steps after them, each `[C_w + F, U]`; None where there are none."""
    whole = forecasts.held_out_covariates(dataset, origins.split, origins.num_sequences)
    if whole is None:
        return None
    left = min(len(whole[number]) - len(part) for number, part in zip(found.numbers, found.contexts, strict=True))
    expected = f"at most {left}: of the steps after the end of a sequence no covariates are known"
    require(num_steps <= left, "num_steps", expected, num_steps)
    pairs = zip(found.numbers, found.contexts, strict=True)
    return [whole[number][: len(part) + num_steps] for number, part in pairs]


def _with_labels(
    table: frames.Collection, dataset: SequenceDataset, origins: Origins, found: backtests.Windows
) -> frames.Collection:
    """Returns windows with the names of their sequences, and the times of all their steps, where the data has them."""
    labels = forecasts.held_out_labels(dataset, origins.split, origins.num_sequences)
    if labels is None or dataset.layout is None:
        return table
    names, times = zip(*(labels[number] for number in found.numbers), strict=True)
    table = table._replace(keys=names)
    return table if dataset.layout.time is None else table._replace(time=dataset.layout.time, times=times)


def _season(dataset: SequenceDataset, origins: Origins) -> Season:
    longest = origins.context_steps - 1
    if origins.season_length is None:
        return seasons.guess(forecasts.held_out(dataset, "train", _MAX_SERIES), longest)
    expected = f"below the {origins.context_steps} steps before a forecast, whose changes over a season are the scale"
    require(origins.season_length <= max(1, longest), "season_length", expected, origins.season_length)
    return Season(origins.season_length)


def outputs(folder: pathlib.Path, inputs: Sequence[pathlib.Path], is_backtest: bool) -> dict[str, Output]:
    """Returns the files to write by their names, checked before any work.

    Args:
        folder: where they go.
        inputs: files that are read.
        is_backtest: whether there will be measures.

    Raises:
        ValueError: one of them cannot be written, or would replace what must stay.
    """
    names = ["forecasts.npz", "samples.csv", "quantiles.csv", "forecasts.png", *["forecasts.json"] * is_backtest]
    return {name: Output("output_dir", folder / name, inputs) for name in names}


def write(found: Forecast, files: Mapping[str, Output]) -> dict[str, str]:
    """Writes forecasts, and returns where each file is, in words.

    Args:
        found: what to write.
        files: as of `outputs`.

    Raises:
        OSError: a file cannot be written.
    """
    table, samples = found.table, found.samples
    quantiles = np.quantile(samples, forecasts.LEVELS, axis=0).astype(samples.dtype)
    context = pad([np.asarray(part, np.float64) for part in table.sequences], np.nan)
    arrays: dict[str, Any] = {"context": context, "lengths": table.lengths, "samples": samples}
    arrays |= {"quantiles": quantiles, "levels": np.array(forecasts.LEVELS), "sequence": np.array(table.keys)}
    arrays |= {} if found.truth is None else {"truth": found.truth}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    names = [str(key) for key in table.keys]
    figure = plotting.fans(table.sequences, samples, found.truth, found.title, names, list(table.features))
    contents = {
        "forecasts.npz": buffer.getvalue(),
        "samples.csv": _to_csv(found, samples, frames.SAMPLE, None),
        "quantiles.csv": _to_csv(found, quantiles, frames.QUANTILE, forecasts.LEVELS),
    }
    if found.record is not None:
        contents["forecasts.json"] = (json.dumps(found.record, indent=2) + "\n").encode()
    said = {name: files[name].write(functools.partial(_write, content)) for name, content in contents.items()}
    said["forecasts.png"] = files["forecasts.png"].write(lambda file: plotting.write(figure, file, ".png"))
    return said


def _write(content: bytes, file: BinaryIO) -> None:
    file.write(content)


def _to_csv(found: Forecast, values: np.ndarray, axis: str, labels: Sequence[float] | None) -> bytes:
    """Returns draws or quantiles with the names of sequences and features, of a backtest with their origins."""
    frame = frames.draws(found.table, values, found.table.lengths, axis, labels)
    if found.record is not None:
        origins = np.repeat(found.table.lengths, values.shape[0] * values.shape[2])
        frame.insert(1, frames.label(ORIGIN, found.table), origins)
    return frames.to_csv(frame)
