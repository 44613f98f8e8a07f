"""What every posterior of a stochastic step is asked for."""

import abc
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core import gaussians, networks
from sisrnn_tf.core.arrays import size_of
from sisrnn_tf.core.log_space import log_mean_exp
from sisrnn_tf.core.types import Activation, Gaussian, Noise, Shape, Sizes
from sisrnn_tf.core.validation import require, require_int, require_ints, require_positive, require_precision
from sisrnn_tf.posteriors.summary import Summary

# Rows times mixing draws of a chunk. Of the paper's sizes 400 to 6400 are equally fast on a CPU.
CHUNK_DRAWS = 1600


class Posterior(keras.layers.Layer, abc.ABC):
    """The posterior of z_t: noise, mixing parameters psi_t from it, and the density of the mixture that they make.

        psi_t = call(context(x_t, h_{t-1}, features_t), eps_t),    q(z_t | psi_t) = N(loc, diag scale^2)

    What does not depend on noise is in the context, computed once for the K + 1 draws of a mixture. A posterior that
    reads more of the sequence than x_t makes `features` of it, once a sequence, of which each step gets its own: those
    of a `summary`, or its own. So how it mixes and what it reads are two parts, of which any two go together.

    Where there are covariates, x_t is [x_t, u_t] to all of this.

    A subclass has `noise_size` and gives `build`, `sample_noise`, `context` and `call`, the first and the third by
    `build_inputs` and `join_inputs`; `features`, and then `causal`, where it has its own; `log_mixture` where its
    mixture is another than over whole latent vectors. It computes in its `compute_dtype`: its layers are made with
    `dtype=self.dtype_policy` and built in `build`, and what it is given is cast in `context`. What `call` returns is in
    the dtype of densities. To be saved it is registered with `keras.saving.register_keras_serializable`, and has its
    own arguments in `get_config`.

    Args:
        latent_size: Z.
        hidden_sizes: units of each hidden layer.
        activation: of the hidden layers; a Keras name or function.
        scale_floor: smallest standard deviation of q(z_t | psi_t).
        summary: what each step is told of the sequence beside x_t, of `sisrnn_tf.posteriors`; None for nothing: a
            filtering posterior. With `BackwardGRU` it is a smoothing one.

    Raises:
        ValueError: it has features of its own, and does not say whether they are `causal`; or `summary` is none.

    Attributes:
        causal: whether the features of a step depend on x_t alone. Those that look further back or ahead want the
            sequence whole, and a stream of single observations has not got it.
        factorizes: whether the dimensions of z_t are independent given the context, by construction.
    """

    causal = True
    factorizes = False

    def __init__(
        self,
        latent_size: int,
        hidden_sizes: Sequence[int] = (128, 128, 128),
        activation: Activation = "relu",
        scale_floor: float = 1e-3,
        summary: Summary | None = None,
        **kwargs: Any,
    ):
        super().__init__(autocast=False, **kwargs)  # a context may hold float32 densities' parameters
        require_precision(self)
        self.latent_size = require_int("latent_size", latent_size, 1)
        self.hidden_sizes = require_ints("hidden_sizes", hidden_sizes)
        self.activation = keras.activations.get(activation)
        self.scale_floor = require_positive("scale_floor", scale_floor)
        given = "an object of `sisrnn_tf.posteriors.Summary`, such as BackwardGRU, or None"
        require(summary is None or isinstance(summary, Summary), "summary", given, summary)
        self.summary = summary
        if summary is not None:
            self.causal = summary.causal
        own = type(self).__mro__[: type(self).__mro__.index(Posterior)]
        silent = any("features" in vars(kind) for kind in own) and not any("causal" in vars(kind) for kind in own)
        expected = "said by a class with `features`: False where those of a step depend on more than its x_t, else True"
        require(not silent, "causal", expected, f"nothing, by {type(self).__name__}")

    @abc.abstractmethod
    def build(self, observation_shape: Shape, hidden_shape: Shape) -> None:
        """Makes the weights for x_t `[.., D]` and h_{t-1} `[.., H]`."""

    @property
    @abc.abstractmethod
    def noise_size(self) -> int:
        """N: dimensions of the noise of a draw; 0 for a point mass, of which all draws are equal."""

    @abc.abstractmethod
    def sample_noise(self, shape: Sizes, seed: tf.Tensor) -> tf.Tensor:
        """Draws noise eps `[*shape, N]`.

        Args:
            shape: ints or a tensor.
            seed: int32 `[2]`, or `[*shape[:r], 2]`, of which the noise is a function: by `sisrnn_tf.random.normal`
                and `sisrnn_tf.random.uniform`, which take such seeds.
        """

    def features(self, observations: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor | None:
        """Returns what each step is told of the sequence beside x_t, time-major `[T, B, F]`; None for nothing.

        That is what the summary says, where there is one.

        Args:
            observations: x, time-major `[T, B, D]`; 0 on padding, and some finite number where `impute` is to find one.
            mask: bool, time-major `[T, B]`, True on real steps; None where every step is real.
        """
        return None if self.summary is None else self.summary(observations, mask=mask)

    def build_inputs(self, observation_shape: Shape, hidden_shape: Shape) -> Shape:
        """Makes the summary's weights, and returns the shape of what `join_inputs` returns."""
        features = 0
        if self.summary is not None:
            self.summary.build((None, None, observation_shape[-1]))
            features = self.summary.size
        return None, observation_shape[-1] + hidden_shape[-1] + features

    def join_inputs(self, observation: tf.Tensor, hidden: tf.Tensor, features: tf.Tensor | None) -> tf.Tensor:
        """Returns x_t, h_{t-1} and the features of the step as one, `[.., D + H + F]`, in the compute dtype."""
        parts = [observation, hidden] if features is None else [observation, hidden, features]
        return networks.concat(parts, self.compute_dtype)

    @abc.abstractmethod
    def context(self, observation: tf.Tensor, hidden: tf.Tensor, features: tf.Tensor | None = None) -> tf.Tensor:
        """Returns what all draws of noise share, `[.., C]`.

        Args:
            observation: x_t, `[.., D]`.
            hidden: h_{t-1}, `[.., H]`.
            features: of the step, `[.., F]`; None where the posterior has none.
        """

    @abc.abstractmethod
    def call(self, context: tf.Tensor, noise: tf.Tensor) -> Gaussian:
        """Maps a context `[.., C]` and noise eps_t `[*draws, .., N]` to psi_t, each `[*draws, .., Z]`."""

    def draw(self, context: tf.Tensor, draws: Noise) -> tuple[tf.Tensor, Gaussian]:
        """Draws z_t ~ q(z_t | psi_t), and returns it and psi_t, each `[.., Z]`.

        Args:
            context: `[.., C]`.
            draws: the noise of psi_t, `[.., N]`, and standard normals, `[.., Z]`.
        """
        psi = self(context, draws.mixing)
        return psi.loc + psi.scale * draws.latent, psi

    def at_latent(self, context: tf.Tensor, latent: tf.Tensor, noise: tf.Tensor) -> Gaussian:
        """Returns psi_t where z_t is known, each `[*draws, .., Z]`.

        That is what `call` returns, but where psi_t of some dimensions hangs on z_t in others.

        Args:
            context: `[.., C]`.
            latent: z_t, `[.., Z]`.
            noise: eps_t, `[*draws, .., N]`.
        """
        return self(context, noise)

    def log_density(self, latent: tf.Tensor, psi: Gaussian) -> tf.Tensor:
        """Returns log q(z_t | psi_t), `[..]`, in nats, of z_t `[.., Z]` and psi_t, each `[.., Z]`."""
        return gaussians.log_density(latent, psi)

    def log_mixture(self, latent: tf.Tensor, own: Gaussian, draws: Gaussian) -> tf.Tensor:
        """Returns log ghat_t, `[..]`, in nats.

            log ghat = logsumexp_{k=0..K} log q(z | psi^k) - log(K + 1)        (Yin & Zhou 2018, eq. 10)

        The generating psi^0 must be a component: only so is p(x_t|.) p(z_t|.) / ghat_t an unbiased estimate.

        Args:
            latent: z_t ~ q(z_t | psi_t^0), `[.., Z]`.
            own: psi_t^0, each `[.., Z]`.
            draws: psi_t^1..psi_t^K, each `[.., K, Z]`.
        """
        extra = self.log_density(latent[..., tf.newaxis, :], draws)  # [.., K]
        components = tf.concat([self.log_density(latent, own)[..., tf.newaxis], extra], axis=-1)
        return log_mean_exp(components, axis=-1)

    def log_mixture_of_draws(
        self, context: tf.Tensor, latent: tf.Tensor, own: Gaussian, seeds: tf.Tensor, num_mixing: int | tf.Tensor
    ) -> tf.Tensor:
        """Returns log ghat_t of rows, `[rows]`, in nats: `log_mixture`, with the K extra draws that seeds make.

        Args:
            context: `[rows, C]`.
            latent: z_t ~ q(z_t | psi_t^0), `[rows, Z]`.
            own: psi_t^0, each `[rows, Z]`.
            seeds: of the noise of psi_t^1..psi_t^K, int32 `[rows, 2]`.
            num_mixing: K.
        """
        draws = self.sample_noise([size_of(seeds, 0), num_mixing], seeds)  # [rows, K, N]
        psi = self.at_latent(context[:, tf.newaxis], latent[:, tf.newaxis], draws)  # each [rows, K, Z]
        return self.log_mixture(latent, own, psi)

    def chunk_rows(self, num_mixing: int | tf.Tensor) -> int | tf.Tensor:
        """Returns of how many rows `log_mixture_of_draws` is asked at a time, for K: few enough for a CPU's cache."""
        if isinstance(num_mixing, int):
            return max(CHUNK_DRAWS // max(num_mixing, 1), 1)
        return tf.maximum(CHUNK_DRAWS // tf.maximum(num_mixing, 1), 1)

    def compute_output_shape(self, context_shape: Shape, noise_shape: Shape) -> Gaussian:
        """Returns the shapes of loc and scale."""
        shape = (*noise_shape[:-1], self.latent_size)
        return Gaussian(shape, shape)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "latent_size": self.latent_size,
            "hidden_sizes": self.hidden_sizes,
            "activation": keras.activations.serialize(self.activation),
            "scale_floor": self.scale_floor,
            "summary": keras.saving.serialize_keras_object(self.summary),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Posterior":
        """Builds the posterior from its `get_config`."""
        return cls(**{**config, "summary": keras.saving.deserialize_keras_object(config["summary"])})
