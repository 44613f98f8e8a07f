"""NumPy float64 reference of the cell and the bound; noise is injected, nothing here knows TensorFlow.

Loops over steps, draws and sequences are plain Python. Every function also maps over leading axes.
"""

from typing import NamedTuple

import numpy as np


def layer_weights(layer) -> dict[str, np.ndarray]:
    """The weights of a Keras layer by the last two parts of their path, such as `hidden_0/kernel`."""
    return {"/".join(weight.path.split("/")[-2:]): np.asarray(weight.numpy(), np.float64) for weight in layer.weights}


def relu(x):
    return np.maximum(x, 0.0)


def sigmoid(x):
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def softplus(x):
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


ACTIVATIONS = {"relu": relu, "tanh": np.tanh, "linear": lambda x: x}


def dense(x, kernel, bias):
    return x @ kernel + bias


def mlp(weights, x, activation=relu):
    """Dense layers `hidden_0`, `hidden_1`, .. and a linear `output`."""
    for index in range(sum(name.startswith("hidden") and name.endswith("kernel") for name in weights)):
        x = activation(dense(x, weights[f"hidden_{index}/kernel"], weights[f"hidden_{index}/bias"]))
    return dense(x, weights["output/kernel"], weights["output/bias"])


def noise_mlp(weights, x, noise, noise_sizes, activation=relu):
    """Each hidden layer is one dense layer on its input and its share of the noise, concatenated."""
    start = 0
    for index, size in enumerate(noise_sizes):
        kernel, bias = weights[f"hidden_{index}/kernel"], weights[f"hidden_{index}/bias"]
        if size > 0:
            kernel = np.concatenate([kernel, weights[f"noise_{index}/kernel"]], axis=0)
            part = np.broadcast_to(noise[..., start : start + size], (*x.shape[:-1], size))
            x = np.concatenate([x, part], axis=-1)
        x = activation(dense(x, kernel, bias))
        start += size
    return dense(x, weights["output/kernel"], weights["output/bias"])


def gru(weights, x, h):
    """Keras' GRU with `reset_after`: gates update, reset, candidate; one row of biases for the inputs, one for h."""
    (kernel,) = (value for name, value in weights.items() if name.endswith("/kernel"))
    (recurrent,) = (value for name, value in weights.items() if name.endswith("/recurrent_kernel"))
    (bias,) = (value for name, value in weights.items() if name.endswith("/bias"))
    size = h.shape[-1]
    from_x, from_h = x @ kernel + bias[0], h @ recurrent + bias[1]
    update = sigmoid(from_x[..., :size] + from_h[..., :size])
    reset = sigmoid(from_x[..., size : 2 * size] + from_h[..., size : 2 * size])
    candidate = np.tanh(from_x[..., 2 * size :] + reset * from_h[..., 2 * size :])
    return update * h + (1.0 - update) * candidate


def gaussian_log_density(z, loc, scale):
    return np.sum(-0.5 * ((z - loc) / scale) ** 2 - np.log(scale) - 0.5 * np.log(2.0 * np.pi), axis=-1)


def bernoulli_log_prob(x, logits):
    """sum_d x log p + (1 - x) log(1 - p) with p = sigmoid(logits)."""
    return np.sum(-x * softplus(-logits) - (1.0 - x) * softplus(logits), axis=-1)


def log_mean_exp(values):
    """log of the mean over the first axis of exp(values)."""
    top = np.max(values, axis=0)
    return top + np.log(sum(np.exp(value - top) for value in values)) - np.log(len(values))


class Step(NamedTuple):
    """One time step of one sequence; densities in nats."""

    latent: np.ndarray
    hidden: np.ndarray
    parameters: np.ndarray
    emission: float
    prior: float
    components: np.ndarray


class Terms(NamedTuple):
    """Terms of the bound, in the order of the library."""

    surrogate: float
    lower_bound: float
    regularizer: float
    reconstruction: float
    kl: float


class Cell:
    """The weights of a `SISRNNCell`, and its four parts."""

    def __init__(self, cell):
        self.encoder_weights = layer_weights(cell.posterior_part)
        self.prior_weights = layer_weights(cell.prior_part)
        self.decoder_weights = layer_weights(cell.decoder)
        self.transition_weights = layer_weights(cell.transition)
        self.noise_sizes = tuple(getattr(cell.posterior_part, "noise_sizes", ()))
        layers = (cell.posterior_part, cell.prior_part.network, cell.decoder.network)
        self.activations = [ACTIVATIONS[layer.activation.__name__] for layer in layers]
        self.floors = cell.prior_part.scale_floor, cell.posterior_part.scale_floor
        self.hidden_size = cell.hidden_size

    @staticmethod
    def gaussian(outputs, floor):
        size = outputs.shape[-1] // 2
        return outputs[..., :size], floor + softplus(outputs[..., size:])

    def prior(self, h):
        return self.gaussian(mlp(self.prior_weights, h, self.activations[1]), self.floors[0])

    def posterior(self, x, h, noise):
        inputs = np.concatenate([x, h], axis=-1)
        if self.noise_sizes:
            outputs = noise_mlp(self.encoder_weights, inputs, noise, self.noise_sizes, self.activations[0])
        else:
            outputs = mlp(self.encoder_weights, inputs, self.activations[0])
        return self.gaussian(outputs, self.floors[1])

    def decode(self, z, h):
        return mlp(self.decoder_weights, np.concatenate([z, h], axis=-1), self.activations[2])

    def transition(self, x, z, h):
        return gru(self.transition_weights, np.concatenate([x, z], axis=-1), h)

    def step(self, x, h, mixing, latent, extra_mixing) -> Step:
        """One step; `mixing` [N] and `latent` [Z] make z, `extra_mixing` [K, N] the other components."""
        psi = [self.posterior(x, h, noise) for noise in (mixing, *extra_mixing)]
        z = psi[0][0] + psi[0][1] * latent
        components = np.array([gaussian_log_density(z, loc, scale) for loc, scale in psi])
        logits = self.decode(z, h)
        prior = gaussian_log_density(z, *self.prior(h))
        return Step(z, self.transition(x, z, h), logits, bernoulli_log_prob(x, logits), prior, components)

    def run(self, x, length, noise, row) -> list[Step]:
        """The first `length` steps of sequence `row`; x [T, D], `noise` time-major arrays of the whole batch."""
        h, steps = np.zeros(self.hidden_size), []
        for t in range(length):
            extra = [noise.extra_mixing[k][t][row] for k in range(len(noise.extra_mixing))]
            steps.append(self.step(x[t], h, noise.mixing[t][row], noise.latent[t][row], extra))
            h = steps[-1].hidden
        return steps

    def bound(self, observations, noise, mask=None) -> Terms:
        """The bound's terms, each [B], of observations [B, T, D] and mask [B, T]."""
        x = np.asarray(observations, np.float64)
        lengths = [x.shape[1]] * len(x) if mask is None else [int(np.sum(row)) for row in mask]
        rows = [self.terms(self.run(x[row], length, noise, row)) for row, length in enumerate(lengths)]
        return Terms(*(np.array(column) for column in zip(*rows, strict=True)))

    @staticmethod
    def terms(steps) -> Terms:
        surrogate = lower_bound = regularizer = reconstruction = kl = 0.0
        for step in steps:
            log_mixture = log_mean_exp(step.components)
            surrogate += step.emission + step.prior - log_mixture
            lower_bound += step.emission + step.prior - step.components[0]
            regularizer += step.components[0] - log_mixture
            reconstruction += step.emission
            kl += log_mixture - step.prior
        return Terms(surrogate, lower_bound, regularizer, reconstruction, kl)
