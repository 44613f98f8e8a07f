"""Posteriors along one trajectory of each sequence, step by step: only one step's draws are in memory at a time."""

import numpy as np
import tensorflow as tf

from sisrnn_tf.analysis import posterior_shape
from sisrnn_tf.core import networks
from sisrnn_tf.core.types import Gaussian
from sisrnn_tf.inference import noise
from sisrnn_tf.models.mixing import MixingModel


class PosteriorWalk:
    """Draws of psi for any step of one posterior-sampled trajectory, as a function of a seed.

    Args:
        model: with a latent.
        observations: x, `[S, T, D]`, or words `[S, T]`.
        mask: bool `[S, T]`, right padding.
        num_noise_draws: R, draws of psi beside the generating one; of a point mass none are made, all would be equal.
        seed: of the trajectory and the draws, int32 `[2]`.
        covariates: u, `[S, T, U]`, of a model that has such; None of others.

    Attributes:
        cell: of the model.
        mask: bool `[T, S]`; S_t of a step's are True.
    """

    def __init__(
        self,
        model: MixingModel,
        observations: np.ndarray,
        mask: np.ndarray,
        num_noise_draws: int,
        seed: tf.Tensor,
        covariates: np.ndarray | None = None,
    ):
        self.cell = model.cell
        self.num_noise_draws = num_noise_draws if model.mixes else 0
        self.context, self.trajectory, self.seeds, real = model.sample_trajectory(observations, mask, seed, covariates)
        self.mask = real.numpy()  # [T, S]

    def posterior(self, step: int) -> Gaussian:
        """Returns psi^0..psi^R of a step, each `[C, S_t, Z]`, of the sequences that have it."""
        posterior = self.cell.posterior_part
        draws = noise.extra_mixing(posterior, self.seeds[step], self.num_noise_draws)  # [S, R, N]
        extra = posterior.at_latent(self.context[step], self.trajectory.latent[step], tf.transpose(draws, [1, 0, 2]))
        first = (part[step][tf.newaxis] for part in self.trajectory.posterior)
        return self._real(step, *(tf.concat(parts, axis=0) for parts in zip(first, extra, strict=True)))

    def prior(self, step: int) -> Gaussian:
        """Returns mean and standard deviation of p(z_t | h_{t-1}), each `[S_t, Z]`."""
        latent, hidden = self.trajectory.latent[step], self.trajectory.previous_hidden[step]
        return self._real(step, *self.cell.prior_part.moments(latent, hidden))

    def log_prior(self, step: int) -> np.ndarray:
        """Returns log p(z_t | h_{t-1}), `[S_t]`, nats."""
        latent, hidden = self.trajectory.latent[step], self.trajectory.previous_hidden[step]
        return self.cell.prior_part.log_density(latent, hidden).numpy().astype(np.float64)[self.mask[step]]

    def log_posteriors(self, step: int, posterior: Gaussian) -> np.ndarray:
        """Returns log ghat_j(z_t^n), `[S_t(n), S_t(j)]`, nats, of what `posterior` returns for the step."""
        dtype = networks.density_dtype(self.cell).as_numpy_dtype  # of what a mixture is asked for
        latent = self.trajectory.latent[step].numpy().astype(dtype)[self.mask[step]]
        return posterior_shape.log_posteriors(latent, posterior, self.cell.posterior_part.log_mixture)

    def _real(self, step: int, *parts: tf.Tensor) -> Gaussian:
        rows = self.mask[step]
        return Gaussian(*(part.numpy().astype(np.float64)[..., rows, :] for part in parts))
