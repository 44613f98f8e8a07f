"""Presets: sizes of model and training under one name, and what the options given on top of one make."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from sisrnn_tf.configuration import families
from sisrnn_tf.configuration.config import DataConfig, ExperimentConfig, ModelConfig, TrainingConfig
from sisrnn_tf.configuration.families import FAMILIES, PRESETS
from sisrnn_tf.core.validation import require
from sisrnn_tf.data.registry import DATASETS
from sisrnn_tf.inference.objectives import OBJECTIVES


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
