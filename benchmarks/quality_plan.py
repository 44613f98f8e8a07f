"""What `benchmarks.quality` compares: models that differ in posterior and prior, data, and how long they train."""

from typing import Any, NamedTuple

from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.configuration.presets import from_options

_JOINT = {"mixing": "joint", "num_mixing": 5}
_PER_DIMENSION = {"mixing": "per_dimension", "num_mixing": 50, "num_mixing_start": 50, "num_mixing_ramp_epochs": 0}
_SMOOTHING = {"posterior": "smoothing"}
_PRIOR = {"prior_components": 10}
# Name -> its label, and its options.
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "vrnn": ("VRNN", {"model": "vrnn"}),
    "srnn": ("SRNN", {"model": "srnn"}),
    "joint": ("SIS-RNN of the paper", {"model": "sisrnn", **_JOINT}),
    "per_dimension": ("SIS-RNN, per-dimension", {"model": "sisrnn", **_PER_DIMENSION}),
    "smoothing": ("VRNN, smoothing", {"model": "vrnn", **_SMOOTHING}),
    "both": ("SIS-RNN, per-dimension, smoothing", {"model": "sisrnn", **_PER_DIMENSION, **_SMOOTHING}),
    "both_mixture": (
        "SIS-RNN, per-dimension, smoothing, mixture prior",
        {"model": "sisrnn", **_PER_DIMENSION, **_SMOOTHING, **_PRIOR},
    ),
    "smoothing_mixture": ("VRNN, smoothing, mixture prior", {"model": "vrnn", **_SMOOTHING, **_PRIOR}),
}


class Data(NamedTuple):
    """Data of a comparison.

    Attributes:
        options: of the configuration.
        path: below the user's folder of data.
        epochs: that count in the column of equal epochs.
        seconds: of CPU time, that count in the other.
        num_validation: sequences that validate an epoch, evenly spaced.
        num_test: sequences of the test, evenly spaced.
        target: of validation SMC, whose time is told; None for none.
    """

    options: dict[str, Any]
    path: str
    epochs: int
    seconds: float
    num_validation: int
    num_test: int
    target: float | None = None


_STROKES = {
    "dataset": "strokes",
    "emission_scale_floor": 0.005,
    "clip_norm": 5.0,
    "binarization": "none",
    "normalization": "vrnn",
}
DATA: dict[str, Data] = {
    "rows": Data({"dataset": "binarized_mnist", "binarization": "larochelle"}, "", 15, 400, 1000, 1000, 88.0),
    "kanji": Data({**_STROKES}, "strokes/short_kanji.npz", 30, 200, 600, 500),
    "omniglot": Data({**_STROKES}, "strokes/omniglot.npz", 10, 200, 500, 500),
}
_SHARED = {"learning_rate": 2e-3, "kl_schedule": "constant", "num_mixing_ramp_epochs": 5}


def configuration(data: str, model: str, seed: int, data_dir: str, further: dict[str, Any]) -> ExperimentConfig:
    """Returns the configuration of a run.

    Args:
        data: a key of `DATA`.
        model: a key of `MODELS`.
        seed: of weights, order and noise.
        data_dir: the user's folder of data.
        further: options on top.
    """
    chosen = DATA[data]
    options = {**_SHARED, **chosen.options, **MODELS[model][1], **further}
    return from_options("paper", {**options, "data_dir": f"{data_dir}/{chosen.path}".rstrip("/"), "seed": seed})
