"""Stochastic temporal convolutional networks: a ladder of latents over a convolutional network."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf import posteriors as parts
from sisrnn_tf.cells.convolutional import ConvolutionalCell, DilatedTransition, KnownStates
from sisrnn_tf.cells.ladder import LadderDecoder, LadderPrior
from sisrnn_tf.cells.ladder_posterior import LadderPosterior
from sisrnn_tf.core.types import Activation, Batch
from sisrnn_tf.core.validation import require_ints
from sisrnn_tf.emissions import Emission
from sisrnn_tf.inference import filter as filters
from sisrnn_tf.inference import step
from sisrnn_tf.inference.parallel import ParallelSteps
from sisrnn_tf.inference.passes import SequencePass
from sisrnn_tf.inference.recurrence import batch_to_time_major
from sisrnn_tf.models.sequence import SISRNN, refuse_own_parts
from sisrnn_tf.posteriors import Posterior


@keras.saving.register_keras_serializable("sisrnn_tf")
class STCN(SISRNN):
    """Stochastic temporal convolutional network (Aksan & Hilliges 2019, arXiv:1902.06568), and STCN-dense.

        d^1_t, .., d^L_t = levels of dilated causal convolutions over x_1..x_t,  d_0 = 0
        p(z_t | x_{<t})  = prod_l p(z^l_t | d^l_{t-1}, z^{l+1}_t)
        q(z_t | x_{<=t}) = prod_l q(z^l_t | d^l_t, z^{l+1}_t)
        p(x_t | z_t)     = decoder(z^1_t),  of STCN-dense decoder(z^1_t, .., z^L_t)

    From the top level down; each q is multiplied with its prior, see `sisrnn_tf.cells.ladder_posterior`. No noise
    enters d, so all steps are taken at once, and given x the z_t of different steps are independent. Each level's
    posterior may be semi-implicit.

    In the published code four details differ. The scale of q is its variance (`published_scale`). z^l is drawn anew for
    each of its readers, so that what is trained is no bound of one joint density; here one z^l goes to all. Scales are
    cut to [0.001, 5], and loc and scale have a network each; here a scale has a floor alone, and both have one network.
    x_0 = 0 is read as an observation; here d_0 = 0.

    Args:
        emission: the likelihood of one step, an object of `sisrnn_tf.emissions`.
        level_sizes: dimensions of z^1, .., z^L, the lowest level first.
        channels: C, of each convolution.
        block_layers: convolutions of each level; in each the dilation begins with 1 and doubles.
        kernel_size: taps of a convolution.
        dense: whether it is STCN-dense.
        posteriors: of each level, the lowest first, of `sisrnn_tf.posteriors` without a summary; None for Gaussians.
        published_scale: whether the scale of q is that of the published code, for its numbers.
        prior_sizes, decoder_sizes: units of the hidden layers; the first of each level.
        activation: of the hidden layers; a Keras name or function.
        scale_floor: smallest standard deviation of prior and posterior, before the two are multiplied.
        covariate_size: U, as of `SISRNN`; the convolutions read [x_t, u_t], prior and decoder u_t.
        **kwargs: as of `SISRNN`, but no parts, and no truncation.

    Call arguments and outputs: see `SequenceModel`; "hidden" is d_t, `[B, T, L C]`.

    Example:
        >>> model = sisrnn_tf.STCN(emission=sisrnn_tf.emissions.Bernoulli(28), level_sizes=(8, 4), dense=True)
        >>> model.compile(optimizer=keras.optimizers.Adam(1e-3))
        >>> model.fit(observations, epochs=5)  # [N, T, 28] of 0 and 1
        >>> model.log_likelihood(observations, num_importance=50, seed=0)  # [N], nats, <= log p(x)
    """

    cell_class = ConvolutionalCell
    state_is_exact = True

    def __init__(
        self,
        emission: Emission,
        level_sizes: Sequence[int] = (16, 8),
        channels: int = 64,
        block_layers: int = 5,
        kernel_size: int = 2,
        dense: bool = False,
        posteriors: Sequence[Posterior] | None = None,
        published_scale: bool = False,
        prior_sizes: Sequence[int] = (64, 64),
        decoder_sizes: Sequence[int] = (128, 128),
        activation: Activation = "relu",
        scale_floor: float = 1e-3,
        covariate_size: int = 0,
        **kwargs: Any,
    ):
        refuse_own_parts(kwargs, "levels")
        level_sizes = require_ints("level_sizes", level_sizes)
        dtype: dict[str, Any] = {"dtype": kwargs["dtype"]} if "dtype" in kwargs else {}
        network: dict[str, Any] = {"activation": activation, **dtype}
        floor: dict[str, Any] = {"scale_floor": scale_floor}
        known: dict[str, Any] = {"covariate_size": covariate_size}
        prior = LadderPrior(level_sizes, channels, prior_sizes, name="prior", **floor, **known, **network)
        if posteriors is None:
            posteriors = [parts.Gaussian(size, **floor, **network) for size in level_sizes]
        transition = DilatedTransition(
            channels, len(level_sizes), block_layers, kernel_size, name="transition", **dtype
        )
        decoder = LadderDecoder(
            emission.parameter_size, level_sizes, decoder_sizes, dense, name="decoder", **known, **network
        )
        super().__init__(
            emission,
            prior.latent_size,
            transition.hidden_size,
            posterior=LadderPosterior(posteriors, prior, published_scale, name="posterior", **dtype),
            prior=prior,
            decoder=decoder,
            transition=transition,
            **known,
            **kwargs,
        )
        self._steps = ParallelSteps(KnownStates(self.cell))

    def make_pass(
        self, batch: Batch, seed: tf.Tensor, first_row: int | tf.Tensor = 0, training: bool = False
    ) -> SequencePass:
        """See `SequenceModel`; all steps at once."""
        return SequencePass(self._steps, self._followed(batch)[1], seed, first_row)

    def _followed(self, batch: Batch) -> tuple[KnownStates, filters.Sequences]:
        """See `StepwiseModel`: sequences with their states beside them."""
        given = self._sequences(batch)
        inputs = batch_to_time_major(step.join(given.observations, given.covariates))
        states = tf.cast(batch_to_time_major(self.cell.transition.unroll(inputs)), self.density_dtype)
        before = tf.concat([tf.zeros_like(states[:1]), states[:-1]], axis=0)
        sequences = given._replace(features=states, covariates=step.join(before, given.covariates))
        return self._steps.cell, sequences

    def outputs_of(self, passed: SequencePass) -> dict[str, tf.Tensor]:
        """See `SequenceModel`."""
        trajectory, parameters, _ = passed.first
        outputs = {
            "emission_parameters": parameters,
            "latent": trajectory.latent,
            "hidden": passed.sequences.features,
        }
        return {name: batch_to_time_major(part) for name, part in outputs.items()}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config, cell = super().get_config(), self.cell
        made = ("latent_size", "hidden_size", "posterior", "prior", "decoder", "transition", "truncation")
        prior, decoder = cell.prior_part.get_config(), cell.decoder.get_config()
        stack = cell.transition.get_config()
        posterior = cell.posterior_part
        return {
            **{name: value for name, value in config.items() if name not in made},
            **{name: prior[name] for name in ("level_sizes", "channels", "activation", "scale_floor")},
            **{name: stack[name] for name in ("block_layers", "kernel_size")},
            "dense": decoder["dense"],
            "posteriors": [keras.saving.serialize_keras_object(level) for level in posterior.levels],
            "published_scale": posterior.published_scale,
            "prior_sizes": prior["hidden_sizes"],
            "decoder_sizes": decoder["hidden_sizes"],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> "STCN":
        """Builds the model from its `get_config`."""
        levels = [keras.saving.deserialize_keras_object(level, custom_objects) for level in config["posteriors"]]
        return super().from_config({**config, "posteriors": levels}, custom_objects)
