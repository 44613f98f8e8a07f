"""Feed-forward networks of the cells: a plain one and one that takes noise at every layer."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core import random
from sisrnn_tf.core.types import Activation, Shape, Sizes
from sisrnn_tf.core.validation import require_between, require_ints, require_memory, require_precision


def density_dtype(layer: keras.layers.Layer) -> tf.DType:
    """Returns the dtype in which a layer's densities are computed: float32 or wider, whatever its policy."""
    return tf.float64 if layer.compute_dtype == "float64" else tf.float32


def concat(tensors: Sequence[tf.Tensor], dtype: str) -> tf.Tensor:
    """Joins tensors along their last axis in one dtype."""
    return tf.concat([tf.cast(tensor, dtype) for tensor in tensors], axis=-1)


def dropout(values: tf.Tensor, rate: float, seed: tf.Tensor | None) -> tf.Tensor:
    """Returns values of which each is 0 with probability `rate`, the rest scaled up to the same mean.

    Keras' own draws differ between eager, graph and XLA runs, and are the same on all replicas.

    Args:
        values: any shape.
        rate: in [0, 1).
        seed: int32 `[2]`; None leaves the values as they are, as outside training.
    """
    if seed is None or rate == 0:
        return values
    kept = random.uniform(tf.shape(values), seed) >= rate
    return tf.where(kept, values / (1 - rate), tf.zeros([], values.dtype))


def _require_memory(hidden_sizes: Sequence[int], output_size: int) -> None:
    """Raises a ValueError where the weights between layers would not fit in memory."""
    pairs = itertools.pairwise((*hidden_sizes, output_size))
    require_memory(sum(left * right for left, right in pairs), hidden_sizes=hidden_sizes)


def _plus_product(values: tf.Tensor, inputs: tf.Tensor, kernel: keras.Variable) -> tf.Tensor:
    """Returns values `[.., U]` + inputs `[.., N]` times a kernel `[N, U]`.

    As a difference: of relu(a B + bias + c D) with known shapes TensorFlow 2.21's graph optimizer makes, on CPUs, an
    operation without a name, and then gives up on the whole graph.
    """
    return values - keras.ops.matmul(inputs, -kernel)


def noise_initializer(layer: keras.layers.Dense, scale: float) -> keras.initializers.Initializer:
    """Returns what starts the noise weights beside a layer: a Glorot initialization, scaled.

    Args:
        layer: whose seed it follows, so that it takes none from Keras' sequence: all other weights then start as they
            do without noise.
        scale: 0 for zeros.
    """
    if scale == 0:
        return keras.initializers.Zeros()
    seed = layer.kernel_initializer.seed + 1
    return keras.initializers.VarianceScaling(scale**2, "fan_avg", "uniform", seed=seed)


@keras.saving.register_keras_serializable("sisrnn_tf")
class MLP(keras.layers.Layer):
    """Multilayer perceptron with a linear output in the dtype of densities.

    Args:
        hidden_sizes: units of each hidden layer.
        output_size: units of the output.
        activation: of the hidden layers; a Keras name or function.
    """

    def __init__(self, hidden_sizes: Sequence[int], output_size: int, activation: Activation = "relu", **kwargs: Any):
        super().__init__(**kwargs)
        require_precision(self)
        self.hidden_sizes = require_ints("hidden_sizes", hidden_sizes)
        self.output_size = output_size
        _require_memory(self.hidden_sizes, output_size)
        self.activation = keras.activations.get(activation)
        self.dense_layers = [
            keras.layers.Dense(size, activation=self.activation, dtype=self.dtype_policy, name=f"hidden_{index}")
            for index, size in enumerate(self.hidden_sizes)
        ]
        self.dense_layers.append(keras.layers.Dense(output_size, dtype=self.dtype_policy, name="output"))

    def build(self, input_shape: Shape) -> None:
        """Makes the weights for inputs `[.., input_size]`."""
        size = input_shape[-1]
        for layer in self.dense_layers:
            layer.build((None, size))
            size = layer.units

    def hidden(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps `[.., input_size]` to the last hidden layer, `[.., last hidden size]`."""
        for layer in self.dense_layers[:-1]:
            inputs = layer(inputs)
        return inputs

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps `[.., input_size]` to `[.., output_size]`."""
        return tf.cast(self.dense_layers[-1](self.hidden(inputs)), density_dtype(self))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Returns the shape of the output."""
        return (*input_shape[:-1], self.output_size)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "hidden_sizes": self.hidden_sizes,
            "output_size": self.output_size,
            "activation": keras.activations.serialize(self.activation),
        }


@keras.saving.register_keras_serializable("sisrnn_tf")
class NoiseMLP(keras.layers.Layer):
    """Multilayer perceptron with centered Bernoulli noise concatenated to the input of each hidden layer.

    What does not depend on noise, the first layer's share of the inputs, is `context`: it is computed once for all
    draws of noise. A weight matrix on concatenated inputs is the sum of one on each part, and is stored so.

    Args:
        hidden_sizes: units of each hidden layer.
        noise_sizes: noise dimensions at the input of each hidden layer; 0 for none.
        output_size: units of the linear output.
        activation: of the hidden layers; a Keras name or function.
        noise_weight_scale: initial noise weights, as a fraction of a Glorot initialization.
    """

    def __init__(
        self,
        hidden_sizes: Sequence[int],
        noise_sizes: Sequence[int],
        output_size: int,
        activation: Activation = "relu",
        noise_weight_scale: float = 0.1,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        require_precision(self)
        self.hidden_sizes = require_ints("hidden_sizes", hidden_sizes)
        self.noise_sizes = require_ints("noise_sizes", noise_sizes, minimum=0)
        if not self.hidden_sizes or len(self.noise_sizes) != len(self.hidden_sizes):
            raise ValueError(
                "`noise_sizes` must have one entry for each hidden layer, of which there must be at least one. "
                f"Received: noise_sizes={noise_sizes}, hidden_sizes={hidden_sizes}"
            )
        self.output_size = output_size
        _require_memory(self.hidden_sizes, output_size)
        self.activation = keras.activations.get(activation)
        expected = "finite and at least 0"
        self.noise_weight_scale = require_between("noise_weight_scale", noise_weight_scale, 0, math.inf, expected)
        self.hidden_layers = [
            keras.layers.Dense(size, dtype=self.dtype_policy, name=f"hidden_{index}")
            for index, size in enumerate(self.hidden_sizes)
        ]
        self.noise_layers = [
            self._noise_layer(index, size) if self.noise_sizes[index] else None
            for index, size in enumerate(self.hidden_sizes)
        ]
        self.output_layer = keras.layers.Dense(output_size, dtype=self.dtype_policy, name="output")

    def _noise_layer(self, index: int, size: int) -> keras.layers.Layer:
        initializer = noise_initializer(self.hidden_layers[index], self.noise_weight_scale)
        return keras.layers.Dense(
            size, use_bias=False, kernel_initializer=initializer, dtype=self.dtype_policy, name=f"noise_{index}"
        )

    @property
    def noise_size(self) -> int:
        """N: the noise dimensions of all layers together."""
        return sum(self.noise_sizes)

    def build(self, input_shape: Shape) -> None:
        """Makes the weights for inputs `[.., input_size]`."""
        sizes = (input_shape[-1], *self.hidden_sizes)
        for size, noise_size, hidden_layer, noise_layer in zip(
            sizes, self.noise_sizes, self.hidden_layers, self.noise_layers, strict=False
        ):
            hidden_layer.build((None, size))
            if noise_layer is not None:
                noise_layer.build((None, noise_size))
        self.output_layer.build((None, sizes[-1]))

    def sample_noise(self, shape: Sizes, seed: tf.Tensor) -> tf.Tensor:
        """Draws noise `[*shape, N]`, each -1/2 or 1/2; arguments as of `random.uniform`."""
        shape = (
            [*shape, self.noise_size] if isinstance(shape, list | tuple) else tf.concat([shape, [self.noise_size]], 0)
        )
        return random.centered_bernoulli(shape, seed, self.compute_dtype)

    def context(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns what all draws of noise share, `[.., first hidden size]`, from inputs `[.., input_size]`."""
        return self.hidden_layers[0](inputs)

    def call(self, context: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """Maps a context `[.., C]` and noise `[*draws, .., N]` to outputs `[*draws, .., output_size]`."""
        parts = tf.split(noise, self.noise_sizes, axis=-1)
        outputs = context
        for index, (part, noise_layer) in enumerate(zip(parts, self.noise_layers, strict=True)):
            if index > 0:
                outputs = self.hidden_layers[index](outputs)
            if noise_layer is not None:
                outputs = _plus_product(outputs, part, noise_layer.kernel)
            outputs = self.activation(outputs)
        return tf.cast(self.output_layer(outputs), density_dtype(self))

    def compute_output_shape(self, context_shape: Shape, noise_shape: Shape) -> Shape:
        """Returns the shape of the output."""
        return (*noise_shape[:-1], self.output_size)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "hidden_sizes": self.hidden_sizes,
            "noise_sizes": self.noise_sizes,
            "output_size": self.output_size,
            "activation": keras.activations.serialize(self.activation),
            "noise_weight_scale": self.noise_weight_scale,
        }
