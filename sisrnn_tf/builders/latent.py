"""Models with a latent in every step, and the generative parts of their cells."""

import functools
from collections.abc import Callable
from typing import Any

import keras

from sisrnn_tf import cells
from sisrnn_tf.builders import options
from sisrnn_tf.configuration.model_config import ModelConfig
from sisrnn_tf.configuration.training_config import TrainingConfig
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.emissions import Emission
from sisrnn_tf.models.sequence import SISRNN
from sisrnn_tf.models.z_forcing import ZForcing
from sisrnn_tf.posteriors import Posterior

_Parts = dict[str, keras.layers.Layer]


def make_model(
    make: Callable[..., SISRNN],
    make_parts: Callable[[ModelConfig, TrainingConfig, Emission], _Parts],
    make_posterior: Callable[[ModelConfig, TrainingConfig], Posterior],
    config: ModelConfig,
    training: TrainingConfig,
    spec: DataSpec,
    chosen: options.Chosen,
) -> SISRNN:
    """Returns a model.

    Args:
        make: its class, or that with some of its arguments.
        make_parts: generative parts of its cell.
        make_posterior: its posterior.
        config: sizes.
        training: seed, precision and weights of the bound.
        spec: of the data.
        chosen: emission and objective.
    """
    # Before the posterior, so that models of one seed that differ in it alone start with the same other weights.
    parts = make_parts(config, training, chosen.emission)
    posterior = make_posterior(config, training)
    recurrence: dict[str, Any] = options.of_recurrence(config, training)
    shared: dict[str, Any] = {**recurrence, **options.of_sequences(training, spec, chosen)}
    mixing = options.of_mixing(training, chosen)
    return make(latent_size=config.latent_size, posterior=posterior, **parts, **mixing, **shared)


def make_z_forcing(
    make_posterior: Callable[[ModelConfig, TrainingConfig], Posterior],
    config: ModelConfig,
    training: TrainingConfig,
    spec: DataSpec,
    chosen: options.Chosen,
) -> SISRNN:
    """Returns a model whose latents tell the state of a backward RNN; arguments as of `make_model`."""
    cost: dict[str, Any] = {"auxiliary_weight": config.auxiliary_weight, "auxiliary_sizes": config.prior_sizes}
    make = functools.partial(ZForcing, activation=config.activation, **cost)
    return make_model(make, make_gru_parts, make_posterior, config, training, spec, chosen)


def make_gru_parts(config: ModelConfig, training: TrainingConfig, emission: Emission) -> _Parts:
    """Returns the paper's: a GRU over observations and latents."""
    dtype, network = {"dtype": training.precision}, options.of_network(config, training)
    return {
        "transition": cells.GRUTransition(config.hidden_size, name="transition", **dtype),
        "decoder": cells.FeedForwardDecoder(emission.parameter_size, config.decoder_sizes, name="decoder", **network),
        "prior": _make_prior(config, training),
    }


def make_srnn_parts(config: ModelConfig, training: TrainingConfig, emission: Emission) -> _Parts:
    """Returns those of a latent on top of a deterministic RNN."""
    dtype, network = {"dtype": training.precision}, options.of_network(config, training)
    sizes = (emission.parameter_size, config.hidden_size, config.decoder_sizes)
    return {
        "transition": cells.SRNNTransition(config.hidden_size, config.latent_size, name="transition", **dtype),
        "decoder": cells.SRNNDecoder(*sizes, name="decoder", **network),
        "prior": _make_prior(config, training),
    }


def _make_prior(config: ModelConfig, training: TrainingConfig) -> cells.Prior:
    network = {"scale_floor": config.scale_floor, "name": "prior", **options.of_network(config, training)}
    sizes = config.latent_size, config.prior_sizes
    if config.prior_components == 1:
        return cells.GaussianPrior(*sizes, **network)
    return cells.MixturePrior(*sizes, config.prior_components, **network)
