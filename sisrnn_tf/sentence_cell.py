"""The one stochastic step of a sentence: prior and posterior of its latent."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from sisrnn_tf import encoders, networks, random
from sisrnn_tf.types import Gaussian
from sisrnn_tf.validation import require_int, require_memory

tfd = tfp.distributions


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
        encoder: a layer of `sisrnn_tf.encoders`; None for `SemiImplicit` with the paper's sizes.
    """

    def __init__(self, latent_size: int = 32, hidden_size: int = 256, encoder=None, **kwargs):
        super().__init__(autocast=False, **kwargs)  # the parts cast for themselves
        self.latent_size = require_int("latent_size", latent_size, 1)
        self.hidden_size = require_int("hidden_size", hidden_size, 1)
        require_memory(3 * hidden_size**2, hidden_size=hidden_size)
        if encoder is None:
            encoder = encoders.SemiImplicit(latent_size, dtype=self.dtype_policy, name="encoder")
        if encoder.latent_size != latent_size:
            raise ValueError(
                f"`encoder` must have latent_size={latent_size}, as the cell. Received: {encoder.latent_size}"
            )
        self.encoder = encoder
        self.build((None, hidden_size))

    def build(self, input_shape):
        """Makes the weights for h_T, `[B, H]`."""
        if not self.encoder.built:  # one that was loaded is
            self.encoder.build((None, self.hidden_size))
        self.built = True

    def sample_noise(self, shape, seed: random.Seed, first: int | tf.Tensor = 0) -> tf.Tensor:
        """Draws noise eps for the posterior, `[*shape, N]`; as of `SISRNNCell.sample_noise`."""
        return self.encoder.sample_noise(shape, random.as_seed(seed), first)

    def no_observation(self, hidden: tf.Tensor) -> tf.Tensor:
        """Returns what the step has of an observation beside h_T `[.., H]`: nothing, `[.., 0]`."""
        return hidden[..., :0]

    def prior_parameters(self, hidden: tf.Tensor) -> Gaussian:
        """Returns loc 0 and scale 1, each `[.., Z]`, for h_T `[.., H]`."""
        shape = tf.concat([tf.shape(hidden)[:-1], [self.latent_size]], axis=0)
        dtype = networks.density_dtype(self)
        return Gaussian(tf.zeros(shape, dtype), tf.ones(shape, dtype))

    def posterior_parameters(self, observation: tf.Tensor, hidden: tf.Tensor, noise: tf.Tensor) -> Gaussian:
        """Returns psi, each `[*draws, .., Z]`, from an empty `[.., 0]`, h_T `[.., H]` and eps `[*draws, .., N]`."""
        return self.encoder(self.encoder.context(observation, hidden), noise)

    def prior(self, hidden: tf.Tensor) -> tfd.Distribution:
        """Returns p(z), batch `[B]`, event `[Z]`, for h_T `[B, H]`."""
        return tfd.MultivariateNormalDiag(*self.prior_parameters(hidden))

    def posterior(self, hidden: tf.Tensor, noise: tf.Tensor) -> tfd.Distribution:
        """Returns q(z | psi), batch `[B]`, event `[Z]`, from h_T `[B, H]` and eps `[B, N]`."""
        return tfd.MultivariateNormalDiag(*self.posterior_parameters(self.no_observation(hidden), hidden, noise))

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "latent_size": self.latent_size,
            "hidden_size": self.hidden_size,
            "encoder": keras.saving.serialize_keras_object(self.encoder),
        }

    @classmethod
    def from_config(cls, config):
        """Builds the cell from its `get_config`."""
        return cls(**{**config, "encoder": keras.saving.deserialize_keras_object(config["encoder"])})
