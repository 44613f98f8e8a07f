"""One time step of a stochastic recurrent network: prior, posterior, emission, transition."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from sisrnn_tf.cells import contract
from sisrnn_tf.cells.decoder import Decoder, FeedForwardDecoder
from sisrnn_tf.cells.prior import GaussianPrior, Prior
from sisrnn_tf.cells.transition import GRUTransition, Transition
from sisrnn_tf.core import gaussians, networks, random
from sisrnn_tf.core.types import Activation, Gaussian, Noise, Shape, Sizes
from sisrnn_tf.core.validation import require, require_int, require_memory
from sisrnn_tf.emissions import Emission
from sisrnn_tf.emissions.contract import require_emission, try_emission
from sisrnn_tf.inference import noise, step
from sisrnn_tf.posteriors import Posterior, SemiImplicit

PARTS = ("prior", "decoder", "transition", "posterior")


@keras.saving.register_keras_serializable("sisrnn_tf")
class SISRNNCell(keras.layers.Layer):
    """One step of the semi-implicit stochastic recurrent network (eqs. 4, 5, 8 and 9 of the paper).

        prior       p(z_t | h_{t-1})      = N(loc, diag scale^2) = phi_prior(h_{t-1})
        posterior   q(z_t | psi_t)        = N(loc, diag scale^2), psi_t = phi_encoder(x_t, h_{t-1}, eps_t)
        emission    p(x_t | z_t, h_{t-1}) = phi_decoder(z_t, h_{t-1})
        transition  h_t                   = GRU([x_t, z_t], h_{t-1})

    Covariates u_t are what is known of each step and not scored. Prior, posterior and emission condition on
    s_t = [h_{t-1}, u_t] in the place of h_{t-1}, and the transition reads [x_t, u_t]. The posterior part is given them
    as [x_t, u_t] too, beside h_{t-1}: so its features are of both. The decoder and the prior part are given s_t.

    As a Keras RNN cell it infers: z_t is drawn from the posterior given x_t, and the output is the parameters of the
    emission. The methods named after the four parts are the cell seen as distributions.

    Args:
        emission: the emission, an object of `sisrnn_tf.emissions` with event size D and P parameters.
        latent_size: Z.
        hidden_size: H.
        encoder: the posterior by its older name; give one of the two.
        prior_sizes: units of the hidden layers of the paper's prior.
        decoder_sizes: units of the hidden layers of the paper's decoder.
        activation: of the hidden layers of the paper's parts; a Keras name or function.
        scale_floor: smallest standard deviation of the paper's prior and posterior.
        seed: int, where the cell's own stream of noise starts.
        prior, decoder, transition: the parts of that name, of `sisrnn_tf.cells`; None for the paper's.
        posterior: of `sisrnn_tf.posteriors`; None for `SemiImplicit` with the paper's sizes.
        covariate_size: U; 0 for no covariates.

    Call arguments:
        inputs: x_t, `[B, D]`, or [x_t, u_t], `[B, D + U]`.
        states: a list of h_{t-1}, `[B, H]`.

    Returns:
        Parameters of p(x_t | z_t, h_{t-1}), `[B, P]`, and a list of h_t.

    Raises:
        ValueError: sizes, shapes or dtypes of the parts do not fit together.

    Example:
        >>> cell = sisrnn_tf.SISRNNCell(sisrnn_tf.emissions.Bernoulli(28))
        >>> layer = keras.layers.RNN(cell, return_sequences=True)
        >>> parameters = layer(observations)  # [B, T, 28]
    """

    built: bool

    def __init__(
        self,
        emission: Emission,
        latent_size: int = 16,
        hidden_size: int = 64,
        encoder: Posterior | None = None,
        prior_sizes: Sequence[int] = (64, 64),
        decoder_sizes: Sequence[int] = (128, 128),
        activation: Activation = "relu",
        scale_floor: float = 1e-3,
        seed: int = 0,
        prior: Prior | None = None,
        decoder: Decoder | None = None,
        transition: Transition | None = None,
        posterior: Posterior | None = None,
        covariate_size: int = 0,
        **kwargs: Any,
    ):
        super().__init__(autocast=False, **kwargs)  # the parts cast for themselves
        self.latent_size = require_int("latent_size", latent_size, 1)
        self.hidden_size = require_int("hidden_size", hidden_size, 1)
        self.covariate_size = require_int("covariate_size", covariate_size, 0)
        require_emission(emission)
        self.emission_part = emission
        self.seed = seed
        require_memory(3 * hidden_size * (hidden_size + latent_size), hidden_size=hidden_size, latent_size=latent_size)
        require(encoder is None or posterior is None, "encoder", "left out where `posterior` is given", encoder)
        posterior = encoder if posterior is None else posterior
        network: dict[str, Any] = {"activation": activation, "dtype": self.dtype_policy}
        floor: dict[str, Any] = {"scale_floor": scale_floor}
        if posterior is None:
            posterior = SemiImplicit(latent_size, name="posterior", **floor, **network)
        if prior is None:
            prior = GaussianPrior(latent_size, prior_sizes, name="prior", **floor, **network)
        if decoder is None:
            decoder = FeedForwardDecoder(emission.parameter_size, decoder_sizes, name="decoder", **network)
        if transition is None:
            transition = GRUTransition(hidden_size, dtype=self.dtype_policy, name="transition")
        self.posterior_part, self.prior_part, self.decoder, self.transition = posterior, prior, decoder, transition
        self._check_parts()
        self.stream = random.RandomStream(seed, name="stream")
        self.build((None, emission.event_size + covariate_size))

    def _parts(self) -> dict[str, keras.layers.Layer]:
        return dict(zip(PARTS, (self.prior_part, self.decoder, self.transition, self.posterior_part), strict=True))

    def _check_parts(self) -> None:
        sizes = {
            "latent_size": self.latent_size,
            "hidden_size": self.hidden_size,
            "parameter_size": self.emission_part.parameter_size,
        }
        dtype = networks.density_dtype(self)
        for name, part in self._parts().items():
            contract.require_part(name, part, sizes, dtype)

    def build(self, input_shape: Shape) -> None:
        """Makes the weights for inputs `[B, D + U]`.

        Raises:
            ValueError: the input does not have the emission's D features and the U covariates.
        """
        size = self.emission_part.event_size + self.covariate_size
        if input_shape[-1] != size:
            beside = f" and {self.covariate_size} covariates" if self.covariate_size else ""
            raise ValueError(
                f"`inputs` must have {size} features, the emission's event size{beside}. Received shape "
                f"{tuple(input_shape)}"
            )
        if self.built:
            return
        observation, latent, hidden = (None, size), (None, self.latent_size), (None, self.hidden_size)
        given = (None, self.hidden_size + self.covariate_size)
        for part, shapes in (
            (self.posterior_part, (observation, hidden)),
            (self.prior_part, (given,)),
            (self.decoder, (latent, given)),
            (self.transition, (observation, latent, hidden)),
        ):
            if not part.built:  # one that was loaded is
                part.build(*shapes)
        with tf.init_scope():  # of a model made within a `tf.function` too
            try_emission(self.emission_part, networks.density_dtype(self))
            contract.try_parts(self)
        self.built = True

    @property
    def state_size(self) -> int:
        """H."""
        return self.hidden_size

    @property
    def output_size(self) -> int:
        """P."""
        return self.emission_part.parameter_size

    def get_initial_state(self, batch_size: int | tf.Tensor | None = None) -> list[tf.Tensor]:
        """Returns a list of h_0, `[B, H]`."""
        return [self.transition.initial_state(batch_size)]

    def sample_noise(self, shape: Sizes, seed: random.Seed) -> tf.Tensor:
        """Draws noise eps for the posterior, `[*shape, N]`, 0 of a point mass; by an int, a pair or int32 `[2]`."""
        return self.posterior_part.sample_noise(shape, random.as_seed(seed))

    def split_inputs(self, inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Returns x, `[.., D]`, and u, `[.., U]` or None, from both beside each other, `[.., D + U]`."""
        if not self.covariate_size:
            return inputs, None
        size = self.emission_part.event_size
        return inputs[..., :size], inputs[..., size:]

    def _split_given(self, given: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Returns h_{t-1}, `[.., H]`, and u_t, `[.., U]` or None, from s_t, `[.., H + U]`."""
        if not self.covariate_size:
            return given, None
        return given[..., : -self.covariate_size], given[..., -self.covariate_size :]

    def posterior_context(
        self, observation: tf.Tensor, hidden: tf.Tensor, features: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Returns what all draws of psi_t share, from x_t `[.., D]`, h_{t-1} `[.., H]` and features `[.., F]`.

        Here and below h_{t-1} is s_t, `[.., H + U]`, where there are covariates.
        """
        hidden, covariates = self._split_given(hidden)
        observation = step.join(observation, covariates)
        return self.posterior_part.context(observation, hidden, *(() if features is None else (features,)))

    def posterior_parameters(
        self, observation: tf.Tensor, hidden: tf.Tensor, noise: tf.Tensor, features: tf.Tensor | None = None
    ) -> Gaussian:
        """Returns psi_t, each `[*draws, .., Z]`.

        Args:
            observation: x_t, `[.., D]`.
            hidden: h_{t-1}, `[.., H]`.
            noise: eps_t, `[*draws, .., N]`.
            features: of the posterior at t, `[.., F]`; None where it has none.
        """
        return self.posterior_part(self.posterior_context(observation, hidden, features), noise)

    def draw_latent(
        self, observation: tf.Tensor, hidden: tf.Tensor, draws: Noise, features: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, Gaussian, tf.Tensor]:
        """Returns z_t by the step's noise, psi_t, and what densities are conditioned on: h_{t-1}, or made of it."""
        return *self.posterior_part.draw(self.posterior_context(observation, hidden, features), draws), hidden

    def sample_latent(self, hidden: tf.Tensor, seeds: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns z_t, `[rows, Z]`, drawn from the prior by seeds int32 `[rows, 2]`, and the same of h_{t-1}."""
        return self.prior_part.sample(hidden, seeds), hidden

    def emission_parameters(self, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """Returns the parameters of p(x_t | z_t, h_{t-1}), `[.., P]`, from z_t `[.., Z]` and h_{t-1} `[.., H]`."""
        return self.decoder(latent, hidden)

    def prior(self, hidden: tf.Tensor) -> tfd.Distribution:
        """Returns p(z_t | h_{t-1}), batch `[B]`, event `[Z]`, from h_{t-1} `[B, H]`."""
        return self.prior_part.distribution(hidden)

    def posterior(
        self, observation: tf.Tensor, hidden: tf.Tensor, noise: tf.Tensor, features: tf.Tensor | None = None
    ) -> tfd.Distribution:
        """Returns q(z_t | psi_t), batch `[B]`, event `[Z]`.

        Args:
            observation: x_t, `[B, D]`.
            hidden: h_{t-1}, `[B, H]`.
            noise: eps_t, `[B, N]`.
            features: of the posterior at t, `[B, F]`; None for those of x_t alone.

        Raises:
            ValueError: the posterior's features need the whole sequence.
        """
        features = self.step_features(observation, self._split_given(hidden)[1]) if features is None else features
        return gaussians.to_distribution(self.posterior_parameters(observation, hidden, noise, features))

    def emission(self, latent: tf.Tensor, hidden: tf.Tensor) -> tfd.Distribution:
        """Returns p(x_t | z_t, h_{t-1}), batch `[B]`, event `[D]`, from z_t `[B, Z]` and h_{t-1} `[B, H]`."""
        return self.emission_part.distribution(self.emission_parameters(latent, hidden))

    def call(
        self, inputs: tf.Tensor, states: list[tf.Tensor] | tf.Tensor, training: bool | None = None
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Draws z_t from the posterior and steps; see the class."""
        del training  # nothing here behaves differently
        (hidden,) = states if isinstance(states, list | tuple) else [states]
        observation, covariates = self.split_inputs(inputs)
        features = self.step_features(observation, covariates)
        seeds = noise.row_seeds(self.stream.next_seed(), tf.range(tf.shape(inputs)[0]))
        trajectory = step.infer(self, observation, features, hidden, noise.draw(self, seeds), covariates)
        return self.emission_parameters(trajectory.latent, trajectory.previous_hidden), [trajectory.hidden]

    def step_features(self, observation: tf.Tensor, covariates: tf.Tensor | None = None) -> tf.Tensor | None:
        """Returns the posterior's features of a step that comes alone, `[B, F]`, from x_t `[B, D]` and u_t `[B, U]`.

        Raises:
            ValueError: the posterior's features need the whole sequence.
        """
        if not self.posterior_part.causal:
            raise ValueError(
                f"The posterior {type(self.posterior_part).__name__} reads the whole sequence, so a single step has no "
                "posterior: take whole sequences (`log_likelihood`, `score`, `StochasticRNN`), or a posterior that is "
                "causal."
            )
        features = self.posterior_part.features(step.join(observation, covariates)[tf.newaxis], None)
        return None if features is None else features[0]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "emission": keras.saving.serialize_keras_object(self.emission_part),
            "latent_size": self.latent_size,
            "hidden_size": self.hidden_size,
            "covariate_size": self.covariate_size,
            "seed": self.seed,
            **{name: keras.saving.serialize_keras_object(part) for name, part in self._parts().items()},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SISRNNCell":
        """Builds the cell from its `get_config`."""
        config = dict(config)
        for name in ("emission", *PARTS):
            config[name] = keras.saving.deserialize_keras_object(config[name])
        return cls(**config)
