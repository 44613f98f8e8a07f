"""From configuration to parts: the one place where a string becomes a model, data or a schedule."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras

from sisrnn_tf import cells, emissions, posteriors
from sisrnn_tf.configuration import families
from sisrnn_tf.configuration.config import DataConfig, ModelConfig, TrainingConfig
from sisrnn_tf.configuration.families import FAMILIES
from sisrnn_tf.core import optimizers
from sisrnn_tf.core.validation import require
from sisrnn_tf.data import registry
from sisrnn_tf.data.spec import DataSpec, SequenceDataset
from sisrnn_tf.data.vocabulary import Vocabulary
from sisrnn_tf.inference import objectives, schedules
from sisrnn_tf.models import decoders
from sisrnn_tf.models.base import SequenceModel
from sisrnn_tf.models.deterministic import RNN
from sisrnn_tf.models.sentence import SentenceSISRNN
from sisrnn_tf.models.sequence import SISRNN, VRNN
from sisrnn_tf.models.srnn import SRNN


def make_data(config: DataConfig, seed: int) -> SequenceDataset:
    """Reads the data that a configuration names.

    Args:
        config: of the data.
        seed: of the binarization `sampled`.

    Raises:
        ValueError: the data set is unknown, or its files are missing or damaged.
    """
    options = {name: value for name, value in vars(config).items() if name not in ("dataset", "max_eval_sequences")}
    return registry.load(config.dataset, seed=seed, **options)


def _make_mixture(make: Callable[..., emissions.Emission], config: ModelConfig, spec: DataSpec) -> emissions.Emission:
    return make(spec.observation_size, config.num_components, config.emission_scale_floor)


_Makers = Mapping[str, Callable[[ModelConfig, DataSpec], emissions.Emission]]
# How series are scored, by the configuration's `emission`.
REAL_EMISSIONS: _Makers = {
    "normal": lambda config, spec: emissions.Normal(spec.observation_size, config.emission_scale_floor),
    "normal_mixture": functools.partial(_make_mixture, emissions.NormalMixture),
    "logistic_mixture": functools.partial(_make_mixture, emissions.LogisticMixture),
    "negative_binomial": lambda config, spec: emissions.NegativeBinomial(spec.observation_size),
}
# By what observations can be, a key of `kinds.SUPPORTS`.
EMISSIONS: _Makers = {
    "bernoulli": lambda config, spec: emissions.Bernoulli(spec.observation_size),
    "intensities": lambda config, spec: emissions.Bernoulli(spec.observation_size, intensities=True),
    "tokens": lambda config, spec: emissions.Categorical(spec.observation_size),
    "reals": lambda config, spec: REAL_EMISSIONS[config.emission](config, spec),
    "strokes": lambda config, spec: emissions.StrokeMixture(
        config.num_components, config.emission_scale_floor, config.max_correlation
    ),
}


def make_emission(config: ModelConfig, spec: DataSpec) -> emissions.Emission:
    """Returns the likelihood of one step of data.

    Args:
        config: of the model; says how real values are scored.
        spec: of the data.
    """
    return EMISSIONS[spec.emission](config, spec)


def make_model(
    config: ModelConfig, training: TrainingConfig, spec: DataSpec, vocabulary: Vocabulary | None = None
) -> SequenceModel:
    """Returns the model of a configuration, not yet compiled; K is the one training starts with.

    Args:
        config: of the model.
        training: gives K, beta and the seed.
        spec: of the data.
        vocabulary: of text, else None.

    Raises:
        ValueError: the model does not fit the kind of data.
    """
    fitting = families.fitting(spec.kind)
    require(config.model in fitting, "model", f"one of {', '.join(fitting)} for {spec.name}", config.model)
    model = BUILDERS[config.model](config, training, spec, vocabulary)
    model.units = None if spec.normalization is None else spec.normalization.describe()
    return model


def _sequence_options(config: ModelConfig, training: TrainingConfig, spec: DataSpec) -> dict[str, Any]:
    return {
        "emission": make_emission(config, spec),
        "hidden_size": config.hidden_size,
        "covariate_size": spec.covariate_size,
        "truncation": training.truncation,
        "seed": training.seed,
        "dtype": training.precision,
    }


def _make_rnn(config: ModelConfig, training: TrainingConfig, spec: DataSpec, vocabulary: None) -> RNN:
    network: dict[str, Any] = {"decoder_sizes": config.decoder_sizes, "activation": config.activation}
    return RNN(**network, **_sequence_options(config, training, spec))


def _make_latent(
    make: type[SISRNN],
    make_parts: Callable[[ModelConfig, TrainingConfig, emissions.Emission], dict[str, keras.layers.Layer]],
    make_posterior: Callable[[ModelConfig, TrainingConfig], posteriors.Posterior],
    config: ModelConfig,
    training: TrainingConfig,
    spec: DataSpec,
    vocabulary: None,
) -> SISRNN:
    options = _sequence_options(config, training, spec)
    # Before the posterior, so that models of one seed that differ in it alone start with the same other weights.
    parts = make_parts(config, training, options["emission"])
    posterior = make_posterior(config, training)
    return make(latent_size=config.latent_size, posterior=posterior, **parts, **_mixing_options(training), **options)


def _make_gru_parts(
    config: ModelConfig, training: TrainingConfig, emission: emissions.Emission
) -> dict[str, keras.layers.Layer]:
    dtype, network = {"dtype": training.precision}, _network_options(config, training)
    return {
        "transition": cells.GRUTransition(config.hidden_size, name="transition", **dtype),
        "decoder": cells.FeedForwardDecoder(emission.parameter_size, config.decoder_sizes, name="decoder", **network),
        "prior": _make_prior(config, training),
    }


def _make_srnn_parts(
    config: ModelConfig, training: TrainingConfig, emission: emissions.Emission
) -> dict[str, keras.layers.Layer]:
    dtype, network = {"dtype": training.precision}, _network_options(config, training)
    sizes = (emission.parameter_size, config.hidden_size, config.decoder_sizes)
    return {
        "transition": cells.SRNNTransition(config.hidden_size, config.latent_size, name="transition", **dtype),
        "decoder": cells.SRNNDecoder(*sizes, name="decoder", **network),
        "prior": _make_prior(config, training),
    }


def _make_prior(config: ModelConfig, training: TrainingConfig) -> cells.Prior:
    options = {"scale_floor": config.scale_floor, "name": "prior", **_network_options(config, training)}
    sizes = config.latent_size, config.prior_sizes
    if config.prior_components == 1:
        return cells.GaussianPrior(*sizes, **options)
    return cells.MixturePrior(*sizes, config.prior_components, **options)


def _make_sentence_model(
    make_decoder: Callable[[ModelConfig, TrainingConfig], keras.layers.Layer],
    make_posterior: Callable[[ModelConfig, TrainingConfig], posteriors.Posterior],
    config: ModelConfig,
    training: TrainingConfig,
    spec: DataSpec,
    vocabulary: Vocabulary,
) -> SentenceSISRNN:
    return SentenceSISRNN(
        len(vocabulary),
        latent_size=config.latent_size,
        embedding_size=config.embedding_size,
        hidden_size=config.hidden_size,
        decoder=make_decoder(config, training),
        posterior=make_posterior(config, training),
        end_id=vocabulary.end_id,
        unknown_id=vocabulary.unknown_id,
        word_dropout=config.word_dropout,
        seed=training.seed,
        dtype=training.precision,
        **_mixing_options(training),
    )


def _make_lstm(config: ModelConfig, training: TrainingConfig) -> decoders.LSTMDecoder:
    return decoders.LSTMDecoder(config.embedding_size, config.lstm_size, **_decoder_options(config, training))


def _make_transformer(config: ModelConfig, training: TrainingConfig) -> decoders.TransformerDecoder:
    sizes = (config.embedding_size, config.decoder_blocks, config.attention_heads)
    return decoders.TransformerDecoder(*sizes, **_decoder_options(config, training))


def _decoder_options(config: ModelConfig, training: TrainingConfig) -> dict[str, Any]:
    return {"dropout_rate": config.dropout, "dtype": training.precision, "name": "decoder"}


def _mixing_options(training: TrainingConfig) -> dict[str, Any]:
    return {
        "objective": make_objective(training),
        "kl_weight": training.kl_weight,
        "eval_num_mixing": training.eval_num_mixing,
    }


def make_objective(config: TrainingConfig) -> objectives.Objective:
    """Returns what training maximizes, with the K that it starts with."""
    kind = objectives.OBJECTIVES[config.objective]
    importance = {"num_importance": config.num_importance} if kind.has_importance else {}
    return kind(**importance, num_mixing=config.num_mixing_start)


def _make_gaussian(config: ModelConfig, training: TrainingConfig) -> posteriors.Posterior:
    return posteriors.Gaussian(config.latent_size, **_posterior_options(config, training))


def _make_joint(config: ModelConfig, training: TrainingConfig) -> posteriors.Posterior:
    noise: dict[str, Any] = {"noise_sizes": config.noise_sizes, "noise_weight_scale": config.noise_weight_scale}
    return posteriors.SemiImplicit(config.latent_size, **noise, **_posterior_options(config, training))


def _make_per_dimension(config: ModelConfig, training: TrainingConfig) -> posteriors.Posterior:
    noise: dict[str, Any] = {name: getattr(config, name) for name in ("noise_per_dimension", "noise_weight_scale")}
    return posteriors.PerDimension(config.latent_size, **noise, **_posterior_options(config, training))


# By the configuration's `mixing`.
MIXINGS: Mapping[str, Callable[[ModelConfig, TrainingConfig], posteriors.Posterior]] = {
    "none": _make_gaussian,
    "joint": _make_joint,
    "per_dimension": _make_per_dimension,
}


def make_posterior(config: ModelConfig, training: TrainingConfig) -> posteriors.Posterior:
    """Returns the posterior of the configuration's `mixing`, which reads what its `posterior` says, not yet built."""
    return MIXINGS[config.mixing](config, training)


def _posterior_options(config: ModelConfig, training: TrainingConfig) -> dict[str, Any]:
    summary = None
    if "posterior" in FAMILIES[config.model].options and config.posterior == "smoothing":
        summary = posteriors.BackwardGRU(config.backward_size, dtype=training.precision, name="summary")
    return {
        "hidden_sizes": config.encoder_sizes,
        "scale_floor": config.scale_floor,
        "summary": summary,
        "name": "posterior",
        **_network_options(config, training),
    }


def _network_options(config: ModelConfig, training: TrainingConfig) -> dict[str, Any]:
    return {"activation": config.activation, "dtype": training.precision}


# By the names of `families.FAMILIES`: (configuration, training, specification of the data, vocabulary) -> model.
BUILDERS: Mapping[str, Callable[..., SequenceModel]] = {
    "sisrnn": functools.partial(_make_latent, SISRNN, _make_gru_parts, make_posterior),
    "vrnn": functools.partial(_make_latent, VRNN, _make_gru_parts, _make_gaussian),
    "srnn": functools.partial(_make_latent, SRNN, _make_srnn_parts, make_posterior),
    "rnn": _make_rnn,
    "sentence_sisrnn": functools.partial(_make_sentence_model, _make_transformer, make_posterior),
    "vae_lstm": functools.partial(_make_sentence_model, _make_lstm, _make_gaussian),
    "vae_transformer": functools.partial(_make_sentence_model, _make_transformer, _make_gaussian),
}


def make_optimizer(config: TrainingConfig, total_steps: int) -> keras.optimizers.Optimizer:
    """Returns Adam with the configuration's learning rate and gradient clipping, for a run of so many steps.

    The schedule `plateau` begins with a constant one, which a callback changes.
    """
    rate = config.learning_rate
    if config.learning_rate_schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, total_steps)
    return optimizers.ReplicatedAdam(rate, global_clipnorm=config.clip_norm)


def make_mixing_schedule(config: TrainingConfig) -> schedules.MixingRamp:
    """Returns K by epoch."""
    return schedules.MixingRamp(config.num_mixing_start, config.num_mixing, config.num_mixing_ramp_epochs)


def make_kl_schedule(config: TrainingConfig, total_steps: int) -> schedules.Schedule:
    """Returns beta by step, for a run of so many steps."""
    if config.kl_schedule == "constant":
        return schedules.ConstantKLWeight(config.kl_weight)
    if config.kl_schedule == "linear":
        rising_steps = max(1, round(config.kl_rising_fraction * total_steps))
        return schedules.LinearKLWeight(rising_steps, config.kl_weight)
    return schedules.CyclicalKLWeight(total_steps, config.kl_num_cycles, config.kl_rising_fraction, config.kl_weight)
