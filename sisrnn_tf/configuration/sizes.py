"""Sizes of model and training that a preset stands for, by family: preset -> fields of the configuration."""

from collections.abc import Mapping
from typing import Any

Sizes = Mapping[str, Mapping[str, Any]]

# The paper's sizes are the configuration's defaults; "small" trains the digits in a minute or two.
_SMALL = {
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
}
SEQUENCES: Sizes = {"small": _SMALL, "paper": {}}
# The sizes of Lai et al. (2018), whose WaveNet is the one of handwriting.
WAVENET: Sizes = {
    "small": {**_SMALL, "channels": 32, "blocks": 2, "block_layers": 4},
    "paper": {"channels": 200, "blocks": 1, "block_layers": 5, "decoder_sizes": (200, 200)},
}
# The sizes of the published code, whose posteriors do not mix; where one does, each level has noise of its own.
_LADDER = {"mixing": "none", "noise_sizes": (32, 16)}
STCN: Sizes = {
    "small": {**_SMALL, "channels": 32, "blocks": 2, "block_layers": 4, "encoder_sizes": (64, 64), **_LADDER},
    "paper": {
        "latent_size": 32,
        "channels": 256,
        "blocks": 5,
        "block_layers": 6,
        "encoder_sizes": (256, 256),
        "prior_sizes": (256, 256),
        "decoder_sizes": (256,) * 5,
        **_LADDER,
    },
}
_SMOOTHING = {"mixing": "none", "posterior": "smoothing"}
# Of Z-Forcing and TwinNet: sizes of the published code, of the former's speech, as its MNIST's are not to be had.
_Z_FORCING = {**_SMOOTHING, "auxiliary_weight": 0.01}
_Z_FORCING_PAPER = {
    **_Z_FORCING,
    "latent_size": 256,
    "hidden_size": 1024,
    "backward_size": 1024,
    "encoder_sizes": (512,),
    "noise_sizes": (150,),
    "prior_sizes": (512,),
    "decoder_sizes": (512,),
    "scale_floor": 0.018,
    "batch_size": 32,
    "epochs": 100,
    "kl_schedule": "linear",
}
_TWIN_NET_PAPER = {"hidden_size": 512, "decoder_sizes": (512,), "batch_size": 50, "epochs": 40}
SWAVENET: Sizes = {
    "small": {**STCN["small"], "blocks": 1, **_SMOOTHING},
    "paper": {
        "latent_size": 200,
        "channels": 200,
        "blocks": 1,
        "block_layers": 5,
        "backward_size": 200,
        "encoder_sizes": (200, 200),
        "prior_sizes": (200,),
        "decoder_sizes": (200, 200),
        **_LADDER,
        **_SMOOTHING,
    },
}
SRNN: Sizes = {name: {**sizes, **_SMOOTHING} for name, sizes in SEQUENCES.items()}
Z_FORCING: Sizes = {"small": {**_SMALL, **_Z_FORCING, "backward_size": 32}, "paper": _Z_FORCING_PAPER}
TWIN_NET: Sizes = {"small": _SMALL, "paper": _TWIN_NET_PAPER}
# Of sentences: the sizes of the published VAE-transformer and VAE-LSTM, and what trains the embedded text in a few
# minutes.
_SENTENCE_SMALL = {
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
}
_SENTENCE_PAPER = {
    "latent_size": 32,
    "hidden_size": 256,
    "batch_size": 32,
    "eval_batch_size": 32,
    "learning_rate": 5e-4,
    "clip_norm": 5.0,
    "epochs": 40,
    "num_mixing_ramp_epochs": 10,
}
SENTENCE: Sizes = {"small": _SENTENCE_SMALL, "paper": _SENTENCE_PAPER}
LSTM: Sizes = {
    "small": {**_SENTENCE_SMALL, "dropout": 0.2},
    "paper": {**_SENTENCE_PAPER, "dropout": 0.5},
}
# Those of Kim et al. (2018), as far as Table 3's other rows let them be: as many epochs of Adam, where they took SGD.
REFINED: Sizes = {
    "small": {**LSTM["small"], "mixing": "none", "refinement_steps": 5, "refinement_rate": 0.1},
    "paper": {
        **LSTM["paper"],
        "hidden_size": 1024,
        "encoder_sizes": (),
        "mixing": "none",
        "kl_schedule": "linear",
        "kl_rising_fraction": 0.25,
    },
}
