"""Posteriors of one step, of S sequences, seen through C draws of psi: pure functions of NumPy arrays, in float64.

ghat(z_t | x_t, h_{t-1}) = (1/C) sum_c N(z_t; loc(psi^c), diag scale(psi^c)^2)
"""

import math
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


def log_normal(values: np.ndarray, parameters: Gaussian) -> np.ndarray:
    """Returns log N(values; loc, diag scale^2), `[..]`, in nats; all arguments are `[.., Z]`."""
    standardized = (values - parameters.loc) / parameters.scale
    return (-0.5 * np.square(standardized) - np.log(parameters.scale) - 0.5 * math.log(2 * math.pi)).sum(axis=-1)


def log_posteriors(latent: np.ndarray, posterior: Gaussian) -> np.ndarray:
    """Returns log ghat_j(z^n), the posterior of sequence j at the latent of n, `[S(n), S(j)]`, in nats.

    On the diagonal psi^0, which made z^n, is among the components, as in the bound.

    Args:
        latent: z_t, `[S, Z]`.
        posterior: psi^0..psi^R, each `[C, S, Z]`.
    """
    columns = []
    for sequence in range(len(latent)):  # S x S x C x Z numbers would be many
        components = Gaussian(*(part[:, sequence] for part in posterior))  # [C, Z]
        columns.append(_log_mean_exp(log_normal(latent[:, np.newaxis], components)))
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
