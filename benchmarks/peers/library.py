"""This library, by the step that `model.fit` itself runs."""

import keras
import numpy as np
import tensorflow as tf

from benchmarks import reference
from benchmarks.configuration import ADAM, Configuration
from benchmarks.contender import MATMUL_SIZE


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
        """Returns bound and gradients of the plain reference; its seed draws all noise of the training step."""
        return reference.bound_and_gradients(self.model, observations, noise)

    def step(self) -> float:
        """Takes one step."""
        return float(self.model.train_function(self.iterator)["loss"])

    def multiply(self) -> None:
        """Multiplies two matrices."""
        tf.matmul(self.matrix, self.matrix).numpy()
