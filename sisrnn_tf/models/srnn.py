"""The stochastic recurrent network of Fraccaro et al. (2016)."""

from collections.abc import Sequence
from typing import Any

import keras

from sisrnn_tf import posteriors
from sisrnn_tf.cells import Decoder, GaussianPrior, Prior, SRNNDecoder, SRNNTransition
from sisrnn_tf.core.types import Activation
from sisrnn_tf.emissions import Emission
from sisrnn_tf.models.sequence import SISRNN
from sisrnn_tf.posteriors import Posterior


@keras.saving.register_keras_serializable("sisrnn_tf")
class SRNN(SISRNN):
    """Stochastic recurrent network: a state-space model on top of a deterministic RNN (Fraccaro et al. 2016).

        d_t = GRU(x_{t-1}, d_{t-1}),  p(z_t | z_{t-1}, d_t),  p(x_t | z_t, d_t),  q(z_t | z_{t-1}, d_t, x_t, a_t)

    Unlike in `VRNN` no noise enters d, which runs over x alone, and z_t hands on what it knows to z_{t+1} alone. a_t is
    the state of a GRU that runs backward over x_t..x_T. Two details differ from the published code: there a_t reads d_t
    beside x_t, while here the posterior reads d_t itself; and the posterior's mean is its own, no correction of the
    prior's.

    Args:
        emission: the likelihood of one step, an object of `sisrnn_tf.emissions`.
        latent_size: Z.
        hidden_size: units of d.
        posterior: of `sisrnn_tf.posteriors`, semi-implicit or not; None for a Gaussian with a `BackwardGRU`.
        prior_sizes, decoder_sizes: units of the hidden layers.
        activation: of the hidden layers; a Keras name or function.
        scale_floor: smallest standard deviation of prior and posterior.
        prior, decoder: parts of the cell, for h_{t-1} = [d_t, z_{t-1}]; None for those of the paper.
        transition: an `SRNNTransition`; None for the paper's.
        **kwargs: as of `SISRNN`.
    """

    def __init__(
        self,
        emission: Emission,
        latent_size: int = 16,
        hidden_size: int = 64,
        posterior: Posterior | None = None,
        prior_sizes: Sequence[int] = (64, 64),
        decoder_sizes: Sequence[int] = (128, 128),
        activation: Activation = "relu",
        scale_floor: float = 1e-3,
        prior: Prior | None = None,
        decoder: Decoder | None = None,
        transition: SRNNTransition | None = None,
        **kwargs: Any,
    ):
        network: dict[str, Any] = {"activation": activation}
        dtype = {"dtype": kwargs["dtype"]} if "dtype" in kwargs else {}
        if prior is None:
            prior = GaussianPrior(latent_size, prior_sizes, scale_floor=scale_floor, name="prior", **network, **dtype)
        if decoder is None:
            decoder = SRNNDecoder(
                emission.parameter_size, hidden_size, decoder_sizes, name="decoder", **network, **dtype
            )
        if transition is None:
            transition = SRNNTransition(hidden_size, latent_size, name="transition", **dtype)
        if posterior is None:
            summary = posteriors.BackwardGRU(hidden_size, name="summary", **dtype)
            posterior = posteriors.Gaussian(
                latent_size, scale_floor=scale_floor, summary=summary, name="posterior", **network, **dtype
            )
        super().__init__(
            emission,
            latent_size,
            transition.hidden_size,
            posterior=posterior,
            prior=prior,
            decoder=decoder,
            transition=transition,
            **kwargs,
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "hidden_size": self.hidden_size - self.cell.latent_size}
