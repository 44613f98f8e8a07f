"""The memory that a training run wants at the least, estimated from its sizes before any of it is taken."""

import os
import pathlib
from typing import Any, NamedTuple

import numpy as np

from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.configuration.families import FAMILIES
from sisrnn_tf.configuration.model_config import ModelConfig
from sisrnn_tf.core.validation import require
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.emissions.emission import Emission
from sisrnn_tf.posteriors.posterior import CHUNK_DRAWS

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


def check(config: ExperimentConfig, spec: DataSpec, emission: Emission) -> None:
    """Checks that what a run wants at the least is there.

    Args:
        config: of the run.
        spec: of its data.
        emission: that the data needs.

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


def estimate(config: ExperimentConfig, spec: DataSpec, emission: Emission) -> Estimate:
    """Returns what a training step, or a batch of validation, wants at the least.

    Args:
        config: of the run.
        spec: of its data.
        emission: that the data needs.
    """
    model, training = config.model, config.training
    family = FAMILIES[model.model]
    latent_size = sum(model.level_sizes) if family.has_latent else 0
    noise_size = _noise_size(model)
    steps = spec.num_steps if family.has_steps else 1

    def of_batch(batch_size, num_particles, num_mixing):
        rows, values = steps * batch_size * num_particles, spec.num_steps * batch_size * emission.event_size
        # The extra draws of one row, at the least, are made at once; see `ChunkedMixture`.
        extra = max(num_mixing, CHUNK_DRAWS) * noise_size
        return rows * (noise_size + latent_size) + extra + values, max(rows * noise_size, extra)

    batches = (
        of_batch(training.batch_size, training.num_importance, max(training.num_mixing, training.num_mixing_start)),
        of_batch(training.eval_batch_size, 1, training.eval_num_mixing),
    )
    bytes_each = 8 if training.precision == "float64" else 4
    num_values, largest_draw = (max(parts) for parts in zip(*batches, strict=True))
    count = family.num_weights(model, spec, emission)
    return Estimate(count, bytes_each * _COPIES * count, bytes_each * num_values, largest_draw)


def _noise_size(model: ModelConfig) -> int:
    """Returns N, noise dimensions of a draw of the posterior."""
    if not FAMILIES[model.model].mixes(vars(model)):
        return 0
    if model.mixing == "joint":
        return len(model.level_sizes) * sum(model.noise_sizes)
    return sum(model.level_sizes) * model.noise_per_dimension


def _of_weights(config: ExperimentConfig) -> list[str]:
    """Returns the fields that say how many weights a model has."""
    used = ("num_components", *FAMILIES[config.model.model].options)
    return [name for name in used if isinstance(getattr(config.model, name), int | tuple)]


def _gigabytes(num_bytes: int) -> str:
    return f"{num_bytes / 1e9:,.1f} GB"
