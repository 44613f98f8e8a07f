"""One time step of a stochastic recurrent network: prior, posterior, emission, transition."""

from collections.abc import Sequence

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from sisrnn_tf import networks, random
from sisrnn_tf.emissions import Emission
from sisrnn_tf.encoders import SemiImplicit
from sisrnn_tf.types import Gaussian
from sisrnn_tf.validation import require, require_int, require_ints, require_memory, require_positive

tfd = tfp.distributions


def _to_distribution(parameters: Gaussian) -> tfd.Distribution:
    return tfd.Independent(tfd.Normal(parameters.loc, parameters.scale), 1)


@keras.saving.register_keras_serializable("sisrnn_tf")
class SISRNNCell(keras.layers.Layer):
    """One step of the semi-implicit stochastic recurrent network (eqs. 4, 5, 8 and 9 of the paper).

        prior       p(z_t | h_{t-1})      = N(loc, diag scale^2) = phi_prior(h_{t-1})
        posterior   q(z_t | psi_t)        = N(loc, diag scale^2), psi_t = phi_encoder(x_t, h_{t-1}, eps_t)
        emission    p(x_t | z_t, h_{t-1}) = phi_decoder(z_t, h_{t-1})
        transition  h_t                   = GRU([x_t, z_t], h_{t-1})

    As a Keras RNN cell it infers: z_t is drawn from the posterior given x_t, and the output is the parameters of the
    emission. The methods named after the four parts are the cell seen as distributions.

    Args:
        likelihood: the emission, an object of `sisrnn_tf.emissions` with event size D and P parameters.
        latent_size: Z.
        hidden_size: H.
        encoder: a layer of `sisrnn_tf.encoders`; None for `SemiImplicit` with the paper's sizes.
        prior_sizes: units of the prior's hidden layers.
        decoder_sizes: units of the decoder's hidden layers.
        activation: of the hidden layers; a Keras name or function.
        scale_floor: smallest standard deviation of prior and posterior.
        seed: int, where the cell's own stream of noise starts.

    Call arguments:
        inputs: x_t, `[B, D]`.
        states: a list of h_{t-1}, `[B, H]`.

    Returns:
        Parameters of p(x_t | z_t, h_{t-1}), `[B, P]`, and a list of h_t.

    Example:
        >>> cell = sisrnn_tf.SISRNNCell(sisrnn_tf.emissions.Bernoulli(28))
        >>> layer = keras.layers.RNN(cell, return_sequences=True)
        >>> parameters = layer(observations)  # [B, T, 28]
    """

    def __init__(
        self,
        likelihood,
        latent_size: int = 16,
        hidden_size: int = 64,
        encoder: keras.layers.Layer | None = None,
        prior_sizes: Sequence[int] = (64, 64),
        decoder_sizes: Sequence[int] = (128, 128),
        activation="relu",
        scale_floor: float = 1e-3,
        seed: int = 0,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)  # the parts cast for themselves
        self.latent_size = require_int("latent_size", latent_size, 1)
        self.hidden_size = require_int("hidden_size", hidden_size, 1)
        require(isinstance(likelihood, Emission), "likelihood", "an object of `sisrnn_tf.emissions`", likelihood)
        self.likelihood = likelihood
        require_memory(3 * hidden_size * (hidden_size + latent_size), hidden_size=hidden_size, latent_size=latent_size)
        self.prior_sizes = require_ints("prior_sizes", prior_sizes)
        self.decoder_sizes = require_ints("decoder_sizes", decoder_sizes)
        self.activation = keras.activations.get(activation)
        self.scale_floor = require_positive("scale_floor", scale_floor)
        self.seed = seed
        if encoder is None:
            encoder = SemiImplicit(
                latent_size, activation=activation, scale_floor=scale_floor, dtype=self.dtype_policy, name="encoder"
            )
        if encoder.latent_size != latent_size:
            raise ValueError(
                "`encoder` must have the latent size of the cell. "
                f"Received: encoder.latent_size={encoder.latent_size}, latent_size={latent_size}"
            )
        if networks.density_dtype(encoder) != networks.density_dtype(self):
            raise ValueError(
                "`encoder` must compute densities in the dtype of the cell. "
                f"Received: encoder.dtype_policy={encoder.dtype_policy}, dtype_policy={self.dtype_policy}"
            )
        self.encoder = encoder
        network = {"activation": self.activation, "dtype": self.dtype_policy}
        self.prior_network = networks.MLP(self.prior_sizes, 2 * latent_size, name="prior", **network)
        self.decoder = networks.MLP(self.decoder_sizes, likelihood.parameter_size, name="decoder", **network)
        self.gru = keras.layers.GRUCell(hidden_size, reset_after=True, dtype=self.dtype_policy, name="transition")
        self.stream = random.RandomStream(seed, name="stream")
        self.build((None, likelihood.event_size))

    def build(self, input_shape):
        """Makes the weights for inputs `[B, D]`.

        Raises:
            ValueError: the input does not have the emission's D features.
        """
        size = self.likelihood.event_size
        if input_shape[-1] != size:
            raise ValueError(
                f"`inputs` must have {size} features, the emission's event size. Received shape {tuple(input_shape)}"
            )
        if self.built:
            return
        if not self.encoder.built:  # one that was loaded is
            self.encoder.build((None, size + self.hidden_size))
        self.prior_network.build((None, self.hidden_size))
        self.decoder.build((None, self.latent_size + self.hidden_size))
        self.gru.build((None, size + self.latent_size))
        self.built = True

    @property
    def state_size(self) -> int:
        """H."""
        return self.hidden_size

    @property
    def output_size(self) -> int:
        """P."""
        return self.likelihood.parameter_size

    def get_initial_state(self, batch_size=None) -> list[tf.Tensor]:
        """Returns a list of h_0 = 0, `[B, H]`."""
        return [tf.zeros([batch_size, self.hidden_size], self.compute_dtype)]

    def sample_noise(self, shape, seed: random.Seed, first: int | tf.Tensor = 0) -> tf.Tensor:
        """Draws noise eps for the posterior, `[*shape, N]`; N is 0 for a point mass.

        Args:
            shape: ints or a tensor.
            seed: an int, a pair of ints or int32 `[2]`.
            first: number of the first entry along the leading axis, of which a seed has endlessly many.
        """
        return self.encoder.sample_noise(shape, random.as_seed(seed), first)

    def prior_parameters(self, hidden: tf.Tensor) -> Gaussian:
        """Returns loc and scale of p(z_t | h_{t-1}), each `[.., Z]`, from h_{t-1} `[.., H]`."""
        return networks.to_gaussian(self.prior_network(hidden), self.scale_floor)

    def posterior_parameters(self, observation: tf.Tensor, hidden: tf.Tensor, noise: tf.Tensor) -> Gaussian:
        """Returns psi_t, each `[*draws, .., Z]`, from x_t `[.., D]`, h_{t-1} `[.., H]`, eps_t `[*draws, .., N]`."""
        return self.encoder(self.encoder.context(observation, hidden), noise)

    def emission_parameters(self, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """Returns the parameters of p(x_t | z_t, h_{t-1}), `[.., P]`, from z_t `[.., Z]` and h_{t-1} `[.., H]`."""
        return self.decoder(networks.concat([latent, hidden], self.compute_dtype))

    def prior(self, hidden: tf.Tensor) -> tfd.Distribution:
        """Returns p(z_t | h_{t-1}), batch `[B]`, event `[Z]`, from h_{t-1} `[B, H]`."""
        return _to_distribution(self.prior_parameters(hidden))

    def posterior(self, observation: tf.Tensor, hidden: tf.Tensor, noise: tf.Tensor) -> tfd.Distribution:
        """Returns q(z_t | psi_t), batch `[B]`, event `[Z]`, from x_t `[B, D]`, h_{t-1} `[B, H]`, eps_t `[B, N]`."""
        return _to_distribution(self.posterior_parameters(observation, hidden, noise))

    def emission(self, latent: tf.Tensor, hidden: tf.Tensor) -> tfd.Distribution:
        """Returns p(x_t | z_t, h_{t-1}), batch `[B]`, event `[D]`, from z_t `[B, Z]` and h_{t-1} `[B, H]`."""
        return self.likelihood.distribution(self.emission_parameters(latent, hidden))

    def transition(self, observation: tf.Tensor, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """Returns h_t `[B, H]` from x_t `[B, D]`, z_t `[B, Z]` and h_{t-1} `[B, H]`."""
        inputs = networks.concat([observation, latent], self.compute_dtype)
        return self.gru(inputs, [tf.cast(hidden, self.compute_dtype)])[0]

    def call(self, inputs, states, training=None):
        """Draws z_t from the posterior and steps; see the class."""
        del training  # nothing here behaves differently
        (hidden,) = states if isinstance(states, list | tuple) else [states]
        batch_size = tf.shape(inputs)[0]
        seed = self.stream.next_seed()
        noise = self.sample_noise([batch_size], random.fold_in(seed, 0))
        posterior = self.posterior_parameters(inputs, hidden, noise)
        standard_normal = random.normal(
            [batch_size, self.latent_size], random.fold_in(seed, 1), networks.density_dtype(self)
        )
        latent = posterior.loc + posterior.scale * standard_normal
        return self.emission_parameters(latent, hidden), [self.transition(inputs, latent, hidden)]

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "likelihood": keras.saving.serialize_keras_object(self.likelihood),
            "latent_size": self.latent_size,
            "hidden_size": self.hidden_size,
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "prior_sizes": self.prior_sizes,
            "decoder_sizes": self.decoder_sizes,
            "activation": keras.activations.serialize(self.activation),
            "scale_floor": self.scale_floor,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        """Builds the cell from its `get_config`."""
        config = dict(config)
        for name in ("likelihood", "encoder"):
            config[name] = keras.saving.deserialize_keras_object(config[name])
        return cls(**config)
