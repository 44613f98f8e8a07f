"""The settings of a run that had a say in it."""

import dataclasses
from typing import Any

from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.configuration.families import FAMILIES
from sisrnn_tf.configuration.model_config import EMISSIONS
from sisrnn_tf.configuration.training_config import TrainingConfig
from sisrnn_tf.data.registry import DATASETS
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.inference.objectives import OBJECTIVES

_MIXING = ("num_mixing", "num_mixing_start", "num_mixing_ramp_epochs", "eval_num_mixing")
_KL = ("kl_schedule", "kl_weight", "kl_num_cycles", "kl_rising_fraction")
# What a schedule of the KL weight makes no use of.
_UNUSED_BY_SCHEDULE = {"constant": _KL[2:], "linear": _KL[2:3]}


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
        "training": _of_training(config),
    }
    sections = {
        name: {field: getattr(getattr(config, name), field) for field in names} for name, names in fields.items()
    }
    known = {name: value for name, value in dataclasses.asdict(spec).items() if value is not None}
    return sections | {"data.json": known}


def _of_training(config: ExperimentConfig) -> list[str]:
    family, training = FAMILIES[config.model.model], config.training
    useless = set(_UNUSED_BY_SCHEDULE.get(training.kl_schedule, ()))
    useless |= set() if family.mixes(vars(config.model)) else set(_MIXING)
    useless |= set() if OBJECTIVES[training.objective].has_importance else {"num_importance"}
    useless |= {"objective", *_KL} if family.is_exact else set()
    useless |= set() if family.recurs else {"truncation"}
    return [field.name for field in dataclasses.fields(TrainingConfig) if field.name not in useless]
