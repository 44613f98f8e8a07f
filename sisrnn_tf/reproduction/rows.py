"""Rows of a table: what all tables make them of."""

from collections.abc import Mapping
from typing import Any

from sisrnn_tf.configuration import families
from sisrnn_tf.configuration.families import FAMILIES
from sisrnn_tf.configuration.model_config import ModelConfig
from sisrnn_tf.configuration.presets import preset_options
from sisrnn_tf.data.kinds import KINDS
from sisrnn_tf.data.registry import DATASETS
from sisrnn_tf.reproduction.plan import Row

_SIZE_OPTIONS = families.options() | {name for kind in KINDS.values() for name in kind.scoring_options}

# Sizes at which a run takes a moment.
TINY = {
    "latent_size": 2,
    "hidden_size": 4,
    "encoder_sizes": (8, 8),
    "noise_sizes": (4, 2),
    "prior_sizes": (4,),
    "decoder_sizes": (8,),
    "channels": 4,
    "blocks": 2,
    "block_layers": 2,
    "embedding_size": 8,
    "decoder_blocks": 1,
    "attention_heads": 2,
    "lstm_size": 8,
    "refinement_steps": 2,
    "num_components": 2,
    "batch_size": 32,
    "epochs": 2,
    "num_mixing": 3,
    "num_mixing_ramp_epochs": 2,
    "eval_num_mixing": 2,
    "kl_schedule": "constant",
    "max_eval_sequences": 50,
}


def make_row(
    name: str,
    label: str,
    options: Mapping[str, Any],
    seeds: tuple[int, ...],
    published: tuple[str, str] | None,
    weight: float,
) -> Row:
    """Returns a row without the options of size that its model makes no use of.

    Args:
        name, label, seeds, published, weight: as of `Row`.
        options: on top of the preset `paper`.
    """
    model, dataset = options["model"], options["dataset"]
    values = vars(ModelConfig()) | preset_options("paper", model, dataset) | dict(options)
    used = {*FAMILIES[model].used_options(values), *DATASETS[dataset].kind.scoring_options}
    useless = _SIZE_OPTIONS - used
    options = {key: value for key, value in options.items() if key not in useless}
    return Row(name, label, "paper", options, seeds, published, weight)
