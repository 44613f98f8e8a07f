"""What a cell asks of its parts, tried before there is anything to lose."""

from typing import Any

import tensorflow as tf

from sisrnn_tf.cells.decoder import Decoder
from sisrnn_tf.cells.prior import Prior
from sisrnn_tf.cells.transition import Transition
from sisrnn_tf.core import networks
from sisrnn_tf.core.types import Gaussian
from sisrnn_tf.core.validation import require, require_precision
from sisrnn_tf.inference import step
from sisrnn_tf.posteriors import Posterior

_KINDS = {"prior": Prior, "decoder": Decoder, "transition": Transition, "posterior": Posterior}
_ROWS, _STEPS, _DRAWS = 3, 2, 4  # unlike each other, so that no axis stands for another


def require_part(name: str, part: Any, sizes: dict[str, int], dtype: tf.DType) -> None:
    """Raises a ValueError unless a part is one of its name, and of a cell's sizes and dtype.

    Args:
        name: prior, decoder, transition or posterior.
        part: as a user gave it.
        sizes: what the cell has of `latent_size`, `hidden_size` and `parameter_size`.
        dtype: of the cell's densities.
    """
    kind = _KINDS[name]
    require(isinstance(part, kind), name, f"an object of a subclass of `{kind.__module__}.{kind.__name__}`", part)
    require_precision(part)
    for size, expected in sizes.items():
        fits = getattr(part, size, expected) == expected
        require(fits, name, f"a part with {size}={expected}, as the cell", f"{size}={getattr(part, size, None)}")
    same = networks.density_dtype(part) == dtype
    require(same, name, f"a part that computes densities in {dtype.name}, as the cell", part.dtype_policy)


def try_parts(cell: Any) -> None:
    """Takes one step with a cell's parts, and checks all that they return: a wrong axis may broadcast in silence.

    Args:
        cell: a stochastic cell of sequences, built.

    Raises:
        ValueError: what a part returns has not the shape or the dtype that its docstring asks for, or its noise is
            no function of the seed.
    """
    dtype, latent_size, hidden_size = networks.density_dtype(cell), cell.latent_size, cell.hidden_size
    posterior, prior = cell.posterior_part, cell.prior_part
    observations = tf.zeros([_STEPS, _ROWS, cell.emission_part.event_size], dtype)
    observation, seeds = observations[0], tf.reshape(tf.range(2 * _ROWS), [_ROWS, 2])
    hidden = cell.get_initial_state(_ROWS)[0]
    _require_tensor("transition.initial_state", hidden, [_ROWS, hidden_size], tf.as_dtype(cell.compute_dtype))
    covariates = tf.zeros([_STEPS, _ROWS, cell.covariate_size], dtype) if cell.covariate_size else None
    beside = None if covariates is None else covariates[0]
    given = cell.sample_latent(step.join(hidden, beside), seeds)[1]
    features = _try_features(posterior, step.join(observations, covariates))
    noise = _try_noise(posterior, seeds)
    psi = cell.posterior_parameters(observation, given, noise, features)
    _require_return(
        isinstance(psi, Gaussian), "posterior.call", "a `sisrnn_tf.core.types.Gaussian`", type(psi).__name__
    )
    for name, part in psi._asdict().items():
        _require_tensor(f"posterior.call, {name}", part, [_ROWS, latent_size], dtype)
    latent = psi.loc
    draws = Gaussian(*(tf.tile(part[:, tf.newaxis], [1, _DRAWS, 1]) for part in psi))
    parameters = cell.emission_parameters(latent, given)
    after = cell.transition(step.join(observation, beside), latent, hidden)
    for name, value, shape in (
        ("posterior.log_density", posterior.log_density(latent, psi), [_ROWS]),
        ("posterior.log_mixture", posterior.log_mixture(latent, psi, draws), [_ROWS]),
        ("prior.sample", prior.sample(given, seeds), [_ROWS, latent_size]),
        ("prior.log_density", prior.log_density(latent, given), [_ROWS]),
        ("decoder.call", parameters, [_ROWS, cell.emission_part.parameter_size]),
    ):
        _require_tensor(name, value, shape, dtype)
    _require_tensor("transition.call", after, [_ROWS, hidden_size], tf.as_dtype(cell.compute_dtype))


def _require_tensor(name: str, value: tf.Tensor, shape: list[int], dtype: tf.DType) -> None:
    fits = tf.is_tensor(value) and value.shape == shape and value.dtype == dtype
    received = f"{value.dtype.name} {tuple(value.shape)}" if tf.is_tensor(value) else type(value).__name__
    _require_return(fits, name, f"{dtype.name} {tuple(shape)}, for a batch of {_ROWS} sequences", received)


def _require_return(condition: bool, name: str, expected: str, received: Any) -> None:
    if not condition:
        raise ValueError(f"`{name}` must return {expected}. Received: {received}")


def _try_features(posterior: Posterior, observations: tf.Tensor) -> tf.Tensor | None:
    """Returns the features of a first step, `[B, F]`."""
    features = posterior.features(observations, None)
    if features is None:
        return None
    fits = tf.is_tensor(features) and features.shape.rank == 3 and features.shape[:2] == (_STEPS, _ROWS)
    received = tuple(features.shape) if tf.is_tensor(features) else type(features).__name__
    expected = f"features [T, B, F], time-major: ({_STEPS}, {_ROWS}, F) for {_STEPS} steps of {_ROWS} sequences"
    _require_return(fits, "posterior.features", expected, received)
    return features[0]


def _try_noise(posterior: Posterior, seeds: tf.Tensor) -> tf.Tensor:
    """Returns noise of the seeds, `[B, N]`."""
    noise, again = (posterior.sample_noise([_ROWS], seeds) for _ in range(2))
    name, expected = "posterior.sample_noise", [_ROWS, posterior.noise_size]
    _require_tensor(name, noise, expected, noise.dtype if tf.is_tensor(noise) else tf.float32)
    repeats = bool(tf.reduce_all(noise == again))
    _require_return(
        repeats, name, "the same noise for the same seed: make it by `sisrnn_tf.random`", "other noise at a second call"
    )
    return noise
