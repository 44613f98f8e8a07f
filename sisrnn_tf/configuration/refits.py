"""Posteriors that a trained model's may be refitted as, as configurations of its model."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sisrnn_tf.configuration.families import FAMILIES
from sisrnn_tf.configuration.model_config import ModelConfig

WIDER = 4  # times the units of each hidden layer of the encoder

# Refit -> the fields of the configuration in which it differs from the run's own posterior.
_CHANGES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "same": {},
        "smoothing": {"posterior": "smoothing"},
        "per_dimension": {"mixing": "per_dimension"},
        "both": {"posterior": "smoothing", "mixing": "per_dimension"},
    }
)
NAMES = (*_CHANGES, "wider")


def variants(config: ModelConfig) -> dict[str, ModelConfig]:
    """Returns the refits of a model's posterior that differ, by `NAMES`, its own kind first.

    Args:
        config: of a model of sequences with a latent. One that smooths already, say, is not refitted as smoothing.
    """
    own = config if "mixing" in FAMILIES[config.model].options else dataclasses.replace(config, mixing="none")
    found: dict[str, ModelConfig] = {}
    for name, changes in _CHANGES.items():
        variant = dataclasses.replace(own, **changes)
        if variant not in found.values():
            found[name] = variant
    sizes = tuple(WIDER * size for size in own.encoder_sizes)
    return {**found, "wider": dataclasses.replace(own, encoder_sizes=sizes)}
