"""Models with a latent a sentence, and their decoders."""

import functools
from collections.abc import Callable
from typing import Any

import keras

from sisrnn_tf.builders import options
from sisrnn_tf.configuration.model_config import ModelConfig
from sisrnn_tf.configuration.training_config import TrainingConfig
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.models import decoders
from sisrnn_tf.models.semi_amortized import SAVAE
from sisrnn_tf.models.sentence import SentenceSISRNN
from sisrnn_tf.posteriors import Posterior


def make_model(
    make: Callable[..., SentenceSISRNN],
    make_decoder: Callable[[ModelConfig, TrainingConfig], keras.layers.Layer],
    make_posterior: Callable[[ModelConfig, TrainingConfig], Posterior],
    config: ModelConfig,
    training: TrainingConfig,
    spec: DataSpec,
    chosen: options.Chosen,
) -> SentenceSISRNN:
    """Returns a model.

    Args:
        make: class of the model.
        make_decoder: of words, given the latent.
        make_posterior: of the latent.
        config: sizes.
        training: seed, precision and weights of the bound.
        spec: of the data.
        chosen: objective and vocabulary.

    Raises:
        ValueError: there is no vocabulary.
    """
    vocabulary = chosen.vocabulary
    if vocabulary is None:
        raise ValueError(f"vocabulary must be given with model={config.model}; received None.")
    return make(
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
        **options.of_mixing(training, chosen),
    )


def make_refined(
    make_posterior: Callable[[ModelConfig, TrainingConfig], Posterior],
    config: ModelConfig,
    training: TrainingConfig,
    spec: DataSpec,
    chosen: options.Chosen,
) -> SentenceSISRNN:
    """Returns a model that refines the posterior of each sentence; arguments as of `make_model`."""
    names = ("refinement_steps", "refinement_rate", "refinement_momentum", "refinement_clip")
    make = functools.partial(SAVAE, **{name: getattr(config, name) for name in names})
    make_decoder = functools.partial(make_lstm, use_cudnn=False)
    return make_model(make, make_decoder, make_posterior, config, training, spec, chosen)


def make_lstm(config: ModelConfig, training: TrainingConfig, use_cudnn: bool = True) -> decoders.LSTMDecoder:
    """Returns a decoder that is an LSTM, on a GPU by cuDNN or not."""
    sizes = config.embedding_size, config.lstm_size
    return decoders.LSTMDecoder(*sizes, use_cudnn=use_cudnn, **_shared(config, training))


def make_transformer(config: ModelConfig, training: TrainingConfig) -> decoders.TransformerDecoder:
    """Returns a decoder that is a transformer."""
    sizes = (config.embedding_size, config.decoder_blocks, config.attention_heads)
    return decoders.TransformerDecoder(*sizes, **_shared(config, training))


def _shared(config: ModelConfig, training: TrainingConfig) -> dict[str, Any]:
    return {"dropout_rate": config.dropout, "dtype": training.precision, "name": "decoder"}
