"""What a trained model's posterior is like: its shape, what the mixing adds, which latents work, what they carry.

The posterior of a step, g(z_t | x_t, h_{t-1}) = E_psi q(z_t | psi_t), is seen through C = R + 1 draws of psi: the
generating psi^0 and R more. A point mass has but the one, so R = 0. Only one step's draws are in memory at a time.
"""

import math
from typing import NamedTuple

import numpy as np

from sisrnn_tf.analysis import latent_use, posterior_shape
from sisrnn_tf.analysis.latent_use import ACTIVE, LatentUse
from sisrnn_tf.analysis.posterior_walk import PosteriorWalk
from sisrnn_tf.core import random
from sisrnn_tf.core.types import Marginal
from sisrnn_tf.core.validation import require, require_int
from sisrnn_tf.models.base import SequenceModel

# A share of variance. Mixing that moves loc, or log scale, by less than 3% of a standard deviation adds nothing.
COLLAPSED = 1e-3
GAUSSIAN = 5e-3  # nats of negentropy, those of a skewness of 1/4: below it no eye tells a marginal from a Gaussian
_EXAMPLES, _EXAMPLES_OF_A_DIMENSION = 9, 3  # a dimension's marginals look alike

# Measures of a latent dimension: what the mixing does, and what shape that gives.
MIXING_MEASURES = ("mixing_share", "log_scale_spread")
SHAPE_MEASURES = ("mean_abs_skewness", "mean_excess_kurtosis", "fraction_multimodal", "mean_negentropy")
# Measures of all dimensions together.
DEPENDENCE_MEASURES = posterior_shape.Dependence._fields


class Diagnostics(NamedTuple):
    """All that `diagnose` finds.

    Attributes:
        marginals: each `[T, S, Z]`.
        dependence: between dimensions, each `[T, S]`, NaN beyond a sequence's end; 0 where the posterior factorizes.
        activity: variance over sequences of the posterior mean, in prior variances, `[Z]`; see `activity` there.
        kl: mean over sequences of log ghat_t - log p(z_t | h_{t-1}), nats, `[T]`; NaN where no sequence is left.
        mutual_information: of z_t and (x_t, h_{t-1}), nats, `[T]`; see `posterior_shape.mutual_information`.
        num_sequences: that have the step, int `[T]`; log of it is the highest mutual information that can be seen.
        num_noise_draws: R; 0 for a point mass.
        factorizes: whether dimensions are independent given the posterior's context, by construction.
        examples: the most non-Gaussian marginals, at most 9, 3 of a dimension, and one of a dimension and sequence.
    """

    marginals: posterior_shape.Marginals
    dependence: posterior_shape.Dependence
    activity: np.ndarray
    kl: np.ndarray
    mutual_information: np.ndarray
    num_sequences: np.ndarray
    num_noise_draws: int
    factorizes: bool
    examples: list[Marginal]


def diagnose(
    model: SequenceModel,
    observations: np.ndarray,
    mask: np.ndarray | None = None,
    num_noise_draws: int = 256,
    seed: int = 0,
    covariates: np.ndarray | None = None,
) -> Diagnostics:
    """Diagnoses the posterior along one posterior-sampled trajectory of each sequence.

    Args:
        model: a SISRNN or VRNN, or of sentences, whose posterior has one step.
        observations: x, `[S, T, D]`, or words `[S, T]`.
        mask: bool `[S, T]`, right padding; None where every step is real.
        num_noise_draws: R, draws of psi beside the generating one.
        seed: of the trajectory and the draws, which are those of `model.bound` with this seed and K = R.
        covariates: u, `[S, T, U]`, of a model that has such; None of others.

    Raises:
        ValueError: the model has no latent, or a number or shape is not as above.
    """
    require(
        not model.is_exact, "model", "one with a latent, such as SISRNN: an RNN has no latent", type(model).__name__
    )
    num_noise_draws = require_int("num_noise_draws", num_noise_draws, 1)
    observations = np.asarray(observations)
    features = (model.emission.event_size,) * (model.observation_rank - 2)
    fits = observations.ndim > 1 and observations.shape[2:] == features and observations.size > 0
    shape = ", ".join(["S", "T", *map(str, features)])
    require(fits, "observations", f"a non-empty array [{shape}]", observations.shape)
    mask = np.ones(observations.shape[:2], bool) if mask is None else np.asarray(mask)
    fits = mask.shape == observations.shape[:2] and mask.dtype == bool and bool(mask.any())
    require(fits, "mask", f"bool {observations.shape[:2]}, True on the real steps", mask)
    walk = PosteriorWalk(model, observations, mask, num_noise_draws, random.as_seed(seed), covariates)
    return _diagnose(walk, model.cell.latent_size)


def _diagnose(walk: PosteriorWalk, latent_size: int) -> Diagnostics:
    num_steps, num_sequences = walk.mask.shape
    count = len(posterior_shape.Marginals._fields)
    marginals = posterior_shape.Marginals(*np.full([count, num_steps, num_sequences, latent_size], math.nan))
    standardized = np.full([num_steps, num_sequences, latent_size], math.nan)
    dependence = posterior_shape.Dependence(*np.full([2, num_steps, num_sequences], math.nan))
    factorizes = walk.cell.posterior_part.factorizes
    kl, information = np.full([2, num_steps], math.nan)
    for step, rows in enumerate(walk.mask):
        if not rows.any():
            continue
        posterior = walk.posterior(step)
        for values, found in zip(marginals, posterior_shape.describe_marginals(posterior), strict=True):
            values[step, rows] = found
        for values, found in zip(dependence, posterior_shape.dependence(posterior), strict=True):
            values[step, rows] = 0.0 if factorizes else found
        standardized[step, rows] = posterior_shape.standardize(marginals.mean[step, rows], walk.prior(step))
        log_densities = walk.log_posteriors(step, posterior)
        kl[step] = np.mean(np.diagonal(log_densities) - walk.log_prior(step))
        information[step] = posterior_shape.mutual_information(log_densities)
    return Diagnostics(
        marginals,
        dependence,
        posterior_shape.activity(standardized),
        kl,
        information,
        walk.mask.sum(axis=1),
        walk.num_noise_draws,
        factorizes,
        _examples(walk, marginals.negentropy),
    )


def _examples(walk: PosteriorWalk, negentropy: np.ndarray) -> list[Marginal]:
    """Returns the marginals of highest negentropy `[T, S, Z]`: few of a dimension, one of a dimension and sequence."""
    ranked = np.where(np.isnan(negentropy), -1.0, negentropy)
    steps, highest = ranked.argmax(axis=0), ranked.max(axis=0)  # [S, Z]
    rank = (-highest).argsort(axis=0, kind="stable").argsort(axis=0)  # of a sequence within its dimension
    chosen = np.where(rank < _EXAMPLES_OF_A_DIMENSION, highest, -1.0)
    examples = []
    for index in np.argsort(-chosen, axis=None, kind="stable")[:_EXAMPLES]:
        sequence, dimension = np.unravel_index(index, chosen.shape)
        if chosen[sequence, dimension] < 0:  # no more, or a sequence without a step
            break
        step = int(steps[sequence, dimension])
        row = walk.mask[step, :sequence].sum()
        loc, scale = (part[:, row, dimension] for part in walk.posterior(step))
        examples.append(Marginal(int(sequence), step, int(dimension), loc, scale))
    return examples


def record(diagnostics: Diagnostics, model: str, split: str, convention: str, seed: int) -> dict:
    """Returns what diagnostics.json holds; null stands for what no sequence gives.

    Means are over sequences and real steps, and those not of a dimension over dimensions too.

    Args:
        diagnostics: what was found.
        model: its name.
        split: its name.
        convention: of the data.
        seed: of the noise.
    """
    num_steps, num_sequences, latent_size = diagnostics.marginals.mean.shape
    dimensions = _dimensions(diagnostics)
    means = {
        name: float(np.mean([dimension[name] for dimension in dimensions]))
        for name in (*MIXING_MEASURES, *SHAPE_MEASURES)
    }
    share, spread = means["mixing_share"], means["log_scale_spread"]
    collapsed = diagnostics.num_noise_draws > 0 and max(share, spread**2) < COLLAPSED
    use = _use(diagnostics, dimensions)
    active = [dimension["mixing_share"] for dimension in dimensions if dimension["active"]]
    active_share = float(np.mean(active)) if active else None
    return {
        "model": model,
        "split": split,
        "convention": convention,
        "num_sequences": num_sequences,
        "num_noise_draws": diagnostics.num_noise_draws,
        "seed": seed,
        "num_steps": num_steps,
        "latent_size": latent_size,
        "active_units": use.active_units,
        "kl_of_a_step": use.kl_per_step,
        "latent_unused": use.is_unused,
        "mixing_collapsed": collapsed,
        "verdict": latent_use.UNUSED
        if use.is_unused
        else _verdict(diagnostics.num_noise_draws, collapsed, share, active_share),
        "largest_negentropy": float(np.nanmax(diagnostics.marginals.negentropy)),
        "marginals_gaussian": are_gaussian(diagnostics),
        "mean_mixing_share": share,
        "mean_mixing_share_of_active": active_share,
        "mean_log_scale_spread": spread,
        **{name: means[name] for name in SHAPE_MEASURES},
        "factorizes": diagnostics.factorizes,
        **{name: float(np.nanmean(values)) for name, values in diagnostics.dependence._asdict().items()},
        "mutual_information_limit": math.log(diagnostics.num_sequences.max()),
        "kl_per_step": _to_json(diagnostics.kl),
        "mutual_information_per_step": _to_json(diagnostics.mutual_information),
        "num_sequences_per_step": diagnostics.num_sequences.tolist(),
        "dimensions": dimensions,
    }


def _use(diagnostics: Diagnostics, dimensions: list[dict]) -> LatentUse:
    """Returns how much the latent is used; the KL is over sequences and real steps."""
    count = diagnostics.num_sequences
    kl = float(np.nansum(diagnostics.kl * count) / count.sum())
    return LatentUse(len(dimensions), sum(dimension["active"] for dimension in dimensions), kl)


def are_gaussian(diagnostics: Diagnostics) -> bool:
    """Returns whether all marginals are, as far as an eye can tell."""
    return bool(np.nanmax(diagnostics.marginals.negentropy) < GAUSSIAN)


def _dimensions(diagnostics: Diagnostics) -> list[dict]:
    marginals = diagnostics.marginals
    real = ~np.isnan(marginals.mean[..., 0])  # [T, S]
    columns = {
        "mean_abs_skewness": np.abs(marginals.skewness),
        "mean_excess_kurtosis": marginals.excess_kurtosis,
        "fraction_multimodal": marginals.num_modes > 1,
        "mean_negentropy": marginals.negentropy,
        "mixing_share": marginals.mixing_share,
        "log_scale_spread": marginals.log_scale_spread,
    }
    means = {name: values[real].mean(axis=0) for name, values in columns.items()}  # [Z]
    return [
        {
            "dimension": index,
            **{name: float(values[index]) for name, values in means.items()},
            "activity": _to_json(diagnostics.activity)[index],
            "active": bool(diagnostics.activity[index] > ACTIVE),
        }
        for index in range(marginals.mean.shape[-1])
    ]


def _to_json(values: np.ndarray) -> list[float | None]:
    return [None if math.isnan(value) else float(value) for value in values]


def _verdict(num_noise_draws: int, collapsed: bool, share: float, active_share: float | None) -> str:
    if num_noise_draws == 0:
        return "point mass by construction: the posterior is a Gaussian"
    if collapsed:
        return f"the mixing has collapsed, below {COLLAPSED:.1%} of the variance: this SIS-RNN has become a VRNN"
    active = "no dimension is active" if active_share is None else f"{active_share:.1%} in the active dimensions"
    return f"the mixing has not collapsed: {share:.2%} of the posterior's variance comes from it, {active}"


def _dependence(record: dict) -> str:
    if record["factorizes"]:
        return "independent given x_t, h_{t-1} and what the posterior is told of the sequence, by construction"
    return (
        f"the strongest pair's |correlation| {record['strongest_correlation']:.3f}, total correlation "
        f"{record['total_correlation']:.4f} nats, means over steps"
    )


def describe(record: dict) -> str:
    """Returns a few lines that say what a record holds, the verdict last."""
    information = np.mean([value for value in record["mutual_information_per_step"] if value is not None])
    gaussian = f"; all are Gaussian, negentropy {record['largest_negentropy']:.1g} nats at the most"
    return "\n".join(
        (
            f"{record['model']} on {record['num_sequences']} {record['split']} sequences ({record['convention']}), "
            f"R={record['num_noise_draws']}, seed {record['seed']}",
            f"active units: {record['active_units']} of {record['latent_size']}",
            f"posterior's marginals, means: |skewness| {record['mean_abs_skewness']:.3f}, excess kurtosis "
            f"{record['mean_excess_kurtosis']:.3f}, negentropy {record['mean_negentropy']:.4f} nats; "
            f"{record['fraction_multimodal']:.1%} have more than one mode{gaussian * record['marginals_gaussian']}",
            f"dimensions of a step's posterior: {_dependence(record)}",
            f"mean step: KL to the prior {record['kl_of_a_step']:.3f} nats, mutual information of latent and data "
            f"{information:.3f} nats, of which at most {record['mutual_information_limit']:.3f} can be seen",
            f"verdict: {record['verdict']}",
        )
    )
