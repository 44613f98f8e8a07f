"""A posterior of known dynamics: told what the dynamics expect, and in units of that."""

from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.cells.dynamics import Dynamics, prior_moments
from sisrnn_tf.cells.known_parts import split_state
from sisrnn_tf.core.types import Gaussian, Shape, Sizes
from sisrnn_tf.posteriors import Posterior


@keras.saving.register_keras_serializable("sisrnn_tf")
class RelativePosterior(Posterior):
    """Any posterior, in units of the known prior.

        m, s = mean and standard deviation of p(z_t | z_{t-1})
        loc, scale = posterior(inputs of x_t and t, inputs of m and s, features_t, eps_t)
        psi_t = (m + s loc, s scale)

    It need not learn the dynamics that are known, nor the units of z: before any training it is about the prior.

    Args:
        posterior: of `sisrnn_tf.posteriors`.
        dynamics: of `sisrnn_tf.cells.Dynamics`, whose `observation_inputs` and `latent_inputs` it reads.
    """

    def __init__(self, posterior: Posterior, dynamics: Dynamics, **kwargs: Any):
        super().__init__(posterior.latent_size, **{"dtype": posterior.dtype_policy, **kwargs})
        self.inner, self.dynamics, self.causal = posterior, dynamics, posterior.causal

    causal = True  # or as the inner one

    @property
    def noise_size(self) -> int:
        """N."""
        return self.inner.noise_size

    def build(self, observation_shape: Shape, hidden_shape: Shape) -> None:
        """See `Posterior`."""
        one = tf.ones([1, 1], self.compute_dtype)
        inputs = self.dynamics.observation_inputs(tf.zeros([1, observation_shape[-1]], one.dtype), one)
        state = tf.zeros([1, self.latent_size], one.dtype)
        known = self.dynamics.latent_inputs(Gaussian(state, tf.ones_like(state)))
        if not self.inner.built:  # one that was loaded is
            self.inner.build((None, inputs.shape[-1]), (None, known.shape[-1]))
        self.built = True

    def sample_noise(self, shape: Sizes, seed: tf.Tensor) -> tf.Tensor:
        """See `Posterior`."""
        return self.inner.sample_noise(shape, seed)

    def features(self, observations: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor | None:
        """See `Posterior`; a causal one's are made with the context, where the time of a single step is known."""
        if self.causal:
            return None
        time = tf.range(1, tf.shape(observations)[0] + 1)[:, tf.newaxis, tf.newaxis]
        time = tf.zeros_like(observations[..., :1]) + tf.cast(time, observations.dtype)
        return self.inner.features(self.dynamics.observation_inputs(observations, time), mask)

    def context(self, observation: tf.Tensor, hidden: tf.Tensor, features: tf.Tensor | None = None) -> tf.Tensor:
        """Returns what all draws of noise share and m and s, `[.., C + 2 Z]`; see `Posterior`."""
        latent, time = split_state(hidden)
        expected = prior_moments(self.dynamics, latent, time)
        inputs = self.dynamics.observation_inputs(tf.cast(observation, time.dtype), time)
        if self.causal:
            features = self._step_features(inputs)
        arguments = (inputs, self.dynamics.latent_inputs(expected), *(() if features is None else (features,)))
        return tf.concat([self.inner.context(*arguments), *expected], axis=-1)

    def _step_features(self, inputs: tf.Tensor) -> tf.Tensor | None:
        """Returns the features of steps, `[.., F]`, each of which depends on its own inputs `[.., F]` alone."""
        rows = tf.reshape(inputs, [1, -1, inputs.shape[-1]])
        features = self.inner.features(rows, None)
        if features is None:
            return None
        return tf.reshape(features, tf.concat([tf.shape(inputs)[:-1], [features.shape[-1]]], axis=0))

    def _split(self, context: tf.Tensor) -> tuple[tf.Tensor, Gaussian]:
        """Returns the inner posterior's context, `[.., C]`, and m and s, each `[.., Z]`."""
        size = self.latent_size
        return context[..., : -2 * size], Gaussian(context[..., -2 * size : -size], context[..., -size:])

    def call(self, context: tf.Tensor, noise: tf.Tensor) -> Gaussian:
        """See `Posterior`."""
        inner, expected = self._split(context)
        relative = self.inner(inner, noise)
        return Gaussian(expected.loc + expected.scale * relative.loc, expected.scale * relative.scale)

    def log_density(self, latent: tf.Tensor, psi: Gaussian) -> tf.Tensor:
        """See `Posterior`."""
        return self.inner.log_density(latent, psi)

    def log_mixture(self, latent: tf.Tensor, own: Gaussian, draws: Gaussian) -> tf.Tensor:
        """See `Posterior`."""
        return self.inner.log_mixture(latent, own, draws)

    def log_mixture_of_draws(
        self, context: tf.Tensor, latent: tf.Tensor, own: Gaussian, seeds: tf.Tensor, num_mixing: int | tf.Tensor
    ) -> tf.Tensor:
        """See `Posterior`: the inner posterior's, in its units, less the logarithm of what they are."""
        inner, (loc, scale) = self._split(context)
        relative = Gaussian((own.loc - loc) / scale, own.scale / scale)
        value = self.inner.log_mixture_of_draws(inner, (latent - loc) / scale, relative, seeds, num_mixing)
        return value - tf.reduce_sum(tf.math.log(scale), axis=-1)

    def chunk_rows(self, num_mixing: int | tf.Tensor) -> int | tf.Tensor:
        """See `Posterior`."""
        return self.inner.chunk_rows(num_mixing)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        base = super().get_config()
        return {
            **{name: base[name] for name in ("name", "trainable", "dtype")},
            "posterior": keras.saving.serialize_keras_object(self.inner),
            "dynamics": keras.saving.serialize_keras_object(self.dynamics),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RelativePosterior":
        """Builds the posterior from its `get_config`."""
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("posterior", "dynamics")}
        return cls(**{**config, **parts})
