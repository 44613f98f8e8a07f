"""The signatures of models of sequences."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from sisrnn_tf.core.types import StreamState
from sisrnn_tf.data.normalization import Normalization
from sisrnn_tf.export import requests
from sisrnn_tf.export.units import Units
from sisrnn_tf.models.stepwise import StepwiseModel

_WARMUP_STEPS = 8


class _Checked(NamedTuple):
    """A request that is in order, in the model's units.

    Attributes:
        values: `[B, T, D]`, or of a single step `[B, D]`.
        known: bool like them, False on padding and on missing values.
        observed: bool like them, False on missing values; None where none may be.
        covariates: `[B, T, U]` or `[B, U]`; None where there are none.
    """

    values: tf.Tensor
    known: tf.Tensor
    observed: tf.Tensor | None
    covariates: tf.Tensor | None

    @property
    def beside(self) -> tuple[tf.Tensor | None, tf.Tensor | None]:
        """What models take beside observations, mask and numbers."""
        return self.observed, self.covariates


class SequenceSignatures:
    """What an exported model of sequences does; each method is a signature, its arguments are the request.

    Observations are in the user's units, and so are likelihoods; only `emission_parameters` are the model's own. There
    is no `step` where the posterior reads the whole sequence, or where h_0 is not the zeros that a stream begins with.

    Args:
        model: a `StepwiseModel`.
        num_mixing: K.
        num_importance: M.
        normalization: of the model's observations, or None.
        covariate_normalization: of the model's covariates, or None.
        max_generated: the largest B T of `generate`.
        nan_is_missing: whether NaN stands for a missing value, and is not refused.

    Attributes:
        specs: signature -> shapes and types of its arguments.
        sizes: letters, values and meanings of the sizes that are fixed.
        likelihood: what `score` estimates, in words.
    """

    def __init__(
        self,
        model: StepwiseModel,
        num_mixing: int,
        num_importance: int,
        normalization: Normalization | None,
        max_generated: int,
        covariate_normalization: Normalization | None = None,
        nan_is_missing: bool = False,
    ):
        num_importance = 1 if model.is_exact else num_importance
        self.model, self.num_mixing, self.num_importance = model, num_mixing, num_importance
        self.max_generated, self.nan_is_missing = max_generated, nan_is_missing
        dtype, size = model.density_dtype, model.emission.event_size
        self.normalization, self.units = normalization, Units(normalization, dtype)
        self.covariate_units = Units(covariate_normalization, dtype)
        known = [None, None, model.covariate_size]
        covariates = (tf.TensorSpec(known, dtype, "covariates"),) if model.covariate_size else ()
        sequences = (
            tf.TensorSpec([None, None, size], dtype, "observations"),
            tf.TensorSpec([None, None], tf.bool, "mask"),
            requests.SEED,
            *covariates,
        )
        self.specs: dict[str, tuple[tf.TensorSpec, ...]] = {
            "score": sequences,
            "encode": sequences,
            "reconstruct": sequences,
            "generate": (requests.BATCH, requests.STEPS, requests.SEED, *covariates),
        }
        (begin,) = model.cell.get_initial_state(1)
        if model.cell.posterior_part.causal and not np.any(begin):
            self.specs["step"] = (
                tf.TensorSpec([None, size], dtype, "observation"),
                tf.TensorSpec([None, num_importance, model.hidden_size], dtype, "hidden"),
                tf.TensorSpec([None, num_importance], dtype, "particle_log_weights"),
                requests.SEED,
                *(tf.TensorSpec([None, model.covariate_size], dtype, each.name) for each in covariates),
            )

    @property
    def sizes(self) -> list[tuple[str, int, str]]:
        """See the class."""
        emission = self.model.emission
        sizes = [
            ("D", emission.event_size, "features"),
            ("P", emission.parameter_size, "emission parameters"),
            ("H", self.model.hidden_size, "hidden units"),
            *([("U", self.model.covariate_size, "covariates")] if self.model.covariate_size else []),
        ]
        if self.model.is_exact:
            return sizes
        return [
            *sizes,
            ("Z", self.model.cell.latent_size, "latents"),
            ("K", self.num_mixing if self.model.mixes else 0, "mixing draws"),
            ("M", self.num_importance, "particles"),
        ]

    @property
    def likelihood(self) -> str:
        """See the class."""
        if self.model.is_exact:
            return "log p(x), exact"
        sizes = dict(size[:2] for size in self.sizes)
        name = "L_K" if self.num_importance == 1 else "sequential Monte Carlo with systematic resampling"
        return f"a lower bound in the mean on log p(x): {name}, K = {sizes['K']}, M = {sizes['M']}"

    def score(
        self, observations: tf.Tensor, mask: tf.Tensor, seed: tf.Tensor, covariates: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """What the model knows of log p(x) of each sequence, see Likelihoods."""
        given, mask, seed = self._to_checked(observations, mask, seed, covariates)
        numbers = (self.num_importance, self.num_mixing, seed)
        values = self.model.score(given.values, mask, *numbers, 0, *given.beside)
        return {"log_likelihood": self.units.density(values, given.known)}

    def encode(
        self, observations: tf.Tensor, mask: tf.Tensor, seed: tf.Tensor, covariates: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """The latents z_t, drawn from the posterior, and the hidden states h_t."""
        given, mask, seed = self._to_checked(observations, mask, seed, covariates)
        outputs = self.model.infer(given.values, mask, seed, *given.beside)
        return {name: tf.cast(outputs[name], self.units.dtype) for name in ("latent", "hidden")}

    def reconstruct(
        self, observations: tf.Tensor, mask: tf.Tensor, seed: tf.Tensor, covariates: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """The emission's mean at latents drawn from the posterior."""
        given, mask, seed = self._to_checked(observations, mask, seed, covariates)
        rebuilt = self.model.reconstruct(given.values, mask, seed, *given.beside)
        return {"observations": self.units.invert(rebuilt)}

    def generate(
        self, batch: tf.Tensor, steps: tf.Tensor, seed: tf.Tensor, covariates: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """New sequences, drawn from the model: T = steps of B = batch."""
        inputs = (batch, steps, seed, *(() if covariates is None else (covariates,)))
        batch, steps, seed, *beside = requests.check_shapes(self.specs["generate"], *inputs)
        batch, steps = requests.check_sizes(batch, steps, self.max_generated)
        known = self._to_known(beside, (batch, steps))
        return {"observations": self.units.invert(self.model.generate(batch, steps, seed, covariates=known))}

    def step(
        self,
        observation: tf.Tensor,
        hidden: tf.Tensor,
        particle_log_weights: tf.Tensor,
        seed: tf.Tensor,
        covariates: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """One observation of a stream.

        The state, `hidden` and `particle_log_weights`, begins as zeros. `log_weight` is what the observation adds to
        `score`, in nats. `mean` and the `emission_parameters`, which are in the model's own units, predict it from the
        state before it, at a draw from the prior. Each step wants a seed of its own: with element t of the SplitMix64
        sequence of the seed's 64 bits, t from 0 on, the steps add up to `score`.
        """
        inputs = (observation, hidden, particle_log_weights, seed, *(() if covariates is None else (covariates,)))
        observation, hidden, log_weights, seed, *beside = requests.check_shapes(self.specs["step"], *inputs)
        observation, *state = requests.check_state(observation, hidden, log_weights)
        known = self._to_known(beside, (tf.shape(observation)[0],))
        given = self._to_possible("observation", observation, known)
        step = self.model.stream_step(given.values, StreamState(*state), self.num_mixing, seed, *given.beside)
        return {
            "log_weight": self.units.density(step.log_weight, given.known),
            "emission_parameters": step.emission_parameters,
            "mean": self.units.invert(self.model.emission.mean(step.emission_parameters)),
            "hidden": step.state.hidden,
            "particle_log_weights": step.state.log_weights,
        }

    def _to_checked(self, observations, mask, seed, covariates) -> tuple[_Checked, tf.Tensor, tf.Tensor]:
        """Returns the inputs of a sequence signature, its mask and its seed, if they are in order."""
        inputs = (observations, mask, seed, *(() if covariates is None else (covariates,)))
        observations, mask, seed, *beside = requests.check_shapes(self.specs["score"], *inputs)
        observations, mask = requests.check_mask(observations, mask)
        known = self._to_known(beside, tf.unstack(tf.shape(mask)), mask)
        return self._to_possible("observations", observations, known, mask), mask, seed

    def _to_known(self, beside, sizes, mask: tf.Tensor | None = None) -> tf.Tensor | None:
        """Returns covariates, the one or none of what is beside, in the model's units, if they are in order."""
        if not beside:
            return None
        (covariates,) = beside
        return requests.check_covariates(covariates, self.covariate_units.apply(covariates), sizes, mask)

    def _to_possible(
        self, name: str, observations: tf.Tensor, covariates: tf.Tensor | None, mask: tf.Tensor | None = None
    ) -> _Checked:
        """Returns observations in the model's units, if all that are known can be observed."""
        observed = ~tf.math.is_nan(observations) if self.nan_is_missing else None
        known = tf.ones_like(observations, tf.bool) if observed is None else observed
        known = known if mask is None else known & mask[..., tf.newaxis]
        applied = self.units.apply(observations)
        values = requests.check_values(name, observations, applied, known, self.model.emission)
        return _Checked(values, known, observed, covariates)

    def examples(self) -> dict[str, tuple]:
        """Returns the arguments of a request for each signature."""
        dtype, size = self.units.dtype.as_numpy_dtype, self.model.emission.event_size
        typical = np.zeros(size) if self.units.normalization is None else np.array(self.units.normalization.shift)
        observations = np.tile(typical, [1, _WARMUP_STEPS, 1]).astype(dtype)
        seed = np.zeros(2, np.int32)
        state = (np.zeros(spec.shape[1:], dtype)[np.newaxis] for spec in self.specs.get("step", ())[1:3])
        scale, known = self.covariate_units.normalization, self.model.covariate_size
        usual = np.zeros(known) if scale is None else np.array(scale.shift)
        beside = [np.tile(usual, [1, _WARMUP_STEPS, 1]).astype(dtype)] if known else []
        sequences = (observations, np.ones([1, _WARMUP_STEPS], bool), seed, *beside)
        count = min(_WARMUP_STEPS, self.max_generated)
        examples = {
            **{name: sequences for name in ("score", "encode", "reconstruct")},
            "generate": (np.int32(1), np.int32(count), seed, *(part[:, :count] for part in beside)),
            "step": (observations[:, 0], *state, seed, *(part[:, 0] for part in beside)),
        }
        return {name: examples[name] for name in self.specs}
