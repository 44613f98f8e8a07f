"""Models whose likelihood is exact."""

from typing import Any

from sisrnn_tf.builders import options
from sisrnn_tf.configuration.model_config import ModelConfig
from sisrnn_tf.configuration.training_config import TrainingConfig
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.models.deterministic import RNN


def make_rnn(config: ModelConfig, training: TrainingConfig, spec: DataSpec, chosen: options.Chosen) -> RNN:
    """Returns a deterministic RNN."""
    network: dict[str, Any] = {"decoder_sizes": config.decoder_sizes, "activation": config.activation}
    return RNN(**network, **options.of_sequences(config, training, spec, chosen))
