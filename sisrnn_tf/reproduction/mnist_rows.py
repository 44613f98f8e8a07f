"""Rows of Table 1, sequential MNIST, and of the study of conventions."""

from typing import Any

from sisrnn_tf.reproduction.plan import Row
from sisrnn_tf.reproduction.rows import TINY, make_row

_CONVENTIONS = ("dynamic", "threshold", "grey")  # beside the one of the table's own rows
# Systems of other papers: label, options, the number, and how long a run takes.
_OTHERS: dict[str, tuple[str, dict[str, Any], str, float]] = {
    "zforcing": ("Z-Forcing", {"model": "zforcing", "auxiliary_weight": 0.0}, "Z-Forcing (1-layer)", 1.7),
    "zforcing_aux": ("Z-Forcing + aux", {"model": "zforcing"}, "Z-Forcing (1-layer) + aux", 1.8),
    "twinnet": ("TwinNet", {"model": "twinnet"}, "TwinNet (3-layers)", 1.9),
}
# The sizes and the budget that all rows share, in the place of their own.
_EQUAL = {
    "latent_size": 16,
    "encoder_sizes": (128, 128, 128),
    "prior_sizes": (64, 64),
    "decoder_sizes": (128, 128),
    "scale_floor": 1e-3,
    "batch_size": 128,
}
_DIFFERS = (
    " Z-Forcing and TwinNet differ from their sources: rows of images in place of pixels, one GRU in place of LSTMs "
    "(of TwinNet three layers), and the sizes of VRNN's row; docs/systems.md says the rest."
)
# What the numbers are of; options of all rows; data of the table's rows, and of the study of conventions.
_MNIST = {
    "smoke": (
        "Tiny models after two epochs on scikit-learn's digits (8 x 8, rows), binarized once (`sampled`) in the place "
        "of Larochelle's files: these numbers show that the machinery works, and have nothing to do with the paper's."
        + _DIFFERS,
        TINY,
        {"dataset": "digits", "binarization": "sampled"},
        {"dataset": "digits"},
    ),
    "cpu": (
        "Larochelle's files, rows (T=28, D=28), and MNIST's grey levels in the study of conventions; the paper's "
        "sizes, but 10 epochs (the paper: 2,000), learning rate 3e-3 (1e-3), K from 1 to 10 over 5 epochs (1 to 100 "
        "over 500) and beta = 1 throughout (cyclical): what was best on validation in few epochs, for VRNN and SIS-RNN "
        "alike." + _DIFFERS,
        {
            "epochs": 10,
            "learning_rate": 3e-3,
            "kl_schedule": "constant",
            "num_mixing": 10,
            "num_mixing_ramp_epochs": 5,
        },
        {"dataset": "binarized_mnist", "binarization": "larochelle", "data_dir": ""},
        {"dataset": "mnist", "data_dir": ""},
    ),
    "paper": (
        "Larochelle's files, rows (T=28, D=28), and MNIST's grey levels in the study of conventions; the paper's sizes "
        "and schedules. The paper cites Larochelle and Murray for its binarization; it trains on 60,000 images, of "
        "which here 10,000 choose the epoch.",
        {},
        {"dataset": "binarized_mnist", "binarization": "larochelle", "data_dir": ""},
        {"dataset": "mnist", "data_dir": ""},
    ),
}


def make(scale: str) -> tuple[str, list[Row]]:
    """Returns what the numbers are of, in words, and the rows, of a scale of `plans.SCALES`."""
    note, shared, main, other = _MNIST[scale]
    seeds = (0, 1, 2) if scale == "cpu" else (0,)
    small, large = (4, 8) if scale == "smoke" else (64, 128)
    models = {
        "rnn": ("RNN", "rnn", small, None, 1.0),
        "vrnn": ("VRNN", "vrnn", small, "VRNN (1-layer)", 1.4),
        "sisrnn_64": ("SIS-RNN, GRU 64", "sisrnn", small, "SIS-RNN (1-layer) 64", 5.0),
        "sisrnn_128": ("SIS-RNN, GRU 128", "sisrnn", large, "SIS-RNN (1-layer) 128", 6.5),
    }
    rows = []
    for name, (label, model, size, published, weight) in models.items():
        options = {**shared, **main, "model": model, "hidden_size": size}
        reference = None if published is None else ("sequential MNIST", published)
        rows.append(make_row(name, label, options, seeds, reference, weight))
    for name, (label, own, published, weight) in _OTHERS.items() if scale != "paper" else ():
        options = {**_EQUAL, **shared, **main, **own, "hidden_size": small, "backward_size": small}
        options.pop("noise_sizes", None)  # of a point mass
        rows.append(make_row(name, label, options, seeds, ("sequential MNIST", published), weight))
    for convention in _CONVENTIONS:
        for row in [row for row in rows if row.name in ("vrnn", "sisrnn_64")]:
            options = {**row.options, **other, "binarization": convention}
            label = f"{row.label}, {convention}"
            rows.append(row._replace(name=f"{row.name}_{convention}", label=label, options=options, base=row.name))
    return note, [row._replace(seeds=(0,)) if row.base else row for row in rows]
