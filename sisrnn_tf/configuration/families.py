"""Families of models by name: what is to be known of each before one is built, which `factory.BUILDERS` does."""

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from sisrnn_tf.configuration import sizes, weights
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

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "sisrnn": Family(
            "SIS-RNN",
            "a semi-implicit posterior",
            _SEQUENCES,
            (*_LATENT, *_NOISE, *_OF_STEPS),
            sizes.SEQUENCES,
            weights.of_sisrnn,
        ),
        "vrnn": Family(
            "VRNN",
            "point-mass mixing",
            _SEQUENCES,
            (*_LATENT, *_OF_STEPS),
            sizes.SEQUENCES,
            weights.of_vrnn,
        ),
        "srnn": Family(
            "SRNN",
            "the latent on top of a deterministic RNN",
            _SEQUENCES,
            (*_LATENT, *_NOISE, *_OF_STEPS),
            sizes.SRNN,
            weights.of_srnn,
        ),
        "rnn": Family(
            "RNN",
            "no latent",
            _SEQUENCES,
            ("hidden_size", "decoder_sizes", "activation"),
            sizes.SEQUENCES,
            weights.of_rnn,
            is_exact=True,
        ),
        "zforcing": Family(
            "Z-Forcing",
            "latents that tell the state of a backward RNN",
            _SEQUENCES,
            (*_LATENT, *_NOISE, *_OF_STEPS, "auxiliary_weight"),
            sizes.Z_FORCING,
            weights.of_z_forcing,
        ),
        "twinnet": Family(
            "TwinNet",
            "no latent, trained beside a backward RNN",
            _SEQUENCES,
            ("hidden_size", "decoder_sizes", "activation", "twin_weight"),
            sizes.TWIN_NET,
            weights.of_twin_net,
            is_exact=True,
        ),
        "wavenet": Family(
            "WaveNet",
            "no latent, dilated causal convolutions",
            _SEQUENCES,
            (*_CONVOLUTIONS, "decoder_sizes", "activation"),
            sizes.WAVENET,
            weights.of_wavenet,
            is_exact=True,
            recurs=False,
        ),
        "swavenet": Family(
            "SWaveNet",
            "latents in the upper layers of a WaveNet",
            _SEQUENCES,
            (*_STCN, "posterior", "backward_size"),
            sizes.SWAVENET,
            weights.of_swavenet,
            recurs=False,
        ),
        "stcn": Family(
            "STCN",
            "a ladder of latents over dilated causal convolutions",
            _SEQUENCES,
            _STCN,
            sizes.STCN,
            weights.of_stcn,
            recurs=False,
            halves=True,
        ),
        "stcn_dense": Family(
            "STCN-dense",
            "the same, all of whose levels are decoded",
            _SEQUENCES,
            _STCN,
            sizes.STCN,
            weights.of_stcn_dense,
            recurs=False,
            halves=True,
        ),
        "sentence_sisrnn": Family(
            "SIS-RNN of sentences",
            "one latent a sentence, decoded by a transformer",
            (TEXT,),
            (*_SENTENCE, *_NOISE, *_TRANSFORMER),
            sizes.SENTENCE,
            weights.of_sentence_sisrnn,
            has_steps=False,
            recurs=False,
        ),
        "vae_lstm": Family(
            "VAE-LSTM",
            "point-mass mixing, decoded by an LSTM",
            (TEXT,),
            (*_SENTENCE, "lstm_size"),
            sizes.LSTM,
            weights.of_vae_lstm,
            has_steps=False,
            recurs=False,
        ),
        "vae_transformer": Family(
            "VAE-transformer",
            "point-mass mixing, decoded by a transformer",
            (TEXT,),
            (*_SENTENCE, *_TRANSFORMER),
            sizes.SENTENCE,
            weights.of_vae_transformer,
            has_steps=False,
            recurs=False,
        ),
        "sa_vae": Family(
            "SA-VAE",
            "a VAE-LSTM that refines each sentence's posterior by gradient steps",
            (TEXT,),
            (*_SENTENCE, *_NOISE, "lstm_size", *_REFINEMENT),
            sizes.REFINED,
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
