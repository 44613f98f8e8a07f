"""The semi-implicit bound and its parts: pure functions of tensors, time-major, in nats.

Yin & Zhou, Semi-Implicit Variational Inference (2018), eq. 10, over the steps of a sequence. The generating draw
psi^0 is always a component of the mixture: only so is p(x_t|.) p(z_t|.) / ghat_t an unbiased estimate.
"""

import math

import keras
import tensorflow as tf

from sisrnn_tf.types import BoundTerms, Gaussian, LogDensities, Noise, StepDensities, Trajectory


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


def step_densities(
    cell: keras.layers.Layer, observations: tf.Tensor, emission_parameters: tf.Tensor, trajectory: Trajectory
) -> StepDensities:
    """Returns the log-densities of a trajectory but for its mixture's.

    Args:
        cell: the stochastic cell that made the trajectory.
        observations: x, `[T, B, D]`.
        emission_parameters: `[T, B, P]`, the cell's at the trajectory.
        trajectory: of the generating draw psi^0.
    """
    emission = cell.likelihood.distribution(emission_parameters)
    return StepDensities(
        emission.log_prob(tf.cast(observations, emission.dtype)),
        gaussian_log_density(trajectory.latent, cell.prior_parameters(trajectory.previous_hidden)),
        gaussian_log_density(trajectory.latent, trajectory.posterior),
    )


def log_densities(
    cell: keras.layers.Layer,
    observations: tf.Tensor,
    emission_parameters: tf.Tensor,
    trajectory: Trajectory,
    noise: Noise,
) -> LogDensities:
    """Returns the log-densities of a trajectory that the bound is made of, those of all components at once.

    Args:
        cell: the stochastic cell that made the trajectory.
        observations: x, `[T, B, D]`.
        emission_parameters: `[T, B, P]`, the cell's at the trajectory.
        trajectory: of the generating draw psi^0.
        noise: its part `extra_mixing` is used.
    """
    densities = step_densities(cell, observations, emission_parameters, trajectory)
    return with_components(cell, observations, densities, trajectory, noise)


def with_components(
    cell: keras.layers.Layer, observations: tf.Tensor, densities: StepDensities, trajectory: Trajectory, noise: Noise
) -> LogDensities:
    """Returns log-densities with those of all components.

    The plain way, at the memory of all draws; training and estimators go by `chunked_mixture`. The components of a
    point mass are all equal, so their mixture is psi^0 alone.

    Args:
        cell: the stochastic cell that made the trajectory.
        observations: x, `[T, B, D]`.
        densities: of the trajectory.
        trajectory: of the generating draw psi^0.
        noise: its part `extra_mixing` is used.
    """
    components = densities.posterior[tf.newaxis]  # [1, T, B]
    if cell.encoder.noise_size > 0:
        extra = cell.posterior_parameters(observations, trajectory.previous_hidden, noise.extra_mixing)
        components = tf.concat([components, gaussian_log_density(trajectory.latent, extra)], axis=0)  # [K + 1, T, B]
    return LogDensities(densities.emission, densities.prior, components)


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
