"""How many weights a model of a configuration trains, by family, before one is built."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sisrnn_tf.data.spec import DataSpec

if TYPE_CHECKING:  # TensorFlow is imported once a configuration is good
    from sisrnn_tf.configuration.model_config import ModelConfig
    from sisrnn_tf.emissions.emission import Emission


def of_rnn(config: "ModelConfig", spec: DataSpec, emission: "Emission") -> int:
    """Returns how many a deterministic RNN has.

    Args:
        config: of the model.
        spec: of its data.
        emission: that the data needs.
    """
    hidden_size, known = config.hidden_size, spec.covariate_size
    decoder = _mlp(hidden_size + known, config.decoder_sizes, emission.parameter_size)
    return _gru(emission.event_size + known, hidden_size) + decoder


def of_twin_net(config: "ModelConfig", spec: DataSpec, emission: "Emission") -> int:
    """Returns how many one has that is trained beside a backward one; arguments as of `of_rnn`."""
    networks = 2 if config.twin_weight else 1
    return networks * of_rnn(config, spec, emission) + (networks - 1) * _dense(config.hidden_size, config.hidden_size)


def of_wavenet(config: "ModelConfig", spec: DataSpec, emission: "Emission") -> int:
    """Returns how many a convolutional network without a latent has; arguments as of `of_rnn`."""
    decoder = _mlp(config.channels + spec.covariate_size, config.decoder_sizes, emission.parameter_size)
    count = config.blocks * config.block_layers
    return _convolutions(config, emission.event_size + spec.covariate_size, count) + decoder


def of_vrnn(config: "ModelConfig", spec: DataSpec, emission: "Emission") -> int:
    """Returns how many a model with a latent a step has whose posterior takes no noise; arguments as of `of_rnn`."""
    hidden_size = config.hidden_size
    transition = _gru(emission.event_size + spec.covariate_size + config.latent_size, hidden_size)
    return transition + _of_step(config, spec, emission)


def of_sisrnn(config: "ModelConfig", spec: DataSpec, emission: "Emission") -> int:
    """Returns how many a model with a latent a step has whose posterior takes noise; arguments as of `of_rnn`."""
    return of_vrnn(config, spec, emission) + _noise(config, _read(config, spec, emission))


def of_srnn(config: "ModelConfig", spec: DataSpec, emission: "Emission") -> int:
    """Returns how many one has whose latent is on top of a deterministic RNN; arguments as of `of_rnn`."""
    transition = _gru(emission.event_size + spec.covariate_size, config.hidden_size)
    noise = _noise(config, _read(config, spec, emission, config.latent_size))
    return transition + _of_step(config, spec, emission, config.latent_size) + noise


def of_z_forcing(config: "ModelConfig", spec: DataSpec, emission: "Emission") -> int:
    """Returns how many one has whose latents tell the state of a backward RNN; arguments as of `of_rnn`."""
    told = _mlp(config.latent_size, config.prior_sizes, 2 * config.backward_size) if config.auxiliary_weight else 0
    return of_sisrnn(config, spec, emission) + told


def of_stcn(config: "ModelConfig", spec: DataSpec, emission: "Emission") -> int:
    """Returns how many a ladder of latents has whose lowest level is decoded; arguments as of `of_rnn`."""
    return _ladder(config, spec, emission, config.level_sizes[0])


def of_stcn_dense(config: "ModelConfig", spec: DataSpec, emission: "Emission") -> int:
    """Returns how many a ladder of latents has all of whose levels are decoded; arguments as of `of_rnn`."""
    return _ladder(config, spec, emission, sum(config.level_sizes))


def of_swavenet(config: "ModelConfig", spec: DataSpec, emission: "Emission") -> int:
    """Returns how many a convolutional network with latents in its upper layers has; arguments as of `of_rnn`."""
    channels, size, known = config.channels, config.latent_size, spec.covariate_size
    ahead, inputs = _ahead(config), emission.event_size + known
    read = inputs + ahead + channels
    layer = (
        _dense(config.kernel_size * channels, 2 * channels)
        + _dense(channels, channels)
        + _dense(channels + size, channels)
        + _mlp(channels, config.prior_sizes, 2 * size)
        + _mlp(read, config.encoder_sizes, 2 * size)
        + _noise(config, read)
    )
    return (
        _convolutions(config, inputs, config.block_layers)
        + config.blocks * layer
        + (config.blocks - 1) * _dense(channels + size, channels)
        + (_gru(inputs, ahead) if ahead else 0)
        + _mlp(channels + known, config.decoder_sizes, emission.parameter_size)
    )


def of_vae_lstm(config: "ModelConfig", spec: DataSpec, emission: "Emission") -> int:
    """Returns how many a VAE of sentences with an LSTM has; arguments as of `of_rnn`."""
    size, units, latent_size = config.embedding_size, config.lstm_size, config.latent_size
    decoder = _dense(latent_size, 2 * units) + 4 * units * (size + latent_size + units + 1) + _dense(units, size)
    return _reader(config, spec) + decoder


def of_sa_vae(config: "ModelConfig", spec: DataSpec, emission: "Emission") -> int:
    """Returns how many one with an LSTM has whose posterior is refined; arguments as of `of_rnn`."""
    return of_vae_lstm(config, spec, emission) + _noise(config, config.hidden_size)


def of_vae_transformer(config: "ModelConfig", spec: DataSpec, emission: "Emission") -> int:
    """Returns how many a VAE of sentences with a transformer has; arguments as of `of_rnn`."""
    size = config.embedding_size
    norm, attention, feed_forward = 2 * size, 4 * _dense(size, size), _mlp(size, (4 * size,), size)
    block = 2 * norm + attention + _dense(config.latent_size, size) + feed_forward
    return _reader(config, spec) + config.decoder_blocks * block + norm


def of_sentence_sisrnn(config: "ModelConfig", spec: DataSpec, emission: "Emission") -> int:
    """Returns how many the same has whose posterior takes noise; arguments as of `of_rnn`."""
    return of_vae_transformer(config, spec, emission) + _noise(config, config.hidden_size)


def _dense(inputs: int, outputs: int) -> int:
    return (inputs + 1) * outputs


def _mlp(inputs: int, hidden_sizes: Sequence[int], outputs: int) -> int:
    return sum(itertools.starmap(_dense, itertools.pairwise((inputs, *hidden_sizes, outputs))))


def _gru(inputs: int, units: int) -> int:
    return 3 * units * (inputs + units + 2)


def _convolutions(config: "ModelConfig", inputs: int, count: int) -> int:
    channels = config.channels
    layer = _dense(config.kernel_size * channels, 2 * channels) + _dense(channels, channels)
    return _dense(inputs, channels) + count * layer


def _of_step(config: "ModelConfig", spec: DataSpec, emission: "Emission", further: int = 0) -> int:
    """Returns how many prior, posterior and decoder have; the first two read so much more of the state."""
    latent_size, state_size = config.latent_size, config.hidden_size + further
    prior_size = 2 * latent_size if config.prior_components == 1 else config.prior_components * (1 + 2 * latent_size)
    ahead, known = _ahead(config), spec.covariate_size
    return (
        _posterior(config, _read(config, spec, emission, further))
        + (_gru(emission.event_size + known, ahead) if ahead else 0)
        + _mlp(state_size + known, config.prior_sizes, prior_size)
        + _mlp(latent_size + config.hidden_size + known, config.decoder_sizes, emission.parameter_size)
    )


def _ahead(config: "ModelConfig") -> int:
    return config.backward_size if config.posterior == "smoothing" else 0


def _read(config: "ModelConfig", spec: DataSpec, emission: "Emission", further: int = 0) -> int:
    """Returns how many numbers the posterior of a step reads; of the state so many further ones."""
    return emission.event_size + spec.covariate_size + config.hidden_size + further + _ahead(config)


def _ladder(config: "ModelConfig", spec: DataSpec, emission: "Emission", decoded: int) -> int:
    """Returns how many convolutions, levels of prior and posterior, and the decoder have."""
    known = spec.covariate_size
    count = _convolutions(config, emission.event_size + known, config.blocks * config.block_layers)
    for size, above in zip(config.level_sizes, (*config.level_sizes[1:], 0), strict=True):
        inputs = config.channels + above
        count += _mlp(inputs + known, config.prior_sizes, 2 * size)
        count += _mlp(inputs, config.encoder_sizes, 2 * size) + _noise(config, inputs, size)
    return count + _mlp(decoded + known, config.decoder_sizes, emission.parameter_size)


def _posterior(config: "ModelConfig", inputs: int) -> int:
    return _mlp(inputs, config.encoder_sizes, 2 * config.latent_size)


def _noise(config: "ModelConfig", inputs: int, latent_size: int | None = None) -> int:
    """Returns how many weights take the noise of a posterior that reads so many numbers."""
    latent_size = config.latent_size if latent_size is None else latent_size
    if config.mixing == "joint":
        return sum(size * units for size, units in zip(config.noise_sizes, config.encoder_sizes, strict=True))
    if config.mixing == "per_dimension":
        return _dense((inputs, *config.encoder_sizes)[-1], 2 * latent_size * config.noise_per_dimension)
    return 0


def _reader(config: "ModelConfig", spec: DataSpec) -> int:
    """Returns how many read sentences: the words, the GRU and the posterior."""
    hidden_size, size, words = config.hidden_size, config.embedding_size, spec.observation_size
    return _posterior(config, hidden_size) + _gru(size, hidden_size) + (words + 1) * size + words
