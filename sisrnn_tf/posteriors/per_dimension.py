"""A semi-implicit posterior whose dimensions mix on their own: noise, and a mixture, for each of them."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core import gaussians, networks, random, types
from sisrnn_tf.core.log_space import log_mean_exp
from sisrnn_tf.core.types import Shape, Sizes
from sisrnn_tf.core.validation import require_between, require_int
from sisrnn_tf.posteriors.posterior import Posterior

_WORD = 64  # draws of one bit in a word
_CHUNK_VALUES = 2**16  # rows, times dimensions, times values of the noise, whose parameters are made at a time


@keras.saving.register_keras_serializable("sisrnn_tf")
class PerDimension(Posterior):
    """Semi-implicit mixing of each latent dimension on its own.

        psi_j = m_j(c) + A_j(c) eps_j,    eps_j in {-1/2, 1/2}^n,    c = trunk(x_t, h_{t-1}, features_t)
        log ghat_t = sum_j log (1 / (K + 1)) sum_{k=0..K} q(z_j | psi_j^k)

    Given the context the psi_j are independent over j, so each (z_j, psi_j^0..psi_j^K) is exchangeable on its own, and
    p / ghat_t is as unbiased as with a mixture of whole vectors (Yin & Zhou 2018). The mixture is one of (K + 1)^Z
    components at the price of K; over whole vectors K + 1 components carry at most log(K + 1) nats between all
    dimensions. That the noise enters behind the trunk makes a draw cheap. As each eps_j has 2^n values, the K draws are
    counted by value, and so many densities are evaluated, however many draws there are:

        sum_{k=1..K} q(z_j | psi_j^k) = sum_v count_v q(z_j | psi_j(v))

    Given x_t, h_{t-1} and the features, dimensions are independent; what couples them is their path.

    Args:
        latent_size: Z.
        hidden_sizes: units of each hidden layer of the trunk.
        noise_per_dimension: n, bits of a dimension's noise.
        noise_weight_scale: initial noise weights, as a fraction of a Glorot initialization.
        **kwargs: `activation`, `scale_floor` and `summary`, as of `Posterior`.
    """

    factorizes = True

    def __init__(
        self,
        latent_size: int,
        hidden_sizes: Sequence[int] = (128, 128, 128),
        noise_per_dimension: int = 3,
        noise_weight_scale: float = 0.1,
        **kwargs: Any,
    ):
        super().__init__(latent_size, hidden_sizes, **kwargs)
        bits = require_int("noise_per_dimension", noise_per_dimension, 1)
        self.noise_per_dimension = int(require_between("noise_per_dimension", bits, 1, 8, "from 1 to 8"))
        expected = "finite and at least 0"
        self.noise_weight_scale = require_between("noise_weight_scale", noise_weight_scale, 0, math.inf, expected)
        self.network = networks.MLP(
            self.hidden_sizes, 2 * self.latent_size, self.activation, dtype=self.dtype_policy, name="network"
        )
        self.noise_layer = keras.layers.Dense(
            self.noise_size * 2,
            kernel_initializer=networks.noise_initializer(self.network.dense_layers[-1], self.noise_weight_scale),
            dtype=self.dtype_policy,
            name="noise",
        )

    @property
    def noise_size(self) -> int:
        """N = n Z: a bit of all dimensions after the other."""
        return self.latent_size * self.noise_per_dimension

    def build(self, observation_shape: Shape, hidden_shape: Shape) -> None:
        """Makes the weights for x_t `[.., D]` and h_{t-1} `[.., H]`."""
        shape = self.build_inputs(observation_shape, hidden_shape)
        self.network.build(shape)
        self.noise_layer.build((None, (shape[-1], *self.hidden_sizes)[-1]))

    def sample_noise(self, shape: Sizes, seed: tf.Tensor) -> tf.Tensor:
        """Draws noise `[*shape, N]`, each -1/2 or 1/2; arguments as of `Posterior.sample_noise`."""
        rank = seed.shape.rank - 1
        sizes = tf.unstack(shape) if tf.is_tensor(shape) else list(shape)
        if len(sizes) == rank:  # one draw a seed, of whose words most bits would go to waste
            return random.centered_bernoulli([*sizes, self.noise_size], seed, self.compute_dtype)
        count = math.prod(sizes[rank:])
        words = self._draw_words(count, seed)  # [.., words, n, Z]
        words = words[..., tf.newaxis, :, :]
        places = tf.cast(tf.range(_WORD), tf.uint64)[:, tf.newaxis, tf.newaxis]
        bits = tf.bitwise.bitwise_and(tf.bitwise.right_shift(words, places), tf.constant(1, tf.uint64))
        bits = tf.cast(bits, self.compute_dtype) - 0.5  # [.., words, 64, n, Z]
        bits = tf.reshape(bits, tf.concat([tf.shape(seed)[:-1], [-1, self.noise_size]], axis=0))
        return tf.reshape(bits[..., :count, :], [*sizes, self.noise_size])

    def _draw_words(self, count: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns words uint64 `[.., words, n, Z]`; bit k of word w is draw 64 w + k of that bit of the noise."""
        num_words = (count + _WORD - 1) // _WORD
        pairs = random.bits(2 * num_words * self.noise_size, seed)
        shape = tf.concat([tf.shape(seed)[:-1], [num_words, self.noise_per_dimension, self.latent_size, 2]], axis=0)
        return tf.bitcast(tf.reshape(pairs, shape), tf.uint64)

    def context(self, observation: tf.Tensor, hidden: tf.Tensor, features: tf.Tensor | None = None) -> tf.Tensor:
        """Returns m and A of all dimensions, `[.., 2 (1 + n) Z]`; arguments as of `Posterior.context`."""
        trunk = self.network.hidden(self.join_inputs(observation, hidden, features))
        parts = [self.network.dense_layers[-1](trunk), self.noise_layer(trunk)]
        return networks.concat(parts, networks.density_dtype(self).name)

    def _split(self, context: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns m, `[.., 2 Z]`, and A, `[.., n, 2 Z]`, of loc and of raw scale."""
        sizes = 2 * self.latent_size, 2 * self.noise_size
        base, offsets = tf.split(tf.cast(context, networks.density_dtype(self)), sizes, axis=-1)
        shape = tf.concat([tf.shape(context)[:-1], [self.noise_per_dimension, 2 * self.latent_size]], axis=0)
        return base, tf.reshape(offsets, shape)

    def call(self, context: tf.Tensor, noise: tf.Tensor) -> types.Gaussian:
        """Maps a context `[.., C]` and noise eps_t `[*draws, .., N]` to psi_t, each `[*draws, .., Z]`."""
        base, offsets = self._split(context)
        shape = tf.concat([tf.shape(noise)[:-1], [self.noise_per_dimension, self.latent_size]], axis=0)
        bits = tf.reshape(tf.cast(noise, base.dtype), shape)
        bits = tf.concat([bits, bits], axis=-1)  # [*draws, .., n, 2 Z]: loc and scale share their noise
        return gaussians.from_outputs(base + tf.reduce_sum(offsets * bits, axis=-2), self.scale_floor)

    def log_mixture(self, latent: tf.Tensor, own: types.Gaussian, draws: types.Gaussian) -> tf.Tensor:
        """Returns log ghat_t, `[..]`, in nats, a sum over dimensions; arguments as of `Posterior.log_mixture`."""
        extra = gaussians.log_densities(latent[..., tf.newaxis, :], draws)  # [.., K, Z]
        components = tf.concat([gaussians.log_densities(latent, own)[..., tf.newaxis, :], extra], axis=-2)
        return tf.reduce_sum(log_mean_exp(components, axis=-2), axis=-1)

    def log_mixture_of_draws(
        self,
        context: tf.Tensor,
        latent: tf.Tensor,
        own: types.Gaussian,
        seeds: tf.Tensor,
        num_mixing: int | tf.Tensor,
    ) -> tf.Tensor:
        """See `Posterior`; the draws are those of `sample_noise`, counted."""
        base, offsets = self._split(context)
        values = itertools.product((-0.5, 0.5), repeat=self.noise_per_dimension)
        values = tf.constant(list(values), base.dtype)  # [2^n, n]
        outputs = base[:, tf.newaxis] + tf.linalg.matmul(values, offsets)  # [rows, 2^n, 2 Z]
        psi = gaussians.from_outputs(outputs, self.scale_floor)
        counts = tf.cast(self._count(seeds, num_mixing), base.dtype)
        counted = gaussians.log_densities(latent[:, tf.newaxis], psi) + tf.math.log(counts)  # [rows, 2^n, Z]
        components = tf.concat([gaussians.log_densities(latent, own)[:, tf.newaxis], counted], axis=1)
        total = tf.reduce_logsumexp(components, axis=1) - tf.math.log1p(tf.cast(num_mixing, base.dtype))
        return tf.reduce_sum(total, axis=-1)

    def _count(self, seeds: tf.Tensor, num_mixing: int | tf.Tensor) -> tf.Tensor:
        """Returns how many of K draws have each value of the noise, int32 `[rows, 2^n, Z]`, the first bit highest."""
        words = self._draw_words(num_mixing, seeds)  # [rows, words, n, Z]
        used = tf.clip_by_value(num_mixing - _WORD * tf.range((num_mixing + _WORD - 1) // _WORD), 0, _WORD)
        ones = tf.bitwise.right_shift(
            tf.constant(2**64 - 1, tf.uint64), tf.cast(_WORD - used, tf.uint64)
        )  # of the draws that there are, [words]
        chosen = [ones[:, tf.newaxis]]
        for bit in range(self.noise_per_dimension):
            plane = words[:, :, bit]
            pair = (tf.bitwise.invert(plane), plane)
            chosen = [tf.bitwise.bitwise_and(draws, value) for draws in chosen for value in pair]
        counts = tf.cast(tf.raw_ops.PopulationCount(x=tf.stack(chosen, axis=2)), tf.int32)
        return tf.reduce_sum(counts, axis=1)

    def chunk_rows(self, num_mixing: int | tf.Tensor) -> int:
        """See `Posterior`; the number of draws makes no difference."""
        return max(_CHUNK_VALUES // (self.latent_size * 2**self.noise_per_dimension), 1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "noise_per_dimension": self.noise_per_dimension,
            "noise_weight_scale": self.noise_weight_scale,
        }
