"""Values that travel between the rooms of the library; no operations."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf


class Batch(NamedTuple):
    """Right-padded sequences, batch-major.

    Attributes:
        observations: x, float `[B, T, D]`.
        mask: bool `[B, T]`, True on real steps; None where every step is real.
        weight: float `[B]`, 0 on padding rows; None where every row counts once.
    """

    observations: tf.Tensor
    mask: tf.Tensor | None
    weight: tf.Tensor | None


class Gaussian(NamedTuple):
    """Parameters of a diagonal normal distribution; as a posterior's, the mixing parameters psi.

    Attributes:
        loc: mean, `[.., Z]`.
        scale: standard deviation, `[.., Z]`.
    """

    loc: tf.Tensor
    scale: tf.Tensor


class Noise(NamedTuple):
    """All the noise of one pass over a batch, time-major, drawn before the pass.

    Attributes:
        mixing: eps_t of the generating draw psi^0, `[T, B, N]`.
        latent: standard normal that turns psi^0 into z_t, `[T, B, Z]`.
        extra_mixing: eps_t of the draws psi^1..psi^K, `[K, T, B, N]`.
    """

    mixing: tf.Tensor
    latent: tf.Tensor
    extra_mixing: tf.Tensor


class Trajectory(NamedTuple):
    """What a recurrence leaves behind, time-major.

    Attributes:
        latent: z_t ~ q(z_t | psi_t^0), `[T, B, Z]`.
        hidden: h_t, `[T, B, H]`.
        previous_hidden: h_{t-1}, `[T, B, H]`.
        posterior: psi_t^0, each `[T, B, Z]`.
    """

    latent: tf.Tensor
    hidden: tf.Tensor
    previous_hidden: tf.Tensor
    posterior: Gaussian


class StepDensities(NamedTuple):
    """Log-densities at each step of a trajectory but for the mixture's, time-major, in nats.

    Attributes:
        emission: log p(x_t | z_t, h_{t-1}), `[T, B]`.
        prior: log p(z_t | h_{t-1}), `[T, B]`.
        posterior: log q(z_t | psi_t^0), `[T, B]`.
    """

    emission: tf.Tensor
    prior: tf.Tensor
    posterior: tf.Tensor


class LogDensities(NamedTuple):
    """Log-densities at each step of a trajectory, all components of the mixture among them, time-major, in nats.

    Attributes:
        emission: log p(x_t | z_t, h_{t-1}), `[T, B]`.
        prior: log p(z_t | h_{t-1}), `[T, B]`.
        components: log q(z_t | psi_t^k), `[K + 1, T, B]`, the generating draw first.
    """

    emission: tf.Tensor
    prior: tf.Tensor
    components: tf.Tensor


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
    """Where a model stands between two observations; all zeros before the first.

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
