"""The semi-implicit bound and its parts: pure functions of tensors, time-major, in nats.

Yin & Zhou, Semi-Implicit Variational Inference (2018), eq. 10, over the steps of a sequence. The generating draw
psi^0 is always a component of the mixture: only so is p(x_t|.) p(z_t|.) / ghat_t an unbiased estimate.
"""

import math
from collections.abc import Callable

import keras
import tensorflow as tf

from sisrnn_tf.types import BoundTerms, Gaussian, LogDensities, Noise, Trajectory


def gaussian_log_density(value: tf.Tensor, parameters: Gaussian) -> tf.Tensor:
    """Returns log N(value; loc, diag scale^2), `[..]`.

    Args:
        value: `[.., Z]`; broadcasts against the parameters.
        parameters: each `[.., Z]`.
    """
    standardized = (value - parameters.loc) / parameters.scale
    per_dimension = -0.5 * tf.square(standardized) - tf.math.log(parameters.scale) - 0.5 * math.log(2 * math.pi)
    return tf.reduce_sum(per_dimension, axis=-1)


def mixture_log_density(component_log_densities: tf.Tensor) -> tf.Tensor:
    """Returns log ghat = logsumexp_{k=0..K} log q(z | psi^k) - log(K + 1), `[..]`.

    Args:
        component_log_densities: log q(z | psi^k), `[K + 1, ..]`, the generating draw psi^0 among them.
    """
    num_components = tf.cast(tf.shape(component_log_densities)[0], component_log_densities.dtype)
    return tf.reduce_logsumexp(component_log_densities, axis=0) - tf.math.log(num_components)


def log_densities(
    cell: keras.layers.Layer,
    observations: tf.Tensor,
    emission_parameters: tf.Tensor,
    trajectory: Trajectory,
    noise: Noise,
) -> LogDensities:
    """Returns the log-densities of a trajectory that the bound is made of.

    The K extra draws do not advance the state, so they are made for all steps in one pass. The components of a point
    mass are all equal, so their mixture is psi^0 alone.

    Args:
        cell: the stochastic cell that made the trajectory.
        observations: x, `[T, B, D]`.
        emission_parameters: `[T, B, P]`, the cell's at the trajectory.
        trajectory: of the generating draw psi^0.
        noise: its part `extra_mixing` is used.
    """
    latent, previous_hidden = trajectory.latent, trajectory.previous_hidden
    components = gaussian_log_density(latent, trajectory.posterior)[tf.newaxis]  # [1, T, B]
    if cell.encoder.noise_size > 0:
        extra = cell.posterior_parameters(observations, previous_hidden, noise.extra_mixing)
        components = tf.concat([components, gaussian_log_density(latent, extra)], axis=0)  # [K + 1, T, B]
    emission = cell.likelihood.distribution(emission_parameters)
    return LogDensities(
        emission.log_prob(tf.cast(observations, emission.dtype)),
        gaussian_log_density(latent, cell.prior_parameters(previous_hidden)),
        components,
    )


def log_mixture(
    cell: keras.layers.Layer,
    observations: tf.Tensor,
    trajectory: Trajectory,
    extra_mixing: Callable[[tf.Tensor], tf.Tensor],
    num_mixing: int | tf.Tensor,
) -> tf.Tensor:
    """Returns log ghat of a trajectory, `[..]`, with one of its extra draws in memory at a time.

    Args:
        cell: the stochastic cell that made the trajectory.
        observations: x, `[.., D]`.
        trajectory: of the generating draw psi^0, each part `[.., size]`.
        extra_mixing: k in 0..K - 1 -> noise eps of psi^(k + 1), `[.., N]`.
        num_mixing: K; not used by a point mass, whose components are all equal.
    """
    own = gaussian_log_density(trajectory.latent, trajectory.posterior)
    if cell.encoder.noise_size == 0:
        return own
    context = cell.encoder.context(observations, trajectory.previous_hidden)

    def add(number, total):
        component = gaussian_log_density(trajectory.latent, cell.encoder(context, extra_mixing(number)))
        return number + 1, tf.reduce_logsumexp(tf.stack([total, component]), axis=0)

    _, total = tf.while_loop(lambda number, _: number < num_mixing, add, (0, own), maximum_iterations=num_mixing)
    return total - tf.math.log(tf.cast(num_mixing + 1, own.dtype))


def sum_over_time(values: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """Returns the sum over real steps, `[B]`, of values `[T, B]`."""
    return tf.reduce_sum(values if mask is None else tf.where(mask, values, 0.0), axis=0)


def bound_terms(densities: LogDensities, mask: tf.Tensor | None = None) -> BoundTerms:
    """Returns the bound and its parts for each sequence, `[B]`, from all components' densities; see `sum_terms`.

    Args:
        densities: of T steps of B sequences.
        mask: bool `[T, B]`, True on real steps; None where every step is real.
    """
    mixture = mixture_log_density(densities.components)
    return sum_terms(densities.emission, densities.prior, densities.components[0], mixture, mask)


def sum_terms(
    emission: tf.Tensor, prior: tf.Tensor, posterior: tf.Tensor, mixture: tf.Tensor, mask: tf.Tensor | None = None
) -> BoundTerms:
    """Returns the bound and its parts for each sequence, `[B]`.

        log ghat_t  = logsumexp_k log q(z_t | psi_t^k) - log(K + 1)
        L           = sum_t log p(x_t|.) + log p(z_t|.) - log q(z_t | psi_t^0)
        B_K         = sum_t log q(z_t | psi_t^0) - log ghat_t      <= T log(K + 1), and 0 at K = 0
        L_K         = L + B_K

    Args:
        emission: log p(x_t|.), `[T, B]`.
        prior: log p(z_t|.), `[T, B]`.
        posterior: log q(z_t | psi_t^0), `[T, B]`.
        mixture: log ghat_t, `[T, B]`.
        mask: bool `[T, B]`, True on real steps; None where every step is real.
    """
    reconstruction = sum_over_time(emission, mask)
    kl = sum_over_time(mixture - prior, mask)
    regularizer = sum_over_time(posterior - mixture, mask)
    surrogate = reconstruction - kl
    return BoundTerms(surrogate, surrogate - regularizer, regularizer, reconstruction, kl)
