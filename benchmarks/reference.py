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
from sisrnn_tf.inference import noise
from sisrnn_tf.inference.filter import Sequences
from sisrnn_tf.inference.passes import SequencePass


def build_model(configuration: Configuration, **kwargs) -> sisrnn_tf.SISRNN:
    """Returns this library's model of a configuration; further arguments are the model's."""
    options = {"scale_floor": configuration.scale_floor, "name": "encoder", **kwargs}
    sizes = configuration.latent_size, configuration.encoder_sizes
    if configuration.mixing == "joint":
        posterior = sisrnn_tf.posteriors.SemiImplicit(*sizes, configuration.noise_sizes, **options)
    else:
        kinds = {"none": sisrnn_tf.posteriors.Gaussian, "per_dimension": sisrnn_tf.posteriors.PerDimension}
        posterior = kinds[configuration.mixing](*sizes, **options)
    return sisrnn_tf.SISRNN(
        emission=sisrnn_tf.emissions.Bernoulli(configuration.event_size),
        latent_size=configuration.latent_size,
        hidden_size=configuration.hidden_size,
        num_mixing=configuration.num_mixing,
        posterior=posterior,
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


def plain_bound(model: sisrnn_tf.SISRNN, passed: SequencePass) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns L_K `[B]` and -mean L_K of a pass, by plain operations, as `model.bound` does."""
    bound = sisrnn_tf.objectives.SIVI(model.loss_layer.objective.num_mixing).estimate(passed).log_likelihood
    return bound, -tf.reduce_mean(bound)


def bound_and_gradients(
    model: sisrnn_tf.SISRNN, observations: np.ndarray, seed: np.ndarray, evaluate: Callable = plain_bound
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Returns L_K `[B]` and the gradients of -mean L_K, by the library's pure functions under a tape.

    Args:
        model: float32 or float64.
        observations: `[B, T, D]`.
        seed: of the noise, int32 `[2]`.
        evaluate: as `plain_bound`.
    """
    with tf.GradientTape() as tape:
        bound, loss = evaluate(model, pass_over(model, observations, seed))
    variables = model.trainable_variables
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    names = [parameters.from_path(variable.path) for variable in variables]
    return bound.numpy(), {name: gradient.numpy() for name, gradient in zip(names, gradients, strict=True)}


def pass_over(model: sisrnn_tf.SISRNN, observations: np.ndarray | tf.Tensor, seed: np.ndarray | tf.Tensor):
    """Returns the pass over a batch `[B, T, D]` that training with the noise of a seed would make."""
    observations = tf.cast(tf.transpose(observations, [1, 0, 2]), model.density_dtype)  # [T, B, D]
    return SequencePass(model.rnn, Sequences(observations), tf.convert_to_tensor(seed))


def noise_of(model: sisrnn_tf.SISRNN, num_steps: int, batch_size: int, seed: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the float32 noise of a pass, as the library's law deals it out."""
    seeds = noise.row_seeds(noise.step_seeds(tf.constant(seed), num_steps), tf.range(batch_size))  # [T, B, 2]
    drawn, num_mixing = noise.draw(model.cell, seeds), model.loss_layer.objective.num_mixing
    rows = tf.reshape(seeds, [-1, 2])
    extra = noise.extra_mixing(model.cell.posterior_part, rows, num_mixing)  # [T B, K, N]
    extra = tf.reshape(extra, [num_steps, batch_size, num_mixing, -1])
    arrays = {"mixing": drawn.mixing, "latent": drawn.latent, "extra_mixing": tf.transpose(extra, [2, 0, 1, 3])}
    return {name: tf.cast(array, tf.float32).numpy() for name, array in arrays.items()}


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
    model = build_model(configuration, dtype="float64")
    set_weights(model, weights)
    seed = np.array([3, 0], np.int32)
    drawn = noise_of(model, short.num_steps, check_batch_size, seed)
    np.savez(folder / "check.npz", observations=observations, seed=seed, **drawn)
    bound, gradients = bound_and_gradients(model, observations, seed)
    np.savez(folder / "expected.npz", bound=bound, **gradients)
