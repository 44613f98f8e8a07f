"""The step of a network without a latent, in the form in which the filter and its like take a stochastic one."""

from collections.abc import Callable

import tensorflow as tf

from sisrnn_tf.core import gaussians
from sisrnn_tf.core.types import Gaussian, Noise
from sisrnn_tf.emissions import Emission


class _NoLatent:
    """Prior and posterior of a latent of no dimensions: there is nothing to draw, and its log-density is 0."""

    noise_size = 0
    causal = True

    def __init__(self, dtype: tf.DType):
        self._dtype = dtype

    def sample_noise(self, shape, seed: tf.Tensor) -> tf.Tensor:
        return tf.zeros(tf.concat([shape, [0]], axis=0), self._dtype)

    def features(self, observations: tf.Tensor, mask: tf.Tensor | None) -> None:
        return None

    def parameters(self, hidden: tf.Tensor) -> Gaussian:
        nothing = tf.cast(hidden[..., :0], self._dtype)
        return Gaussian(nothing, nothing)

    def sample(self, hidden: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return self.parameters(hidden).loc

    def log_density(self, latent: tf.Tensor, given: Gaussian | tf.Tensor) -> tf.Tensor:
        return gaussians.log_density(latent, Gaussian(latent, latent))


class DeterministicCell:
    """A cell with Z = 0: p(x_t | h_{t-1}) = decoder(h_{t-1}), h_t = transition(x_t, h_{t-1}).

    With covariates the decoder is given [h_{t-1}, u_t], and the transition [x_t, u_t].

    Args:
        emission: the emission.
        hidden_size: H.
        decoder: h_{t-1} `[.., H]` -> the emission's parameters `[.., P]`, in the dtype of densities.
        transition: (x_t `[B, D]`, h_{t-1} `[B, H]`) -> h_t `[B, H]`.
        initial_state: B -> h_0 `[B, H]`.
        density_dtype: of densities.
    """

    latent_size = 0

    def __init__(
        self,
        emission: Emission,
        hidden_size: int,
        decoder: Callable[[tf.Tensor], tf.Tensor],
        transition: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
        initial_state: Callable[[int | tf.Tensor], tf.Tensor],
        density_dtype: tf.DType,
    ):
        self.emission_part, self.hidden_size, self.compute_dtype = emission, hidden_size, density_dtype.name
        self._decoder, self._transition, self._initial_state = decoder, transition, initial_state
        self.prior_part = self.posterior_part = _NoLatent(density_dtype)

    def get_initial_state(self, batch_size: int | tf.Tensor) -> list[tf.Tensor]:
        """Returns a list of h_0, `[B, H]`."""
        return [self._initial_state(batch_size)]

    def posterior_parameters(
        self, observation: tf.Tensor, hidden: tf.Tensor, noise: tf.Tensor, features: tf.Tensor | None = None
    ) -> Gaussian:
        """Returns psi_t of no dimensions, each `[.., 0]`."""
        return self.posterior_part.parameters(hidden)

    def draw_latent(
        self, observation: tf.Tensor, hidden: tf.Tensor, draws: Noise, features: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, Gaussian, tf.Tensor]:
        """Returns z_t and psi_t of no dimensions, each `[.., 0]`, and h_{t-1}; as of `SISRNNCell.draw_latent`."""
        nothing = self.posterior_part.parameters(hidden)
        return nothing.loc, nothing, hidden

    def sample_latent(self, hidden: tf.Tensor, seeds: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns z_t of no dimensions, `[rows, 0]`, and h_{t-1}."""
        return self.prior_part.sample(hidden, seeds), hidden

    def emission_parameters(self, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """Returns the parameters of p(x_t | h_{t-1}), `[.., P]`, from h_{t-1} `[.., H]`."""
        return self._decoder(hidden)

    def transition(self, observation: tf.Tensor, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """Returns h_t, `[B, H]`, from x_t `[B, D]` and h_{t-1} `[B, H]`."""
        return self._transition(observation, hidden)

    def step_features(self, observation: tf.Tensor, covariates: tf.Tensor | None = None) -> None:
        """Returns None: there is no posterior that could want any."""
        return None
