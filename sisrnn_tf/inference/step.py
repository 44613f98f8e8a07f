"""The probabilistic step: psi_t, then z_t, then h_t, and the log-densities of all three.

    psi_t = posterior(x_t, h_{t-1}, features_t, eps_t),  z_t ~ q(. | psi_t),  h_t = transition(x_t, z_t, h_{t-1})

Covariates u_t condition and are not scored: prior, posterior and emission are given s_t = [h_{t-1}, u_t] in the place
of h_{t-1}, and h_t = transition([x_t, u_t], z_t, h_{t-1}).

Training, importance weighting, filtering, imputation, streams and the Keras cell all take this step. The functions know
no time axis: what they do for rows `[B, ..]` they do for all steps at once, `[T, B, ..]`, where nothing recurs.
"""

import keras
import tensorflow as tf

from sisrnn_tf.core import networks
from sisrnn_tf.core.types import Noise, StepDensities, Trajectory
from sisrnn_tf.inference import noise


def join(values: tf.Tensor, covariates: tf.Tensor | None) -> tf.Tensor:
    """Returns values, x_t or h_{t-1}, with the covariates beside them, `[.., S + U]`, in the dtype of the values.

    Args:
        values: `[.., S]`.
        covariates: u_t, `[.., U]`; None where there are none, and the values stay as they are.
    """
    return values if covariates is None else networks.concat([values, covariates], values.dtype)


def infer(
    cell: keras.layers.Layer,
    observation: tf.Tensor,
    features: tf.Tensor | None,
    hidden: tf.Tensor,
    draws: Noise,
    covariates: tf.Tensor | None = None,
) -> Trajectory:
    """Draws z_t from the posterior and steps.

    Args:
        cell: a stochastic cell.
        observation: x_t, `[rows, D]`.
        features: of the posterior at t, `[rows, F]`; None where it has none.
        hidden: h_{t-1}, `[rows, H]`.
        draws: the noise of the step.
        covariates: u_t, `[rows, U]`; None where there are none.

    Returns:
        The step as a trajectory without a time axis.
    """
    given = join(hidden, covariates)
    latent, posterior, given = cell.draw_latent(observation, given, draws, features)
    after = cell.transition(join(observation, covariates), latent, hidden)
    return Trajectory(latent, after, given, posterior)


def log_densities(
    cell: keras.layers.Layer,
    observation: tf.Tensor,
    emission_parameters: tf.Tensor,
    trajectory: Trajectory,
    observed: tf.Tensor | None = None,
) -> StepDensities:
    """Returns the log-densities of a trajectory but for its mixture's, each `[..]`, in nats.

    Where values are missing, the emission's is that of the others, log p(observed of x_t | z_t, h_{t-1}). Posterior and
    transition read the 0 that stands for a missing value: h_t is a function of what is observed, and the product of
    these densities over time a density of it, for each pattern of what is missing.

    Args:
        cell: the stochastic cell that made the trajectory.
        observation: x_t, `[.., D]`.
        emission_parameters: the cell's at the trajectory, `[.., P]`.
        trajectory: of the generating draw psi^0.
        observed: bool `[.., D]`, False on missing values; None where none are.
    """
    emission = cell.emission_part
    return StepDensities(
        emission.log_prob(emission_parameters, observation)
        if observed is None
        else emission.log_prob_observed(emission_parameters, observation, observed),
        cell.prior_part.log_density(trajectory.latent, trajectory.previous_hidden),
        cell.posterior_part.log_density(trajectory.latent, trajectory.posterior),
    )


def infer_missing(
    cell: keras.layers.Layer,
    observation: tf.Tensor,
    observed: tf.Tensor,
    features: tf.Tensor | None,
    hidden: tf.Tensor,
    seeds: tf.Tensor,
    covariates: tf.Tensor | None = None,
) -> tuple[Trajectory, tf.Tensor]:
    """Draws z_t and what is missing of x_t, each row on its own, and steps.

        all of x_t observed     z_t ~ q(. | psi_t)
        else                    z_t ~ p(. | h_{t-1}), missing ~ p(. | observed, z_t, h_{t-1})

    Args:
        cell, features, hidden, covariates: as of `infer`.
        observation: x_t, `[rows, D]`; something that could be observed where it is missing, too.
        observed: bool `[rows, D]`.
        seeds: of the rows, int32 `[rows, 2]`; see `noise`.

    Returns:
        The step as a trajectory without a time axis, and x_t without gaps, `[rows, D]`.
    """
    inferred = infer(cell, observation, features, hidden, noise.draw(cell, seeds), covariates)
    complete = tf.reduce_all(observed, axis=-1, keepdims=True)
    unseen, given = cell.sample_latent(join(hidden, covariates), noise.latent_seeds(seeds))
    latent, given = tf.where(complete, inferred.latent, unseen), tf.where(complete, inferred.previous_hidden, given)
    parameters = cell.emission_parameters(latent, given)
    value = cell.emission_part.sample_missing(parameters, observation, observed, noise.missing_seeds(seeds))
    after = cell.transition(join(value, covariates), latent, hidden)
    return Trajectory(latent, after, given, inferred.posterior), value


def generate(
    cell: keras.layers.Layer,
    hidden: tf.Tensor,
    seeds: tf.Tensor,
    temperature: float | tf.Tensor = 1.0,
    covariates: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Draws z_t from the prior and x_t from the emission, and steps.

    Args:
        cell: a stochastic cell.
        hidden: h_{t-1}, `[rows, H]`.
        seeds: of the rows, int32 `[rows, 2]`; see `noise`.
        temperature: of the emission, see its `sample`.
        covariates: u_t, `[rows, U]`; None where there are none.

    Returns:
        x_t, `[rows, D]`, and h_t, `[rows, H]`.
    """
    latent, parameters = predict(cell, hidden, seeds, covariates)
    observation = cell.emission_part.sample(parameters, noise.missing_seeds(seeds), temperature)
    return observation, cell.transition(join(observation, covariates), latent, hidden)


def predict(
    cell: keras.layers.Layer, hidden: tf.Tensor, seeds: tf.Tensor, covariates: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns a draw of z_t from the prior, `[rows, Z]`, and the emission's parameters at it, `[rows, P]`.

    Args:
        cell, hidden, seeds, covariates: as of `generate`.
    """
    latent, given = cell.sample_latent(join(hidden, covariates), noise.latent_seeds(seeds))
    return latent, cell.emission_parameters(latent, given)
