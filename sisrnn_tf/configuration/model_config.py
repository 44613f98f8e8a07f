"""Configuration of the model."""

import dataclasses
from collections.abc import Mapping

from sisrnn_tf.configuration.checks import require_choice, require_finite, require_minimum, require_sizes
from sisrnn_tf.configuration.families import FAMILIES
from sisrnn_tf.core.validation import require

# How series are scored, each with the fields of the configuration's model that it makes use of.
EMISSIONS: Mapping[str, tuple[str, ...]] = {
    "normal": ("emission_scale_floor",),
    "normal_mixture": ("num_components", "emission_scale_floor"),
    "logistic_mixture": ("num_components", "emission_scale_floor"),
    "negative_binomial": (),
}
COUNT_EMISSIONS = ("negative_binomial",)
MIXINGS = ("none", "joint", "per_dimension")
POSTERIORS = ("filtering", "smoothing")


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """Which model, and its sizes; the defaults are the paper's, and ours where it is silent."""

    model: str = "sisrnn"
    latent_size: int = 16
    hidden_size: int = 64
    encoder_sizes: tuple[int, ...] = (128, 128, 128)
    mixing: str = "joint"  # of the posterior: none, over whole latent vectors (the paper's), or of each dimension
    noise_sizes: tuple[int, ...] = (150, 100, 50)  # of joint mixing, one entry an encoder layer
    noise_per_dimension: int = 3  # bits, of mixing of each dimension
    noise_weight_scale: float = 0.1  # initial noise weights, as a fraction of the other weights
    posterior: str = "filtering"  # filtering: reads x_t and the state; smoothing: a GRU over x_t..x_T too
    backward_size: int = 64  # units of that GRU
    prior_components: int = 1  # of the prior; 1: a Gaussian
    prior_sizes: tuple[int, ...] = (64, 64)  # and of Z-Forcing's auxiliary network
    decoder_sizes: tuple[int, ...] = (128, 128)
    activation: str = "relu"
    scale_floor: float = 1e-3  # smallest standard deviation of prior and posterior
    auxiliary_weight: float = 0.0  # of Z-Forcing's cost of telling the backward state, in training; 0: no such cost
    twin_weight: float = 0.5  # of TwinNet's matching penalty, in training; 0: no backward network
    channels: int = 200  # of each convolution, in convolutional models, and so are the next three
    blocks: int = 1  # of convolutions, in each of which the dilation begins with 1; one for each level of a ladder
    block_layers: int = 5  # convolutions of a block, each with twice the dilation of the one before
    kernel_size: int = 2  # taps of a convolution
    embedding_size: int = 512  # of words, in models of sentences, and so are the rest
    decoder_blocks: int = 3  # of the transformer
    attention_heads: int = 8
    lstm_size: int = 1024  # of the LSTM that decodes
    dropout: float = 0.2  # of the decoder
    word_dropout: float = 0.0  # probability with which training hides a word from the decoder
    refinement_steps: int = 20  # gradient steps that refine each sentence's posterior; 0: none
    refinement_rate: float = 1 / 32  # of a step, per nat of the sentence's own bound
    refinement_momentum: float = 0.5
    refinement_clip: float = 28.0  # largest norm of a sentence's gradient by its means, and by its log-variances
    emission: str = "normal_mixture"  # of series, a key of EMISSIONS; what follows is of series and strokes
    num_components: int = 20  # of a mixture
    emission_scale_floor: float = 1e-3  # smallest scale, in normalized units
    max_correlation: float = 0.95  # of strokes, between the two offsets; 0: diagonal covariances

    @property
    def level_sizes(self) -> tuple[int, ...]:
        """Dimensions of each latent of a step, the lowest first: on a ladder each has half of those below it."""
        family = FAMILIES[self.model]
        count = self.blocks if {"latent_size", "blocks"} <= set(family.options) else 1
        return tuple(max(1, self.latent_size >> (level if family.halves else 0)) for level in range(count))

    def __post_init__(self):
        require_finite(self)
        require_choice("model", self.model, FAMILIES)
        require_choice("emission", self.emission, EMISSIONS)
        require_choice("mixing", self.mixing, MIXINGS)
        require_choice("posterior", self.posterior, POSTERIORS)
        require_minimum("noise_per_dimension", self.noise_per_dimension, 1)
        require(self.noise_per_dimension <= 8, "noise_per_dimension", "from 1 to 8", self.noise_per_dimension)
        require(0 <= self.max_correlation < 1, "max_correlation", "in [0, 1)", self.max_correlation)
        for name in ("scale_floor", "emission_scale_floor", "refinement_rate", "refinement_clip"):
            require(getattr(self, name) > 0, name, "positive", getattr(self, name))
        sizes = ("latent_size", "hidden_size", "embedding_size", "decoder_blocks", "attention_heads", "lstm_size")
        convolutions = ("channels", "blocks", "block_layers")
        for name in (*sizes, *convolutions, "num_components", "backward_size", "prior_components"):
            require_minimum(name, getattr(self, name), 1)
        require_minimum("kernel_size", self.kernel_size, 2)
        require_minimum("refinement_steps", self.refinement_steps, 0)
        for name in ("dropout", "word_dropout", "refinement_momentum"):
            require(0 <= getattr(self, name) < 1, name, "in [0, 1)", getattr(self, name))
        for name in ("encoder_sizes", "noise_sizes", "prior_sizes", "decoder_sizes"):
            require_sizes(name, getattr(self, name))
        fitting = "noise_sizes" not in FAMILIES[self.model].used_options(vars(self)) or len(self.noise_sizes) == len(
            self.encoder_sizes
        )
        require(fitting, "noise_sizes", f"as long as encoder_sizes={self.encoder_sizes}", self.noise_sizes)
        for name in ("noise_weight_scale", "auxiliary_weight", "twin_weight"):
            require_minimum(name, getattr(self, name), 0.0)
        smooths = self.posterior == "smoothing" or "auxiliary_weight" not in FAMILIES[self.model].options
        told = f"0 with posterior={self.posterior}: there is no backward state to tell"
        require(smooths or not self.auxiliary_weight, "auxiliary_weight", told, self.auxiliary_weight)
