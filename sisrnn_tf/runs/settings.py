"""The settings of a run that had a say in it."""

import dataclasses
from typing import Any

from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.configuration.families import FAMILIES
from sisrnn_tf.configuration.model_config import EMISSIONS
from sisrnn_tf.configuration.training_config import TrainingConfig
from sisrnn_tf.configuration.training_use import useless
from sisrnn_tf.data.registry import DATASETS
from sisrnn_tf.data.spec import DataSpec


def used(config: ExperimentConfig, spec: DataSpec) -> dict[str, dict[str, Any]]:
    """Returns the fields of a configuration that its data, model and objective make use of, and what its data is.

    Args:
        config: of the run.
        spec: of its data.

    Returns:
        Section -> field -> value.
    """
    entry, family = DATASETS[config.data.dataset], FAMILIES[config.model.model]
    of_emission = {name for names in EMISSIONS.values() for name in names}
    if "emission" in entry.kind.scoring_options:
        of_emission -= set(EMISSIONS[config.model.emission])
    else:
        of_emission = set()
    values = vars(config.model)
    scoring = [name for name in entry.kind.scoring_options if name not in of_emission]
    fields = {
        "data": ("dataset", "max_eval_sequences", *entry.options),
        "model": ("model", *family.used_options(values), *scoring),
        "training": [field.name for field in dataclasses.fields(TrainingConfig) if field.name not in useless(config)],
    }
    sections = {
        name: {field: getattr(getattr(config, name), field) for field in names} for name, names in fields.items()
    }
    known = {name: value for name, value in dataclasses.asdict(spec).items() if value is not None}
    return sections | {"data.json": known}
