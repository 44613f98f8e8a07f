"""The one stochastic step of a sentence: prior and posterior of its latent."""

from typing import Any

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from sisrnn_tf.cells.contract import require_part
from sisrnn_tf.cells.prior import StandardPrior
from sisrnn_tf.core import gaussians, networks, random
from sisrnn_tf.core.types import Gaussian, Noise, Shape, Sizes
from sisrnn_tf.core.validation import require, require_int, require_memory
from sisrnn_tf.posteriors import Posterior, SemiImplicit


@keras.saving.register_keras_serializable("sisrnn_tf")
class SentenceCell(keras.layers.Layer):
    """Prior and posterior of the latent z of a whole sentence.

        prior        p(z)        = N(0, I)
        mixing       psi ~ q_phi(psi | h_T): psi = phi_encoder(h_T, eps), h_T the state of a GRU that has read x_1..x_T
        posterior    q(z | psi)  = N(loc, diag scale^2)

    To whatever takes a stochastic cell it is that of a sequence of one step, whose own observation is empty: all of
    the sentence is in h_T.

    Args:
        latent_size: Z.
        hidden_size: H.
        encoder: the posterior by its older name; give one of the two.
        posterior: of `sisrnn_tf.posteriors`, without a summary; None for `SemiImplicit` with the paper's sizes.
    """

    def __init__(
        self,
        latent_size: int = 32,
        hidden_size: int = 256,
        encoder: Posterior | None = None,
        posterior: Posterior | None = None,
        **kwargs: Any,
    ):
        super().__init__(autocast=False, **kwargs)  # the parts cast for themselves
        self.latent_size = require_int("latent_size", latent_size, 1)
        self.hidden_size = require_int("hidden_size", hidden_size, 1)
        require_memory(3 * hidden_size**2, hidden_size=hidden_size)
        require(encoder is None or posterior is None, "encoder", "left out where `posterior` is given", encoder)
        posterior = encoder if posterior is None else posterior
        if posterior is None:
            posterior = SemiImplicit(latent_size, dtype=self.dtype_policy, name="posterior")
        require_part("posterior", posterior, {"latent_size": latent_size}, networks.density_dtype(self))
        self.posterior_part = posterior
        self.prior_part = StandardPrior(latent_size, dtype=self.dtype_policy, name="prior")
        self.build((None, hidden_size))

    def build(self, input_shape: Shape) -> None:
        """Makes the weights for h_T, `[B, H]`."""
        if not self.posterior_part.built:  # one that was loaded is
            self.posterior_part.build((None, 0), (None, self.hidden_size))
        self.prior_part.build((None, self.hidden_size))
        self.built = True

    def sample_noise(self, shape: Sizes, seed: random.Seed) -> tf.Tensor:
        """Draws noise eps for the posterior, `[*shape, N]`; as of `SISRNNCell.sample_noise`."""
        return self.posterior_part.sample_noise(shape, random.as_seed(seed))

    def no_observation(self, hidden: tf.Tensor) -> tf.Tensor:
        """Returns what the step has of an observation beside h_T `[.., H]`: nothing, `[.., 0]`."""
        return hidden[..., :0]

    def posterior_context(
        self, observation: tf.Tensor, hidden: tf.Tensor, features: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Returns what all draws of psi share, from an empty `[.., 0]`, h_T `[.., H]` and what a refinement found."""
        return self.posterior_part.context(observation, hidden, features)

    def draw_latent(
        self, observation: tf.Tensor, hidden: tf.Tensor, draws: Noise, features: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, Gaussian, tf.Tensor]:
        """Draws z ~ q(z | psi), and returns it, psi and h_T; as of `SISRNNCell.draw_latent`."""
        return *self.posterior_part.draw(self.posterior_context(observation, hidden, features), draws), hidden

    def posterior_parameters(
        self, observation: tf.Tensor, hidden: tf.Tensor, noise: tf.Tensor, features: tf.Tensor | None = None
    ) -> Gaussian:
        """Returns psi, each `[*draws, .., Z]`, from eps `[*draws, .., N]`; the rest as of `posterior_context`."""
        return self.posterior_part(self.posterior_context(observation, hidden, features), noise)

    def transition(self, observation: tf.Tensor, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """Returns h_T, `[.., H]`, as it is: no step follows."""
        return hidden

    def prior(self, hidden: tf.Tensor) -> tfd.Distribution:
        """Returns p(z), batch `[B]`, event `[Z]`, for h_T `[B, H]`."""
        return self.prior_part.distribution(hidden)

    def posterior(self, hidden: tf.Tensor, noise: tf.Tensor) -> tfd.Distribution:
        """Returns q(z | psi), batch `[B]`, event `[Z]`, from h_T `[B, H]` and eps `[B, N]`."""
        return gaussians.to_distribution(self.posterior_parameters(self.no_observation(hidden), hidden, noise))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "latent_size": self.latent_size,
            "hidden_size": self.hidden_size,
            "posterior": keras.saving.serialize_keras_object(self.posterior_part),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SentenceCell":
        """Builds the cell from its `get_config`."""
        return cls(**{**config, "posterior": keras.saving.deserialize_keras_object(config["posterior"])})
