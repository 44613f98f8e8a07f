"""What every decoder of sentences, and each of its blocks, is asked for."""

import abc
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core.types import Shape
from sisrnn_tf.core.validation import require_between, require_int, require_precision


class DecoderPart(keras.layers.Layer, abc.ABC):
    """A layer over features of size E and a latent of size Z, in two ways that give the same.

    `call` takes all words of a sentence, `initial_cache` and `step` one after the other, without reading those before
    again. It is built for a latent size, which no shape of its inputs tells.

    Args:
        size: E.
        dropout_rate: in [0, 1).

    Attributes:
        latent_size: Z; None before `build`.
    """

    latent_size: int | None = None

    def __init__(self, size: int, dropout_rate: float, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)
        require_precision(self)
        self.size = require_int("size", size, 1)
        self.dropout_rate = require_between("dropout_rate", dropout_rate, 0, 1, "in [0, 1)")

    @abc.abstractmethod
    def make_weights(self, inputs_shape: Shape, latent_size: int) -> None:
        """Makes the weights for inputs `[B, T, E]` and a latent of size Z; called by `build`."""

    @abc.abstractmethod
    def call(self, inputs: tf.Tensor, latent: tf.Tensor, dropout_seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns features `[B, T, E]`, those at t of the inputs 1..t alone.

        Args:
            inputs: `[B, T, E]`.
            latent: z, `[B, Z]`.
            dropout_seed: int32 `[2]`; None for no dropout.
        """

    @abc.abstractmethod
    def initial_cache(self, latent: tf.Tensor, num_steps: int | tf.Tensor) -> tuple:
        """Returns what the first `step` needs, from z `[B, Z]`, where there are up to so many steps."""

    @abc.abstractmethod
    def step(self, inputs: tf.Tensor, cache: tuple, time: tf.Tensor) -> tuple[tf.Tensor, tuple]:
        """Returns the features of a step, `[B, E]`, without dropout, and the cache for the next.

        Args:
            inputs: of the step, `[B, E]`.
            cache: of the step before, or `initial_cache`.
            time: number of the step, from 0.
        """

    def build(self, inputs_shape: Shape, latent_size: int) -> None:
        """Makes the weights for inputs `[B, T, E]` and a latent of size Z."""
        self.make_weights(inputs_shape, latent_size)
        self.latent_size, self.built = latent_size, True

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "size": self.size, "dropout_rate": self.dropout_rate}

    def get_build_config(self) -> dict[str, Any] | None:
        """Returns the latent size; None before `build`."""
        return {"latent_size": self.latent_size} if self.built else None

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Makes the weights of a layer that was loaded."""
        self.build((None, None, self.size), config["latent_size"])
