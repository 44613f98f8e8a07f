"""From configuration to parts: the one place where a string becomes a model, data or a schedule."""

import keras

from sisrnn_tf import decoders, emissions, encoders, optimizers, schedules
from sisrnn_tf.config import SENTENCE_MODELS, DataConfig, ModelConfig, TrainingConfig
from sisrnn_tf.data import registry
from sisrnn_tf.data.spec import DataSpec, SequenceDataset
from sisrnn_tf.data.vocabulary import Vocabulary
from sisrnn_tf.models.base import SequenceModel
from sisrnn_tf.models.deterministic import RNN
from sisrnn_tf.models.sentence import SentenceSISRNN
from sisrnn_tf.models.sequence import SISRNN, VRNN
from sisrnn_tf.validation import require


def make_data(config: DataConfig, seed: int) -> SequenceDataset:
    """Reads the data that a configuration names.

    Args:
        config: of the data.
        seed: of the binarization `sampled`.

    Raises:
        ValueError: the data set is unknown, or its files are missing or damaged.
    """
    return registry.load(
        config.dataset,
        data_dir=config.data_dir,
        download=config.download,
        binarization=config.binarization,
        layout=config.layout,
        seed=seed,
        train_split=config.train_split,
        vocabulary_file=config.vocabulary_file,
        vocabulary_size=config.vocabulary_size,
        max_length=config.max_length,
        normalization=config.normalization,
        splits=config.splits,
        allow_pickle=config.allow_pickle,
    )


def make_emission(config: ModelConfig, spec: DataSpec) -> emissions.Emission:
    """Returns the likelihood of one step of data that is no text.

    Args:
        config: of the model; says how real values are scored.
        spec: of the data.
    """
    if spec.emission == "strokes":
        return emissions.StrokeMixture(config.num_components, config.emission_scale_floor, config.max_correlation)
    if spec.emission == "reals":
        if config.emission == "normal":
            return emissions.Normal(spec.observation_size, config.emission_scale_floor)
        mixture = {"normal_mixture": emissions.NormalMixture, "logistic_mixture": emissions.LogisticMixture}
        return mixture[config.emission](spec.observation_size, config.num_components, config.emission_scale_floor)
    return emissions.Bernoulli(spec.observation_size, intensities=spec.emission == "intensities")


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
        ValueError: the model is of sentences and the data no text, or the other way round.
    """
    is_text = vocabulary is not None
    expected = f"{'one' if is_text else 'none'} of {', '.join(SENTENCE_MODELS)} for {spec.name}"
    require((config.model in SENTENCE_MODELS) == is_text, "model", expected, config.model)
    if is_text:
        return _make_sentence_model(config, training, vocabulary)
    emission = make_emission(config, spec)
    shared = {
        "hidden_size": config.hidden_size,
        "decoder_sizes": config.decoder_sizes,
        "activation": config.activation,
        "truncation": training.truncation,
        "seed": training.seed,
        "dtype": training.precision,
    }
    if config.model == "rnn":
        return RNN(emission, **shared)
    return (VRNN if config.model == "vrnn" else SISRNN)(
        emission,
        latent_size=config.latent_size,
        encoder=_make_encoder(config, training, point_mass=config.model == "vrnn"),
        prior_sizes=config.prior_sizes,
        scale_floor=config.scale_floor,
        resample=training.objective == "fivo",
        **_mixing_options(training),
        **shared,
    )


def _make_sentence_model(config: ModelConfig, training: TrainingConfig, vocabulary: Vocabulary) -> SentenceSISRNN:
    shared = {"dropout_rate": config.dropout, "dtype": training.precision, "name": "decoder"}
    if config.model == "vae_lstm":
        decoder = decoders.LSTMDecoder(config.embedding_size, config.lstm_size, **shared)
    else:
        sizes = (config.embedding_size, config.decoder_blocks, config.attention_heads)
        decoder = decoders.TransformerDecoder(*sizes, **shared)
    return SentenceSISRNN(
        len(vocabulary),
        latent_size=config.latent_size,
        embedding_size=config.embedding_size,
        hidden_size=config.hidden_size,
        decoder=decoder,
        encoder=_make_encoder(config, training, point_mass=config.model != "sentence_sisrnn"),
        end_id=vocabulary.end_id,
        unknown_id=vocabulary.unknown_id,
        word_dropout=config.word_dropout,
        seed=training.seed,
        dtype=training.precision,
        **_mixing_options(training),
    )


def _mixing_options(training: TrainingConfig) -> dict:
    return {
        "num_mixing": training.num_mixing_start,
        "kl_weight": training.kl_weight,
        "eval_num_mixing": training.eval_num_mixing,
        "num_importance": training.num_importance,
    }


def _make_encoder(config: ModelConfig, training: TrainingConfig, point_mass: bool) -> encoders.Encoder:
    network = {
        "hidden_sizes": config.encoder_sizes,
        "activation": config.activation,
        "scale_floor": config.scale_floor,
        "dtype": training.precision,
        "name": "encoder",
    }
    if point_mass:
        return encoders.Gaussian(config.latent_size, **network)
    return encoders.SemiImplicit(
        config.latent_size, noise_sizes=config.noise_sizes, noise_weight_scale=config.noise_weight_scale, **network
    )


def make_optimizer(config: TrainingConfig) -> keras.optimizers.Optimizer:
    """Returns Adam with the configuration's learning rate and gradient clipping."""
    return optimizers.ReplicatedAdam(config.learning_rate, global_clipnorm=config.clip_norm)


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
