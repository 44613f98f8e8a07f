"""From flags to a configuration."""

import dataclasses

from absl import app
from absl.flags import FLAGS

from flags import data, model, training, workdir  # noqa: F401  their import defines the flags
from sisrnn_tf.config import ExperimentConfig, from_options
from sisrnn_tf.data.registry import DATASETS


def from_flags() -> ExperimentConfig:
    """Returns the configuration that the flags given and the preset's defaults make.

    Raises:
        absl.app.UsageError: a value is out of its range.
    """
    names = {part.name for field in dataclasses.fields(ExperimentConfig) for part in dataclasses.fields(field.default)}
    given = {name: FLAGS[name].value for name in names if FLAGS[name].value is not None}
    try:
        sizes = {name: _to_sizes(name, value) for name, value in given.items() if isinstance(value, list)}
        binarization = {"binarization": DATASETS[FLAGS.dataset].default_binarization}
        preset = FLAGS.preset or ("small" if FLAGS.dataset == "digits" else "paper")
        return from_options(preset, binarization | given | sizes)
    except ValueError as error:
        raise app.UsageError(str(error)) from error


def workdir_from_flags(config: ExperimentConfig) -> str:
    """Returns the run's folder: the flag's, or one named after the data set and the model."""
    return FLAGS.workdir or f"runs/{config.data.dataset}-{config.model.model}"


def _to_sizes(name: str, texts: list[str]) -> tuple[int, ...]:
    try:
        return tuple(int(text) for text in texts)
    except ValueError as error:
        raise ValueError(f"`{name}` must be ints separated by commas. Received: {name}={','.join(texts)}") from error
