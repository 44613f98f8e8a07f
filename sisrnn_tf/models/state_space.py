"""State-space models whose generative half is known: what is learned is the posterior."""

from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.cells.dynamics import Dynamics, require_dynamics
from sisrnn_tf.cells.known_parts import KnownDecoder, KnownEmission, KnownPrior, KnownTransition
from sisrnn_tf.cells.relative_posterior import RelativePosterior
from sisrnn_tf.core.validation import require, require_positive
from sisrnn_tf.inference.objective import Objective
from sisrnn_tf.models.sequence import SISRNN
from sisrnn_tf.posteriors import Posterior, SemiImplicit


@keras.saving.register_keras_serializable("sisrnn_tf")
class StateSpaceModel(SISRNN):
    """A state-space model with known parts: only the posterior has weights.

    The posterior, filtering or smoothing, is one of the same as of `SISRNN`, in units of p(z_t | z_{t-1}): see
    `sisrnn_tf.cells.RelativePosterior`. h_t is (z_t, t).

    Args:
        dynamics: p(z_1), p(z_t | z_{t-1}) and p(x_t | z_t), an object of a subclass of `sisrnn_tf.cells.Dynamics`.
        posterior: of `sisrnn_tf.posteriors`; None for `SemiImplicit` with the paper's sizes.
        num_mixing, kl_weight, seed, eval_num_mixing, truncation, objective: as of `SISRNN`.

    Call arguments and outputs: see `SequenceModel`; z is drawn from the posterior.

    Raises:
        ValueError: what the dynamics return has not the shapes that its docstring asks for, or sizes do not fit.

    Example:
        >>> model = sisrnn_tf.StateSpaceModel(RandomWalk())  # of the docstring of `sisrnn_tf.cells.Dynamics`
        >>> model.compile(optimizer=keras.optimizers.Adam(1e-3))
        >>> model.fit(observations, epochs=5)  # [N, T, 1]
        >>> model.log_likelihood(observations, num_importance=100, resample=True, seed=0)  # [N], nats, <= log p(x)
    """

    def __init__(
        self,
        dynamics: Dynamics,
        posterior: Posterior | None = None,
        num_mixing: int | None = None,
        kl_weight: float = 1.0,
        seed: int = 0,
        eval_num_mixing: int = 10,
        truncation: int | None = None,
        objective: Objective | None = None,
        **kwargs: Any,
    ):
        policy = keras.dtype_policies.get(kwargs.get("dtype") or keras.config.dtype_policy())
        # bfloat16 has no place for z and t, which are part of the state.
        require(policy.compute_dtype in ("float32", "float64"), "dtype", "float32 or float64", policy.name)
        require_dynamics(dynamics, tf.as_dtype(policy.compute_dtype))
        if posterior is None:
            posterior = SemiImplicit(dynamics.latent_size, dtype=policy, name="inner")
        require(isinstance(posterior, Posterior), "posterior", "an object of `sisrnn_tf.posteriors`", posterior)
        size = dynamics.latent_size
        expected = "left out: `Dynamics` read none"
        require("covariate_size" not in kwargs, "covariate_size", expected, kwargs.get("covariate_size"))
        super().__init__(
            KnownEmission(dynamics),
            size,
            size + 1,
            num_mixing=num_mixing,
            kl_weight=kl_weight,
            seed=seed,
            eval_num_mixing=eval_num_mixing,
            truncation=truncation,
            objective=objective,
            posterior=RelativePosterior(posterior, dynamics, name="posterior"),
            prior=KnownPrior(dynamics, dtype=policy, name="prior"),
            decoder=KnownDecoder(size, dtype=policy, name="decoder"),
            transition=KnownTransition(size, dtype=policy, name="transition"),
            **kwargs,
        )
        self.dynamics = dynamics

    def _to_temperature(self, temperature: float) -> tf.Tensor:
        expected = "1: what is observed is drawn from the distribution as it is known"
        require(require_positive("temperature", temperature) == 1, "temperature", expected, temperature)
        return super()._to_temperature(temperature)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        made = ("emission", "latent_size", "hidden_size", "covariate_size", "prior", "decoder", "transition")
        return {
            **{name: value for name, value in config.items() if name not in made},
            "dynamics": keras.saving.serialize_keras_object(self.dynamics),
            "posterior": keras.saving.serialize_keras_object(self.cell.posterior_part.inner),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> "StateSpaceModel":
        """Builds the model from its `get_config`."""
        dynamics = keras.saving.deserialize_keras_object(config["dynamics"], custom_objects)
        return super().from_config({**config, "dynamics": dynamics}, custom_objects)
