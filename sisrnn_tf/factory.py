"""From configuration to parts: the one place where a string becomes a model, data or a schedule."""

import keras

from sisrnn_tf import emissions, encoders, schedules
from sisrnn_tf.config import DataConfig, ModelConfig, TrainingConfig
from sisrnn_tf.data import registry
from sisrnn_tf.data.spec import SequenceDataset
from sisrnn_tf.models.base import SequenceModel
from sisrnn_tf.models.deterministic import RNN
from sisrnn_tf.models.sequence import SISRNN, VRNN


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
    )


def make_emission(name: str, event_size: int) -> emissions.Bernoulli:
    """Returns the likelihood of one step.

    Args:
        name: `bernoulli`, or `intensities` for values between 0 and 1.
        event_size: D.
    """
    return emissions.Bernoulli(event_size, intensities=name == "intensities")


def make_model(config: ModelConfig, training: TrainingConfig, emission) -> SequenceModel:
    """Returns the model of a configuration, not yet compiled; K is the one training starts with.

    Args:
        config: of the model.
        training: gives K, beta and the seed.
        emission: the likelihood of one step.
    """
    shared = {
        "hidden_size": config.hidden_size,
        "decoder_sizes": config.decoder_sizes,
        "activation": config.activation,
        "seed": training.seed,
        "dtype": training.precision,
    }
    if config.model == "rnn":
        return RNN(emission, **shared)
    network = {
        "hidden_sizes": config.encoder_sizes,
        "activation": config.activation,
        "scale_floor": config.scale_floor,
        "dtype": training.precision,
        "name": "encoder",
    }
    if config.model == "vrnn":
        model_class, encoder = VRNN, encoders.Gaussian(config.latent_size, **network)
    else:
        model_class = SISRNN
        encoder = encoders.SemiImplicit(
            config.latent_size,
            noise_sizes=config.noise_sizes,
            noise_weight_scale=config.noise_weight_scale,
            **network,
        )
    return model_class(
        emission,
        latent_size=config.latent_size,
        encoder=encoder,
        prior_sizes=config.prior_sizes,
        scale_floor=config.scale_floor,
        num_mixing=training.num_mixing_start,
        kl_weight=training.kl_weight,
        eval_num_mixing=training.eval_num_mixing,
        num_importance=training.num_importance,
        resample=training.objective == "fivo",
        **shared,
    )


def make_optimizer(config: TrainingConfig) -> keras.optimizers.Optimizer:
    """Returns Adam with the configuration's learning rate and gradient clipping."""
    return keras.optimizers.Adam(config.learning_rate, global_clipnorm=config.clip_norm)


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
