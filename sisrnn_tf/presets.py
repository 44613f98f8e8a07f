"""Presets: sizes of model and training under one name, and what the options given on top of one make."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from sisrnn_tf.config import MODEL_OPTIONS, MODELS, SENTENCE_MODELS, DataConfig, ExperimentConfig, ModelConfig
from sisrnn_tf.validation import require

# What a preset names. The paper's sizes are the model's defaults; "small" trains the digits in a minute or two.
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "small": {
        "latent_size": 8,
        "hidden_size": 32,
        "encoder_sizes": (64, 64, 64),
        "noise_sizes": (32, 16, 8),
        "prior_sizes": (32, 32),
        "decoder_sizes": (64, 64),
        "batch_size": 32,
        "learning_rate": 3e-3,
        "epochs": 40,
        "num_mixing": 10,
        "num_mixing_ramp_epochs": 10,
    },
    "paper": {},
}

# The same of models of sentences: the sizes of the published VAE-transformer and VAE-LSTM, and what trains the embedded
# text in a few minutes.
_SENTENCE_PRESETS: Mapping[str, Mapping[str, Any]] = {
    "small": {
        "latent_size": 16,
        "hidden_size": 64,
        "encoder_sizes": (64, 64, 64),
        "noise_sizes": (32, 16, 8),
        "embedding_size": 64,
        "decoder_blocks": 2,
        "attention_heads": 4,
        "lstm_size": 128,
        "batch_size": 32,
        "eval_batch_size": 32,
        "learning_rate": 2e-3,
        "epochs": 30,
        "num_mixing": 10,
        "num_mixing_ramp_epochs": 5,
    },
    "paper": {
        "latent_size": 32,
        "hidden_size": 256,
        "batch_size": 32,
        "eval_batch_size": 32,
        "learning_rate": 5e-4,
        "clip_norm": 5.0,
        "epochs": 40,
        "num_mixing_ramp_epochs": 10,
    },
}
# The paper's handwriting: "the same .. except that we used 256 hidden units for GRU".
_HANDWRITING = ("iamondb", "strokes")
_STROKES = {"paper": {"hidden_size": 256}, "small": {}}
_LSTM_DROPOUT = {"small": 0.2, "paper": 0.5}


def preset_options(preset: str, model: str, dataset: str = "digits") -> dict[str, Any]:
    """Returns the options that a preset stands for, as far as the model makes use of them.

    Args:
        preset: a key of `PRESETS`.
        model: one of `MODELS`.
        dataset: name of the data set.

    Raises:
        ValueError: the preset or the model is unknown.
    """
    require(preset in PRESETS, "preset", f"one of {', '.join(PRESETS)}", preset)
    require(model in MODELS, "model", f"one of {', '.join(MODELS)}", model)
    options = {**(_SENTENCE_PRESETS if model in SENTENCE_MODELS else PRESETS)[preset]}
    if dataset in _HANDWRITING:
        options |= _STROKES[preset]
    if model == "vae_lstm":
        options["dropout"] = _LSTM_DROPOUT[preset]
    others = {name for names in MODEL_OPTIONS.values() for name in names} - set(MODEL_OPTIONS[model])
    return {name: value for name, value in options.items() if name not in others}


def from_options(preset: str, options: Mapping[str, Any]) -> ExperimentConfig:
    """Builds a configuration from a preset's sizes and the options given on top of it.

    Args:
        preset: a key of `PRESETS`.
        options: field name -> value, over all three sections; these win over the preset. An objective other than
            sivi makes `kl_schedule` constant where it is not among them.

    Raises:
        ValueError: the preset or an option is unknown, or a value is out of its range.
    """
    base = preset_options(preset, options.get("model", ModelConfig.model), options.get("dataset", DataConfig.dataset))
    # Importance weights have no beta but 1: no other schedule would do with them.
    weighted = options.get("objective", "sivi") != "sivi"
    remaining = {**base, **({"kl_schedule": "constant"} if weighted else {}), **options}
    parts = {}
    for field in dataclasses.fields(ExperimentConfig):
        part_class = type(field.default)
        names = [part.name for part in dataclasses.fields(part_class)]
        parts[field.name] = part_class(**{name: remaining.pop(name) for name in names if name in remaining})
    require(not remaining, "options", "fields of the configuration", sorted(remaining))
    return ExperimentConfig(**parts)
