"""What all models share: the steps of Keras' training loop, and the likelihoods that users ask for."""

import pathlib
from collections.abc import Callable, Mapping

import keras
import tensorflow as tf

from sisrnn_tf import batches, export, inputs, particles, random, strategies
from sisrnn_tf.data.normalization import Normalization
from sisrnn_tf.data.vocabulary import Vocabulary
from sisrnn_tf.emissions import Emission
from sisrnn_tf.models.checked import CheckedModel
from sisrnn_tf.types import Batch, BoundTerms
from sisrnn_tf.validation import require, require_draws, require_int, require_precision

# Validation draws its noise from a stream of its own, so that training does not depend on how often it is validated.
_EVALUATION_SEED = 2**32


class SequenceModel(CheckedModel):
    """A likelihood of sequences, trained by Keras' `fit` on a bound.

    What the model cannot score, a value outside the emission's support, a mask that is no right padding or a weight
    that is none, is a ValueError where it is known before work begins: in eager calls, of arrays whole and of a data
    set's first batch. Inside a graph (a `tf.function`, later batches of a data set, an export) the likelihood of such
    a sequence, alone, is NaN, and so is the loss of its batch; the loss's gradient is that of the others.

    A subclass has a `stream` of noise, a `loss_layer` and a `density_dtype`, says the `observation_rank`, and gives

        _infer(batch, seed, training)           -> the outputs, and a function that calls the loss layer
        _bound_terms(batch, seed, num_mixing)   -> BoundTerms
        _estimate(batch, num_importance, num_mixing, resampling, seed) -> log p(x) or an estimate of it, [B]
        _score(batch, num_importance, num_mixing, seed, first_row)     -> the same, by the noise law of `score`

    Args:
        emission: the likelihood of one step, an object of `sisrnn_tf.emissions`.
        seed: int, where the model's stream of noise starts.

    Call arguments:
        inputs: observations `[B, T, D]`, or {"observations": `[B, T, D]`, "mask": bool `[B, T]` of right padding,
            "weight": `[B]`}, the last two optional.
        training: whether to add the loss, minus the bound in mean nats per sequence.

    Returns:
        {"emission_parameters": `[B, T, P]`, "latent": `[B, T, Z]`, "hidden": `[B, T, H]`}.
    """

    observation_rank = 3  # [B, T, D]

    def __init__(self, emission: Emission, seed: int = 0, **kwargs):
        super().__init__(autocast=False, **kwargs)  # observations are scored as they come
        require_precision(self)
        require(isinstance(emission, Emission), "emission", "an object of `sisrnn_tf.emissions`", emission)
        of_words = "`OneHotCategorical`, or a `SentenceSISRNN` for words, as `Categorical` has no features"
        require(emission.has_features == (self.observation_rank == 3), "emission", of_words, emission)
        self.likelihood = emission
        self.seed = random.require_seed(seed)
        self.evaluation_stream = random.RandomStream((seed + _EVALUATION_SEED) % 2**64, name="evaluation_stream")

    def call(self, inputs, training=None):
        """Infers z and h for all steps; see the class."""
        batch = self._prepare(inputs)
        outputs, objective = self._infer(batch, self.stream.next_seed(), bool(training))
        if training:
            if self.distribute_strategy.num_replicas_in_sync > 1:
                # Replicas take turns: one that waited for the seed would count the loss of the one before it as well.
                self.loss_layer._clear_losses()
            objective()
        return batches.mark(outputs, batch.weight)

    def train_step(self, data):
        """Trains on a batch, without targets."""
        return self._to_logs(super().train_step((inputs.inputs_of(data),)))

    def test_step(self, data):
        """Evaluates a batch under the evaluation's K and beta = 1."""
        batch = self._prepare(inputs.inputs_of(data))
        _, objective = self._infer(batch, self.evaluation_stream.next_seed(), False)
        objective()
        rows = tf.shape(batch.observations)[0]
        weight = tf.ones([rows]) if batch.weight is None else tf.cast(batch.weight, tf.float32)
        self._loss_tracker.update_state(sum(self.loss_layer.losses), sample_weight=tf.reduce_sum(weight))
        return self._to_logs(self.get_metrics_result())

    def _to_logs(self, metrics: Mapping) -> Mapping:
        """Returns metrics in the shape in which Keras can average them over replicas."""
        if not strategies.in_several_processes(self.distribute_strategy):
            return metrics
        return {name: tf.reshape(value, [1]) for name, value in metrics.items()}

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # All is built but the optimizer. Keras would read a batch first, and fails on one of several processes.
        if self._distribute_strategy is not None and self.optimizer is not None and not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)

    def _prepare(self, inputs) -> Batch:
        return batches.prepare(inputs, self.likelihood, self.density_dtype)

    def make_train_function(self, force=False):
        """Makes the training step; were the optimizer's variables made within it, it would be traced twice."""
        if not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)
        return super().make_train_function(force)

    def infer(self, observations, mask=None, seed: random.Seed | None = None) -> dict[str, tf.Tensor]:
        """Returns what a call of the model does, with the noise of a seed; arguments as of `bound`."""
        batch = self._to_batch(observations, mask)
        return batches.mark(self._infer_function(*batch[:2], self._to_seed(seed)), batch.weight)

    def bound(self, observations, mask=None, num_mixing: int = 1, seed: random.Seed | None = None) -> BoundTerms:
        """Returns the bound L_K and its parts, each `[B]`, in nats, at kl_weight 1.

        Args:
            observations: x, `[B, T, D]`.
            mask: bool `[B, T]`, right padding; None where every step is real.
            num_mixing: K.
            seed: an int or a pair of ints; None draws from the model's stream.

        Raises:
            ValueError: `num_mixing` is no int of at least 0, or the observations' shape is not the model's.
        """
        num_mixing = require_draws("num_mixing", num_mixing, 0)
        batch = self._to_batch(observations, mask)
        return batches.mark(self._bound_function(*batch[:2], num_mixing, self._to_seed(seed)), batch.weight)

    def log_likelihood(
        self,
        observations,
        mask=None,
        num_importance: int = 1,
        num_mixing: int = 1,
        resample: bool = False,
        seed: random.Seed | None = None,
        resample_fn: Callable = particles.resample_systematic,
        resample_criterion_fn: Callable = particles.ess_below_threshold,
    ) -> tf.Tensor:
        """Returns an estimate of log p(x_1..x_T) that is a lower bound in expectation, `[B]`, in nats.

        Without resampling (IWAE) trajectories are weighted whole; with it (sequential Monte Carlo, FIVO) the
        estimate is the product over steps of the particles' average weights, and particles are resampled after
        the steps that ask for it: by default systematically, where the effective sample size is under M / 2 (of 2
        particles it never is, so there SMC is IWAE):

            IWAE   log (1/M) sum_m exp(L_K of particle m)
            SMC    sum_t log sum_m W_{t-1}^m w_t^m,      w_t^m = p(x_t|.) p(z_t|.) / ghat_t

        Particle m draws as `bound` does from the seed fold_in(seed, m): at M = 1 both are that bound's surrogate.
        IWAE takes the particles in chunks, SMC step after step, and both the mixing draws one by one, so memory does
        not grow with K. The deterministic RNN's answer is exact, whatever M and K.

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

        Raises:
            ValueError: `num_importance` is no int of at least 1, `num_mixing` none of at least 0, `resample` no bool,
                `resample_fn` or `resample_criterion_fn` no function, or the observations' shape is not the model's.
        """
        num_importance = require_draws("num_importance", num_importance, 1)
        num_mixing = require_draws("num_mixing", num_mixing, 0)
        require(isinstance(resample, bool), "resample", "True or False", resample)
        for name, part in (("resample_fn", resample_fn), ("resample_criterion_fn", resample_criterion_fn)):
            require(callable(part), name, "a function, such as those of `sisrnn_tf.particles`", part)
        resampling = (resample_fn, resample_criterion_fn) if resample else None
        seed = None if seed is None else random.as_seed(seed)
        batch = self._to_batch(observations, mask)
        return batches.mark(self._estimate(batch, num_importance, num_mixing, resampling, seed), batch.weight)

    def score(
        self,
        observations,
        mask=None,
        num_importance: int = 1,
        num_mixing: int = 1,
        seed: random.Seed | None = None,
        first_row: int = 0,
    ) -> tf.Tensor:
        """Returns the estimate of log p(x_1..x_T) that an exported model serves, `[B]`, in nats.

        It is `log_likelihood` with resampling where there are steps to resample at, so at M = 1 the bound L_K, but for
        where its noise is from: step t draws from the seed fold_in(seed, t), so that steps that come one by one give
        the same, and sequence b by its number first_row + b, so that the answer does not depend on the batches.

        Args:
            observations: x, `[B, T, D]`.
            mask: bool `[B, T]`, right padding; None where every step is real.
            num_importance: M.
            num_mixing: K.
            seed: an int or a pair of ints; None draws from the model's stream.
            first_row: number of the first sequence among those of the seed.

        Raises:
            ValueError: a number is out of its range, or the observations' shape is not the model's.
        """
        num_importance = tf.constant(require_draws("num_importance", num_importance, 1))
        num_mixing = tf.constant(require_draws("num_mixing", num_mixing, 0))
        first_row = tf.constant(require_int("first_row", first_row, 0))
        batch = self._to_batch(observations, mask)
        values = self._score_function(*batch[:2], num_importance, num_mixing, self._to_seed(seed), first_row)
        return batches.mark(values, batch.weight)

    def export(
        self,
        path: str | pathlib.Path,
        num_mixing: int = 10,
        num_importance: int = 1,
        normalization: Normalization | None = None,
        vocabulary: Vocabulary | None = None,
        origin: export.Origin | None = None,
        max_generated: int | None = None,
    ) -> None:
        """Writes a SavedModel with the signatures score, encode, reconstruct, generate and, of sequences, step.

        Arguments: see `sisrnn_tf.export.export`.
        """
        export.export(self, path, num_mixing, num_importance, normalization, vocabulary, origin, max_generated)

    def _to_seed(self, seed: random.Seed | None) -> tf.Tensor:
        return self.stream.next_seed() if seed is None else random.as_seed(seed)

    def _to_batch(self, observations, mask) -> Batch:
        is_array = not isinstance(observations, Mapping)
        require(is_array, "observations", "an array; pass the mask of a batch as `mask`", type(observations))
        return self._prepare({"observations": observations, "mask": mask})

    @tf.function(reduce_retracing=True, autograph=False)
    def _infer_function(self, observations, mask, seed):
        return self._infer(Batch(observations, mask, None), seed, False)[0]

    @tf.function(reduce_retracing=True, autograph=False)
    def _bound_function(self, observations, mask, num_mixing, seed):
        return self._bound_terms(Batch(observations, mask, None), seed, num_mixing)

    @tf.function(reduce_retracing=True, autograph=False)
    def _score_function(self, observations, mask, num_importance, num_mixing, seed, first_row):
        return self._score(Batch(observations, mask, None), num_importance, num_mixing, seed, first_row)

    def get_config(self):
        """Returns the constructor's arguments."""
        emission = keras.saving.serialize_keras_object(self.likelihood)
        return {**super().get_config(), "emission": emission, "seed": self.seed}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Builds the model from its `get_config`."""
        parts = ("emission", "encoder", "decoder")
        return cls(
            **{
                name: keras.saving.deserialize_keras_object(value, custom_objects) if name in parts else value
                for name, value in config.items()
            }
        )
