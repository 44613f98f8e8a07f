"""Pictures of what the latents carry."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator


def information(kl: np.ndarray, mutual_information: np.ndarray, num_sequences: np.ndarray) -> Figure:
    """Plots KL and mutual information of each step, under the most that so many sequences can show.

    Args:
        kl: nats, `[T]`; NaN leaves a gap.
        mutual_information: nats, `[T]`; NaN leaves a gap.
        num_sequences: that have the step, int `[T]`.

    Raises:
        ValueError: the arguments are not of one length.
    """
    if not np.ndim(kl) == 1 or not np.shape(kl) == np.shape(mutual_information) == np.shape(num_sequences):
        raise ValueError(
            f"`kl`, `mutual_information` and `num_sequences` must be of one length. Received: kl.shape={np.shape(kl)}, "
            f"mutual_information.shape={np.shape(mutual_information)}, num_sequences.shape={np.shape(num_sequences)}"
        )
    limit = np.where(np.asarray(num_sequences) > 0, np.log(np.maximum(num_sequences, 1)), np.nan)
    steps = np.arange(len(kl))
    figure = Figure(figsize=(7.0, 4.6), layout="constrained")
    axes = figure.subplots()
    style: dict[str, Any] = {"marker": "o", "markersize": 3, "linewidth": 1.4}
    label = r"KL to the prior, mean of $\log\,\hat g_t - \log\, p(z_t \mid h_{t-1})$"
    axes.plot(steps, kl, color="tab:purple", label=label, **style)
    label = r"mutual information of $z_t$ and $(x_t, h_{t-1})$"
    axes.plot(steps, mutual_information, color="tab:green", label=label, **style)
    axes.plot(steps, limit, color="gray", linestyle=":", label="log S, the most that S sequences can show")
    axes.set_title("What the latents carry", fontsize=11)
    axes.set_xlabel("step")
    axes.set_ylabel("[nats per step]")
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", frameon=False, fontsize=9)
    return figure
