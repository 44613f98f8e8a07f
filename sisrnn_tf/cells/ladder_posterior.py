"""The posterior of a ladder of latents: one posterior a level, each of which may be semi-implicit."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.cells.ladder import LadderPrior
from sisrnn_tf.core import networks, random
from sisrnn_tf.core.types import Gaussian, Noise, Shape, Sizes
from sisrnn_tf.core.validation import require
from sisrnn_tf.posteriors import Posterior


@keras.saving.register_keras_serializable("sisrnn_tf")
class LadderPosterior(Posterior):
    """q(z_t | ..) = prod_l q(z^l | d^l_t, z^{l+1}), from the top level down, where d_t reads x_t too.

    Each level is any posterior part, which is given d^l_t as the observation and z^{l+1} as the state. What it finds,
    N(m, s^2), and the prior N(m_p, s_p^2) of the level are multiplied (Sonderby et al. 2016):

        scale^2 = 1 / (s^-2 + s_p^-2),  loc = (m s^-2 + m_p s_p^-2) scale^2

    A level's noise makes a mixture of its own. Given z above it, its psi^0..psi^K are exchangeable, so that

        log ghat_t = sum_l log ghat^l(z^l | z^{l+1})

    leaves p / ghat_t unbiased, as the mixtures by dimension of `PerDimension` do.

    Args:
        levels: the posterior of each level, the lowest first.
        prior: of the same levels.
        published_scale: whether the scale is 1 / (s^-2 + s_p^-2), a variance in its place, as the code of STCN has it.
    """

    causal = True

    def __init__(self, levels: Sequence[Posterior], prior: LadderPrior, published_scale: bool = False, **kwargs: Any):
        sizes = tuple(level.latent_size for level in levels)
        expected = f"posteriors of {prior.level_sizes} dimensions, as the prior's levels"
        require(sizes == prior.level_sizes, "posteriors", expected, sizes)
        alone = all(level.causal and level.summary is None for level in levels)
        require(alone, "posteriors", "without a summary: a level reads its network, which is causal", levels)
        super().__init__(prior.latent_size, **kwargs)
        self.levels, self.prior, self.published_scale = list(levels), prior, bool(published_scale)

    @property
    def noise_size(self) -> int:
        """N: the noise dimensions of all levels together."""
        return sum(level.noise_size for level in self.levels)

    def build(self, observation_shape: Shape, hidden_shape: Shape) -> None:
        """See `Posterior`."""
        if not self.prior.built:
            self.prior.build(hidden_shape)
        for index, above in enumerate((*self.prior.level_sizes[1:], 0)):
            with keras.name_scope(f"level_{index + 1}"):  # they may be named alike
                if not self.levels[index].built:  # one that was loaded is
                    self.levels[index].build((None, self.prior.channels), (None, above))
        self.built = True

    def sample_noise(self, shape: Sizes, seed: tf.Tensor) -> tf.Tensor:
        """Draws the levels' noise beside each other, `[*shape, N]`; arguments as of `Posterior.sample_noise`."""
        parts = [level.sample_noise(shape, random.fold_in(seed, index)) for index, level in enumerate(self.levels)]
        return networks.concat(parts, self.compute_dtype)

    def context(self, observation: tf.Tensor, hidden: tf.Tensor, features: tf.Tensor | None = None) -> tf.Tensor:
        """Returns d_t, and what the prior reads of h_{t-1}, `[.., 2 L C + U]`.

        Args:
            observation: x_t, `[.., D]`, of which all that it reads is in the features.
            hidden: h_{t-1}, `[.., H]`, which begins with d^1_{t-1}, .., d^L_{t-1} and ends with u_t.
            features: d^1_t, .., d^L_t, `[.., L C]`.
        """
        size = self.prior.num_levels * self.prior.channels
        known = hidden[..., hidden.shape[-1] - self.prior.covariate_size :]
        return networks.concat([features, hidden[..., :size], known], self.compute_dtype)

    def _descend(
        self, context: tf.Tensor, noise: tf.Tensor, choose: Callable[[int, Gaussian], tf.Tensor]
    ) -> tuple[tf.Tensor, Gaussian]:
        """Goes from the top level down, as `LadderPrior.descend`; returns z_t and psi_t."""
        channels, noises = self.prior.channels, tf.split(noise, [level.noise_size for level in self.levels], axis=-1)
        states = context[..., self.prior.num_levels * channels :]
        above, chosen, found = None, [], []
        for index in reversed(range(len(self.levels))):
            level, given = self.levels[index], context[..., index * channels : (index + 1) * channels]
            told = given[..., :0] if above is None else above
            expected = self.prior.level(index, states, above)
            found.append(self._combine(level(level.context(given, told), noises[index]), expected))
            above = choose(index, found[-1])
            chosen.append(above)
        loc, scale = (tf.concat(parts[::-1], axis=-1) for parts in zip(*found, strict=True))
        return tf.concat(chosen[::-1], axis=-1), Gaussian(loc, scale)

    def _combine(self, found: Gaussian, expected: Gaussian) -> Gaussian:
        own, given = (1 / tf.square(part.scale) for part in (found, expected))
        variance = 1 / (own + given)
        loc = variance * (found.loc * own + expected.loc * given)
        return Gaussian(loc, variance if self.published_scale else tf.sqrt(variance))

    def call(self, context: tf.Tensor, noise: tf.Tensor) -> Gaussian:
        """Returns psi_t of each level at the means of those above it, each `[*draws, .., Z]`; see `Posterior`."""
        shape = tf.concat([tf.shape(noise)[:-1], tf.shape(context)[-1:]], axis=0)
        context = tf.ensure_shape(tf.broadcast_to(context, shape), [*noise.shape[:-1], context.shape[-1]])
        return self._descend(context, noise, lambda _, psi: psi.loc)[1]

    def draw(self, context: tf.Tensor, draws: Noise) -> tuple[tf.Tensor, Gaussian]:
        """See `Posterior`: each level is told the z that is drawn above it."""
        normals = self.prior.split(draws.latent)
        return self._descend(context, draws.mixing, lambda index, psi: psi.loc + psi.scale * normals[index])

    def at_latent(self, context: tf.Tensor, latent: tf.Tensor, noise: tf.Tensor) -> Gaussian:
        """See `Posterior`: each level is told the z that is above it."""
        parts = self.prior.split(latent)
        return self._descend(context, noise, lambda index, _: parts[index])[1]

    def log_mixture(self, latent: tf.Tensor, own: Gaussian, draws: Gaussian) -> tf.Tensor:
        """Returns log ghat_t, `[..]`, in nats, a sum over levels; arguments as of `Posterior.log_mixture`."""
        owns, extra = (zip(*map(self.prior.split, psi), strict=True) for psi in (own, draws))
        parts = zip(self.levels, self.prior.split(latent), owns, extra, strict=True)
        return tf.add_n([level.log_mixture(z, Gaussian(*psi), Gaussian(*more)) for level, z, psi, more in parts])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        base = super().get_config()
        return {
            **{name: base[name] for name in ("name", "trainable", "dtype")},
            "levels": [keras.saving.serialize_keras_object(level) for level in self.levels],
            "prior": keras.saving.serialize_keras_object(self.prior),
            "published_scale": self.published_scale,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LadderPosterior":
        """Builds the posterior from its `get_config`."""
        made = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("levels", "prior")}
        return cls(**{**config, **made})
