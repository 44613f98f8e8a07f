"""Plain TensorFlow: everything in a `tf.while_loop` under `tf.function`; the naive reference for memory."""

import math

import keras
import numpy as np
import tensorflow as tf

from benchmarks import parameters
from benchmarks.configuration import ADAM, Configuration
from benchmarks.contender import MATMUL_SIZE


def dense(weights, name, inputs):
    """Applies a layer to `[.., inputs]`."""
    return tf.matmul(inputs, weights[f"{name}/kernel"]) + weights[f"{name}/bias"]


def network(weights, name, num_hidden, inputs):
    """Applies a multilayer perceptron to `[.., inputs]`."""
    *hidden, output = parameters.layer_names(name, num_hidden)
    for layer in hidden:
        inputs = tf.nn.relu(dense(weights, layer, inputs))
    return dense(weights, output, inputs)


def encoder(weights, configuration, inputs, noise):
    """Returns the outputs of the posterior's network `[R, 2 Z]` from [x, h] `[R, D + H]` and noise `[R, N]`."""
    for index, part in enumerate(tf.split(noise, configuration.noise_sizes, axis=-1)):
        hidden = dense(weights, f"encoder/hidden_{index}", inputs)
        inputs = tf.nn.relu(hidden + tf.matmul(part, weights[f"encoder/noise_{index}/kernel"]))
    return dense(weights, "encoder/output", inputs)


def to_gaussian(outputs, scale_floor):
    """Splits outputs `[.., 2 Z]` into loc and scale."""
    loc, raw_scale = tf.split(outputs, 2, axis=-1)
    return loc, scale_floor + tf.nn.softplus(raw_scale)


def log_normal(value, loc, scale):
    """Returns log N(value; loc, diag scale^2), `[..]`, of `[.., Z]`."""
    standardized = (value - loc) / scale
    values = -0.5 * tf.square(standardized) - tf.math.log(scale) - 0.5 * math.log(2 * math.pi)
    return tf.reduce_sum(values, axis=-1)


def transition(weights, inputs, hidden):
    """Returns h_t `[B, H]` from [x_t, z_t] `[B, D + Z]` and h_{t-1} `[B, H]`."""
    bias = weights["transition/bias"]
    update_x, reset_x, candidate_x = tf.split(tf.matmul(inputs, weights["transition/kernel"]) + bias[0], 3, -1)
    recurrent = tf.matmul(hidden, weights["transition/recurrent_kernel"]) + bias[1]
    update_h, reset_h, candidate_h = tf.split(recurrent, 3, -1)
    update = tf.sigmoid(update_x + update_h)
    candidate = tf.tanh(candidate_x + tf.sigmoid(reset_x + reset_h) * candidate_h)
    return update * hidden + (1 - update) * candidate


def step_bound(weights, configuration, x, hidden, mixing, normal):
    """Returns a step's share of L_K `[B]`, and h_t `[B, H]`.

    Args:
        weights: by name.
        configuration: sizes.
        x: `[B, D]`.
        hidden: h_{t-1}, `[B, H]`.
        mixing: `[K + 1, B, N]`.
        normal: `[B, Z]`.
    """
    c = configuration
    num_components, batch_size = c.num_mixing + 1, x.shape[0]
    joined = tf.tile(tf.concat([x, hidden], -1), [num_components, 1])
    outputs = encoder(weights, c, joined, tf.reshape(mixing, [-1, c.noise_size]))
    outputs = tf.reshape(outputs, [num_components, batch_size, 2 * c.latent_size])
    loc, scale = to_gaussian(outputs, c.scale_floor)
    latent = loc[0] + scale[0] * normal
    mixture = tf.reduce_logsumexp(log_normal(latent, loc, scale), axis=0) - math.log(num_components)
    prior = to_gaussian(network(weights, "prior", len(c.prior_sizes), hidden), c.scale_floor)
    logits = network(weights, "decoder", len(c.decoder_sizes), tf.concat([latent, hidden], -1))
    emission = -tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(x, logits), axis=-1)
    value = emission + log_normal(latent, *prior) - mixture
    return value, transition(weights, tf.concat([x, latent], -1), hidden)


class Contender:
    """The loop with Keras' Adam; see `benchmarks.contender.Contender`."""

    def __init__(self, configuration: Configuration, weights: dict[str, np.ndarray], observations: np.ndarray):
        self.version = f"tensorflow {tf.__version__}, keras {keras.__version__}"
        self.configuration = configuration
        self.weights = {name: keras.Variable(array) for name, array in weights.items()}
        self.optimizer = keras.optimizers.Adam(configuration.learning_rate, **ADAM)
        self.optimizer.build(list(self.weights.values()))
        self.observations = tf.constant(np.swapaxes(observations, 0, 1))
        self.train = tf.function(self._train)
        self.matrix = tf.ones([MATMUL_SIZE, MATMUL_SIZE])

    def bound(self, observations, mixing=None, normal=None):
        """Returns L_K `[B]` of `[T, B, D]`; noise `[K + 1, T, B, N]` and `[T, B, Z]` is drawn in the loop if None."""
        c = self.configuration
        num_steps, batch_size, _ = observations.shape
        weights = {name: tf.convert_to_tensor(variable.value) for name, variable in self.weights.items()}
        shape = [c.num_mixing + 1, batch_size, c.noise_size]

        def step(time, hidden, total):
            if mixing is None:
                noise = (
                    tf.cast(tf.random.uniform(shape) < 0.5, tf.float32) - 0.5,
                    tf.random.normal([batch_size, c.latent_size]),
                )
            else:
                noise = mixing[:, time], normal[time]
            value, hidden = step_bound(weights, c, observations[time], hidden, *noise)
            return time + 1, hidden, total + value

        start = 0, tf.zeros([batch_size, c.hidden_size]), tf.zeros([batch_size])
        return tf.while_loop(lambda time, *_: time < num_steps, step, start, maximum_iterations=num_steps)[2]

    def _gradients(self, observations, *noise):
        variables = [variable.value for variable in self.weights.values()]
        with tf.GradientTape() as tape:
            bound = self.bound(observations, *noise)
            loss = -tf.reduce_mean(bound)
        return bound, loss, tape.gradient(loss, variables)

    def _train(self):
        _, loss, gradients = self._gradients(self.observations)
        self.optimizer.apply(gradients)
        return loss

    def check(self, observations: np.ndarray, noise: dict[str, np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Returns bound and gradients."""
        observations = tf.constant(np.swapaxes(observations, 0, 1))
        mixing = tf.constant(np.concatenate([noise["mixing"][np.newaxis], noise["extra_mixing"]]))
        bound, _, gradients = tf.function(self._gradients)(observations, mixing, tf.constant(noise["latent"]))
        gradients = [tf.convert_to_tensor(gradient).numpy() for gradient in gradients]
        return bound.numpy(), dict(zip(self.weights, gradients, strict=True))

    def step(self) -> float:
        """Takes one step."""
        return float(self.train())

    def multiply(self) -> None:
        """Multiplies two matrices."""
        tf.matmul(self.matrix, self.matrix).numpy()
