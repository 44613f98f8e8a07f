"""Models that follow sequences by particles: what comes after them, what is missing in them, and each step's score."""

from typing import Any

import tensorflow as tf

from sisrnn_tf.core import batches, random
from sisrnn_tf.core import covariates as known
from sisrnn_tf.core.types import Array, Batch
from sisrnn_tf.core.validation import require, require_draws, require_int
from sisrnn_tf.emissions import Emission
from sisrnn_tf.inference import filter as filters
from sisrnn_tf.inference import particles, prediction
from sisrnn_tf.inference.prediction import Predictive
from sisrnn_tf.inference.recurrence import batch_to_time_major
from sisrnn_tf.models.generating import GeneratingModel

# Rows that an imputation holds at a time.
_MAX_ROWS = 2**15


class StepwiseModel(GeneratingModel):
    """A likelihood of sequences whose steps are followed one by one.

    Arguments and outputs: see `SequenceModel`.

    Attributes:
        state_is_exact: whether h_t is a function of x_1..x_t alone, so that one particle knows it.
    """

    state_is_exact: bool = False

    def forecast(
        self,
        context: Array,
        num_steps: int,
        num_samples: int,
        mask: Array | None = None,
        seed: random.Seed | None = None,
        num_importance: int = 100,
        num_mixing: int = 1,
        temperature: float = 1.0,
        observed: Array | None = None,
        covariates: Array | None = None,
    ) -> tf.Tensor:
        """Draws how sequences go on after their context, `[S, B, num_steps, D]`: completions, forecasts.

        The state after the context is drawn from p(h_C | x_1..x_C), which one pass of the posterior is not: M particles
        follow the context (sequential Monte Carlo, see `log_likelihood`), and each draw goes on from one that is
        chosen by its weight. One particle is enough where the state is exact.

        Args:
            context: x_1..x_C, `[B, C, D]`.
            num_steps: how many steps to draw.
            num_samples: S, draws a sequence.
            mask: bool `[B, C]`, right padding; each sequence goes on where it ends. None where every step is real.
            seed: an int or a pair of ints; None draws from the model's stream.
            num_importance: M; there are at least as many particles as draws.
            num_mixing: K, mixing draws of each particle and step beside the generating one.
            temperature: as of `generate`; it leaves the posterior alone.
            observed: bool `[B, C, D]`, False on missing values, which may hold anything; None where none are missing.
            covariates: u, `[B, C + num_steps, U]`, of a model that has such; None of others. Those of the steps that
                are drawn follow those of a sequence's last real step at once; what follows them may hold anything.

        Raises:
            ValueError: a number is out of its range, or the context is nothing that the model could score.
        """
        num_steps, num_samples = require_int("num_steps", num_steps, 1), require_int("num_samples", num_samples, 1)
        count, num_mixing = self._to_sizes(num_importance, num_mixing)
        of_context, future = self._part(covariates, context, mask, num_steps)
        batch = self._to_batch(context, mask, observed, of_context)
        count = 1 if self.state_is_exact else max(count, num_samples)
        batches.require_room(self.emission.event_size, num_samples=num_samples, num_steps=num_steps)
        sizes = map(tf.constant, (num_steps, num_samples, count))  # as ints each would be a trace of its own
        temperature = self._to_temperature(temperature)
        values = self._forecast_function(
            *batch[:2], *batch[3:], future, *sizes, num_mixing, temperature, self._to_seed(seed)
        )
        return batches.mark(values, batch.weight, axis=1)

    def impute(
        self,
        observations: Array,
        observed: Array,
        mask: Array | None = None,
        seed: random.Seed | None = None,
        num_samples: int | None = None,
        num_importance: int = 100,
        num_mixing: int = 1,
        covariates: Array | None = None,
    ) -> tf.Tensor:
        """Draws what is missing given all that is observed, before and after it.

        Each draw is the path of one of M particles that follow the sequence (see `inference.filter`), chosen by its
        weight: a draw of p(missing | observed), up to an error that falls as 1/M. Draws have particles of their own,
        S M in all, so they are independent. The mean over draws is the estimate of least squared error, their
        quantiles are intervals.

        Args:
            observations: x, `[B, T, D]`; what is missing may hold anything, NaN too.
            observed: bool `[B, T, D]`, or `[B, T]` where steps are missing whole.
            mask: bool `[B, T]`, right padding, which is left as it is; None where every step is real.
            seed: an int or a pair of ints; None draws from the model's stream.
            num_samples: S; None for one draw.
            num_importance: M, particles of a draw.
            num_mixing: K, mixing draws of each particle and step beside the generating one.
            covariates: u, `[B, T, U]`, of a model that has such; None of others.

        Returns:
            The observations with what was missing filled in, `[S, B, T, D]`, or `[B, T, D]` where `num_samples` is
            None.

        Raises:
            ValueError: a number is out of its range, a shape is not that of the observations, or what is observed is
                nothing that the model could score.
        """
        count = 1 if num_samples is None else require_int("num_samples", num_samples, 1)
        num_particles, num_mixing = self._to_sizes(num_importance, num_mixing)
        given = batches.to_batch({"observations": observations, "mask": mask}, self.emission, self.density_dtype)
        given = given.observations
        is_known = given.shape.is_fully_defined()
        require(is_known, "observations", "of a shape known when a tf.function is traced", given.shape)
        observed = batches.to_observed(observed, given, self.emission)
        parameters = tf.zeros([*given.shape[:2], self.emission.parameter_size], given.dtype)
        known = tf.where(observed, given, 0.0)
        # Any values that could have been observed together with the others.
        known = self.emission.sample_missing(parameters, known, observed, random.as_seed(0))
        batch = self._to_batch(known, mask, covariates=covariates)
        seed, size = self._to_seed(seed), max(1, _MAX_ROWS // (num_particles * given.shape[0]))
        chunks = [
            self._impute_function(
                *batch[:2],
                observed,
                batch.covariates,
                tf.constant(first),
                tf.constant(min(size, count - first)),
                tf.constant(num_particles),
                num_mixing,
                seed,
            )
            for first in range(0, count, size)
        ]
        filled = tf.concat(chunks, axis=0)  # [S, B, T, D]
        filled = batches.mark(filled, batch.weight, axis=1)
        if batch.mask is not None:
            filled = tf.where(batch.mask[..., tf.newaxis], filled, given)
        return filled[0] if num_samples is None else filled

    def predict_steps(
        self,
        observations: Array,
        mask: Array | None = None,
        num_importance: int = 100,
        num_mixing: int = 1,
        seed: random.Seed | None = None,
        first_row: int = 0,
        observed: Array | None = None,
        covariates: Array | None = None,
    ) -> Predictive:
        """Returns log p(x_t | x_<t) of every step, and of each of its features alone; see `inference.prediction`.

        The steps add up to `score` with the same seed; of the deterministic RNN all are exact.

        Args:
            observations: x, `[B, T, D]`.
            mask: bool `[B, T]`, right padding; None where every step is real.
            num_importance: M, particles.
            num_mixing: K, mixing draws of each particle and step beside the generating one.
            seed: an int or a pair of ints; None draws from the model's stream.
            first_row: number of the first sequence among those of the seed.
            observed: bool `[B, T, D]`, False where a value is missing, whose features are 0; None where none is.
            covariates: u, `[B, T, U]`, of a model that has such; None of others.

        Returns:
            `steps` `[B, T]`, and `features` `[B, T, D]`, None of one feature and of an emission that does not score
            features alone; nats, 0 on padding.

        Raises:
            ValueError: a number is out of its range, or the observations' shape is not the model's.
        """
        count, num_mixing = self._to_sizes(num_importance, num_mixing)
        batch = self._to_batch(observations, mask, observed, covariates)
        numbers = (tf.constant(1 if self.is_exact else count), num_mixing, self._to_seed(seed))
        first_row = tf.constant(require_int("first_row", first_row, 0))
        return batches.mark(self._predict_function(*batch[:2], *batch[3:], *numbers, first_row), batch.weight)

    def _part(self, covariates, context, mask, num_steps: int) -> tuple[tf.Tensor | None, tf.Tensor | None]:
        """Returns covariates of contexts, `[B, C, U]`, and of the steps after them, `[B, num_steps, U]`, or Nones."""
        given = batches.to_batch({"observations": context, "mask": mask}, self.emission, self.density_dtype)
        count, length = given.observations.shape[:2]
        sizes = (count, None if length is None else length + num_steps)
        values = known.to_values(covariates, sizes, self.covariate_size, self.density_dtype)
        return (None, None) if values is None else known.part(values, given.mask, num_steps)

    def _to_sizes(self, num_importance: int, num_mixing: int) -> tuple[int, tf.Tensor]:
        """Returns M, and K as a tensor."""
        num_mixing = require_draws("num_mixing", num_mixing, 0)
        return require_draws("num_importance", num_importance, 1), tf.constant(num_mixing)

    @tf.function(reduce_retracing=True, autograph=False)
    def _forecast_function(
        self, context, mask, observed, covariates, future, num_steps, num_samples, count, num_mixing, temperature, seed
    ):
        sequences = self._sequences(Batch(context, mask, None, observed, covariates))
        rows = tf.range(tf.shape(context)[0])
        filtered = self._filter(sequences, filters.Keys(rows), count, num_mixing, random.fold_in(seed, 0))
        row_seeds = random.fold_in(random.fold_in(seed, 1), rows)
        uniforms = random.uniform([tf.shape(rows)[0], num_samples], row_seeds, context.dtype)
        chosen = particles.resample_multinomial(filtered.particles.log_weights, tf.transpose(uniforms))  # [S, B]
        hidden = particles.select(filtered.particles.hidden, chosen)
        seed = random.fold_in(seed, 2)
        values = self._continue(hidden, rows, num_samples, num_steps, temperature, seed, future)
        return tf.reshape(values, [num_samples, -1, num_steps, context.shape[2]])

    @tf.function(reduce_retracing=True, autograph=False)
    def _impute_function(self, observations, mask, observed, covariates, first, num_samples, count, num_mixing, seed):
        parts = [
            None if part is None else tf.tile(part, [num_samples, *[1] * (part.shape.rank - 1)])
            for part in (observations, observed, mask, covariates)
        ]  # row s B + b is draw s of sequence b
        sequences = self._sequences(Batch(parts[0], parts[2], None, None, parts[3]))
        sequences = sequences._replace(observed=batch_to_time_major(parts[1]))
        batch_size = tf.shape(observations)[0]
        rows = tf.tile(tf.range(batch_size), [num_samples])
        draws = first + tf.repeat(tf.range(num_samples), batch_size)
        keys = filters.Keys(rows, draws * count)  # each draw has particles of its own
        filtered = self._filter(sequences, keys, count, num_mixing, random.fold_in(seed, 0), keep_records=True)
        path_seeds = random.fold_in(random.fold_in(random.fold_in(seed, 1), draws), rows)
        uniforms = random.uniform([tf.shape(rows)[0]], path_seeds, observations.dtype)
        filled = batch_to_time_major(filters.trace(filtered, uniforms))
        return tf.reshape(filled, [num_samples, *tf.unstack(tf.shape(observations))])

    @tf.function(reduce_retracing=True, autograph=False)
    def _predict_function(self, observations, mask, observed, covariates, count, num_mixing, seed, first_row):
        cell, sequences = self._followed(Batch(observations, mask, None, observed, covariates))
        keys = filters.Keys(first_row + tf.range(tf.shape(observations)[0]))
        scores_features = type(self.emission).log_prob_observed is not Emission.log_prob_observed
        by_feature = scores_features and self.emission.event_size > 1
        found = prediction.run(cell, sequences, count, num_mixing, seed, keys, by_feature)
        return Predictive(*(part if part is None else batch_to_time_major(part) for part in found))

    def _followed(self, batch: Batch) -> tuple[Any, filters.Sequences]:
        """Returns a cell, and the sequences of a batch as it follows them."""
        return self.cell, self._sequences(batch)

    def _filter(self, sequences, keys, count, num_mixing, seed: tf.Tensor, keep_records=False) -> filters.Filtered:
        """Returns particles that have followed sequences."""
        resampling = particles.Resampling()
        return filters.run(self.cell, sequences, count, num_mixing, seed, resampling, keys, keep_records=keep_records)
