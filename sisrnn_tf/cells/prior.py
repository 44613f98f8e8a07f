"""Priors p(z_t | h_{t-1}): what a cell asks of one, the Gaussians, and a mixture of them."""

import abc
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from sisrnn_tf.core import gaussians, networks, random
from sisrnn_tf.core.types import Activation, Gaussian, Shape
from sisrnn_tf.core.validation import require_int, require_ints, require_positive
from sisrnn_tf.emissions import NormalMixture


class Prior(keras.layers.Layer, abc.ABC):
    """The prior of z_t given h_{t-1}.

    A subclass gives `distribution` and `sample`, and `build` where it has weights. Where there are covariates, h_{t-1}
    is [h_{t-1}, u_t] to it.

    Args:
        latent_size: Z.
    """

    def __init__(self, latent_size: int, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)
        self.latent_size = require_int("latent_size", latent_size, 1)

    def build(self, hidden_shape: Shape) -> None:
        """Makes the weights for h_{t-1}, `[.., H]`."""
        self.built = True

    @abc.abstractmethod
    def distribution(self, hidden: tf.Tensor) -> tfd.Distribution:
        """Returns p(z_t | h_{t-1}), batch `[..]`, event `[Z]`, from h_{t-1} `[.., H]`."""

    @abc.abstractmethod
    def sample(self, hidden: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws z_t, `[rows, Z]`.

        Args:
            hidden: h_{t-1}, `[rows, H]`.
            seed: int32 `[rows, 2]`, one for each row; see `random.uniform`.
        """

    def log_density(self, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """Returns log p(z_t | h_{t-1}), `[..]`, in nats, from z_t `[.., Z]` and h_{t-1} `[.., H]`."""
        return self.distribution(hidden).log_prob(latent)

    def moments(self, latent: tf.Tensor, hidden: tf.Tensor) -> Gaussian:
        """Returns mean and standard deviation of each dimension of z_t, each `[.., Z]`.

        They are those of p(z_t | h_{t-1}), but where some dimensions hang on others: there those given the others.

        Args:
            latent: z_t, `[.., Z]`.
            hidden: h_{t-1}, `[.., H]`.
        """
        distribution = self.distribution(hidden)
        return Gaussian(distribution.mean(), distribution.stddev())

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "latent_size": self.latent_size}


class NormalPrior(Prior):
    """A diagonal normal prior, by its `parameters`."""

    @abc.abstractmethod
    def parameters(self, hidden: tf.Tensor) -> Gaussian:
        """Returns loc and scale, each `[.., Z]`, from h_{t-1} `[.., H]`."""

    def distribution(self, hidden: tf.Tensor) -> tfd.Distribution:
        """See `Prior`."""
        return gaussians.to_distribution(self.parameters(hidden))

    def log_density(self, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """See `Prior`."""
        return gaussians.log_density(latent, self.parameters(hidden))

    def sample(self, hidden: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """See `Prior`."""
        loc, scale = self.parameters(hidden)
        return loc + scale * random.normal(tf.shape(loc), seed, loc.dtype)


class _Network(Prior):
    """A prior whose parameters a multilayer perceptron makes of h_{t-1}.

    Args:
        latent_size: Z.
        parameter_size: how many parameters.
        hidden_sizes, activation, scale_floor: as of `GaussianPrior`.
    """

    def __init__(
        self,
        latent_size: int,
        parameter_size: int,
        hidden_sizes: Sequence[int] = (64, 64),
        activation: Activation = "relu",
        scale_floor: float = 1e-3,
        **kwargs: Any,
    ):
        super().__init__(latent_size, **kwargs)
        self.scale_floor = require_positive("scale_floor", scale_floor)
        sizes = require_ints("prior_sizes", hidden_sizes)
        self.network = networks.MLP(sizes, parameter_size, activation, dtype=self.dtype_policy, name="network")

    def build(self, hidden_shape: Shape) -> None:
        """See `Prior`."""
        self.network.build(hidden_shape)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        network = self.network.get_config()
        return {
            **super().get_config(),
            "hidden_sizes": network["hidden_sizes"],
            "activation": network["activation"],
            "scale_floor": self.scale_floor,
        }


@keras.saving.register_keras_serializable("sisrnn_tf")
class GaussianPrior(_Network, NormalPrior):
    """p(z_t | h_{t-1}) = N(loc, diag scale^2) = phi_prior(h_{t-1}) (eq. 4 of the paper).

    Args:
        latent_size: Z.
        hidden_sizes: units of each hidden layer.
        activation: of the hidden layers; a Keras name or function.
        scale_floor: smallest standard deviation.
    """

    def __init__(
        self,
        latent_size: int,
        hidden_sizes: Sequence[int] = (64, 64),
        activation: Activation = "relu",
        scale_floor: float = 1e-3,
        **kwargs: Any,
    ):
        super().__init__(latent_size, 2 * latent_size, hidden_sizes, activation, scale_floor, **kwargs)

    def parameters(self, hidden: tf.Tensor) -> Gaussian:
        """Returns loc and scale, each `[.., Z]`, from h_{t-1} `[.., H]`."""
        return gaussians.from_outputs(self.network(hidden), self.scale_floor)


@keras.saving.register_keras_serializable("sisrnn_tf")
class MixturePrior(_Network):
    """p(z_t | h_{t-1}) = sum_c w_c N(loc_c, diag scale_c^2), a mixture over whole vectors.

    Weights, loc and scale are phi_prior(h_{t-1}).
    A richer posterior makes the bound tighter, a
    richer prior makes the model better.

    Args:
        latent_size: Z.
        hidden_sizes: units of each hidden layer.
        num_components: C.
        **kwargs: as of `GaussianPrior`.
    """

    def __init__(
        self, latent_size: int, hidden_sizes: Sequence[int] = (64, 64), num_components: int = 10, **kwargs: Any
    ):
        # Its distribution is that of an emission of the same name: "the observation" is z_t.
        mixture = NormalMixture(latent_size, num_components, kwargs.get("scale_floor", 1e-3))
        super().__init__(latent_size, mixture.parameter_size, hidden_sizes, **kwargs)
        self.mixture = mixture

    def distribution(self, hidden: tf.Tensor) -> tfd.Distribution:
        """See `Prior`."""
        return self.mixture.distribution(self.network(hidden))

    def sample(self, hidden: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """See `Prior`."""
        return self.mixture.sample(self.network(hidden), seed)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "num_components": self.mixture.num_components}


@keras.saving.register_keras_serializable("sisrnn_tf")
class StandardPrior(NormalPrior):
    """p(z) = N(0, I), whatever came before.

    Args:
        latent_size: Z.
    """

    def parameters(self, hidden: tf.Tensor) -> Gaussian:
        """Returns loc 0 and scale 1, each `[.., Z]`, for h `[.., H]`."""
        shape = tf.concat([tf.shape(hidden)[:-1], [self.latent_size]], axis=0)
        dtype = networks.density_dtype(self)
        return Gaussian(tf.zeros(shape, dtype), tf.ones(shape, dtype))
