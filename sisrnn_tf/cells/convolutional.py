"""Cells whose state is a convolutional network's, and a function of x alone."""

from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.cells.cell import SISRNNCell
from sisrnn_tf.cells.transition import Transition
from sisrnn_tf.core import networks
from sisrnn_tf.core.convolutions import DilatedStack
from sisrnn_tf.core.types import Gaussian, Noise, Shape
from sisrnn_tf.inference import step


@keras.saving.register_keras_serializable("sisrnn_tf")
class DilatedTransition(Transition):
    """h_t = [d^1_t, .., d^L_t, buffers]: a level of dilated causal convolutions for each block; z_t is not read.

    Args:
        channels, blocks, block_layers, kernel_size: as of `sisrnn_tf.core.convolutions.DilatedStack`; L is `blocks`.
    """

    def __init__(self, channels: int, blocks: int = 2, block_layers: int = 5, kernel_size: int = 2, **kwargs: Any):
        dtype = {"dtype": kwargs["dtype"]} if "dtype" in kwargs else {}
        stack = DilatedStack(channels, blocks, block_layers, kernel_size, name="stack", **dtype)
        super().__init__(stack.blocks * stack.channels + stack.buffer_size, **kwargs)
        self.stack = stack

    @property
    def feature_size(self) -> int:
        """L C."""
        return self.stack.blocks * self.stack.channels

    def build(self, observation_shape: Shape, latent_shape: Shape, hidden_shape: Shape) -> None:
        """See `Transition`."""
        self.stack.build((None, None, observation_shape[-1]))
        self.built = True

    def call(self, observation: tf.Tensor, latent: tf.Tensor | None, hidden: tf.Tensor) -> tf.Tensor:
        """See `Transition`."""
        convolved, buffers = self.stack.step(observation, hidden[..., self.feature_size : self.hidden_size])
        return tf.concat([*convolved.levels, buffers], axis=-1)

    def unroll(self, observations: tf.Tensor) -> tf.Tensor:
        """Returns d^1_t, .., d^L_t of all steps, `[B, T, L C]`, from [x_t, u_t], `[B, T, D + U]`."""
        return tf.concat(self.stack(observations).levels, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = {name: value for name, value in super().get_config().items() if name != "hidden_size"}
        stack = self.stack.get_config()
        return {**config, **{name: stack[name] for name in ("channels", "blocks", "block_layers", "kernel_size")}}


class ConvolutionalCell(SISRNNCell):
    """A cell with a `DilatedTransition`, whose posterior reads d_t, the network's state with x_t in it.

    Arguments: as of `SISRNNCell`.
    """

    def build(self, input_shape: Shape) -> None:
        """See `SISRNNCell`."""
        if not self.prior_part.built:  # before the posterior, which reads it
            self.prior_part.build((None, self.hidden_size + self.covariate_size))
        super().build(input_shape)

    def posterior_context(
        self, observation: tf.Tensor, hidden: tf.Tensor, features: tf.Tensor | None = None
    ) -> tf.Tensor:
        """See `SISRNNCell`; features are d_t, and made of x_t and the state where they are not given."""
        if features is None:
            state, covariates = self._split_given(hidden)
            after = self.transition(step.join(observation, covariates), None, state)
            features = after[..., : self.transition.feature_size]
        return self.posterior_part.context(observation, hidden, features)


class KnownStates:
    """A convolutional cell along observations of which the network's states are known, so that nothing recurs.

    In the place of covariates it is given [d_{t-1}, u_t], and as the posterior's features d_t; its own state is empty.

    Args:
        cell: a `ConvolutionalCell`.
    """

    hidden_size = 0

    def __init__(self, cell: ConvolutionalCell):
        self._cell = cell
        self.emission_part, self.prior_part = cell.emission_part, cell.prior_part
        self.posterior_part, self.latent_size, self.compute_dtype = (
            cell.posterior_part,
            cell.latent_size,
            cell.compute_dtype,
        )

    def get_initial_state(self, batch_size: int | tf.Tensor) -> list[tf.Tensor]:
        """Returns a list of an empty state, `[B, 0]`."""
        return [tf.zeros([batch_size, 0], networks.density_dtype(self))]

    def posterior_context(self, observation: tf.Tensor, hidden: tf.Tensor, features: tf.Tensor) -> tf.Tensor:
        """Returns what all draws of psi_t share, as of `ConvolutionalCell`."""
        return self.posterior_part.context(observation, hidden, features)

    def draw_latent(
        self, observation: tf.Tensor, hidden: tf.Tensor, draws: Noise, features: tf.Tensor
    ) -> tuple[tf.Tensor, Gaussian, tf.Tensor]:
        """Draws z_t, as of `ConvolutionalCell`."""
        return *self.posterior_part.draw(self.posterior_context(observation, hidden, features), draws), hidden

    def sample_latent(self, hidden: tf.Tensor, seeds: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Draws z_t from the prior, as of `ConvolutionalCell`."""
        return self.prior_part.sample(hidden, seeds), hidden

    def emission_parameters(self, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """Returns the parameters of p(x_t | z_t, u_t), as of `ConvolutionalCell`."""
        return self._cell.emission_parameters(latent, hidden)

    def transition(self, observation: tf.Tensor, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """Returns the empty state."""
        return hidden
