"""What a model asks of its emission, tried before there is anything to lose."""

from typing import Any

import tensorflow as tf

from sisrnn_tf.core.validation import require
from sisrnn_tf.emissions.emission import Emission

_ROWS = 3  # unlike most numbers of features, so that no axis stands for another


def require_emission(emission: Any) -> None:
    """Raises a ValueError unless something is an emission whose constructor has called `Emission`'s."""
    require(isinstance(emission, Emission), "emission", "an object of `sisrnn_tf.emissions`", emission)
    whole = hasattr(emission, "event_size")
    calls = "one whose constructor calls `super().__init__(event_size)`"
    require(whole, "emission", calls, type(emission).__name__)


def try_emission(emission: Emission, dtype: tf.DType) -> None:
    """Scores and draws a few observations, and checks all that comes out: a wrong axis may broadcast in silence.

    Args:
        emission: of a model.
        dtype: of the model's densities.

    Raises:
        ValueError: what a method returns has not the shape or the dtype that its docstring asks for, or draws are no
            function of a seed for each row.
    """
    parameters = tf.zeros([_ROWS, emission.parameter_size], dtype)
    shape = [_ROWS, emission.event_size] if emission.has_features else [_ROWS]
    _require_tensor("log_prob", emission.log_prob(parameters, tf.zeros(shape, dtype)), [_ROWS], dtype)
    if emission.has_features:  # a word's number has no mean: a probability of each word takes its place
        _require_tensor("mean", emission.mean(parameters), shape, dtype)
    draws, again = (_draw(emission, parameters) for _ in range(2))
    _require_tensor("sample", draws, shape, dtype if emission.has_features else tf.int32)
    if not bool(tf.reduce_all(draws == again)):
        raise ValueError(
            "`emission.sample` must return the same for the same seed: draw by `sisrnn_tf.random`. Received: other "
            "observations at a second call"
        )


def _draw(emission: Emission, parameters: tf.Tensor) -> tf.Tensor:
    seeds = tf.reshape(tf.range(2 * _ROWS), [_ROWS, 2])
    try:
        return emission.sample(parameters, seeds, 1.0)
    except (ValueError, tf.errors.InvalidArgumentError) as error:  # TensorFlow's own draws take one seed alone
        raise ValueError(
            f"`emission.sample` must take seeds int32 [.., 2], one for each row: draw by `sisrnn_tf.random.uniform` "
            f"or `normal`, as `sisrnn_tf.emissions.Emission` says. Received: {error}"
        ) from error


def _require_tensor(name: str, value: tf.Tensor, shape: list[int], dtype: tf.DType) -> None:
    if not (tf.is_tensor(value) and value.shape == shape and value.dtype == dtype):
        received = f"{value.dtype.name} {tuple(value.shape)}" if tf.is_tensor(value) else type(value).__name__
        raise ValueError(
            f"`emission.{name}` must return {dtype.name} {tuple(shape)}, for a batch of {_ROWS} observations. "
            f"Received: {received}"
        )
