"""Models with several latents a step, over a convolutional network or in it."""

import dataclasses
from collections.abc import Callable
from typing import Any

from sisrnn_tf.builders import options, posterior
from sisrnn_tf.configuration.model_config import ModelConfig
from sisrnn_tf.configuration.training_config import TrainingConfig
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.models.stcn import STCN
from sisrnn_tf.models.swavenet import SWaveNet
from sisrnn_tf.posteriors import Posterior

_MakePosterior = Callable[[ModelConfig, TrainingConfig], Posterior]


def make_stcn(
    dense: bool,
    make_posterior: _MakePosterior,
    config: ModelConfig,
    training: TrainingConfig,
    spec: DataSpec,
    chosen: options.Chosen,
) -> STCN:
    """Returns a ladder over a convolutional network.

    Args:
        dense: whether all levels are decoded.
        make_posterior: of a level, from a configuration with its size.
        config: sizes.
        training: seed, precision and weights of the bound.
        spec: of the data.
        chosen: emission and objective.
    """
    shared = _shared(make_posterior, config, training, spec, chosen)
    return STCN(level_sizes=config.level_sizes, dense=dense, **shared)


def make_swavenet(
    make_posterior: _MakePosterior,
    config: ModelConfig,
    training: TrainingConfig,
    spec: DataSpec,
    chosen: options.Chosen,
) -> SWaveNet:
    """Returns a convolutional network with latents in its upper layers; arguments as of `make_stcn`."""
    shared = _shared(make_posterior, config, training, spec, chosen)
    return SWaveNet(layer_sizes=config.level_sizes, summary=posterior.make_summary(config, training), **shared)


def _shared(
    make_posterior: _MakePosterior,
    config: ModelConfig,
    training: TrainingConfig,
    spec: DataSpec,
    chosen: options.Chosen,
) -> dict[str, Any]:
    # What is told of the sequence is told to all levels at once.
    levels = [dataclasses.replace(config, latent_size=size, posterior="filtering") for size in config.level_sizes]
    return {
        "posteriors": [make_posterior(level, training) for level in levels],
        "activation": config.activation,
        **{name: getattr(config, name) for name in ("prior_sizes", "decoder_sizes", "scale_floor")},
        **options.of_convolutions(config),
        **options.of_mixing(training, chosen),
        **options.of_sequences(training, spec, chosen),
    }
