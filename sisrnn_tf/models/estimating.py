"""The likelihoods that users ask a model for: its bound, and estimates by importance sampling."""

import abc
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from sisrnn_tf.core import batches, random
from sisrnn_tf.core.types import Array, Batch, BoundTerms
from sisrnn_tf.core.validation import require, require_int
from sisrnn_tf.inference import particles
from sisrnn_tf.inference.fivo import FIVO
from sisrnn_tf.inference.iwae import IWAE
from sisrnn_tf.inference.objective import Estimate, Objective
from sisrnn_tf.inference.sivi import SIVI
from sisrnn_tf.models.checked import CheckedModel


class EstimatingModel(CheckedModel):
    """A checked model that estimates log p(x_1..x_T) by any objective that fits it.

    Attributes:
        stream: of the noise of training and of calls without a seed.
        has_steps: whether there are several stochastic steps, after which particles can be resampled.
    """

    stream: random.RandomStream
    has_steps: bool = True
    _WHOLE = "a sentence has one latent, and so one step"

    @abc.abstractmethod
    def make_pass(self, batch: Batch, seed: tf.Tensor, first_row: int | tf.Tensor = 0, training: bool = False) -> Any:
        """Returns a pass over a batch, of whatever type the model's other methods take.

        Args:
            batch: of `prepare`.
            seed: int32 `[2]`.
            first_row: number of the batch's first sequence among those of the seed.
            training: whether what training alone does, such as dropout, is done.
        """

    @abc.abstractmethod
    def estimate_pass(self, passed: Any, objective: Objective) -> Estimate:
        """Returns an objective's estimate for each sequence of a pass."""

    def bound(
        self,
        observations: Array,
        mask: Array | None = None,
        num_mixing: int = 1,
        seed: random.Seed | None = None,
        observed: Array | None = None,
        covariates: Array | None = None,
    ) -> BoundTerms:
        """Returns the bound L_K and its parts, each `[B]`, in nats, at kl_weight 1.

        Args:
            observations: x, `[B, T, D]`.
            mask: bool `[B, T]`, right padding; None where every step is real.
            num_mixing: K.
            seed: an int or a pair of ints; None draws from the model's stream.
            observed: bool `[B, T, D]`, False on missing values, which may hold anything; None where none are missing.
            covariates: u, `[B, T, U]`, of a model that has such; None of others.

        Raises:
            ValueError: `num_mixing` is no int of at least 0, or the observations' shape is not the model's.
        """
        return self.estimate(SIVI(num_mixing), observations, mask, seed, 0, observed, covariates).terms

    def estimate(
        self,
        objective: Objective,
        observations: Array,
        mask: Array | None = None,
        seed: random.Seed | None = None,
        first_row: int = 0,
        observed: Array | None = None,
        covariates: Array | None = None,
    ) -> Estimate:
        """Returns an objective's estimate of log p(x_1..x_T), and the bound's terms, each `[B]`, in nats.

        Args:
            objective: such as `sisrnn_tf.objectives.IWAE(num_importance=M, num_mixing=K)`.
            observations: x, `[B, T, D]`.
            mask: bool `[B, T]`, right padding; None where every step is real.
            seed: an int or a pair of ints; None draws from the model's stream.
            first_row: number of the first sequence among those of the seed, each of which draws by its number: so
                the answer does not depend on how sequences are cut into batches.
            observed: bool `[B, T, D]`, False on missing values, which may hold anything; None where none are missing.
            covariates: u, `[B, T, U]`, of a model that has such; None of others.

        Raises:
            ValueError: the objective is none, or does not fit the model, or the observations' shape is not the
                model's.
        """
        require(
            isinstance(objective, Objective),
            "objective",
            "an object of `sisrnn_tf.objectives`, such as SIVI(num_mixing=5)",
            objective,
        )
        require(self.has_steps or not objective.needs_steps, "objective", self._WHOLE, objective)
        first_row = tf.constant(require_int("first_row", first_row, 0))
        batch = self._to_batch(observations, mask, observed, covariates)
        kind, sizes, others = objective.parts()
        if tf.executing_eagerly():  # as ints each would be a trace of its own; inside a graph XLA wants to know them
            sizes = {name: tf.constant(size) for name, size in sizes.items()}
        given = (*batch[:2], *batch[3:])
        estimate = self._estimate_function(*given, self._to_seed(seed), first_row, kind, sizes, others)
        return batches.mark(estimate, batch.weight)

    def log_likelihood(
        self,
        observations: Array,
        mask: Array | None = None,
        num_importance: int = 1,
        num_mixing: int = 1,
        resample: bool = False,
        seed: random.Seed | None = None,
        resample_fn: Callable = particles.resample_systematic,
        resample_criterion_fn: Callable = particles.ess_below_threshold,
        observed: Array | None = None,
        covariates: Array | None = None,
    ) -> tf.Tensor:
        """Returns an estimate of log p(x_1..x_T) that is a lower bound in expectation, `[B]`, in nats.

        Without resampling (IWAE) trajectories are weighted whole; with it (sequential Monte Carlo, FIVO) the
        estimate is the product over steps of the particles' average weights, and particles are resampled after
        the steps that ask for it: by default systematically, where the effective sample size is under M / 2 (of 2
        particles it never is, so there SMC is IWAE):

            IWAE   log (1/M) sum_m exp(L_K of particle m)
            SMC    sum_t log sum_m W_{t-1}^m w_t^m,      w_t^m = p(x_t|.) p(z_t|.) / ghat_t

        At M = 1 both are the surrogate of `bound` with the same seed. IWAE takes the particles in chunks, SMC step
        after step, and both the mixing draws chunk by chunk, so memory does not grow with K. The deterministic
        RNN's answer is exact, whatever M and K.

        Args:
            observations: x, `[B, T, D]`.
            mask: bool `[B, T]`, right padding; None where every step is real.
            num_importance: M, trajectories or particles.
            num_mixing: K, mixing draws of each particle and step beside the generating one.
            resample: whether to resample particles.
            seed: an int or a pair of ints; None draws from the model's stream.
            resample_fn: (normalized log-weights `[M, B]`, uniform numbers `[M, B]`) -> ancestors int32 `[M, B]`;
                `particles.resample_systematic` or `particles.resample_multinomial`.
            resample_criterion_fn: normalized log-weights `[M, B]` -> whether to resample, bool `[B]`.
            observed: bool `[B, T, D]`, False on missing values, which may hold anything; None where none are missing.
            covariates: u, `[B, T, U]`, of a model that has such; None of others.

        Raises:
            ValueError: `num_importance` is no int of at least 1, `num_mixing` none of at least 0, `resample` no bool,
                `resample_fn` or `resample_criterion_fn` no function, or the observations' shape is not the model's.
        """
        require(isinstance(resample, bool), "resample", "True or False", resample)
        require(self.has_steps or not resample, "resample", f"False: {self._WHOLE}", resample)
        smc = FIVO(num_importance, num_mixing, resample_fn, resample_criterion_fn)
        objective = smc if resample else IWAE(num_importance, num_mixing)
        return self.estimate(objective, observations, mask, seed, 0, observed, covariates).log_likelihood

    def score(
        self,
        observations: Array,
        mask: Array | None = None,
        num_importance: int = 1,
        num_mixing: int = 1,
        seed: random.Seed | None = None,
        first_row: int = 0,
        observed: Array | None = None,
        covariates: Array | None = None,
    ) -> tf.Tensor:
        """Returns the estimate of log p(x_1..x_T) that an exported model serves, `[B]`, in nats.

        It is `log_likelihood` with resampling where there are steps to resample at, so at M = 1 the bound L_K.

        Args:
            observations: x, `[B, T, D]`.
            mask: bool `[B, T]`, right padding; None where every step is real.
            num_importance: M.
            num_mixing: K.
            seed: an int or a pair of ints; None draws from the model's stream.
            first_row: number of the first sequence among those of the seed.
            observed: bool `[B, T, D]`, False on missing values, which may hold anything; None where none are missing.
            covariates: u, `[B, T, U]`, of a model that has such; None of others.

        Raises:
            ValueError: a number is out of its range, or the observations' shape is not the model's.
        """
        several = FIVO if self.has_steps else IWAE
        objective = SIVI(num_mixing) if num_importance == 1 else several(num_importance, num_mixing)
        return self.estimate(objective, observations, mask, seed, first_row, observed, covariates).log_likelihood

    def _to_seed(self, seed: random.Seed | None) -> tf.Tensor:
        return self.stream.next_seed() if seed is None else random.as_seed(seed)

    def _to_batch(self, observations, mask, observed=None, covariates=None) -> Batch:
        is_array = not isinstance(observations, Mapping)
        require(is_array, "observations", "an array; pass the mask of a batch as `mask`", type(observations))
        beside = {"mask": mask, "observed": observed, "covariates": covariates}
        return self.prepare({"observations": observations, **beside})

    @tf.function(reduce_retracing=True, autograph=False)
    def _estimate_function(self, observations, mask, observed, covariates, seed, first_row, kind, sizes, others):
        passed = self.make_pass(Batch(observations, mask, None, observed, covariates), seed, first_row)
        return self.estimate_pass(passed, kind(**sizes, **dict(others)))
