"""The parts of a cell whose generative half is known: its state h_t is z_t and how many steps there have been.

h_{t-1} = (z_{t-1}, t - 1),  h_0 = 0,  H = Z + 1;    parameters of the emission: (z_t, t),  P = Z + 1
"""

from typing import Any

import keras
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from sisrnn_tf.cells import draws
from sisrnn_tf.cells.decoder import Decoder
from sisrnn_tf.cells.dynamics import Dynamics, log_prior
from sisrnn_tf.cells.prior import Prior
from sisrnn_tf.cells.transition import Transition
from sisrnn_tf.core import networks, random
from sisrnn_tf.emissions import Emission


def split_state(hidden: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns z_{t-1}, `[.., Z]`, and t, `[.., 1]`, from h_{t-1}, `[.., H]`."""
    return hidden[..., :-1], hidden[..., -1:] + 1


def _of(dynamics: Dynamics, config: dict[str, Any], *sizes: str) -> dict[str, Any]:
    """Returns a part's configuration: its dynamics in the place of the sizes that follow from it."""
    rest = {name: value for name, value in config.items() if name not in sizes}
    return {**rest, "dynamics": keras.saving.serialize_keras_object(dynamics)}


def _with_dynamics(config: dict[str, Any]) -> dict[str, Any]:
    return {**config, "dynamics": keras.saving.deserialize_keras_object(config["dynamics"])}


@keras.saving.register_keras_serializable("sisrnn_tf")
class KnownPrior(Prior):
    """p(z_t | z_{t-1}), at t = 1 p(z_1), of known dynamics.

    Args:
        dynamics: of `sisrnn_tf.cells.Dynamics`.
    """

    def __init__(self, dynamics: Dynamics, **kwargs: Any):
        super().__init__(dynamics.latent_size, **kwargs)
        self.dynamics = dynamics

    def distribution(self, hidden: tf.Tensor) -> tfd.Distribution:
        """See `Prior`."""
        latent, time = split_state(hidden)
        is_first = tf.cast(time < 1.5, latent.dtype)  # [.., 1]
        which = tfd.Categorical(probs=tf.concat([is_first, 1 - is_first], axis=-1))
        initial = self.dynamics.initial(tf.zeros_like(latent))
        return tfd.Mixture(which, [initial, self.dynamics.transition(latent, tf.maximum(time, 2))])

    def log_density(self, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """See `Prior`."""
        return log_prior(self.dynamics, latent, *split_state(hidden))

    def sample(self, hidden: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """See `Prior`."""
        latent, time = split_state(hidden)
        first = draws.draw(self.dynamics.initial, (tf.zeros_like(latent),), seed)
        later = draws.draw(self.dynamics.transition, (latent, tf.maximum(time, 2)), seed)
        return tf.where(time < 1.5, first, later)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return _of(self.dynamics, super().get_config(), "latent_size")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "KnownPrior":
        """Builds the prior from its `get_config`."""
        return cls(**_with_dynamics(config))


@keras.saving.register_keras_serializable("sisrnn_tf")
class KnownDecoder(Decoder):
    """(z_t, t), the parameters of a `KnownEmission`.

    Args:
        latent_size: Z.
    """

    def __init__(self, latent_size: int, **kwargs: Any):
        super().__init__(latent_size + 1, **kwargs)

    def call(self, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """See `Decoder`."""
        return networks.concat([latent, split_state(hidden)[1]], networks.density_dtype(self).name)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        latent_size = config.pop("parameter_size") - 1
        return {**config, "latent_size": latent_size}


@keras.saving.register_keras_serializable("sisrnn_tf")
class KnownTransition(Transition):
    """h_t = (z_t, t).

    Args:
        latent_size: Z.
    """

    def __init__(self, latent_size: int, **kwargs: Any):
        super().__init__(latent_size + 1, **kwargs)

    def call(self, observation: tf.Tensor, latent: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """See `Transition`."""
        return networks.concat([latent, split_state(hidden)[1]], self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        latent_size = config.pop("hidden_size") - 1
        return {**config, "latent_size": latent_size}


@keras.saving.register_keras_serializable("sisrnn_tf")
class KnownEmission(Emission):
    """p(x_t | z_t) of known dynamics; its parameters are (z_t, t).

    Steps that are missing whole can be imputed, and of dimensions that are a `tfd.Independent` each by itself.

    Args:
        dynamics: of `sisrnn_tf.cells.Dynamics`.
    """

    def __init__(self, dynamics: Dynamics):
        super().__init__(dynamics.event_size)
        self.dynamics = dynamics
        self.is_density = dynamics.is_density

    @property
    def expected(self) -> str:
        """See `Emission`."""
        return self.dynamics.expected

    @property
    def parameter_size(self) -> int:
        """P = Z + 1."""
        return self.dynamics.latent_size + 1

    def possible(self, x: tf.Tensor) -> tf.Tensor:
        """See `Emission`."""
        return self.dynamics.possible(x)

    def distribution(self, parameters: tf.Tensor) -> tfd.Distribution:
        """Returns p(x_t | z_t), batch `[..]`, event `[D]`, for (z_t, t), `[.., P]`."""
        return self.dynamics.observation(parameters[..., :-1], tf.maximum(parameters[..., -1:], 1))

    def mean(self, parameters: tf.Tensor) -> tf.Tensor:
        """Returns the distribution's mean, `[.., D]`, for (z_t, t), `[.., P]`."""
        return tf.cast(self.distribution(parameters).mean(), parameters.dtype)

    def sample(self, parameters: tf.Tensor, seed: tf.Tensor, temperature: float | tf.Tensor = 1.0) -> tf.Tensor:
        """Draws observations `[.., D]`.

        Args:
            parameters: (z_t, t), `[.., P]`.
            seed: int32 `[2]`, or one for each row, `[.., 2]`.
            temperature: 1; at any other, of which such a distribution knows nothing, the draws are NaN.
        """
        shape = tf.shape(parameters)
        seeds = tf.broadcast_to(seed, tf.concat([shape[:-1], [2]], axis=0))
        if seed.shape.rank == 1:  # of all rows together
            numbers = tf.reshape(tf.range(tf.reduce_prod(shape[:-1])), shape[:-1])
            seeds = random.fold_in(seed, numbers)
        rows, seeds = tf.reshape(parameters, [-1, self.parameter_size]), tf.reshape(seeds, [-1, 2])
        values = tf.cast(draws.draw(self.distribution, (rows,), seeds), parameters.dtype)
        values = tf.reshape(values, tf.concat([shape[:-1], [self.event_size]], axis=0))
        return tf.where(tf.equal(tf.cast(temperature, values.dtype), 1), values, float("nan"))

    def log_prob_observed(self, parameters: tf.Tensor, x: tf.Tensor, observed: tf.Tensor) -> tf.Tensor:
        """See `Emission`."""
        distribution = self.distribution(parameters)
        if self._is_whole(distribution):
            return tf.where(observed[..., 0], distribution.log_prob(tf.cast(x, distribution.dtype)), 0)
        log_probs = distribution.distribution.log_prob(tf.cast(x, distribution.dtype))  # [.., D]
        return tf.reduce_sum(tf.where(observed, log_probs, 0), axis=-1)

    def sample_missing(self, parameters: tf.Tensor, x: tf.Tensor, observed: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """See `Emission`."""
        self._is_whole(self.distribution(parameters))
        return tf.where(observed, x, self.sample(parameters, seed))

    def _is_whole(self, distribution: tfd.Distribution) -> bool:
        """Returns whether x_t is one number, observed or not; raises a ValueError where its dimensions depend."""
        if self.event_size == 1:
            return True
        if not (isinstance(distribution, tfd.Independent) and distribution.distribution.event_shape.rank == 0):
            self._refuse("log_prob_observed", "score what is observed of dimensions that depend on each other")
        return False

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"dynamics": keras.saving.serialize_keras_object(self.dynamics)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "KnownEmission":
        """Builds the emission from its `get_config`."""
        return cls(**_with_dynamics(config))

    def __repr__(self) -> str:
        return f"KnownEmission({type(self.dynamics).__name__})"
