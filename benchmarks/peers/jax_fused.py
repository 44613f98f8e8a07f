"""JAX, hoisted: the scan holds only what recurs, and the mixture is made in chunks that keep nothing.

Inputs times kernels, prior, decoder and mixture are outside the scan. A chunk of the mixture holds all K draws of some
rows (t, b); its gradient is formed in the forward pass, so nothing of it is stored or computed twice.
"""

import functools
import math

import jax
from jax import numpy as jnp

from benchmarks.peers import jax_loop
from benchmarks.peers.jax_loop import log_normal, to_gaussian

# Rows of a chunk times draws: a few thousand keep the matrix products large and their results in the cache.
_CHUNK = 4096


def unpack(words):
    """Maps uint32 words `[..]` to noise -1/2 or 1/2 `[32 ..]`."""
    bits = (words[:, jnp.newaxis] >> jnp.arange(32, dtype=jnp.uint32)) & 1
    return bits.reshape(-1).astype(jnp.float32) - 0.5


def draw_noise(shape, key):
    """Draws noise -1/2 or 1/2 of a shape, 32 values of a word."""
    size = math.prod(shape)
    return unpack(jax.random.bits(key, (-(-size // 32),), jnp.uint32))[:size].reshape(shape)


def rows_of_chunk(num_rows: int, num_mixing: int) -> int:
    """Returns the largest divisor of the number of rows within the size of a chunk."""
    limit = max(1, _CHUNK // max(1, num_mixing))
    return max(size for size in range(1, min(limit, num_rows) + 1) if num_rows % size == 0)


def split(noise, configuration):
    """Splits noise `[.., N]` by layers."""
    sizes = configuration.noise_sizes
    return jnp.split(noise, [sum(sizes[: index + 1]) for index in range(len(sizes) - 1)], -1)


def posterior(weights, configuration, context, noise_parts):
    """Returns psi, each `[.., Z]`, from a context `[.., C]` and each layer's noise times its kernel."""
    outputs = jax.nn.relu(context + noise_parts[0])
    for index, part in enumerate(noise_parts[1:], 1):
        outputs = jax.nn.relu(jax_loop.dense(weights, f"encoder/hidden_{index}", outputs) + part)
    return to_gaussian(jax_loop.dense(weights, "encoder/output", outputs), configuration.scale_floor)


def times_kernels(weights, configuration, noise):
    """Returns each layer's noise times its kernel."""
    return [part @ weights[f"encoder/noise_{index}/kernel"] for index, part in enumerate(split(noise, configuration))]


def chunk_mixture(weights, configuration, rows, noise):
    """Returns sum of log ghat over rows, and log ghat `[R]`.

    Args:
        weights: the encoder's, by name.
        configuration: sizes.
        rows: context `[R, C]`, latent `[R, Z]`, log q(z | psi^0) `[R]`.
        noise: of the extra draws, `[K, R, N]`.
    """
    context, latent, own = rows
    psi = posterior(weights, configuration, context, times_kernels(weights, configuration, noise))
    components = jnp.concatenate([own[jnp.newaxis], log_normal(latent, *psi)])
    values = jax.nn.logsumexp(components, 0) - math.log(configuration.num_mixing + 1)
    return values.sum(), values


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def mixture(configuration, draw, weights, rows, source):
    """Returns log ghat `[chunks, R]`; its gradient is right where its cotangents are all equal, as in the loss.

    Args:
        configuration: sizes.
        draw: an entry of `source` -> noise `[K, R, N]`.
        weights: the encoder's, by name.
        rows: as of `chunk_mixture`, with chunks as a leading axis.
        source: keys, or noise itself, of each chunk.
    """
    return mixture_forward(configuration, draw, weights, rows, source)[0]


def mixture_forward(configuration, draw, weights, rows, source):
    """Returns log ghat, and the gradients of its sum."""

    def chunk(total, inputs):
        rows, entry = inputs
        function = jax.grad(chunk_mixture, argnums=(0, 2), has_aux=True)
        (gradient, row_gradients), values = function(weights, configuration, rows, draw(entry))
        return jax.tree.map(jnp.add, total, gradient), (values, row_gradients)

    zeros = jax.tree.map(jnp.zeros_like, weights)
    gradient, (values, row_gradients) = jax.lax.scan(chunk, zeros, (rows, source))
    return values, (gradient, row_gradients)


def mixture_backward(configuration, draw, gradients, cotangents):
    """Returns the gradients scaled by the loss' weight of each row, the same for all."""
    weights, rows = jax.tree.map(lambda gradient: cotangents[0, 0] * gradient, gradients)
    return weights, rows, None


mixture.defvjp(mixture_forward, mixture_backward)


def scan(weights, configuration, observations, noise_parts, normal):
    """Unrolls the recurrence: h_{t-1} `[T, B, H]`, z_t and psi_t^0, each `[T, B, Z]`.

    Args:
        weights: by name.
        configuration: sizes.
        observations: `[T, B, D]`.
        noise_parts: of psi^0, each layer's noise times its kernel, `[T, B, units]`.
        normal: `[T, B, Z]`.
    """
    D, H = configuration.event_size, configuration.hidden_size
    kernel, gru_kernel = weights["encoder/hidden_0/kernel"], weights["transition/kernel"]
    context_of_x = observations @ kernel[:D] + weights["encoder/hidden_0/bias"]
    gates_of_x = observations @ gru_kernel[:D] + weights["transition/bias"][0]

    def step(hidden, inputs):
        context, gates, parts, normal = inputs
        loc, scale = posterior(weights, configuration, context + hidden @ kernel[D:], parts)
        latent = loc + scale * normal
        next_hidden = jax_loop.gates(gates + latent @ gru_kernel[D:], hidden, weights)
        return next_hidden, (hidden, latent, loc, scale)

    start = jnp.zeros((observations.shape[1], H))
    return jax.lax.scan(step, start, (context_of_x, gates_of_x, noise_parts, normal))[1]


def bound(weights, configuration, observations, noise, draw, source):
    """Returns L_K `[B]`.

    Args:
        weights: by name.
        configuration: sizes.
        observations: `[T, B, D]`.
        noise: mixing of psi^0 `[T, B, N]` and latent `[T, B, Z]`.
        draw: an entry of `source` -> noise of a chunk's extra draws `[K, R, N]`.
        source: of each chunk.
    """
    c = configuration
    parts = times_kernels(weights, c, noise[0])
    hidden, latent, loc, scale = scan(weights, c, observations, parts, noise[1])
    num_chunks = jax.tree.leaves(source)[0].shape[0]
    context = jax_loop.dense(weights, "encoder/hidden_0", jnp.concatenate([observations, hidden], -1))
    own = log_normal(latent, loc, scale)
    rows = [array.reshape(num_chunks, -1, array.shape[-1]) for array in (context, latent)]
    rows.append(own.reshape(num_chunks, -1))
    encoder = {name: array for name, array in weights.items() if name.startswith("encoder/")}
    log_mixture = mixture(c, draw, encoder, tuple(rows), source).reshape(own.shape)
    prior = to_gaussian(jax_loop.network(weights, "prior", len(c.prior_sizes), hidden), c.scale_floor)
    logits = jax_loop.network(weights, "decoder", len(c.decoder_sizes), jnp.concatenate([latent, hidden], -1))
    values = jax_loop.log_bernoulli(observations, logits) + log_normal(latent, *prior) - log_mixture
    return values.sum(0)


class Contender(jax_loop.JaxContender):
    """The hoisted bound."""

    def sampled_bound(self, weights, observations, key):
        """Returns L_K with noise unpacked from random bits."""
        c = self.configuration
        shape = observations.shape[:2]
        num_rows = math.prod(shape)
        size = rows_of_chunk(num_rows, c.num_mixing)
        mixing_key, latent_key, extra_key = jax.random.split(key, 3)
        noise = draw_noise((*shape, c.noise_size), mixing_key), jax.random.normal(latent_key, (*shape, c.latent_size))
        draw = functools.partial(draw_noise, (c.num_mixing, size, c.noise_size))
        return bound(weights, c, observations, noise, draw, jax.random.split(extra_key, num_rows // size))

    def fixed_bound(self, weights, observations, noise):
        """Returns L_K with given noise."""
        c = self.configuration
        size = rows_of_chunk(math.prod(observations.shape[:2]), c.num_mixing)
        source = jnp.reshape(noise["extra_mixing"], (c.num_mixing, -1, size, c.noise_size)).swapaxes(0, 1)
        given = jnp.asarray(noise["mixing"]), jnp.asarray(noise["latent"])
        return bound(weights, c, observations, given, lambda entry: entry, source)
