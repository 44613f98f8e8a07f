"""A posterior that is moved: by a shift of its mixing parameters which all draws share."""

from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core import networks
from sisrnn_tf.core.types import Gaussian, Shape, Sizes
from sisrnn_tf.posteriors.posterior import Posterior


@keras.saving.register_keras_serializable("sisrnn_tf")
class Shifted(Posterior):
    """Any posterior, moved by a shift that it is told as its features.

        loc, scale = posterior(inputs, eps);    psi = (loc + a, scale exp(b / 2)),    features = [a, b]

    The shift is the same for psi^0..psi^K: given it they are as independent and alike as before, so that p / ghat is as
    unbiased. b moves the logarithm of the variance, whatever the posterior's own `scale_floor`.

    Args:
        posterior: of `sisrnn_tf.posteriors`, without features of its own.
    """

    causal = False  # the shift is of the whole sequence

    def __init__(self, posterior: Posterior, **kwargs: Any):
        super().__init__(posterior.latent_size, **{"dtype": posterior.dtype_policy, **kwargs})
        self.inner, self.factorizes = posterior, posterior.factorizes

    @property
    def noise_size(self) -> int:
        """N."""
        return self.inner.noise_size

    def build(self, observation_shape: Shape, hidden_shape: Shape) -> None:
        """See `Posterior`."""
        if not self.inner.built:  # one that was loaded is
            self.inner.build(observation_shape, hidden_shape)
        self.built = True

    def sample_noise(self, shape: Sizes, seed: tf.Tensor) -> tf.Tensor:
        """See `Posterior`."""
        return self.inner.sample_noise(shape, seed)

    def context(self, observation: tf.Tensor, hidden: tf.Tensor, features: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the inner context and the shift, `[.., C + 2 Z]`.

        Args:
            observation, hidden: as of `Posterior.context`.
            features: the shift a, b, `[.., 2 Z]`; None for 0.
        """
        inner = self.inner.context(observation, hidden)
        dtype = networks.density_dtype(self)
        if features is None:
            features = tf.zeros(tf.concat([tf.shape(inner)[:-1], [2 * self.latent_size]], axis=0), dtype)
        return networks.concat([inner, features], dtype.name)

    def call(self, context: tf.Tensor, noise: tf.Tensor) -> Gaussian:
        """See `Posterior`."""
        inner, shift = context[..., : -2 * self.latent_size], context[..., -2 * self.latent_size :]
        return move(self.inner(inner, noise), shift)

    def log_density(self, latent: tf.Tensor, psi: Gaussian) -> tf.Tensor:
        """See `Posterior`."""
        return self.inner.log_density(latent, psi)

    def log_mixture(self, latent: tf.Tensor, own: Gaussian, draws: Gaussian) -> tf.Tensor:
        """See `Posterior`."""
        return self.inner.log_mixture(latent, own, draws)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        base = super().get_config()
        return {
            **{name: base[name] for name in ("name", "trainable", "dtype")},
            "posterior": keras.saving.serialize_keras_object(self.inner),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Shifted":
        """Builds the posterior from its `get_config`."""
        return cls(**{**config, "posterior": keras.saving.deserialize_keras_object(config["posterior"])})


def move(psi: Gaussian, shift: tf.Tensor) -> Gaussian:
    """Returns psi moved by a shift: loc + a, and scale times exp(b / 2).

    Args:
        psi: each `[*draws, .., Z]`.
        shift: a, b, `[.., 2 Z]`, in the dtype of psi.
    """
    of_loc, of_log_variance = tf.split(shift, 2, axis=-1)
    return Gaussian(psi.loc + of_loc, psi.scale * tf.exp(0.5 * of_log_variance))
