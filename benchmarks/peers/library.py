"""This library, by the step that `model.fit` itself runs."""

import keras
import numpy as np
import tensorflow as tf

from benchmarks import reference
from benchmarks.configuration import ADAM, Configuration
from benchmarks.contender import MATMUL_SIZE
from benchmarks.parameters import from_path
from sisrnn_tf import bounds
from sisrnn_tf.chunked_mixture import ChunkedMixture
from sisrnn_tf.types import Noise


class Contender:
    """`sisrnn_tf.SISRNN` with Keras' Adam; see `benchmarks.contender.Contender`."""

    def __init__(self, configuration: Configuration, weights: dict[str, np.ndarray], observations: np.ndarray):
        self.version = f"tensorflow {tf.__version__}, keras {keras.__version__}"
        self.model = reference.build_model(configuration)
        reference.set_weights(self.model, weights)
        self.model.compile(optimizer=keras.optimizers.Adam(configuration.learning_rate, **ADAM))
        self.model.optimizer.build(self.model.trainable_variables)
        self.model.make_train_function()
        self.iterator = iter(tf.data.Dataset.from_tensors({"observations": observations}).repeat())
        self.matrix = tf.ones([MATMUL_SIZE, MATMUL_SIZE])

    def check(self, observations: np.ndarray, noise: dict[str, np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Returns bound and gradients by what a training step is made of, with given noise for its own."""
        cell = self.model.cell
        observations = tf.constant(np.swapaxes(observations, 0, 1))
        noise = Noise(**{name: tf.constant(array) for name, array in noise.items()})
        by_row = tf.transpose(noise.extra_mixing, [1, 2, 0, 3])  # [T, B, K, N]
        by_row = tf.reshape(by_row, [-1, *by_row.shape[2:]])

        def extra_mixing(_, __, first, count):
            return tf.pad(by_row, [[0, count], [0, 0], [0, 0]])[first : first + count][tf.newaxis]

        with tf.GradientTape() as tape:
            trajectory = self.model.rnn.scan(observations, noise)
            parameters = cell.emission_parameters(trajectory.latent, trajectory.previous_hidden)
            densities = bounds.step_densities(cell, observations, parameters, trajectory)
            num_mixing = self.model.loss_layer.initial_num_mixing
            mixture = ChunkedMixture(
                cell.encoder, observations, trajectory, densities.posterior, extra_mixing, num_mixing
            )
            bound = self.model.loss_layer(densities, mixture=mixture, training=True).surrogate
            (loss,) = self.model.loss_layer.losses
        variables = self.model.trainable_variables
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        names = [from_path(variable.path) for variable in variables]
        return bound.numpy(), {name: gradient.numpy() for name, gradient in zip(names, gradients, strict=True)}

    def step(self) -> float:
        """Takes one step."""
        return float(self.model.train_function(self.iterator)["loss"])

    def multiply(self) -> None:
        """Multiplies two matrices."""
        tf.matmul(self.matrix, self.matrix).numpy()
