"""Values that travel between the rooms of the library; no operations."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
import tensorflow as tf

# What a user holds numbers in: one array, or arrays and numbers that stack.
Array: TypeAlias = np.ndarray | tf.Tensor | Sequence[Any]
# Of a model: observations, or a dictionary of `observations`, `mask`, `weight`, `observed` and `covariates`.
Inputs: TypeAlias = Array | Mapping[str, Array | None]
# Sizes that a layer is built for, None where any will do.
Shape: TypeAlias = tuple[Any, ...]
# Of what is drawn or made.
Sizes: TypeAlias = Sequence[int | tf.Tensor] | tf.Tensor
# A Keras name or function.
Activation: TypeAlias = str | Callable[[tf.Tensor], tf.Tensor] | None


class Observable(Protocol):
    """What checks of observations ask of an emission; see `emissions.Emission`."""

    event_size: int
    has_features: bool

    @property
    def expected(self) -> str:
        """What observations must be, in words."""

    def possible(self, x: tf.Tensor) -> tf.Tensor:
        """Returns whether each value can be observed, bool `[.., D]`."""

    def support(self, x: np.ndarray | tf.Tensor, observed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns whether observations can be observed, bool `[..]`, as far as they are known."""

    def check(self, observations: np.ndarray | tf.Tensor) -> None:
        """Checks that all observations can be observed."""


class Batch(NamedTuple):
    """Right-padded sequences, batch-major.

    Attributes:
        observations: x, float `[B, T, D]`.
        mask: bool `[B, T]`, True on real steps; None where every step is real.
        weight: float `[B]`, 0 on padding rows; None where every row counts once.
        observed: bool `[B, T, D]`, False on missing values, which are 0 in `observations`; None where none are.
        covariates: u, float `[B, T, U]`, what is known of each step and not scored; None where there are none.
    """

    observations: tf.Tensor
    mask: tf.Tensor | None
    weight: tf.Tensor | None
    observed: tf.Tensor | None = None
    covariates: tf.Tensor | None = None


class Gaussian(NamedTuple):
    """Parameters of a diagonal normal distribution; as a posterior's, the mixing parameters psi.

    Attributes:
        loc: mean, `[.., Z]`.
        scale: standard deviation, `[.., Z]`.
    """

    loc: tf.Tensor
    scale: tf.Tensor


class Noise(NamedTuple):
    """The noise that makes psi_t^0 and z_t of rows.

    Attributes:
        mixing: eps_t of the generating draw psi^0, `[.., N]`.
        latent: standard normal that turns psi^0 into z_t, `[.., Z]`.
    """

    mixing: tf.Tensor
    latent: tf.Tensor


class Trajectory(NamedTuple):
    """What steps leave behind: a recurrence `[T, B, ..]`, a single step `[B, ..]`.

    Attributes:
        latent: z_t ~ q(z_t | psi_t^0), `[.., Z]`.
        hidden: h_t, `[.., H]`.
        previous_hidden: h_{t-1}, `[.., H]`; with covariates s_t = [h_{t-1}, u_t], `[.., H + U]`.
        posterior: psi_t^0, each `[.., Z]`.
    """

    latent: tf.Tensor
    hidden: tf.Tensor
    previous_hidden: tf.Tensor
    posterior: Gaussian


class StepDensities(NamedTuple):
    """Log-densities at each step of a trajectory but for the mixture's, in nats.

    Attributes:
        emission: log p(x_t | z_t, h_{t-1}), `[..]`.
        prior: log p(z_t | h_{t-1}), `[..]`.
        posterior: log q(z_t | psi_t^0), `[..]`.
    """

    emission: tf.Tensor
    prior: tf.Tensor
    posterior: tf.Tensor


class BoundTerms(NamedTuple):
    """Terms of the bound at kl_weight 1, summed over steps, each `[B]`, in nats.

    Attributes:
        surrogate: L_K = sum_t log p(x_t|.) + log p(z_t|.) - log ghat_t.
        lower_bound: L = sum_t log p(x_t|.) + log p(z_t|.) - log q(z_t|psi_t^0).
        regularizer: B_K = sum_t log q(z_t|psi_t^0) - log ghat_t; L_K = L + B_K.
        reconstruction: sum_t log p(x_t|.).
        kl: sum_t log ghat_t - log p(z_t|.); L_K = reconstruction - kl.
    """

    surrogate: tf.Tensor
    lower_bound: tf.Tensor
    regularizer: tf.Tensor
    reconstruction: tf.Tensor
    kl: tf.Tensor


class StreamState(NamedTuple):
    """Where a model stands between two observations.

    Attributes:
        hidden: h_t of the particles, `[B, M, H]`.
        log_weights: log W_t of the particles, `[B, M]`, but for a constant of each sequence.
    """

    hidden: tf.Tensor
    log_weights: tf.Tensor


class StreamStep(NamedTuple):
    """What a model makes of one observation.

    Attributes:
        emission_parameters: of p(x_t | z_t, h_{t-1}) at a draw from the prior by a particle drawn by its weight,
            `[B, P]`: a prediction of x_t that has not seen it.
        log_weight: log sum_m W_{t-1}^m w_t^m, `[B]`, nats: what x_t adds to the log-likelihood.
        state: after x_t.
    """

    emission_parameters: tf.Tensor
    log_weight: tf.Tensor
    state: StreamState


class Marginal(NamedTuple):
    """One marginal of a posterior, g(z_t[dimension] | x_t, h_{t-1}), as C equally weighted Gaussians.

    Attributes:
        sequence, step, dimension: which one, counted from 0.
        loc: means of the components, `[C]`.
        scale: standard deviations of the components, `[C]`.
    """

    sequence: int
    step: int
    dimension: int
    loc: np.ndarray
    scale: np.ndarray
