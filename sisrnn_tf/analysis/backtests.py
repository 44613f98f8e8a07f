"""Backtests: forecasts from past origins, measured by what did follow, beside the naive ones.

A window is what lies before an origin, of a sequence, and the F steps after it. With m the length of a season, and the
scales of a window the mean size, and the root mean square, of x_t - x_{t-m} before the origin,

    CRPS          mean of E|X - x| - E|X - X'| / 2 over the values that followed, X and X' being draws
    scaled CRPS   the same over the scale: needs no unit, so features can be averaged
    MASE          mean |median - x| over the scale (Hyndman & Koehler 2006)
    RMSSE         root mean square of mean - x in a window, over that of x_t - x_{t-m} (Makridakis et al. 2022)
    coverage      how many of the values lie between the quantiles of a central interval

A naive forecast is the last value, or that of a season ago; its CRPS is its absolute error. Where there is no value
that it could repeat, nothing is measured, of the model neither: all are measured on the same values. MASE and RMSSE are
means over windows; one that does not change before its origin has no scale and is left out of what is scaled.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scoringrules

from sisrnn_tf.core.validation import require
from sisrnn_tf.data.spec import pad

LEVELS = (0.5, 0.8, 0.9, 0.95)  # of central intervals
MODEL, NAIVE, SEASONAL = "model", "naive", "seasonal naive"


class Windows(NamedTuple):
    """What a backtest forecasts from, and what did follow.

    Attributes:
        numbers: of the sequences among those given, int `[W]`.
        contexts: each `[C_w, D]`.
        truth: `[W, F, D]`, NaN after the end of a sequence.
    """

    numbers: np.ndarray
    contexts: list[np.ndarray]
    truth: np.ndarray


def windows(
    sequences: Sequence[np.ndarray], context_steps: int, num_steps: int, num_origins: int = 1, stride: int = 1
) -> Windows:
    """Returns the windows of all origins C, C + stride, .. after which a sequence goes on.

    Args:
        sequences: each `[T_n, D]`.
        context_steps: C, steps before the first origin.
        num_steps: F.
        num_origins: of each sequence, at the most.
        stride: steps from an origin to the next.

    Raises:
        ValueError: no sequence goes on after the first origin.
    """
    origins = [context_steps + stride * index for index in range(num_origins)]
    pairs = [(number, origin) for number, part in enumerate(sequences) for origin in origins if len(part) > origin]
    longest = max(map(len, sequences))
    require(bool(pairs), "context_steps", f"below the {longest} steps of the longest sequence", context_steps)
    truth = pad([sequences[number][origin : origin + num_steps] for number, origin in pairs], np.nan)
    missing = num_steps - truth.shape[1]
    values = np.pad(truth, [(0, 0), (0, missing), (0, 0)], constant_values=np.nan)
    contexts = [sequences[number][:origin] for number, origin in pairs]
    return Windows(np.array([number for number, _ in pairs]), contexts, values)


def naive(contexts: Sequence[np.ndarray], num_steps: int, season_length: int = 1) -> np.ndarray:
    """Returns the values of a season ago, `[W, F, D]`; of a season of 1 the last value. A gap has the value before it.

    Args:
        contexts: each `[C_w, D]`.
        num_steps: F.
        season_length: m, at most C_w.
    """
    ages = season_length - np.arange(num_steps) % season_length
    known = (pd.DataFrame(context).ffill().to_numpy(np.float64) for context in contexts)
    return np.stack([context[len(context) - ages] for context in known])


def crps(samples: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Returns the CRPS of each value, estimated without bias from its draws, `[W, F, D]`.

    Args:
        samples: `[S, W, F, D]`, S at least 2.
        truth: `[W, F, D]`; NaN gives NaN.
    """
    draws = np.moveaxis(np.asarray(samples, np.float64), 0, -1)
    return scoringrules.crps_ensemble(np.asarray(truth, np.float64), draws, estimator="pwm", backend="numpy")


def measure(found: Windows, samples: np.ndarray, season_length: int, names: Sequence[str]) -> list[dict[str, Any]]:
    """Returns the measures of a model and of the naive forecasts, a record of each and of each feature.

    Args:
        found: the windows.
        samples: the model's draws, `[S, W, F, D]`, S at least 2.
        season_length: m.
        names: of the D features.

    Returns:
        Records of `method`, `feature` (None for the mean over all, where there are several), `crps` (None for a mean
        over units), `scaled_crps`, `mase`, `rmsse`, `coverage` of each of `LEVELS` (None of naive ones, and of no
        value) and `num_values`, the same of all methods.

    Raises:
        ValueError: there are fewer than 2 draws, or no value that followed is known where one before it is.
    """
    require(len(samples) > 1, "num_samples", "at least 2, for a CRPS", len(samples))
    scales = _scales(found.contexts, season_length)
    num_steps = found.truth.shape[1]
    points = {NAIVE: naive(found.contexts, num_steps)}
    if season_length > 1:
        points[SEASONAL] = naive(found.contexts, num_steps, season_length)
    can_be_compared = np.isfinite(list(points.values())).all(axis=0)
    truth = np.where(can_be_compared, found.truth, np.nan)
    require(bool(np.isfinite(truth).any()), "truth", "known for a value at least, and a value before it", "none")
    draws = np.asarray(samples, np.float64)
    errors = {MODEL: (crps(draws, truth), np.median(draws, axis=0), draws.mean(axis=0))}
    errors |= {method: (np.abs(point - truth), point, point) for method, point in points.items()}
    groups: list[tuple[str | None, slice]] = [(name, slice(index, index + 1)) for index, name in enumerate(names)]
    groups = [(None, slice(None)), *groups] if len(names) > 1 else groups
    return [
        {"method": method, "feature": name}
        | _measure(parts, truth, scales, columns)
        | {"coverage": _coverage(draws, truth, columns) if method == MODEL else None}
        for name, columns in groups
        for method, parts in errors.items()
    ]


def _scales(contexts: Sequence[np.ndarray], season_length: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean size and the root mean square of x_t - x_{t-m} of each window, each `[W, D]`, NaN for none."""
    sizes, roots = [], []
    for context in contexts:
        changes = np.asarray(context[season_length:], np.float64) - context[: len(context) - season_length]
        changes = changes if len(changes) else np.full([1, context.shape[1]], np.nan)
        known = np.maximum(np.isfinite(changes).sum(axis=0), 1)
        sizes.append(np.nansum(np.abs(changes), axis=0) / known)
        roots.append(np.sqrt(np.nansum(np.square(changes), axis=0) / known))
    return tuple(np.where(np.stack(part) > 0, np.stack(part), np.nan) for part in (sizes, roots))  # type: ignore[return-value]


def _measure(parts, truth: np.ndarray, scales: tuple[np.ndarray, np.ndarray], columns: slice) -> dict[str, Any]:
    """Returns the measures of some features, but for their coverage."""
    crps_values, median, mean = (part[..., columns] for part in parts)
    size, root = (part[:, columns] for part in scales)
    truth = truth[..., columns]
    return {
        "crps": _mean(crps_values) if truth.shape[-1] == 1 else None,
        "scaled_crps": _mean(crps_values / size[:, np.newaxis]),
        "mase": _mean(_window_means(np.abs(median - truth)) / size),
        "rmsse": _mean(np.sqrt(_window_means(np.square(mean - truth))) / root),
        "num_values": int(np.isfinite(truth).sum()),
    }


def _window_means(values: np.ndarray) -> np.ndarray:
    """Returns the means over the known steps of windows, `[W, D]` of `[W, F, D]`."""
    known = np.isfinite(values)
    return np.where(known, values, 0.0).sum(axis=1) / np.where(known.any(axis=1), known.sum(axis=1), np.nan)


def _mean(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None


def _coverage(draws: np.ndarray, truth: np.ndarray, columns: slice) -> dict[str, float] | None:
    """Returns the share of known values within the central interval of each level; None where none is known."""
    draws, truth = draws[..., columns], truth[..., columns]
    known = np.isfinite(truth)
    if not known.any():
        return None
    shares = {}
    for level in LEVELS:
        lower, upper = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
        shares[f"{100 * level:g}"] = float(((lower <= truth) & (truth <= upper))[known].mean())
    return shares


def table(records: Sequence[dict[str, Any]]) -> str:
    """Returns records as a table for people."""
    levels = [f"{100 * level:g}" for level in LEVELS]
    rows = [["feature", "method", "CRPS", "scaled CRPS", "MASE", "RMSSE", *(f"in {level}%" for level in levels)]]
    for record in records:
        covered = record["coverage"] or {}
        cells = [_cell(record[name], ".4g") for name in ("crps", "scaled_crps", "mase", "rmsse")]
        shares = [_cell(covered.get(level), ".1%") for level in levels]
        rows.append([record["feature"] or "all", record["method"], *cells, *shares])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
