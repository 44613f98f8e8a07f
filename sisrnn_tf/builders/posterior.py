"""Posteriors, one function a way to mix; not yet built."""

from typing import Any

from sisrnn_tf import posteriors
from sisrnn_tf.builders import options
from sisrnn_tf.configuration.families import FAMILIES
from sisrnn_tf.configuration.model_config import ModelConfig
from sisrnn_tf.configuration.training_config import TrainingConfig


def make_gaussian(config: ModelConfig, training: TrainingConfig) -> posteriors.Posterior:
    """Returns a posterior without noise."""
    return posteriors.Gaussian(config.latent_size, **_shared(config, training))


def make_joint(config: ModelConfig, training: TrainingConfig) -> posteriors.Posterior:
    """Returns one whose mixture is over whole latent vectors."""
    noise: dict[str, Any] = {"noise_sizes": config.noise_sizes, "noise_weight_scale": config.noise_weight_scale}
    return posteriors.SemiImplicit(config.latent_size, **noise, **_shared(config, training))


def make_per_dimension(config: ModelConfig, training: TrainingConfig) -> posteriors.Posterior:
    """Returns one with a mixture of each dimension."""
    noise: dict[str, Any] = {name: getattr(config, name) for name in ("noise_per_dimension", "noise_weight_scale")}
    return posteriors.PerDimension(config.latent_size, **noise, **_shared(config, training))


def make_summary(config: ModelConfig, training: TrainingConfig) -> posteriors.Summary | None:
    """Returns what a posterior reads of the steps to come; None where that is nothing."""
    if "posterior" not in FAMILIES[config.model].options or config.posterior != "smoothing":
        return None
    return posteriors.BackwardGRU(config.backward_size, dtype=training.precision, name="summary")


def _shared(config: ModelConfig, training: TrainingConfig) -> dict[str, Any]:
    return {
        "hidden_sizes": config.encoder_sizes,
        "scale_floor": config.scale_floor,
        "summary": make_summary(config, training),
        "name": "posterior",
        **options.of_network(config, training),
    }
