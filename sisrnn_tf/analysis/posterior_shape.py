"""Posteriors of one step, of S sequences, seen through C draws of psi: pure functions of NumPy arrays, in float64.

    ghat(z_t | x_t, h_{t-1}) = (1/C) sum_c N(z_t; loc(psi^c), diag scale(psi^c)^2)

That is a posterior that mixes over whole vectors; of one with a mixture of its own the marginals are the same.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sisrnn_tf.analysis import gaussian_mixtures
from sisrnn_tf.core.types import Gaussian


class Marginals(NamedTuple):
    """The posterior's marginals, of one step `[S, Z]` or of all `[T, S, Z]`, there NaN beyond a sequence's end.

    Attributes:
        mean: E[z | x, h].
        skewness: see `gaussian_mixtures.Moments`.
        excess_kurtosis: see `gaussian_mixtures.Moments`.
        num_modes: see `gaussian_mixtures.count_modes`.
        negentropy: KL(marginal || Gaussian of its mean and variance), nats.
        mixing_share: Var_psi(loc) / Var(z), the part of the variance that the mixing makes, from 0 to 1.
        log_scale_spread: standard deviation of log scale over draws of psi.
    """

    mean: np.ndarray
    skewness: np.ndarray
    excess_kurtosis: np.ndarray
    num_modes: np.ndarray
    negentropy: np.ndarray
    mixing_share: np.ndarray
    log_scale_spread: np.ndarray


class Dependence(NamedTuple):
    """What binds the dimensions of the posterior together, of one step `[S]` or of all `[T, S]`.

    Attributes:
        strongest_correlation: largest |correlation| of two dimensions; 0 where there is but one.
        total_correlation: KL(N || product of its marginals), nats, of the Gaussian with the posterior's covariance.
    """

    strongest_correlation: np.ndarray
    total_correlation: np.ndarray


def describe_marginals(posterior: Gaussian) -> Marginals:
    """Returns the marginals of one step's posteriors, each `[S, Z]`.

    Args:
        posterior: psi^0..psi^R, each `[C, S, Z]`.
    """
    loc, scale = posterior
    moments = gaussian_mixtures.moments(loc, scale)
    return Marginals(
        moments.mean,
        moments.skewness,
        moments.excess_kurtosis,
        *gaussian_mixtures.shapes(loc, scale),
        mixing_share=loc.var(axis=0) / moments.variance,
        log_scale_spread=np.log(scale).std(axis=0),
    )


def standardize(mean: np.ndarray, prior: Gaussian) -> np.ndarray:
    """Returns (E[z_t | x_t, h_{t-1}] - loc of the prior) / scale of the prior, `[.., Z]`; so are the arguments."""
    return (mean - prior.loc) / prior.scale


def activity(standardized: np.ndarray) -> np.ndarray:
    """Returns how much the posterior mean moves with the data, `[Z]`, in prior variances; above 0.01 is active.

        A = mean_t Var_n ((E[z_t | x_t^n, h_{t-1}^n] - loc_prior(h_{t-1}^n)) / scale_prior(h_{t-1}^n))

    Burda et al.'s Cov_x(E[z | x]) > 0.01, for a prior that depends on h. The means are over C draws of psi, whose noise
    adds at most 1/C of the mixing's variance. Steps that fewer than two sequences have are left out.

    Args:
        standardized: see `standardize`, `[T, S, Z]`; NaN beyond a sequence's end.

    Returns:
        A; NaN if no step has two sequences.
    """
    real = ~np.isnan(standardized[..., 0])  # [T, S]
    steps = [step[rows].var(axis=0) for step, rows in zip(standardized, real, strict=True) if rows.sum() > 1]
    return np.mean(steps, axis=0) if steps else np.full(standardized.shape[-1], math.nan)


def dependence(posterior: Gaussian) -> Dependence:
    """Returns how the dimensions of one step's posteriors depend on each other, each `[S]`.

        covariance        = Cov_psi(loc) + diag(E_psi scale^2)
        total correlation = -1/2 log det(correlation)                 (Watanabe 1960, of a Gaussian)

    q(z | psi) has independent dimensions, so only the locs of draws of psi bind them. C draws of independent locs are
    not uncorrelated: where the mixing makes the share s of the variance, two dimensions show about s / sqrt(C).

    Args:
        posterior: psi^0..psi^R of a mixture over whole vectors, each `[C, S, Z]`.
    """
    centered = posterior.loc - posterior.loc.mean(axis=0)
    covariance = np.einsum("csi,csj->sij", centered, centered) / len(centered)
    size = covariance.shape[-1]
    covariance += np.square(posterior.scale).mean(axis=0)[:, np.newaxis] * np.eye(size)
    deviation = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    correlation = covariance / (deviation[:, :, np.newaxis] * deviation[:, np.newaxis])
    between = np.abs(correlation) * (1 - np.eye(size))
    return Dependence(between.max(axis=(1, 2)), -0.5 * np.linalg.slogdet(correlation).logabsdet)


def log_posteriors(latent: np.ndarray, posterior: Gaussian, log_mixture: Callable) -> np.ndarray:
    """Returns log ghat_j(z^n), the posterior of sequence j at the latent of n, `[S(n), S(j)]`, in nats.

    On the diagonal psi^0, which made z^n, is among the components, as in the bound.

    Args:
        latent: z_t, `[S, Z]`.
        posterior: psi^0..psi^R, each `[C, S, Z]`.
        log_mixture: of the posterior, see `sisrnn_tf.posteriors.Posterior`.
    """
    num_sequences, size = latent.shape
    columns = []
    for sequence in range(num_sequences):  # S x S x C x Z numbers would be many
        components = [part[:, sequence].astype(latent.dtype) for part in posterior]  # [C, Z]
        own = Gaussian(*(np.broadcast_to(part[0], latent.shape) for part in components))
        shape = (num_sequences, len(components[0]) - 1, size)
        draws = Gaussian(*(np.broadcast_to(part[1:], shape) for part in components))
        columns.append(np.asarray(log_mixture(latent, own, draws), np.float64))
    return np.stack(columns, axis=1)


def _log_mean_exp(values: np.ndarray) -> np.ndarray:
    """Returns log mean exp over the last axis."""
    return np.logaddexp.reduce(values, axis=-1) - math.log(values.shape[-1])


def mutual_information(log_densities: np.ndarray) -> float:
    """Returns an estimate of the information between z_t and (x_t, h_{t-1}), in nats.

        I = mean_n log g_n(z^n) - log (1/S) sum_j g_j(z^n)      <= log S

    It is the information between z_t and which of the S sequences it came from: where they are told apart with
    certainty it stays at log S, whatever z_t carries beyond. With finite C, log ghat_n is too high in the mean, as
    psi^0 is among few, and so is I. What h_{t-1} already tells of z_t belongs to it, so it may exceed the KL to the
    prior, which only bounds what x_t adds, I(z_t; x_t | h_{t-1}).

    Args:
        log_densities: log g_j(z^n), `[S(n), S(j)]`, in nats.
    """
    return float(np.mean(np.diagonal(log_densities) - _log_mean_exp(log_densities)))
