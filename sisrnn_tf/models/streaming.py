"""Models that take one observation after the other, and can stop and go on between any two."""

import abc

import tensorflow as tf

from sisrnn_tf.cells import SISRNNCell
from sisrnn_tf.cells.deterministic import DeterministicCell
from sisrnn_tf.core import batches, random
from sisrnn_tf.core.arrays import to_tensor
from sisrnn_tf.core.types import Array, Batch, StreamState, StreamStep
from sisrnn_tf.core.validation import require
from sisrnn_tf.inference import filter as filters
from sisrnn_tf.inference import noise, particles, step
from sisrnn_tf.inference.recurrence import batch_to_time_major
from sisrnn_tf.models.base import SequenceModel

_RESAMPLING = particles.Resampling()


class StreamingModel(SequenceModel):
    """A likelihood of sequences that come step by step.

    Arguments and outputs: see `SequenceModel`.

    Attributes:
        cell: whose steps the model takes.
    """

    cell: SISRNNCell | DeterministicCell

    @property
    @abc.abstractmethod
    def hidden_size(self) -> int:
        """H."""

    def initial_state(self, batch_size: int | tf.Tensor, num_importance: int | tf.Tensor = 1) -> StreamState:
        """Returns the state before any observation: h_0, by the transition, and even weights.

        Args:
            batch_size: B.
            num_importance: M.
        """
        (hidden,) = self.cell.get_initial_state(batch_size * num_importance)
        hidden = tf.reshape(tf.cast(hidden, self.density_dtype), [batch_size, num_importance, self.hidden_size])
        return StreamState(hidden, tf.zeros([batch_size, num_importance], self.density_dtype))

    def stream_step(
        self,
        observation: Array,
        state: StreamState,
        num_mixing: int,
        seed: random.Seed,
        observed: Array | None = None,
        covariates: Array | None = None,
    ) -> StreamStep:
        """Takes one observation: the filter of `score`, advanced by a step.

        With the seeds fold_in(seed, t), t from 0 on, the log-weights of such steps add up to `score` with that seed.

        Args:
            observation: x_t, `[B, D]`.
            state: after the observations before it.
            num_mixing: K.
            seed: an int, a pair of ints or int32 `[2]`, another one at each step.
            observed: bool `[B, D]`, False where a value is missing, which may hold anything; None where none is.
            covariates: u_t, `[B, U]`, of a model that has such; None of others.

        Raises:
            ValueError: the observation cannot be scored, the state has not its shape or is NaN, or the model's
                posterior reads the whole sequence.
        """
        seed = random.as_seed(seed)
        given = {"observation": observation, "observed": observed, "covariates": covariates}
        steps = [None if part is None else to_tensor(name, part)[:, tf.newaxis] for name, part in given.items()]
        batch = self._to_batch(steps[0], None, *steps[1:])
        state = StreamState(*(tf.cast(part, self.density_dtype) for part in state))
        if tf.executing_eagerly():
            good = not any(tf.reduce_any(tf.math.is_nan(part)) for part in state)
            require(good, "state", "that of the step before, or `initial_state`", "NaN")
        observation, before = batch.observations[:, 0], self._to_particles(state)
        rows = tf.range(tf.shape(observation)[0])
        known, beside = (None if part is None else part[:, 0] for part in (batch.observed, batch.covariates))
        parameters = self._predict(before, noise.prediction_seeds(seed, rows), beside)
        features = self.cell.step_features(observation, beside)
        sequences = filters.Sequences(observation, features, known, covariates=beside)
        advanced = filters.advance(self.cell, sequences, before, num_mixing, seed, _RESAMPLING, filters.Keys(rows))
        after = (advanced.log_average, self._to_state(advanced.particles, state))
        return StreamStep(parameters, *batches.mark(after, batch.weight))

    def _predict(self, before: filters.Particles, seeds: tf.Tensor, covariates: tf.Tensor | None) -> tf.Tensor:
        """Returns the emission's parameters at a draw from the prior by a particle drawn by its weight, `[B, P]`."""
        uniforms = random.uniform([tf.shape(seeds)[0]], random.fold_in(seeds, 0), self.density_dtype)
        chosen = particles.resample_multinomial(before.log_weights, uniforms[tf.newaxis])  # [1, B]
        hidden = particles.select(before.hidden, chosen)
        return step.predict(self.cell, hidden, random.fold_in(seeds, 1), covariates)[1]

    def _to_particles(self, state: StreamState) -> filters.Particles:
        hidden = tf.reshape(batch_to_time_major(state.hidden), [-1, self.hidden_size])  # [M B, H]
        log_weights = tf.nn.log_softmax(tf.transpose(state.log_weights), axis=0)
        return filters.Particles(tf.cast(hidden, self.compute_dtype), log_weights)

    def _to_state(self, after: filters.Particles, before: StreamState) -> StreamState:
        """Returns particles as a state of the static shape of the one before."""
        shape = tf.concat([tf.shape(after.log_weights), [self.hidden_size]], axis=0)
        hidden = batch_to_time_major(tf.reshape(tf.cast(after.hidden, self.density_dtype), shape))
        log_weights = tf.transpose(after.log_weights)
        return StreamState(
            tf.ensure_shape(hidden, before.hidden.shape), tf.ensure_shape(log_weights, before.log_weights.shape)
        )

    def _sequences(self, batch: Batch) -> filters.Sequences:
        """Returns a batch as a pass takes it: time-major, in the dtype of densities, its padding zeros."""
        mask = None if batch.mask is None else batch_to_time_major(batch.mask)
        observations = tf.cast(batch_to_time_major(batch.observations), self.density_dtype)
        covariates = batch.covariates
        if covariates is not None:
            covariates = tf.cast(batch_to_time_major(covariates), self.density_dtype)
        if mask is not None:  # padding may hold anything, NaN too
            observations = tf.where(mask[..., tf.newaxis], observations, 0.0)
            covariates = None if covariates is None else tf.where(mask[..., tf.newaxis], covariates, 0.0)
        features = self.cell.posterior_part.features(step.join(observations, covariates), mask)
        observed = None if batch.observed is None else batch_to_time_major(batch.observed)
        return filters.Sequences(observations, features, observed, mask, covariates)
