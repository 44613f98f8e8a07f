"""Stochastic WaveNet: latents in the layers of a convolutional network."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf import posteriors as parts
from sisrnn_tf.cells.layered import LayeredPosterior, LayeredPrior, SkipDecoder, join_layers
from sisrnn_tf.cells.swavenet import SWaveNetCell, SWaveNetTransition
from sisrnn_tf.core.types import Activation, Batch, Gaussian, Noise, Trajectory
from sisrnn_tf.core.validation import require, require_ints
from sisrnn_tf.emissions import Emission
from sisrnn_tf.inference import step
from sisrnn_tf.inference.passes import SequencePass
from sisrnn_tf.inference.recurrence import batch_to_time_major
from sisrnn_tf.models.sequence import SISRNN, refuse_own_parts
from sisrnn_tf.posteriors import Posterior, Summary


class _Layers:
    """Takes all steps of a cell at once, layer by layer: what `StochasticRNN` is to a cell whose layers recur."""

    truncation: int | None = None

    def __init__(self, cell: SWaveNetCell):
        self.cell = cell

    def scan(
        self,
        observations: tf.Tensor,
        draws: Noise,
        mask: tf.Tensor | None = None,
        initial_state: Any = None,
        features: tf.Tensor | None = None,
        covariates: tf.Tensor | None = None,
    ) -> Trajectory:
        """Draws z_t for all steps; arguments as of `StochasticRNN.scan`. h is [d_t, s_t]."""
        inputs = step.join(observations, covariates)
        found: list[Gaussian] = []
        told = self.cell.posterior_part.join_inputs(inputs, inputs[..., :0], features)
        batch_major = Noise(*map(batch_to_time_major, draws))
        choose = self.cell.choose(batch_to_time_major(told), batch_major, found)
        latent, states = map(batch_to_time_major, self.cell.transition.unroll(batch_to_time_major(inputs), choose))
        psi = Gaussian(*map(batch_to_time_major, join_layers(found)))
        return Trajectory(latent, states, step.join(states, covariates), psi)


@keras.saving.register_keras_serializable("sisrnn_tf")
class SWaveNet(SISRNN):
    """Stochastic WaveNet (Lai et al. 2018, arXiv:1806.06116): latents in the upper layers of a WaveNet.

        d^l_t = layer l of dilated causal convolutions over x_{<t} and z^{<l}_{<=t}
        p(z^l_t | ..) = N of d^l_t,  q(z^l_t | ..) = any posterior of d^l_t, x_t and, by its summary, x_t..x_T
        p(x_t | ..) = decoder(activation(s_t + sum_l W_l activation([d^l_t, z^l_t])))

    z^l_t goes on to the layers above it, and by their convolutions to later steps: so with one such layer no noise
    recurs. Within a layer nothing does, and training takes all steps at once, layer by layer. Each layer's posterior
    may be semi-implicit. See `sisrnn_tf.cells.swavenet` for the layers.

    In the published code three details differ. Its posteriors read x_t and an anti-causal convolution over x_t..x_T,
    one a layer; here x_t and one summary for all layers, a GRU that runs backward. Log-variances of prior and posterior
    are cut at 8; here scales have a floor. Convolutions have batch normalization; here none, so that a sequence scores
    the same in any batch.

    Args:
        emission: the likelihood of one step, an object of `sisrnn_tf.emissions`.
        layer_sizes: dimensions of z^1, .., z^L, the lowest layer first.
        channels: C, of each convolution.
        block_layers: convolutions below those with a latent.
        kernel_size: taps of a convolution.
        posteriors: of each layer, the lowest first, of `sisrnn_tf.posteriors` without a summary; None for Gaussians.
        summary: what the posteriors are told of the sequence beside x_t; None for nothing.
        prior_sizes, decoder_sizes: units of the hidden layers; the first of each layer.
        activation: of the hidden layers; a Keras name or function.
        scale_floor: smallest standard deviation of prior and posterior.
        covariate_size: U, as of `SISRNN`; the convolutions and the posterior read [x_t, u_t], the decoder u_t.
        **kwargs: as of `SISRNN`, but no parts, and no truncation.

    Call arguments and outputs: see `SequenceModel`; "hidden" is [d_t, s_t], `[B, T, (L + 1) C]`.

    Example:
        >>> model = sisrnn_tf.SWaveNet(sisrnn_tf.emissions.Bernoulli(28), summary=sisrnn_tf.posteriors.BackwardGRU(64))
        >>> model.compile(optimizer=keras.optimizers.Adam(1e-3))
        >>> model.fit(observations, epochs=5)  # [N, T, 28] of 0 and 1
    """

    cell_class = SWaveNetCell

    def __init__(
        self,
        emission: Emission,
        layer_sizes: Sequence[int] = (16,),
        channels: int = 64,
        block_layers: int = 5,
        kernel_size: int = 2,
        posteriors: Sequence[Posterior] | None = None,
        summary: Summary | None = None,
        prior_sizes: Sequence[int] = (64, 64),
        decoder_sizes: Sequence[int] = (128, 128),
        activation: Activation = "relu",
        scale_floor: float = 1e-3,
        covariate_size: int = 0,
        **kwargs: Any,
    ):
        refuse_own_parts(kwargs, "layers")
        layer_sizes = require_ints("layer_sizes", layer_sizes)
        dtype: dict[str, Any] = {"dtype": kwargs["dtype"]} if "dtype" in kwargs else {}
        network: dict[str, Any] = {"activation": activation, **dtype}
        floor: dict[str, Any] = {"scale_floor": scale_floor}
        prior = LayeredPrior(layer_sizes, channels, prior_sizes, name="prior", **floor, **network)
        if posteriors is None:
            posteriors = [parts.Gaussian(size, **floor, **network) for size in layer_sizes]
        posterior = LayeredPosterior(posteriors, channels, summary=summary, name="posterior", **dtype)
        same = tuple(posterior.layer_sizes) == layer_sizes
        require(same, "posteriors", f"posteriors of {layer_sizes} dimensions", tuple(posterior.layer_sizes))
        transition = SWaveNetTransition(layer_sizes, channels, block_layers, kernel_size, name="transition", **dtype)
        super().__init__(
            emission,
            prior.latent_size,
            transition.hidden_size,
            posterior=posterior,
            prior=prior,
            decoder=SkipDecoder(
                emission.parameter_size, layer_sizes, channels, decoder_sizes, name="decoder", **network
            ),
            transition=transition,
            covariate_size=covariate_size,
            **kwargs,
        )
        self._layers_at_once = _Layers(self.cell)

    def make_pass(
        self, batch: Batch, seed: tf.Tensor, first_row: int | tf.Tensor = 0, training: bool = False
    ) -> SequencePass:
        """See `SequenceModel`; all steps at once."""
        return SequencePass(self._layers_at_once, self._sequences(batch), seed, first_row)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config, cell = super().get_config(), self.cell
        made = ("latent_size", "hidden_size", "posterior", "prior", "decoder", "transition", "truncation")
        prior, decoder = cell.prior_part.get_config(), cell.decoder.get_config()
        transition, posterior = cell.transition.get_config(), cell.posterior_part
        return {
            **{name: value for name, value in config.items() if name not in made},
            **{name: prior[name] for name in ("layer_sizes", "channels", "activation", "scale_floor")},
            **{name: transition[name] for name in ("block_layers", "kernel_size")},
            "posteriors": [keras.saving.serialize_keras_object(layer) for layer in posterior.layers_of_posterior],
            "summary": keras.saving.serialize_keras_object(posterior.summary),
            "prior_sizes": prior["hidden_sizes"],
            "decoder_sizes": decoder["hidden_sizes"],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> "SWaveNet":
        """Builds the model from its `get_config`."""
        made = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects)
            for name in ("posteriors", "summary")
        }
        return super().from_config({**config, **made}, custom_objects)
