"""The memory that a training run wants at the least, estimated from its sizes before any of it is taken."""

import itertools
import os
import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sisrnn_tf import chunked_mixture
from sisrnn_tf.config import MODEL_OPTIONS, SENTENCE_MODELS, ExperimentConfig, ModelConfig
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.emissions.emission import Emission
from sisrnn_tf.validation import require

_COPIES = 4  # of the weights: themselves, their gradient, and Adam's two averages of it
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
MAX_DRAW = 2**31 - 1  # numbers, which TensorFlow counts in int32
_OF_STEP = ("noise_sizes", "batch_size", "eval_batch_size", "num_importance", "num_mixing", "eval_num_mixing")


class Estimate(NamedTuple):
    """What a training step wants.

    Attributes:
        num_parameters: weights of the model.
        weight_bytes: of the weights, their gradient and Adam's averages of it.
        step_bytes: of a batch and its noise.
        largest_draw: numbers of the noise that is drawn at once.
    """

    num_parameters: int
    weight_bytes: int
    step_bytes: int
    largest_draw: int


def available() -> int:
    """Returns how many bytes this process could still take."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for path in map(pathlib.Path, _CGROUP_LIMITS):
        text = path.read_text().strip() if path.is_file() else ""
        limits += [int(text)] if text.isdecimal() else []
    info = pathlib.Path("/proc/meminfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    limits += [1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return min(limits)


def check(config: ExperimentConfig, spec: DataSpec, emission: Emission | None) -> None:
    """Checks that what a run wants at the least is there.

    Args:
        config: of the run.
        spec: of its data.
        emission: that the data needs; None of text.

    Raises:
        ValueError: it is not; names the largest of the sizes whose fault it is, the estimate and what there is.
    """
    wanted, limit = estimate(config, spec, emission), available()
    if wanted.weight_bytes + wanted.step_bytes > limit:
        names = _of_weights(config) if wanted.weight_bytes > wanted.step_bytes else _OF_STEP
        why = (
            f"{wanted.num_parameters:,} weights with their gradient and Adam's averages want "
            f"{_gigabytes(wanted.weight_bytes)}, a batch and its noise {_gigabytes(wanted.step_bytes)}, and there are "
            f"{_gigabytes(limit)}"
        )
    elif wanted.largest_draw > MAX_DRAW:
        names, why = _OF_STEP, f"of {wanted.largest_draw:,} numbers of noise at once TensorFlow draws {MAX_DRAW:,}"
    else:
        return
    values = {name: value for part in (config.model, config.training) for name, value in vars(part).items()}
    name = max(names, key=lambda name: max(np.atleast_1d(values[name])))
    require(False, name, f"smaller: {why}", values[name])


def check_bytes(name: str, value: Any, num_bytes: int, what: str) -> None:
    """Checks that there is memory for what an argument asks for.

    Args:
        name: of the argument.
        value: that was received.
        num_bytes: that it asks for.
        what: wants them.

    Raises:
        ValueError: there is not.
    """
    limit = available()
    why = f"smaller: {what} wants {_gigabytes(num_bytes)}, and there are {_gigabytes(limit)}"
    require(num_bytes <= limit, name, why, value)


def estimate(config: ExperimentConfig, spec: DataSpec, emission: Emission | None) -> Estimate:
    """Returns what a training step, or a batch of validation, wants at the least.

    Args:
        config: of the run.
        spec: of its data.
        emission: that the data needs; None of text.
    """
    model, training = config.model, config.training
    latent_size, noise_size = _random_sizes(model)
    is_text = model.model in SENTENCE_MODELS
    steps, features = (1, spec.num_steps) if is_text else (spec.num_steps, spec.observation_size)

    def of_batch(batch_size, num_particles, num_mixing):
        rows = steps * batch_size * num_particles
        # The extra draws of one row, at the least, are made at once; see `ChunkedMixture`.
        extra = max(num_mixing, chunked_mixture.CHUNK_DRAWS) * noise_size
        return rows * (noise_size + latent_size) + extra + steps * batch_size * features, max(rows * noise_size, extra)

    batches = (
        of_batch(training.batch_size, training.num_importance, max(training.num_mixing, training.num_mixing_start)),
        of_batch(training.eval_batch_size, 1, training.eval_num_mixing),
    )
    bytes_each = 8 if training.precision == "float64" else 4
    num_values, largest_draw = (max(parts) for parts in zip(*batches, strict=True))
    count = num_parameters(model, spec, emission)
    return Estimate(count, bytes_each * _COPIES * count, bytes_each * num_values, largest_draw)


def num_parameters(config: ModelConfig, spec: DataSpec, emission: Emission | None) -> int:
    """Returns how many weights the model of a configuration trains.

    Args:
        config: of the model.
        spec: of its data.
        emission: that the data needs; None of text.
    """
    hidden_size, latent_size = config.hidden_size, config.latent_size
    if config.model in SENTENCE_MODELS:
        size, words = config.embedding_size, spec.observation_size
        decoder = _lstm_decoder(config) if config.model == "vae_lstm" else _transformer(config)
        return _encoder(config, hidden_size) + _gru(size, hidden_size) + (words + 1) * size + words + decoder
    event_size, outputs = emission.event_size, emission.parameter_size
    if config.model == "rnn":
        return _gru(event_size, hidden_size) + _mlp(hidden_size, config.decoder_sizes, outputs)
    return (
        _encoder(config, event_size + hidden_size)
        + _mlp(hidden_size, config.prior_sizes, 2 * latent_size)
        + _mlp(latent_size + hidden_size, config.decoder_sizes, outputs)
        + _gru(event_size + latent_size, hidden_size)
    )


def _random_sizes(config: ModelConfig) -> tuple[int, int]:
    """Returns Z and N, 0 where a model has none."""
    used = MODEL_OPTIONS[config.model]
    return config.latent_size if "latent_size" in used else 0, sum(config.noise_sizes) if "noise_sizes" in used else 0


def _dense(inputs: int, outputs: int) -> int:
    return (inputs + 1) * outputs


def _mlp(inputs: int, hidden_sizes: Sequence[int], outputs: int) -> int:
    return sum(itertools.starmap(_dense, itertools.pairwise((inputs, *hidden_sizes, outputs))))


def _gru(inputs: int, units: int) -> int:
    return 3 * units * (inputs + units + 2)


def _encoder(config: ModelConfig, inputs: int) -> int:
    has_noise = "noise_sizes" in MODEL_OPTIONS[config.model]
    noise = zip(config.noise_sizes, config.encoder_sizes, strict=True) if has_noise else ()
    return _mlp(inputs, config.encoder_sizes, 2 * config.latent_size) + sum(size * units for size, units in noise)


def _lstm_decoder(config: ModelConfig) -> int:
    size, units, latent_size = config.embedding_size, config.lstm_size, config.latent_size
    return _dense(latent_size, 2 * units) + 4 * units * (size + latent_size + units + 1) + _dense(units, size)


def _transformer(config: ModelConfig) -> int:
    size = config.embedding_size
    norm, attention, feed_forward = 2 * size, 4 * _dense(size, size), _mlp(size, (4 * size,), size)
    return config.decoder_blocks * (2 * norm + attention + _dense(config.latent_size, size) + feed_forward) + norm


def _of_weights(config: ExperimentConfig) -> list[str]:
    """Returns the fields that say how many weights a model has."""
    used = ("num_components", *MODEL_OPTIONS[config.model.model])
    return [name for name in used if isinstance(getattr(config.model, name), int | tuple)]


def _gigabytes(num_bytes: int) -> str:
    return f"{num_bytes / 1e9:,.1f} GB"
