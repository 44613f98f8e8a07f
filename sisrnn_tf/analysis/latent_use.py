"""Whether a model's latent is used, in few numbers and a sentence."""

import math
from typing import NamedTuple

import numpy as np

from sisrnn_tf.analysis import posterior_shape
from sisrnn_tf.core import random
from sisrnn_tf.core.types import Gaussian
from sisrnn_tf.inference import noise
from sisrnn_tf.models.mixing import MixingModel

ACTIVE = 0.01  # Burda et al.'s threshold of an active unit, in prior variances
_LITTLE_KL = 0.05  # nats a step, a twentieth of a choice between two: with no active unit it is rounding of the bound
UNUSED = "the latent is unused: its posterior is its prior"


class LatentUse(NamedTuple):
    """How much the latents of a model move with the data.

    Attributes:
        latent_size: Z.
        active_units: dimensions whose posterior mean moves by more than `ACTIVE`; see `posterior_shape.activity`.
        kl_per_step: mean of log ghat_t - log p(z_t | h_{t-1}) over sequences and steps, nats.
    """

    latent_size: int
    active_units: int
    kl_per_step: float

    @property
    def is_unused(self) -> bool:
        """Whether no unit is active and the posterior is all but the prior."""
        return self.active_units == 0 and self.kl_per_step < _LITTLE_KL

    def describe(self) -> str:
        """Returns the numbers in words, and the sentence where the latent is unused."""
        numbers = (
            f"{self.active_units} of {self.latent_size} latent units are active, the KL to the prior is "
            f"{self.kl_per_step:.3f} nats a step"
        )
        return f"{numbers}: {UNUSED}" if self.is_unused else numbers


def measure(
    model: MixingModel,
    observations: np.ndarray,
    mask: np.ndarray,
    num_mixing: int,
    seed: int,
    covariates: np.ndarray | None = None,
) -> LatentUse:
    """Measures the use of the latent along one posterior-sampled trajectory of each sequence.

    Args:
        model: with a latent.
        observations: x, `[S, T, D]`, or words `[S, T]`.
        mask: bool `[S, T]`, right padding.
        num_mixing: K of the KL, and draws of psi over which the posterior mean is taken beside the generating one.
        seed: of the trajectory and the draws.
        covariates: u, `[S, T, U]`, of a model that has such; None of others.
    """
    num_mixing = num_mixing if model.mixes else 0
    context, trajectory, seeds, real = model.sample_trajectory(observations, mask, random.as_seed(seed), covariates)
    cell, real = model.cell, real.numpy()
    standardized = np.full([*real.shape, cell.latent_size], math.nan)
    for step, rows in enumerate(real):
        draws = np.swapaxes(noise.extra_mixing(cell.posterior_part, seeds[step], num_mixing), 0, 1)
        latent = trajectory.latent[step]
        locs = cell.posterior_part.at_latent(context[step], latent, draws).loc.numpy()
        own = trajectory.posterior.loc[step].numpy()
        prior = cell.prior_part.moments(latent, trajectory.previous_hidden[step])
        scale = Gaussian(*(part.numpy() for part in prior))
        mean = np.concatenate([own[np.newaxis], locs]).mean(axis=0, dtype=np.float64)
        standardized[step, rows] = posterior_shape.standardize(mean, scale)[rows]
    activity = posterior_shape.activity(standardized)
    kl = model.bound(observations, mask, num_mixing, seed, None, covariates).kl.numpy()
    return LatentUse(cell.latent_size, int((activity > ACTIVE).sum()), float(kl.sum(dtype=np.float64) / real.sum()))
