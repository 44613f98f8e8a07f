"""Presets: sizes of model and training under one name, and what the options given on top of one make."""

import dataclasses
import logging
import pathlib
from collections.abc import Mapping
from typing import Any

from sisrnn_tf.configuration import families
from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.configuration.data_config import DataConfig
from sisrnn_tf.configuration.families import FAMILIES, PRESETS
from sisrnn_tf.configuration.model_config import ModelConfig
from sisrnn_tf.configuration.training_config import TrainingConfig
from sisrnn_tf.core.validation import require
from sisrnn_tf.data.registry import DATASETS
from sisrnn_tf.inference.traits import OBJECTIVES

_LOGGER = logging.getLogger(__name__)
_OWN = ("csv", "npz", "text")  # data sets of any size
_BYTES = {False: 2_000_000, True: 300_000}  # of series, and of text, whose steps are larger and whose files smaller
_FEWEST, _MOST = 8, 10  # from an eighth of the epochs to ten times as many


def preset_options(preset: str, model: str, dataset: str = "digits") -> dict[str, Any]:
    """Returns the options that a preset stands for, as far as the model makes use of them.

    Args:
        preset: one of `families.PRESETS`.
        model: a key of `families.FAMILIES`.
        dataset: name of the data set.

    Raises:
        ValueError: one of them is unknown.
    """
    for name, value, known in (("preset", preset, PRESETS), ("model", model, FAMILIES), ("dataset", dataset, DATASETS)):
        require(value in known, name, f"one of {', '.join(known)}", value)
    family = FAMILIES[model]
    useless = families.options() - set(family.options)
    sizes = {**family.presets[preset], **DATASETS[dataset].sizes.get(preset, {})}
    return {name: value for name, value in sizes.items() if name not in useless}


def choose(dataset: str, data_dir: str | None, model: str) -> tuple[str, dict[str, Any]]:
    """Returns the preset that is taken where none is named, and options beside it; says which, of a user's own data.

    `small` with its epochs is some minutes of two cores on so many bytes as `_BYTES` has. Of fewer there are more
    epochs, up to ten times as many; of more fewer, down to an eighth of them; then it is the published sizes. The KL
    weight of series is constant, so that the run may be given more epochs.

    Args:
        dataset: a key of `registry.DATASETS`.
        data_dir: where the files lie; None for embedded data.
        model: a key of `families.FAMILIES`.
    """
    entry = DATASETS[dataset]
    if "data_dir" not in entry.options:
        return "small", {}
    path = None if data_dir is None else pathlib.Path(data_dir).expanduser()
    if dataset not in _OWN or path is None or not path.exists():
        return "paper", {}
    files = [path] if path.is_file() else [each for each in path.iterdir() if each.is_file()]
    size, enough = sum(each.stat().st_size for each in files), _BYTES[entry.kind.has_words]
    if size > _FEWEST * enough:
        _LOGGER.info("Preset paper: %s holds %.1f MB; --preset=small is smaller.", path, size / 1e6)
        return "paper", {}
    usual = FAMILIES[model].presets["small"]["epochs"]
    epochs = max(1, min(_MOST * usual, round(usual * enough / max(size, 1))))
    _LOGGER.info("Preset small, %d epochs: %s holds %.2f MB. --preset and --epochs win.", epochs, path, size / 1e6)
    return "small", {"epochs": epochs, **({} if entry.kind.has_words else {"kl_schedule": "constant"})}


def from_options(preset: str, options: Mapping[str, Any]) -> ExperimentConfig:
    """Builds a configuration from a preset's sizes and the options given on top of it.

    Args:
        preset: one of `families.PRESETS`.
        options: field name -> value, over all three sections; these win over the preset. An objective without a
            bound of other beta than 1 makes `kl_schedule` constant where it is not among them.

    Raises:
        ValueError: the preset or an option is unknown, or a value is out of its range.
    """
    base = preset_options(preset, options.get("model", ModelConfig.model), options.get("dataset", DataConfig.dataset))
    # Importance weights have no beta but 1: no other schedule would do with them.
    objective = OBJECTIVES.get(options.get("objective", TrainingConfig.objective))
    weighted = objective is not None and not objective.weighs_kl
    remaining = {**base, **({"kl_schedule": "constant"} if weighted else {}), **options}
    parts = {}
    for field in dataclasses.fields(ExperimentConfig):
        part_class: Any = type(field.default)
        names = [part.name for part in dataclasses.fields(part_class)]
        parts[field.name] = part_class(**{name: remaining.pop(name) for name in names if name in remaining})
    require(not remaining, "options", "fields of the configuration", sorted(remaining))
    return ExperimentConfig(**parts)
