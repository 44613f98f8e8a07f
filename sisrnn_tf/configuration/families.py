"""Families of models by name: what is to be known of each before one is built, which `factory.BUILDERS` does."""

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from sisrnn_tf.configuration import weights
from sisrnn_tf.data.kinds import IMAGES, SERIES, STROKES, TEXT, Kind
from sisrnn_tf.inference.traits import Traits


@dataclasses.dataclass(frozen=True)
class Family:
    """A family of models.

    Attributes:
        label: its name in a report.
        description: of it, in a few words.
        kinds: of data that it fits.
        options: fields of the configuration's model that it makes use of.
        presets: preset -> fields of the configuration.
        num_weights: (configuration of the model, specification of the data, emission) -> how many it trains.
        is_exact: whether its likelihood is, and nothing is latent: it has neither objectives nor estimators.
        has_steps: whether there are several stochastic steps, at which particles can be resampled.
        compiles: whether XLA can compile its training.
        recurs: whether a state recurs, through which the gradient of training can be cut.
        halves: whether of several latents a step each has half as many dimensions as the one below it.
    """

    label: str
    description: str
    kinds: tuple[Kind, ...]
    options: tuple[str, ...]
    presets: Mapping[str, Mapping[str, Any]]
    num_weights: Callable[..., int]
    is_exact: bool = False
    has_steps: bool = True
    compiles: bool = True
    recurs: bool = True
    halves: bool = False

    @property
    def has_latent(self) -> bool:
        """Whether there is a latent."""
        return "latent_size" in self.options

    def used_options(self, values: Mapping[str, Any]) -> list[str]:
        """Returns the fields that it makes use of where others of the configuration's model have such values."""
        return [name for name in self.options if all(values[other] in of for other, of in _DEPENDS.get(name, ()))]

    def mixes(self, values: Mapping[str, Any]) -> bool:
        """Returns whether its posterior is a mixture over noise, so that K makes a difference; values as above."""
        return "mixing" in self.options and values["mixing"] != "none"

    def fits(self, objective: Traits) -> bool:
        """Returns whether it can be trained by an objective, or estimated by it."""
        return self.has_steps or not objective.needs_steps


# Field -> other fields, and those of their values with which it makes a difference.
_DEPENDS: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "noise_sizes": (("mixing", ("joint",)),),
    "noise_per_dimension": (("mixing", ("per_dimension",)),),
    "noise_weight_scale": (("mixing", ("joint", "per_dimension")),),
    "backward_size": (("posterior", ("smoothing",)),),
}
_SEQUENCES = (IMAGES, STROKES, SERIES)
_LATENT = ("latent_size", "hidden_size", "encoder_sizes", "activation", "scale_floor")
_NOISE = ("mixing", "noise_sizes", "noise_per_dimension", "noise_weight_scale")
_OF_STEPS = ("posterior", "backward_size", "prior_sizes", "prior_components", "decoder_sizes")
_SENTENCE = (*_LATENT, "embedding_size", "dropout", "word_dropout")
_REFINEMENT = ("refinement_steps", "refinement_rate", "refinement_momentum", "refinement_clip")
_TRANSFORMER = ("decoder_blocks", "attention_heads")
_CONVOLUTIONS = ("channels", "blocks", "block_layers", "kernel_size")
_STCN = (
    *("latent_size", "encoder_sizes", "activation", "scale_floor", "prior_sizes", "decoder_sizes"),
    *(*_CONVOLUTIONS, *_NOISE),
)

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
_PRESETS: Mapping[str, Mapping[str, Any]] = {"small": _SMALL, "paper": {}}
# The sizes of Lai et al. (2018), whose WaveNet is the one of handwriting.
_WAVENET_PRESETS: Mapping[str, Mapping[str, Any]] = {
    "small": {**_SMALL, "channels": 32, "blocks": 2, "block_layers": 4},
    "paper": {"channels": 200, "blocks": 1, "block_layers": 5, "decoder_sizes": (200, 200)},
}
# The sizes of the published code, whose posteriors do not mix; where one does, each level has noise of its own.
_LADDER = {"mixing": "none", "noise_sizes": (32, 16)}
_STCN_PRESETS: Mapping[str, Mapping[str, Any]] = {
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
_SWAVENET_PRESETS: Mapping[str, Mapping[str, Any]] = {
    "small": {**_STCN_PRESETS["small"], "blocks": 1, **_SMOOTHING},
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
_SENTENCE_PRESETS: Mapping[str, Mapping[str, Any]] = {"small": _SENTENCE_SMALL, "paper": _SENTENCE_PAPER}
_LSTM_PRESETS: Mapping[str, Mapping[str, Any]] = {
    "small": {**_SENTENCE_SMALL, "dropout": 0.2},
    "paper": {**_SENTENCE_PAPER, "dropout": 0.5},
}
# Those of Kim et al. (2018), as far as Table 3's other rows let them be: as many epochs of Adam, where they took SGD.
_REFINED_PRESETS: Mapping[str, Mapping[str, Any]] = {
    "small": {**_LSTM_PRESETS["small"], "mixing": "none", "refinement_steps": 5, "refinement_rate": 0.1},
    "paper": {
        **_LSTM_PRESETS["paper"],
        "hidden_size": 1024,
        "encoder_sizes": (),
        "mixing": "none",
        "kl_schedule": "linear",
        "kl_rising_fraction": 0.25,
    },
}

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "sisrnn": Family(
            "SIS-RNN",
            "a semi-implicit posterior",
            _SEQUENCES,
            (*_LATENT, *_NOISE, *_OF_STEPS),
            _PRESETS,
            weights.of_sisrnn,
        ),
        "vrnn": Family(
            "VRNN",
            "point-mass mixing",
            _SEQUENCES,
            (*_LATENT, *_OF_STEPS),
            _PRESETS,
            weights.of_vrnn,
        ),
        "srnn": Family(
            "SRNN",
            "the latent on top of a deterministic RNN",
            _SEQUENCES,
            (*_LATENT, *_NOISE, *_OF_STEPS),
            {name: {**sizes, **_SMOOTHING} for name, sizes in _PRESETS.items()},
            weights.of_srnn,
        ),
        "rnn": Family(
            "RNN",
            "no latent",
            _SEQUENCES,
            ("hidden_size", "decoder_sizes", "activation"),
            _PRESETS,
            weights.of_rnn,
            is_exact=True,
        ),
        "zforcing": Family(
            "Z-Forcing",
            "latents that tell the state of a backward RNN",
            _SEQUENCES,
            (*_LATENT, *_NOISE, *_OF_STEPS, "auxiliary_weight"),
            {"small": {**_SMALL, **_Z_FORCING, "backward_size": 32}, "paper": _Z_FORCING_PAPER},
            weights.of_z_forcing,
        ),
        "twinnet": Family(
            "TwinNet",
            "no latent, trained beside a backward RNN",
            _SEQUENCES,
            ("hidden_size", "decoder_sizes", "activation", "twin_weight"),
            {"small": _SMALL, "paper": _TWIN_NET_PAPER},
            weights.of_twin_net,
            is_exact=True,
        ),
        "wavenet": Family(
            "WaveNet",
            "no latent, dilated causal convolutions",
            _SEQUENCES,
            (*_CONVOLUTIONS, "decoder_sizes", "activation"),
            _WAVENET_PRESETS,
            weights.of_wavenet,
            is_exact=True,
            recurs=False,
        ),
        "swavenet": Family(
            "SWaveNet",
            "latents in the upper layers of a WaveNet",
            _SEQUENCES,
            (*_STCN, "posterior", "backward_size"),
            _SWAVENET_PRESETS,
            weights.of_swavenet,
            recurs=False,
        ),
        "stcn": Family(
            "STCN",
            "a ladder of latents over dilated causal convolutions",
            _SEQUENCES,
            _STCN,
            _STCN_PRESETS,
            weights.of_stcn,
            recurs=False,
            halves=True,
        ),
        "stcn_dense": Family(
            "STCN-dense",
            "the same, all of whose levels are decoded",
            _SEQUENCES,
            _STCN,
            _STCN_PRESETS,
            weights.of_stcn_dense,
            recurs=False,
            halves=True,
        ),
        "sentence_sisrnn": Family(
            "SIS-RNN of sentences",
            "one latent a sentence, decoded by a transformer",
            (TEXT,),
            (*_SENTENCE, *_NOISE, *_TRANSFORMER),
            _SENTENCE_PRESETS,
            weights.of_sentence_sisrnn,
            has_steps=False,
            recurs=False,
        ),
        "vae_lstm": Family(
            "VAE-LSTM",
            "point-mass mixing, decoded by an LSTM",
            (TEXT,),
            (*_SENTENCE, "lstm_size"),
            _LSTM_PRESETS,
            weights.of_vae_lstm,
            has_steps=False,
            recurs=False,
        ),
        "vae_transformer": Family(
            "VAE-transformer",
            "point-mass mixing, decoded by a transformer",
            (TEXT,),
            (*_SENTENCE, *_TRANSFORMER),
            _SENTENCE_PRESETS,
            weights.of_vae_transformer,
            has_steps=False,
            recurs=False,
        ),
        "sa_vae": Family(
            "SA-VAE",
            "a VAE-LSTM that refines each sentence's posterior by gradient steps",
            (TEXT,),
            (*_SENTENCE, *_NOISE, "lstm_size", *_REFINEMENT),
            _REFINED_PRESETS,
            weights.of_sa_vae,
            has_steps=False,
            recurs=False,
            compiles=False,
        ),
    }
)
PRESETS = ("small", "paper")  # their names


def fitting(kind: Kind) -> list[str]:
    """Returns the names of the families that fit a kind of data."""
    return [name for name, family in FAMILIES.items() if kind in family.kinds]


def options() -> set[str]:
    """Returns the fields of the configuration's model that any family makes use of."""
    return {name for family in FAMILIES.values() for name in family.options}
