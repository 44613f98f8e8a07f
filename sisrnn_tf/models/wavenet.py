"""WaveNet: a convolutional network whose likelihood is exact."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core.convolutions import DilatedStack
from sisrnn_tf.core.types import Activation
from sisrnn_tf.emissions import Emission
from sisrnn_tf.inference import step
from sisrnn_tf.models.exact import ExactModel


@keras.saving.register_keras_serializable("sisrnn_tf")
class WaveNet(ExactModel):
    """WaveNet (van den Oord et al. 2016, arXiv:1609.03499), whose likelihood is exact.

        s_t = activation(sum over layers of out_t),  p(x_t | x_{<t}) = decoder(s_{t-1}),  s_0 = 0

    out_t are the dilated causal convolutions of `sisrnn_tf.core.convolutions.DilatedStack`, whose layers add to each
    other (residual) and to s (skip). It sees the last 1 + blocks (kernel_size - 1) (2^block_layers - 1) observations.
    Training takes all steps at once; generation, forecasts and streams take one at a time and keep, in the state, what
    each layer still needs of the steps before it.

    Its authors model audio as 256 classes a sample; here the emission is any. Lai et al. (2018), whose numbers for
    handwriting the paper quotes, have one block of five layers of 200 channels; in their code what goes on to the next
    layer has a matrix of its own beside the sum, and x_0 = 0 is read as an observation, where here s_0 = 0.

    Args:
        emission: the likelihood of one step, an object of `sisrnn_tf.emissions`.
        channels: C, of each layer.
        blocks: blocks of layers; in each the dilation begins with 1 and doubles from layer to layer.
        block_layers: layers of a block.
        kernel_size: taps of a layer.
        seed: int, where the model's stream of noise starts; only generation draws from it.
        decoder_sizes: units of the decoder's hidden layers.
        activation: of s and of the decoder's hidden layers; a Keras name or function.
        covariate_size: as of `SISRNN`; the convolutions read [x_t, u_t], the decoder [s_{t-1}, u_t].

    Call arguments and outputs: see `SequenceModel`; there is no latent, so Z = 0, and "hidden" is s, `[B, T, C]`.

    Example:
        >>> model = sisrnn_tf.WaveNet(emission=sisrnn_tf.emissions.Bernoulli(28), channels=64)
        >>> model.compile(optimizer=keras.optimizers.Adam(1e-3))
        >>> model.fit(observations, epochs=5)  # [N, T, 28] of 0 and 1
        >>> model.log_likelihood(observations)  # [N], nats
    """

    def __init__(
        self,
        emission: Emission,
        channels: int = 64,
        blocks: int = 1,
        block_layers: int = 5,
        kernel_size: int = 2,
        seed: int = 0,
        decoder_sizes: Sequence[int] = (128, 128),
        activation: Activation = "relu",
        covariate_size: int = 0,
        **kwargs: Any,
    ):
        super().__init__(emission, seed, covariate_size, **kwargs)
        sizes = (channels, blocks, block_layers, kernel_size)
        self.stack = DilatedStack(*sizes, dtype=self.dtype_policy, name="stack")
        self.stack.build((None, None, emission.event_size + covariate_size))
        self._complete(channels, decoder_sizes, activation)

    @property
    def hidden_size(self) -> int:
        """H: of s and of the layers' buffers."""
        return self.stack.channels + self.stack.buffer_size

    @property
    def _network(self) -> DilatedStack:
        return self.stack

    def _unroll(self, network: DilatedStack, inputs: tf.Tensor) -> tf.Tensor:
        """See `ExactModel`; returns s, `[B, T, C]`."""
        return self.decoder.activation(network(inputs).skip)

    def _transition(self, inputs: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """See `ExactModel`; h_t is [s_t, buffers]."""
        convolved, buffers = self.stack.step(inputs, hidden[..., self.stack.channels :])
        return tf.concat([self.decoder.activation(convolved.skip), buffers], axis=-1)

    def _decode(self, given: tf.Tensor) -> tf.Tensor:
        """See `ExactModel`."""
        covariates = given[..., self.hidden_size :] if self.covariate_size else None
        return self.decoder(step.join(given[..., : self.stack.channels], covariates))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        stack = self.stack.get_config()
        names = ("channels", "blocks", "block_layers", "kernel_size")
        return {**super().get_config(), **{name: stack[name] for name in names}}
