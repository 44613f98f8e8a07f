"""A ladder of latents over the levels of a network: prior and decoder of z_t = [z^1, .., z^L]."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf
from tensorflow_probability import bijectors as tfb
from tensorflow_probability import distributions as tfd

from sisrnn_tf.cells.decoder import FeedForwardDecoder
from sisrnn_tf.cells.prior import Prior
from sisrnn_tf.core import gaussians, networks, random
from sisrnn_tf.core.types import Activation, Gaussian, Shape
from sisrnn_tf.core.validation import require, require_int, require_ints, require_positive


@keras.saving.register_keras_serializable("sisrnn_tf")
class LadderPrior(Prior):
    """p(z_t | h_{t-1}) = prod_l p(z^l | d^l_{t-1}, z^{l+1}, u_t), normal distributions from the top level down.

    h_{t-1} begins with d^1_{t-1}, .., d^L_{t-1}, what the network says of x_1..x_{t-1} at each level; what else is in
    it is not looked at. The topmost level has no z above it.

    Args:
        level_sizes: dimensions of z^1, .., z^L, the lowest level first; Z is their sum.
        channels: C, of each d^l.
        hidden_sizes: units of each hidden layer, of each level.
        activation: of the hidden layers; a Keras name or function.
        scale_floor: smallest standard deviation.
        covariate_size: U; what h_{t-1} ends with are the covariates. 0 for none.
    """

    def __init__(
        self,
        level_sizes: Sequence[int],
        channels: int,
        hidden_sizes: Sequence[int] = (64, 64),
        activation: Activation = "relu",
        scale_floor: float = 1e-3,
        covariate_size: int = 0,
        **kwargs: Any,
    ):
        self.level_sizes = require_ints("level_sizes", level_sizes)
        require(len(self.level_sizes) > 0, "level_sizes", "of at least one level", level_sizes)
        super().__init__(sum(self.level_sizes), **kwargs)
        self.channels = require_int("channels", channels, 1)
        self.covariate_size = require_int("covariate_size", covariate_size, 0)
        self.scale_floor = require_positive("scale_floor", scale_floor)
        sizes = require_ints("prior_sizes", hidden_sizes)
        self.networks = [
            networks.MLP(sizes, 2 * size, activation, dtype=self.dtype_policy, name=f"level_{level + 1}")
            for level, size in enumerate(self.level_sizes)
        ]

    @property
    def num_levels(self) -> int:
        """L."""
        return len(self.level_sizes)

    def build(self, hidden_shape: Shape) -> None:
        """See `Prior`."""
        for network, above in zip(self.networks, (*self.level_sizes[1:], 0), strict=True):
            network.build((None, self.channels + above + self.covariate_size))
        self.built = True

    def level(self, index: int, hidden: tf.Tensor, above: tf.Tensor | None) -> Gaussian:
        """Returns p(z^l | ..) as loc and scale, each `[.., Z_l]`.

        Args:
            index: l - 1.
            hidden: h_{t-1}, `[.., H]`.
            above: z^{l+1}, `[.., Z_{l+1}]`; None at the top.
        """
        parts = [hidden[..., index * self.channels : (index + 1) * self.channels]]
        parts += [] if above is None else [above]
        parts += [hidden[..., -self.covariate_size :]] if self.covariate_size else []
        outputs = self.networks[index](networks.concat(parts, self.compute_dtype))
        return gaussians.from_outputs(outputs, self.scale_floor)

    def split(self, latent: tf.Tensor) -> list[tf.Tensor]:
        """Returns z^1, .., z^L of z_t, `[.., Z]`."""
        return tf.split(latent, self.level_sizes, axis=-1)

    def descend(self, hidden: tf.Tensor, choose: Callable[[int, Gaussian], tf.Tensor]) -> tuple[tf.Tensor, Gaussian]:
        """Goes from the top level down; returns z_t and the loc and scale of all levels, each `[.., Z]`.

        Args:
            hidden: h_{t-1}, `[.., H]`.
            choose: (l - 1, p(z^l | ..)) -> z^l, `[.., Z_l]`.
        """
        above, chosen, found = None, [], []
        for index in reversed(range(self.num_levels)):
            found.append(self.level(index, hidden, above))
            above = choose(index, found[-1])
            chosen.append(above)
        loc, scale = (tf.concat(parts[::-1], axis=-1) for parts in zip(*found, strict=True))
        return tf.concat(chosen[::-1], axis=-1), Gaussian(loc, scale)

    def moments(self, latent: tf.Tensor, hidden: tf.Tensor) -> Gaussian:
        """See `Prior`: of each level given z above it."""
        parts = self.split(latent)
        return self.descend(hidden, lambda index, _: parts[index])[1]

    def log_density(self, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """See `Prior`."""
        return gaussians.log_density(latent, self.moments(latent, hidden))

    def sample(self, hidden: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """See `Prior`."""
        shape = tf.concat([tf.shape(hidden)[:-1], [self.latent_size]], axis=0)
        normals = self.split(random.normal(shape, seed, networks.density_dtype(self)))
        return self.descend(hidden, lambda index, given: given.loc + given.scale * normals[index])[0]

    def distribution(self, hidden: tf.Tensor) -> tfd.Distribution:
        """See `Prior`."""

        top = self.num_levels - 1

        def below(index):
            def given(above):  # which may be several draws
                shape = tf.concat([tf.shape(above)[:-1], tf.shape(hidden)[-1:]], axis=0)
                return gaussians.to_distribution(self.level(index, tf.broadcast_to(hidden, shape), above))

            return given

        levels = [gaussians.to_distribution(self.level(top, hidden, None)), *map(below, reversed(range(top)))]
        numbers = self.split(tf.range(self.latent_size))
        places = tf.argsort(tf.concat(numbers[::-1], axis=0))  # of z_t's dimensions, from the top level down
        return tfd.TransformedDistribution(tfd.Blockwise(tfd.JointDistributionSequential(levels)), tfb.Permute(places))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        network = self.networks[0].get_config()
        config = {name: value for name, value in super().get_config().items() if name != "latent_size"}
        return {
            **config,
            "level_sizes": self.level_sizes,
            "channels": self.channels,
            "hidden_sizes": network["hidden_sizes"],
            "activation": network["activation"],
            "scale_floor": self.scale_floor,
            "covariate_size": self.covariate_size,
        }


@keras.saving.register_keras_serializable("sisrnn_tf")
class LadderDecoder(FeedForwardDecoder):
    """phi_decoder(z^1, u_t), or phi_decoder(z^1, .., z^L, u_t): x_t hangs on the past through z_t alone.

    Args:
        parameter_size: P, of the emission.
        level_sizes: dimensions of z^1, .., z^L.
        hidden_sizes: units of each hidden layer.
        dense: whether it reads all levels; else the lowest alone.
        covariate_size: U; what h_{t-1} ends with are the covariates. 0 for none.
        **kwargs: as of `FeedForwardDecoder`.
    """

    def __init__(
        self,
        parameter_size: int,
        level_sizes: Sequence[int],
        hidden_sizes: Sequence[int] = (128, 128),
        dense: bool = False,
        covariate_size: int = 0,
        **kwargs: Any,
    ):
        super().__init__(parameter_size, hidden_sizes, **kwargs)
        self.level_sizes, self.dense = require_ints("level_sizes", level_sizes), bool(dense)
        self.covariate_size = require_int("covariate_size", covariate_size, 0)

    @property
    def _read_size(self) -> int:
        return sum(self.level_sizes) if self.dense else self.level_sizes[0]

    def build(self, latent_shape: Shape, hidden_shape: Shape) -> None:
        """See `Decoder`."""
        super().build((None, self._read_size), (None, self.covariate_size))

    def call(self, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """See `Decoder`."""
        known = hidden[..., hidden.shape[-1] - self.covariate_size :]
        return super().call(latent[..., : self._read_size], known)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        own = {name: getattr(self, name) for name in ("level_sizes", "dense", "covariate_size")}
        return {**super().get_config(), **own}
