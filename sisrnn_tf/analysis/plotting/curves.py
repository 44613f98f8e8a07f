"""Pictures of a training run: its metrics, epoch by epoch."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sisrnn_tf.core.validation import require

_TRAIN_COLOR = "tab:blue"
_VALIDATION_COLOR = "tab:orange"

_FEW_EPOCHS = 8  # below it all are of interest
_STEEP = 3.0  # so many times the range of the later epochs is a scale on which they are a flat line

# One curve: (metric, label, color, sign). One panel: (title, vertical axis, curves).
_Curve = tuple[str, str, str, int]
_Panel = tuple[str, str, tuple[_Curve, ...]]

_PANELS: tuple[_Panel, ...] = (
    (
        "Negative log-likelihood",
        "NLL [nats per sequence]",
        (
            ("log_likelihood", "training", _TRAIN_COLOR, -1),
            ("val_loss", "validation", _VALIDATION_COLOR, 1),
        ),
    ),
    (
        "Parts of the bound",
        "[nats per sequence]",
        (
            ("reconstruction", r"$-\log\, p(x \mid z, h)$, training", "tab:green", -1),
            ("val_reconstruction", r"$-\log\, p(x \mid z, h)$, validation", "tab:green", -1),
            ("kl", "KL, training", "tab:purple", 1),
            ("val_kl", "KL, validation", "tab:purple", 1),
        ),
    ),
    ("KL weight", "β", (("kl_weight", "β", _TRAIN_COLOR, 1),)),
    ("Extra mixing draws", "K", (("num_mixing", "K", _TRAIN_COLOR, 1),)),
)
_BOUND_PANEL: _Panel = (
    "Bound on the negative log-likelihood",
    "NLL ≤ [nats per sequence]",
    (
        ("surrogate", "training (β = 1, K as scheduled)", _TRAIN_COLOR, -1),
        ("val_loss", "validation (β = 1, K fixed)", _VALIDATION_COLOR, 1),
    ),
)


def training_curves(records: Iterable[Mapping[str, Any]]) -> Figure:
    """Plots what `metrics.jsonl` holds; metrics that no record has leave no trace.

    Args:
        records: one mapping an epoch. Read where present: `epoch` (else the position, from 1), `log_likelihood`
            (shown negated), of a bound `surrogate` (likewise) instead, `val_loss`, `reconstruction`,
            `val_reconstruction` (sum_t log p(x_t|.), shown negated), `kl`, `val_kl` (nats per sequence), `kl_weight`
            and `num_mixing`. None and values that are not finite leave a gap.

    Returns:
        A figure with one panel each for the NLL, its parts, beta and K, as far as the records know them.

    Raises:
        ValueError: a record is no mapping, or there is nothing to plot.
    """
    records = list(records)
    for record in records:
        if not isinstance(record, Mapping):
            raise ValueError(f"`records` must be mappings from metric to value. Received: record={record!r}")
    has_latent = any(np.isfinite(_values(records, key)).any() for key in ("kl", "val_kl"))
    known_panels = (_BOUND_PANEL, *_PANELS[1:]) if has_latent else _PANELS
    panels = [
        panel for panel in known_panels if any(np.isfinite(_values(records, curve[0])).any() for curve in panel[2])
    ]
    if not panels:
        known = sorted({curve[0] for panel in (*_PANELS, _BOUND_PANEL) for curve in panel[2]})
        raise ValueError(f"`records` must hold at least one of {known}. Received: {len(records)} records without")
    columns = min(2, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(5.2 * columns, 3.4 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel_axes, panel in zip(axes, panels, strict=False):
        _draw_panel(panel_axes, panel, records)
    for unused in axes[len(panels) :]:
        unused.remove()
    return figure


def validation_curves(runs: Mapping[str, Sequence[Mapping[str, Any]]], label: str) -> Figure:
    """Plots the validations of several runs, epoch by epoch, each with a mark at its best.

    Args:
        runs: name -> one mapping an epoch, with `epoch` and `val_loss`.
        label: of the vertical axis, which ends where the first tenth of the epochs of all runs lies: the last count.

    Raises:
        ValueError: a run has no epoch.
    """
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    bounds = []
    for name, records in runs.items():
        require(len(records) > 0, "runs", "of at least one epoch each", name)
        epochs, values = _values(records, "epoch"), _values(records, "val_loss")
        (line,) = axes.plot(epochs, values, label=name, linewidth=1.4)
        best = int(np.nanargmin(values))
        axes.plot(epochs[best], values[best], "o", color=line.get_color(), markersize=5)
        bounds.append((values.min(), np.quantile(values, 0.9)))
    low, high = min(bound[0] for bound in bounds), max(bound[1] for bound in bounds)
    margin = 0.05 * (high - low)
    if margin > 0:
        axes.set_ylim(low - margin, high + margin)
    axes.set_title("Validation; a dot is the best epoch", fontsize=11)
    axes.set_xlabel("epoch")
    axes.set_ylabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    return figure


def _values(records: Sequence[Mapping[str, Any]], key: str) -> np.ndarray:
    """Returns the metric `key` of every record, NaN where it is missing or None."""
    values = [record.get(key) for record in records]
    return np.array([math.nan if value is None else float(value) for value in values])


def _draw_panel(axes: Axes, panel: _Panel, records: Sequence[Mapping[str, Any]]) -> None:
    title, label, curves = panel
    drawn = []
    epochs = _values(records, "epoch")
    epochs = np.where(np.isfinite(epochs), epochs, np.arange(1, len(records) + 1))
    for key, name, color, sign in curves:
        values = _values(records, key)
        if np.isfinite(values).any():
            few = np.isfinite(values).sum() < 10
            style: dict[str, Any] = {
                "color": color,
                "linestyle": "--" if key.startswith("val_") else "-",
                "marker": "o" if few else None,  # a line through one epoch is invisible
                "markersize": 3,
                "linewidth": 1.4,
            }
            drawn.append(sign * np.where(np.isfinite(values), values, math.nan))
            axes.plot(epochs, drawn[-1], label=name, **style)
    if panel in (_PANELS[0], _BOUND_PANEL):
        _show_late_progress(axes, epochs, np.array(drawn))
    axes.set_title(title, fontsize=11)
    axes.set_xlabel("epoch")
    axes.set_ylabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if len(curves) > 1:
        axes.legend(frameon=False, fontsize=9)


def _show_late_progress(axes: Axes, epochs: np.ndarray, curves: np.ndarray) -> None:
    """Chooses a scale on which the last three quarters of curves `[C, E]` show, and says which epochs lie beyond."""
    late = curves[:, len(epochs) // 4 :]
    if len(epochs) < _FEW_EPOCHS or not np.isfinite(late).any():
        return
    low, high = np.nanmin(late), np.nanmax(late)
    if not np.nanmax(curves) - np.nanmin(curves) > _STEEP * (high - low) > 0:
        return
    margin = 0.08 * (high - low)
    axes.set_ylim(low - margin, high + margin)
    with np.errstate(invalid="ignore"):
        beyond = epochs[((curves > high + margin) | (curves < low - margin)).any(axis=0)]
    which = f"epoch {beyond[0]:.0f} lies" if len(beyond) == 1 else f"epochs {beyond[0]:.0f} to {beyond[-1]:.0f} lie"
    axes.text(0.02, 0.02, f"{which} beyond this scale", transform=axes.transAxes, fontsize=8, color="gray")
