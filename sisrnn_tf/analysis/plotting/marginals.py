"""Pictures of the posterior's marginals."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sisrnn_tf.analysis import gaussian_mixtures
from sisrnn_tf.core.types import Marginal


def marginals(examples: Sequence[Marginal]) -> Figure:
    """Draws densities of marginals, each with the Gaussian of equal mean and variance over it.

    Args:
        examples: one a panel.

    Raises:
        ValueError: there is no example.
    """
    if not examples:
        raise ValueError("`examples` must hold at least one marginal. Received: examples=[]")
    columns = math.ceil(math.sqrt(len(examples)))
    rows = math.ceil(len(examples) / columns)
    figure = Figure(figsize=(3.6 * columns, 2.7 * rows + 0.5), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel_axes, example in zip(axes, examples, strict=False):
        _draw_marginal(panel_axes, example)
    for unused in axes[len(examples) :]:
        unused.remove()
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False)
    return figure


def _draw_marginal(axes: Axes, example: Marginal) -> None:
    moments = gaussian_mixtures.moments(example.loc, example.scale)
    points, log_density = gaussian_mixtures.densities_on_grid(example.loc, example.scale)
    negentropy = gaussian_mixtures.negentropy(points, log_density, moments.mean, moments.variance)
    standard_deviation = np.sqrt(moments.variance)
    gaussian = gaussian_mixtures.log_density(points, moments.mean[np.newaxis], standard_deviation[np.newaxis])
    axes.fill_between(points, np.exp(log_density), color="tab:blue", alpha=0.3, linewidth=0)
    label = r"posterior $g(z_t \mid x_t, h_{t-1})$"
    axes.plot(points, np.exp(log_density), color="tab:blue", linewidth=1.4, label=label)
    label = "Gaussian of equal mean and variance"
    axes.plot(points, np.exp(gaussian), color="black", linestyle="--", linewidth=1.0, label=label)
    axes.set_xlim(*(moments.mean + sign * 4.5 * standard_deviation for sign in (-1, 1)))
    axes.set_ylim(bottom=0)
    axes.set_title(
        f"sequence {example.sequence}, step {example.step}, dimension {example.dimension}\n"
        f"skewness {moments.skewness:.2f}, excess kurtosis {moments.excess_kurtosis:.2f}\n"
        f"negentropy {negentropy:.3f} nats",
        fontsize=9,
    )
    axes.set_xlabel("z", fontsize=9)
    axes.set_ylabel("density", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
