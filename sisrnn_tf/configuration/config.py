"""Experiment configuration: frozen, validated, written to and read from JSON."""

import dataclasses
import json
from typing import Any

from sisrnn_tf.configuration.checks import require_type_of
from sisrnn_tf.configuration.data_config import DataConfig
from sisrnn_tf.configuration.families import FAMILIES
from sisrnn_tf.configuration.model_config import COUNT_EMISSIONS, ModelConfig
from sisrnn_tf.configuration.training_config import TrainingConfig
from sisrnn_tf.core.validation import parse_json, require
from sisrnn_tf.inference.traits import OBJECTIVES


@dataclasses.dataclass(frozen=True)
class ExperimentConfig:
    """All that decides the outcome of a run."""

    data: DataConfig = dataclasses.field(default=DataConfig())
    model: ModelConfig = dataclasses.field(default=ModelConfig())
    training: TrainingConfig = dataclasses.field(default=TrainingConfig())

    def __post_init__(self):
        counted = self.model.emission in COUNT_EMISSIONS
        unscaled = f"none with emission={self.model.emission}: counts are scored as they are"
        good = not counted or self.data.normalization == "none"
        require(good, "normalization", unscaled, self.data.normalization)
        name, family = self.model.model, FAMILIES[self.model.model]
        objective, truncation = self.training.objective, self.training.truncation
        good = not family.is_exact or objective == TrainingConfig.objective
        require(good, "objective", f"left alone with model={name}, whose likelihood is exact", objective)
        names = " or ".join(each for each, kind in OBJECTIVES.items() if family.fits(kind))
        one_step = f"{names}: a sentence has one latent, nothing to resample"
        require(family.fits(OBJECTIVES[objective]), "objective", one_step, objective)
        why = "gradients reach no further than its convolutions" if family.has_steps else "it has one stochastic step"
        require(family.recurs or truncation is None, "truncation", f"left out with model={name}: {why}", truncation)
        compiled = self.training.jit_compile
        require(family.compiles or not compiled, "jit_compile", f"False with model={name}, see the model", compiled)

    def to_json(self) -> str:
        """Returns the configuration as indented JSON text."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "ExperimentConfig":
        """Reads what `to_json` wrote.

        Raises:
            ValueError: the text is no JSON, a field is unknown, or a value is out of its range.
        """
        sections = parse_json(text)
        require(isinstance(sections, dict), "configuration", "a JSON object", sections)
        parts = {}
        for field in dataclasses.fields(cls):
            values = sections.pop(field.name, {})
            require(isinstance(values, dict), field.name, "a JSON object", values)
            part_class: Any = type(field.default)
            known = {part.name: part.default for part in dataclasses.fields(part_class)}
            unknown = sorted(set(values) - set(known))
            require(not unknown, field.name, f"made of the fields {sorted(known)}", unknown)
            values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
            for name, value in values.items():
                require_type_of(name, value, known[name])
            parts[field.name] = part_class(**values)
        require(not sections, "configuration", "made of the sections data, model, training", sorted(sections))
        return cls(**parts)


def differences(first: ExperimentConfig, second: ExperimentConfig) -> list[str]:
    """Returns one line for each field in which two configurations differ."""
    lines = []
    for field in dataclasses.fields(ExperimentConfig):
        left, right = (dataclasses.asdict(getattr(config, field.name)) for config in (first, second))
        lines += [f"{name}: {left[name]!r} != {right[name]!r}" for name in left if left[name] != right[name]]
    return lines
