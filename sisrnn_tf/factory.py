"""From configuration to parts: the one place where a string becomes a model, data or a schedule."""

import functools
from collections.abc import Callable, Mapping

import keras

from sisrnn_tf import emissions, posteriors
from sisrnn_tf.builders import exact, ladder, latent, posterior, sentences
from sisrnn_tf.builders.options import Chosen
from sisrnn_tf.configuration import families
from sisrnn_tf.configuration.data_config import DataConfig
from sisrnn_tf.configuration.model_config import ModelConfig
from sisrnn_tf.configuration.training_config import TrainingConfig
from sisrnn_tf.core import optimizers
from sisrnn_tf.core.validation import require
from sisrnn_tf.data import registry
from sisrnn_tf.data.spec import DataSpec, SequenceDataset
from sisrnn_tf.data.vocabulary import Vocabulary
from sisrnn_tf.inference import objectives, schedules
from sisrnn_tf.models.base import SequenceModel
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
    chosen = Chosen(make_emission(config, spec), make_objective(training), vocabulary)
    model = BUILDERS[config.model](config, training, spec, chosen)
    model.units = None if spec.normalization is None else spec.normalization.describe()
    return model


def make_objective(config: TrainingConfig) -> objectives.Objective:
    """Returns what training maximizes, with the K that it starts with."""
    kind = objectives.OBJECTIVES[config.objective]
    importance = {"num_importance": config.num_importance} if kind.has_importance else {}
    return kind(**importance, num_mixing=config.num_mixing_start)


# By the configuration's `mixing`.
MIXINGS: Mapping[str, Callable[[ModelConfig, TrainingConfig], posteriors.Posterior]] = {
    "none": posterior.make_gaussian,
    "joint": posterior.make_joint,
    "per_dimension": posterior.make_per_dimension,
}


def make_posterior(config: ModelConfig, training: TrainingConfig) -> posteriors.Posterior:
    """Returns the posterior of the configuration's `mixing`, which reads what its `posterior` says, not yet built."""
    return MIXINGS[config.mixing](config, training)


# By the names of `families.FAMILIES`: (configuration, training, specification of the data, chosen parts) -> model.
BUILDERS: Mapping[str, Callable[..., SequenceModel]] = {
    "sisrnn": functools.partial(latent.make_model, SISRNN, latent.make_gru_parts, make_posterior),
    "vrnn": functools.partial(latent.make_model, VRNN, latent.make_gru_parts, posterior.make_gaussian),
    "srnn": functools.partial(latent.make_model, SRNN, latent.make_srnn_parts, make_posterior),
    "zforcing": functools.partial(latent.make_z_forcing, make_posterior),
    "rnn": exact.make_rnn,
    "twinnet": exact.make_twin_net,
    "wavenet": exact.make_wavenet,
    "swavenet": functools.partial(ladder.make_swavenet, make_posterior),
    "stcn": functools.partial(ladder.make_stcn, False, make_posterior),
    "stcn_dense": functools.partial(ladder.make_stcn, True, make_posterior),
    "sentence_sisrnn": functools.partial(
        sentences.make_model, SentenceSISRNN, sentences.make_transformer, make_posterior
    ),
    "vae_lstm": functools.partial(sentences.make_model, SentenceSISRNN, sentences.make_lstm, posterior.make_gaussian),
    "vae_transformer": functools.partial(
        sentences.make_model, SentenceSISRNN, sentences.make_transformer, posterior.make_gaussian
    ),
    "sa_vae": functools.partial(sentences.make_refined, make_posterior),
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
