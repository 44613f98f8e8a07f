"""This library, by the step that `model.fit` itself runs."""

import keras
import numpy as np
import tensorflow as tf

from benchmarks import reference
from benchmarks.configuration import Configuration
from benchmarks.contender import MATMUL_SIZE


class Contender:
    """`sisrnn_tf.SISRNN` with Keras' Adam; see `benchmarks.contender.Contender`."""

    def __init__(self, configuration: Configuration, weights: dict[str, np.ndarray], observations: np.ndarray):
        self.version = f"tensorflow {tf.__version__}, keras {keras.__version__}"
        self.model = reference.compiled_model(configuration)
        reference.set_weights(self.model, weights)
        self.model.make_train_function()
        self.iterator = iter(tf.data.Dataset.from_tensors({"observations": observations}).repeat())
        self.matrix = tf.ones([MATMUL_SIZE, MATMUL_SIZE])

    def check(self, observations: np.ndarray, noise: dict[str, np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Returns bound and gradients by what a training step is made of, with the noise of a seed."""
        return reference.bound_and_gradients(self.model, observations, noise["seed"], _training_bound)

    def step(self) -> float:
        """Takes one step."""
        return float(self.model.train_function(self.iterator)["loss"])

    def multiply(self) -> None:
        """Multiplies two matrices."""
        tf.matmul(self.matrix, self.matrix).numpy()


def _training_bound(model, passed):
    bound = model.loss_layer(passed=passed, training=True).surrogate
    (loss,) = model.loss_layer.losses
    return bound, loss
