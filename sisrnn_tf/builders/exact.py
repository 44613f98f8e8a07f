"""Models whose likelihood is exact."""

from typing import Any

from sisrnn_tf.builders import options
from sisrnn_tf.configuration.model_config import ModelConfig
from sisrnn_tf.configuration.training_config import TrainingConfig
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.models.deterministic import RNN
from sisrnn_tf.models.twin_net import TwinNet
from sisrnn_tf.models.wavenet import WaveNet


def make_rnn(config: ModelConfig, training: TrainingConfig, spec: DataSpec, chosen: options.Chosen) -> RNN:
    """Returns a deterministic RNN."""
    return RNN(**_options(config, training, spec, chosen))


def make_twin_net(config: ModelConfig, training: TrainingConfig, spec: DataSpec, chosen: options.Chosen) -> TwinNet:
    """Returns one that is trained beside a backward one."""
    return TwinNet(twin_weight=config.twin_weight, **_options(config, training, spec, chosen))


def make_wavenet(config: ModelConfig, training: TrainingConfig, spec: DataSpec, chosen: options.Chosen) -> WaveNet:
    """Returns a convolutional network."""
    sizes: dict[str, Any] = {"blocks": config.blocks, **options.of_convolutions(config)}
    return WaveNet(**sizes, **_network(config), **options.of_sequences(training, spec, chosen))


def _options(config: ModelConfig, training: TrainingConfig, spec: DataSpec, chosen: options.Chosen) -> dict[str, Any]:
    shared = options.of_sequences(training, spec, chosen)
    return {**_network(config), **options.of_recurrence(config, training), **shared}


def _network(config: ModelConfig) -> dict[str, Any]:
    return {"decoder_sizes": config.decoder_sizes, "activation": config.activation}
