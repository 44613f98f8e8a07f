"""Dilated causal convolutions: all steps at once, or one at a time with what earlier steps left."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from sisrnn_tf.core import networks
from sisrnn_tf.core.types import Shape
from sisrnn_tf.core.validation import require_int, require_memory, require_precision


class Convolved(NamedTuple):
    """What a stack makes of x_1..x_t.

    Attributes:
        levels: output of each block's last layer, each `[.., C]`.
        skip: sum of what all layers add, `[.., C]`.
    """

    levels: tuple[tf.Tensor, ...]
    skip: tf.Tensor


class DilatedStack(keras.layers.Layer):
    """Gated causal convolutions whose dilation doubles from layer to layer of a block (van den Oord et al. 2016).

        y_t = W x_t                                                       the first layer's input
        taps_t = [y_{t - (k - 1) d}, .., y_{t - d}, y_t]                  d = 1, 2, 4, .. 2^(block_layers - 1); again
        out_t = V (tanh(F taps_t) * sigmoid(G taps_t)),  y'_t = y_t + out_t        y' is the next layer's input

    What is before x_1 is 0, in each layer. A convolution is a matrix times the taps, which a step at a time takes from
    buffers: so both ways have the same weights.

    Args:
        channels: C, of each layer.
        blocks: blocks of layers; each begins with dilation 1.
        block_layers: layers of a block.
        kernel_size: k, taps of a layer.

    Call arguments:
        inputs: x, `[B, T, D]`.

    Returns:
        `Convolved` of all steps, each part `[B, T, C]`.
    """

    def __init__(self, channels: int, blocks: int = 1, block_layers: int = 5, kernel_size: int = 2, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)
        require_precision(self)
        self.channels = require_int("channels", channels, 1)
        self.blocks, self.block_layers = require_int("blocks", blocks, 1), require_int("block_layers", block_layers, 1)
        self.kernel_size = require_int("kernel_size", kernel_size, 2)
        count = self.blocks * self.block_layers
        weights = count * self.channels**2 * (2 * self.kernel_size + 1)
        require_memory(weights, channels=channels, blocks=blocks, block_layers=block_layers, kernel_size=kernel_size)
        require_memory(self.buffer_size, channels=channels, blocks=blocks, block_layers=block_layers)
        options: dict[str, Any] = {"dtype": self.dtype_policy}
        self.input_layer = keras.layers.Dense(self.channels, name="input", **options)
        self.gates = [keras.layers.Dense(2 * self.channels, name=f"gate_{each}", **options) for each in range(count)]
        self.outputs = [keras.layers.Dense(self.channels, name=f"output_{each}", **options) for each in range(count)]

    @property
    def dilations(self) -> tuple[int, ...]:
        """Of each layer."""
        return tuple(2**each for each in range(self.block_layers)) * self.blocks

    @property
    def buffer_size(self) -> int:
        """S: numbers that a step needs of the steps before it."""
        return (self.kernel_size - 1) * sum(self.dilations) * self.channels

    def build(self, input_shape: Shape) -> None:
        """Makes the weights for inputs `[.., D]`."""
        self.input_layer.build((None, input_shape[-1]))
        for gate, output in zip(self.gates, self.outputs, strict=True):
            gate.build((None, self.kernel_size * self.channels))
            output.build((None, self.channels))
        self.built = True

    def call(self, inputs: tf.Tensor) -> Convolved:
        """Takes all steps; see the class."""

        return self._run(inputs, lambda index, values: self.taps(values, self.dilations[index]))

    def taps(self, values: tf.Tensor, dilation: int) -> list[tf.Tensor]:
        """Returns y_{t - (k - 1) d}, .., y_{t - d}, y_t of all steps, each `[B, T, C]`, of y `[B, T, C]` and d."""
        num_steps, length = tf.shape(values)[1], dilation * (self.kernel_size - 1)
        padded = tf.pad(values, [[0, 0], [length, 0], [0, 0]])
        return [*(padded[:, begin : begin + num_steps] for begin in range(0, length, dilation)), values]

    def step(self, inputs: tf.Tensor, buffers: tf.Tensor) -> tuple[Convolved, tf.Tensor]:
        """Takes one step.

        Args:
            inputs: x_t, `[.., D]`.
            buffers: what the steps before it left, `[.., S]`; zeros before the first.

        Returns:
            `Convolved` of x_1..x_t, each part `[.., C]`, and the buffers after it.
        """
        lengths = [(self.kernel_size - 1) * dilation for dilation in self.dilations]
        buffers = tf.split(tf.cast(buffers, self.compute_dtype), [each * self.channels for each in lengths], axis=-1)
        after = []

        def taps(index, values):
            dilation, size = self.dilations[index], self.channels
            begins = [each * dilation * size for each in range(self.kernel_size - 1)]
            after.append(tf.concat([buffers[index][..., size:], values], axis=-1))
            return [*(buffers[index][..., begin : begin + size] for begin in begins), values]

        convolved = self._run(inputs, taps)
        return convolved, tf.concat(after, axis=-1)

    def _run(self, inputs: tf.Tensor, taps: Callable[[int, tf.Tensor], Sequence[tf.Tensor]]) -> Convolved:
        values, levels, added = self.input_layer(tf.cast(inputs, self.compute_dtype)), [], []
        for index, (gate, output) in enumerate(zip(self.gates, self.outputs, strict=True)):
            signal, valve = tf.split(gate(networks.concat(taps(index, values), self.compute_dtype)), 2, axis=-1)
            added.append(output(tf.tanh(signal) * tf.sigmoid(valve)))
            values += added[-1]
            if (index + 1) % self.block_layers == 0:
                levels.append(values)
        return Convolved(tuple(levels), tf.add_n(added))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("channels", "blocks", "block_layers", "kernel_size")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
