"""JAX: `jax.lax.scan` with everything in its body, under jit."""

import math

import jax
import numpy as np
import optax
from jax import numpy as jnp

from benchmarks import parameters
from benchmarks.configuration import ADAM, Configuration
from benchmarks.contender import MATMUL_SIZE


def dense(weights, name, inputs):
    """Applies a layer to `[.., inputs]`."""
    return inputs @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]


def network(weights, name, num_hidden, inputs):
    """Applies a multilayer perceptron to `[.., inputs]`."""
    *hidden, output = parameters.layer_names(name, num_hidden)
    for layer in hidden:
        inputs = jax.nn.relu(dense(weights, layer, inputs))
    return dense(weights, output, inputs)


def encoder(weights, configuration, inputs, noise):
    """Returns the outputs of the posterior's network `[.., 2 Z]` from [x, h] `[.., D + H]` and noise `[.., N]`."""
    parts = jnp.split(noise, np.cumsum(configuration.noise_sizes)[:-1], -1)
    for index, part in enumerate(parts):
        hidden = dense(weights, f"encoder/hidden_{index}", inputs)
        inputs = jax.nn.relu(hidden + part @ weights[f"encoder/noise_{index}/kernel"])
    return dense(weights, "encoder/output", inputs)


def to_gaussian(outputs, scale_floor):
    """Splits outputs `[.., 2 Z]` into loc and scale."""
    loc, raw_scale = jnp.split(outputs, 2, -1)
    return loc, scale_floor + jax.nn.softplus(raw_scale)


def log_normal(value, loc, scale):
    """Returns log N(value; loc, diag scale^2), `[..]`, of `[.., Z]`."""
    return (-0.5 * ((value - loc) / scale) ** 2 - jnp.log(scale) - 0.5 * math.log(2 * math.pi)).sum(-1)


def log_bernoulli(value, logits):
    """Returns the log-density of binary values, `[..]`, of `[.., D]`."""
    return (value * logits - jax.nn.softplus(logits)).sum(-1)


def gates(input_part, hidden, weights):
    """Returns h_t from the inputs' share of the gates `[B, 3 H]`, its bias included, and h_{t-1} `[B, H]`."""
    recurrent = hidden @ weights["transition/recurrent_kernel"] + weights["transition/bias"][1]
    update_x, reset_x, candidate_x = jnp.split(input_part, 3, -1)
    update_h, reset_h, candidate_h = jnp.split(recurrent, 3, -1)
    update = jax.nn.sigmoid(update_x + update_h)
    candidate = jnp.tanh(candidate_x + jax.nn.sigmoid(reset_x + reset_h) * candidate_h)
    return update * hidden + (1 - update) * candidate


def draw(configuration, batch_size, key):
    """Draws the noise of a step: mixing `[K + 1, B, N]` and latent `[B, Z]`."""
    mixing_key, latent_key = jax.random.split(key)
    shape = (configuration.num_mixing + 1, batch_size, configuration.noise_size)
    mixing = jax.random.bernoulli(mixing_key, 0.5, shape).astype(jnp.float32) - 0.5
    return mixing, jax.random.normal(latent_key, (batch_size, configuration.latent_size))


def bound(weights, configuration, observations, source, draw_step):
    """Returns L_K `[B]`.

    Args:
        weights: by name.
        configuration: sizes.
        observations: `[T, B, D]`.
        source: keys, or noise itself, of each step `[T, ..]`.
        draw_step: an entry of it -> the noise of a step.
    """
    c = configuration

    def step(hidden, inputs):
        x, entry = inputs
        mixing, normal = draw_step(entry)
        joined = jnp.concatenate([x, hidden], -1)
        joined = jnp.broadcast_to(joined, (c.num_mixing + 1, *joined.shape))
        loc, scale = to_gaussian(encoder(weights, c, joined, mixing), c.scale_floor)  # each [K + 1, B, Z]
        latent = loc[0] + scale[0] * normal
        mixture = jax.nn.logsumexp(log_normal(latent, loc, scale), 0) - math.log(c.num_mixing + 1)
        prior = to_gaussian(network(weights, "prior", len(c.prior_sizes), hidden), c.scale_floor)
        logits = network(weights, "decoder", len(c.decoder_sizes), jnp.concatenate([latent, hidden], -1))
        value = log_bernoulli(x, logits) + log_normal(latent, *prior) - mixture
        inputs = jnp.concatenate([x, latent], -1)
        input_part = inputs @ weights["transition/kernel"] + weights["transition/bias"][0]
        return gates(input_part, hidden, weights), value

    hidden = jnp.zeros((observations.shape[1], c.hidden_size))
    return jax.lax.scan(step, hidden, (observations, source))[1].sum(0)


class JaxContender:
    """A bound in JAX with optax' Adam; see `benchmarks.contender.Contender`. A subclass gives the two bounds."""

    def __init__(self, configuration: Configuration, weights: dict[str, np.ndarray], observations: np.ndarray):
        self.version = f"jax {jax.__version__}, optax {optax.__version__}"
        self.configuration = configuration
        self.weights = {name: jnp.asarray(array) for name, array in weights.items()}
        self.optimizer = optax.adam(configuration.learning_rate, ADAM["beta_1"], ADAM["beta_2"], ADAM["epsilon"])
        self.state = self.optimizer.init(self.weights)
        self.observations = jnp.asarray(np.swapaxes(observations, 0, 1))
        self.key = jax.random.key(0)
        self.update = jax.jit(self._update, donate_argnums=(0, 1))
        self.matrix = jnp.ones((MATMUL_SIZE, MATMUL_SIZE))
        self.product = jax.jit(jnp.matmul)

    def sampled_bound(self, weights, observations, key):
        """Returns L_K `[B]` of observations `[T, B, D]` with noise drawn from a key."""
        raise NotImplementedError

    def fixed_bound(self, weights, observations, noise):
        """Returns L_K `[B]` of observations `[T, B, D]` with given noise."""
        raise NotImplementedError

    def _update(self, weights, state, observations, key):
        key, noise_key = jax.random.split(key)
        loss, gradients = jax.value_and_grad(lambda w: -self.sampled_bound(w, observations, noise_key).mean())(weights)
        updates, state = self.optimizer.update(gradients, state, weights)
        return optax.apply_updates(weights, updates), state, key, loss

    def check(self, observations: np.ndarray, noise: dict[str, np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Returns bound and gradients."""
        observations = jnp.asarray(np.swapaxes(observations, 0, 1))

        @jax.jit
        def loss_and_bound(weights, noise):
            values = self.fixed_bound(weights, observations, noise)
            return -values.mean(), values

        (_, values), gradients = jax.value_and_grad(loss_and_bound, has_aux=True)(self.weights, noise)
        return np.asarray(values), {name: np.asarray(gradient) for name, gradient in gradients.items()}

    def step(self) -> float:
        """Takes one step."""
        self.weights, self.state, self.key, loss = self.update(self.weights, self.state, self.observations, self.key)
        jax.block_until_ready(self.weights)
        return float(loss)

    def multiply(self) -> None:
        """Multiplies two matrices."""
        self.product(self.matrix, self.matrix).block_until_ready()


class Contender(JaxContender):
    """Everything in the body of the scan."""

    def sampled_bound(self, weights, observations, key):
        """Returns L_K with noise drawn in each step."""
        num_steps, batch_size, _ = observations.shape
        keys = jax.random.split(key, num_steps)
        return bound(weights, self.configuration, observations, keys, lambda k: draw(self.configuration, batch_size, k))

    def fixed_bound(self, weights, observations, noise):
        """Returns L_K with given noise."""
        mixing = jnp.concatenate([noise["mixing"][jnp.newaxis], noise["extra_mixing"]])  # [K + 1, T, B, N]
        source = jnp.swapaxes(mixing, 0, 1), jnp.asarray(noise["latent"])
        return bound(weights, self.configuration, observations, source, lambda entry: entry)
