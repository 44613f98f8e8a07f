"""Equal weights, batch and noise for all contenders, and the bound and gradients they must agree on, in float64."""

import dataclasses
import pathlib
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

import sisrnn_tf
from benchmarks import parameters
from benchmarks.configuration import ADAM, Configuration
from sisrnn_tf import bounds
from sisrnn_tf.types import Noise, Trajectory


def build_model(configuration: Configuration, **kwargs) -> sisrnn_tf.SISRNN:
    """Returns this library's model of a configuration; further arguments are the model's."""
    encoder = sisrnn_tf.encoders.SemiImplicit(
        configuration.latent_size,
        configuration.encoder_sizes,
        configuration.noise_sizes,
        scale_floor=configuration.scale_floor,
        name="encoder",
        **kwargs,
    )
    return sisrnn_tf.SISRNN(
        emission=sisrnn_tf.emissions.Bernoulli(configuration.event_size),
        latent_size=configuration.latent_size,
        hidden_size=configuration.hidden_size,
        num_mixing=configuration.num_mixing,
        encoder=encoder,
        prior_sizes=configuration.prior_sizes,
        decoder_sizes=configuration.decoder_sizes,
        scale_floor=configuration.scale_floor,
        **kwargs,
    )


def compiled_model(configuration: Configuration) -> sisrnn_tf.SISRNN:
    """Returns this library's model of a configuration, ready to train."""
    model = build_model(configuration)
    model.compile(optimizer=keras.optimizers.Adam(configuration.learning_rate, **ADAM))
    model.optimizer.build(model.trainable_variables)
    return model


def weights_of(model: sisrnn_tf.SISRNN) -> dict[str, np.ndarray]:
    """Returns a model's trainable weights by the names of `benchmarks.parameters`."""
    return {parameters.from_path(variable.path): variable.numpy() for variable in model.trainable_variables}


def set_weights(model: sisrnn_tf.SISRNN, weights: dict[str, np.ndarray]) -> None:
    """Gives a model the weights of `weights_of`."""
    for variable in model.trainable_variables:
        variable.assign(weights[parameters.from_path(variable.path)])


def plain_bound(
    model: sisrnn_tf.SISRNN,
    observations: tf.Tensor,
    emission_parameters: tf.Tensor,
    trajectory: Trajectory,
    noise: Noise,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns L_K `[B]` and -mean L_K at a trajectory, by plain operations, as `model.bound` does."""
    densities = bounds.log_densities(model.cell, observations, emission_parameters, trajectory, noise)
    bound = bounds.bound_terms(densities).surrogate
    return bound, -tf.reduce_mean(bound)


def bound_and_gradients(
    model: sisrnn_tf.SISRNN, observations: np.ndarray, noise: dict[str, np.ndarray], evaluate: Callable = plain_bound
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Returns L_K `[B]` and the gradients of -mean L_K, by the library's pure functions under a tape.

    Args:
        model: float32 or float64.
        observations: `[B, T, D]`.
        noise: "mixing" `[T, B, N]`, "latent" `[T, B, Z]`, "extra_mixing" `[K, T, B, N]`.
        evaluate: as `plain_bound`.
    """
    dtype = model.compute_dtype
    observations = tf.cast(np.swapaxes(observations, 0, 1), dtype)
    noise = Noise(**{name: tf.cast(array, dtype) for name, array in noise.items()})
    with tf.GradientTape() as tape:
        trajectory = model.rnn.scan(observations, noise)
        emission = model.cell.emission_parameters(trajectory.latent, trajectory.previous_hidden)
        bound, loss = evaluate(model, observations, emission, trajectory, noise)
    variables = model.trainable_variables
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    names = [parameters.from_path(variable.path) for variable in variables]
    return bound.numpy(), {name: gradient.numpy() for name, gradient in zip(names, gradients, strict=True)}


def draw_noise(configuration: Configuration, batch_size: int, seed: int) -> dict[str, np.ndarray]:
    """Returns float32 noise of a pass: -1/2 or 1/2, and standard normals."""
    generator = np.random.default_rng(seed)
    shape = (configuration.num_steps, batch_size)

    def mixing(*leading):
        return generator.integers(0, 2, (*leading, *shape, configuration.noise_size)).astype(np.float32) - 0.5

    latent = generator.standard_normal((*shape, configuration.latent_size)).astype(np.float32)
    return {"mixing": mixing(), "latent": latent, "extra_mixing": mixing(configuration.num_mixing)}


def observations_of(configuration: Configuration, batch_size: int, seed: int) -> np.ndarray:
    """Returns binary observations, float32 `[batch_size, T, D]`."""
    shape = (batch_size, configuration.num_steps, configuration.event_size)
    return np.random.default_rng(seed).integers(0, 2, shape).astype(np.float32)


def write(
    configuration: Configuration, folder: pathlib.Path, check_batch_size: int = 8, check_num_steps: int = 28
) -> None:
    """Writes build.npz (weights and batch), check.npz (a small batch and its noise) and expected.npz.

    Args:
        configuration: sizes.
        folder: where; must exist.
        check_batch_size: B of the batch to agree on.
        check_num_steps: its T at most: over hundreds of steps float32 itself is too far from float64.
    """
    keras.utils.set_random_seed(1)
    weights = weights_of(build_model(configuration))
    np.savez(folder / "build.npz", observations=observations_of(configuration, configuration.batch_size, 1), **weights)
    short = dataclasses.replace(configuration, num_steps=min(configuration.num_steps, check_num_steps))
    observations = observations_of(short, check_batch_size, 2)
    noise = draw_noise(short, check_batch_size, 3)
    np.savez(folder / "check.npz", observations=observations, **noise)
    model = build_model(configuration, dtype="float64")
    set_weights(model, weights)
    bound, gradients = bound_and_gradients(model, observations, noise)
    np.savez(folder / "expected.npz", bound=bound, **gradients)
