"""The batch size where none is asked for: a preset's, smaller where there are few sequences."""

import dataclasses
import logging

from sisrnn_tf.configuration.config import ExperimentConfig

_LOGGER = logging.getLogger(__name__)
_STEPS = 4  # of an epoch


def fitted(config: ExperimentConfig, num_sequences: int) -> ExperimentConfig:
    """Returns a configuration whose epochs have at least four batches; says so where these become smaller.

    Args:
        config: with the batch size of a preset.
        num_sequences: of the training split.
    """
    training, replicas = config.training, config.training.num_replicas
    size = max(num_sequences // _STEPS // replicas, 1) * replicas
    if training.batch_size <= size:
        return config
    message = "Batches of %d sequences, not the preset's %d: there are %d to train on. --batch_size wins."
    _LOGGER.info(message, size, training.batch_size, num_sequences)
    return dataclasses.replace(config, training=dataclasses.replace(training, batch_size=size))
