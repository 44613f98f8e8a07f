"""Models whose likelihood is exact."""

from typing import Any

from sisrnn_tf.builders import options
from sisrnn_tf.configuration.model_config import ModelConfig
from sisrnn_tf.configuration.training_config import TrainingConfig
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.models.deterministic import RNN
from sisrnn_tf.models.twin_net import TwinNet


def make_rnn(config: ModelConfig, training: TrainingConfig, spec: DataSpec, chosen: options.Chosen) -> RNN:
    """Returns a deterministic RNN."""
    return RNN(**_options(config, training, spec, chosen))


def make_twin_net(config: ModelConfig, training: TrainingConfig, spec: DataSpec, chosen: options.Chosen) -> TwinNet:
    """Returns one that is trained beside a backward one."""
    return TwinNet(twin_weight=config.twin_weight, **_options(config, training, spec, chosen))


def _options(config: ModelConfig, training: TrainingConfig, spec: DataSpec, chosen: options.Chosen) -> dict[str, Any]:
    network = {"decoder_sizes": config.decoder_sizes, "activation": config.activation}
    return {**network, **options.of_sequences(config, training, spec, chosen)}
