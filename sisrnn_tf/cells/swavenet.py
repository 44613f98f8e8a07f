"""Cell and transition of a network of dilated convolutions with latents in its upper layers."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.cells.cell import SISRNNCell
from sisrnn_tf.cells.layered import join_layers
from sisrnn_tf.cells.transition import Transition
from sisrnn_tf.core import networks, random
from sisrnn_tf.core.convolutions import DilatedStack
from sisrnn_tf.core.types import Gaussian, Noise, Shape
from sisrnn_tf.core.validation import require_ints
from sisrnn_tf.inference import step

_Choose = Callable[[int, tf.Tensor], tf.Tensor]
_Taps = Callable[[int, tf.Tensor], Sequence[tf.Tensor]]


@keras.saving.register_keras_serializable("sisrnn_tf")
class SWaveNetTransition(Transition):
    """The convolutions of a step, of which the upper layers see what is drawn below them, and their buffers.

        y_t, s_t = output and skip of a `DilatedStack` that has read x_1..x_{t-1};  v^1_t = y_t
        d^l_t = tanh(F taps^l_t) * sigmoid(G taps^l_t) + R v^l_t,    taps^l_t of v^l, dilated twice as much as below
        v^{l+1}_t = W relu([d^l_t, z^l_t])

    h_{t-1} = [y_t, s_t, buffers]: as much as x_{<t} and z_{<t} say.

    Args:
        layer_sizes: dimensions of z^1, .., z^L, the lowest layer first.
        channels: C, of each convolution.
        block_layers: convolutions below those with a latent.
        kernel_size: taps of a convolution.
    """

    def __init__(
        self, layer_sizes: Sequence[int], channels: int, block_layers: int = 5, kernel_size: int = 2, **kwargs: Any
    ):
        options: dict[str, Any] = {"dtype": kwargs["dtype"]} if "dtype" in kwargs else {}
        self.layer_sizes = require_ints("layer_sizes", layer_sizes)
        stack = DilatedStack(channels, 1, block_layers, kernel_size, name="stack", **options)
        count = len(self.layer_sizes)
        self.dilations = tuple(2 ** (stack.block_layers + index) for index in range(count))
        lengths = [(stack.kernel_size - 1) * dilation for dilation in self.dilations]
        self.buffer_sizes = [stack.buffer_size, *(length * stack.channels for length in lengths)]
        super().__init__(2 * stack.channels + sum(self.buffer_sizes), **kwargs)
        self.stack, size = stack, stack.channels
        self.gates = [keras.layers.Dense(2 * size, name=f"gate_{each}", **options) for each in range(count)]
        self.residuals = [keras.layers.Dense(size, name=f"residual_{each}", **options) for each in range(count)]
        self.forwards = [keras.layers.Dense(size, name=f"forward_{each}", **options) for each in range(count - 1)]

    def build(self, observation_shape: Shape, latent_shape: Shape, hidden_shape: Shape) -> None:
        """See `Transition`."""
        size = self.stack.channels
        self.stack.build((None, None, observation_shape[-1]))
        for gate, residual in zip(self.gates, self.residuals, strict=True):
            gate.build((None, self.stack.kernel_size * size))
            residual.build((None, size))
        for forward, latent_size in zip(self.forwards, self.layer_sizes, strict=False):
            forward.build((None, size + latent_size))
        self.built = True

    def _run(self, values: tf.Tensor, skip: tf.Tensor, taps: _Taps, choose: _Choose) -> tuple[tf.Tensor, tf.Tensor]:
        """Goes through the layers from y_t; returns z_t, `[.., Z]`, and [d^1_t, .., d^L_t, s_t], `[.., (L + 1) C]`."""
        states, latents = [], []
        for index, (gate, residual) in enumerate(zip(self.gates, self.residuals, strict=True)):
            signal, valve = tf.split(gate(networks.concat(taps(index, values), self.compute_dtype)), 2, axis=-1)
            states.append(tf.tanh(signal) * tf.sigmoid(valve) + residual(values))
            latents.append(choose(index, states[-1]))
            if index < len(self.forwards):
                both = networks.concat([states[-1], latents[-1]], self.compute_dtype)
                values = self.forwards[index](tf.nn.relu(both))
        return tf.concat(latents, axis=-1), tf.concat([*states, skip], axis=-1)

    def descend(self, hidden: tf.Tensor, choose: _Choose) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """Goes through the layers of a step.

        Args:
            hidden: h_{t-1}, `[.., H]`.
            choose: (l - 1, d^l_t) -> z^l, `[.., Z_l]`.

        Returns:
            z_t, `[.., Z]`; [d^1_t, .., d^L_t, s_t], `[.., (L + 1) C]`; and the layers' buffers after it.
        """
        size = self.stack.channels
        hidden = tf.cast(hidden[..., : self.hidden_size], self.compute_dtype)
        values, skip, _, *buffers = tf.split(hidden, [size, size, *self.buffer_sizes], axis=-1)
        after = []

        def taps(index, values):
            length = self.dilations[index] * size
            after.append(tf.concat([buffers[index][..., size:], values], axis=-1))
            begins = [each * length for each in range(self.stack.kernel_size - 1)]
            return [*(buffers[index][..., begin : begin + size] for begin in begins), values]

        return *self._run(values, skip, taps, choose), after

    def unroll(self, inputs: tf.Tensor, choose: _Choose) -> tuple[tf.Tensor, tf.Tensor]:
        """Goes through the layers of all steps at once.

        Args:
            inputs: [x_t, u_t], `[B, T, D + U]`.
            choose: (l - 1, d^l_t) -> z^l, of all steps.

        Returns:
            z_t, `[B, T, Z]`, and [d^1_t, .., d^L_t, s_t], `[B, T, (L + 1) C]`.
        """
        convolved = self.stack(inputs)
        both = convolved.levels[0], convolved.skip
        before, skip = (tf.pad(part, [[0, 0], [1, 0], [0, 0]])[:, :-1] for part in both)

        def taps(index, values):
            return self.stack.taps(values, self.dilations[index])

        return self._run(before, skip, taps, choose)

    def call(self, observation: tf.Tensor, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """See `Transition`."""
        size = self.stack.channels
        parts = tf.split(latent, self.layer_sizes, axis=-1)
        _, _, after = self.descend(hidden, lambda index, _: parts[index])
        convolved, buffers = self.stack.step(observation, hidden[..., 2 * size : 2 * size + self.buffer_sizes[0]])
        return tf.concat([convolved.levels[0], convolved.skip, buffers, *after], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = {name: value for name, value in super().get_config().items() if name != "hidden_size"}
        stack = self.stack.get_config()
        sizes = {name: stack[name] for name in ("channels", "block_layers", "kernel_size")}
        return {**config, **sizes, "layer_sizes": self.layer_sizes}


class SWaveNetCell(SISRNNCell):
    """A cell with a `SWaveNetTransition`, in which a layer's z is drawn before the layers above it are made.

    What densities are conditioned on is [d_t, s_t, u_t], which the state and z_t make.

    Arguments: as of `SISRNNCell`.
    """

    def build(self, input_shape: Shape) -> None:
        """See `SISRNNCell`."""
        given = (len(self.transition.layer_sizes) + 1) * self.transition.stack.channels + self.covariate_size
        if not self.decoder.built:
            self.decoder.build((None, self.latent_size), (None, given))
        super().build(input_shape)

    def choose(self, told: tf.Tensor, draws: Noise, found: list[Gaussian]) -> _Choose:
        """Returns what draws each layer's z from its posterior, and leaves psi of the layer in a list.

        Args:
            told: what all layers' posteriors read, `[.., D + U + F]`.
            draws: the noise of the step.
            found: where psi^1, psi^2, .. are left.
        """
        posterior = self.posterior_part
        noises = tf.split(draws.mixing, posterior.noise_sizes, axis=-1)
        normals = tf.split(draws.latent, self.transition.layer_sizes, axis=-1)

        def choose(index, state):
            psi = posterior.layer(index, told, state, noises[index])
            found.append(psi)
            return psi.loc + psi.scale * normals[index]

        return choose

    def draw_latent(
        self, observation: tf.Tensor, hidden: tf.Tensor, draws: Noise, features: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, Gaussian, tf.Tensor]:
        """See `SISRNNCell`."""
        state, covariates = self._split_given(hidden)
        found: list[Gaussian] = []
        told = self.posterior_part.join_inputs(step.join(observation, covariates), state[..., :0], features)
        latent, states, _ = self.transition.descend(state, self.choose(told, draws, found))
        return latent, join_layers(found), step.join(states, covariates)

    def sample_latent(self, hidden: tf.Tensor, seeds: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """See `SISRNNCell`."""
        state, covariates = self._split_given(hidden)
        shape = tf.concat([tf.shape(state)[:-1], [self.latent_size]], axis=0)
        normals = random.normal(shape, seeds, networks.density_dtype(self))
        parts = tf.split(normals, self.transition.layer_sizes, axis=-1)

        def choose(index, below):
            expected = self.prior_part.layer(index, below)
            return expected.loc + expected.scale * parts[index]

        latent, states, _ = self.transition.descend(state, choose)
        return latent, step.join(states, covariates)
