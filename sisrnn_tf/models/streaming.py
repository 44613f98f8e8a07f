"""Models that take one observation after the other, and can stop and go on between any two."""

import tensorflow as tf

from sisrnn_tf import batches, random
from sisrnn_tf.arrays import to_tensor
from sisrnn_tf.models.base import SequenceModel
from sisrnn_tf.rnn import batch_to_time_major
from sisrnn_tf.types import Batch, StreamState, StreamStep
from sisrnn_tf.validation import require


class StreamingModel(SequenceModel):
    """A likelihood of sequences that come step by step.

    Beside what `SequenceModel` asks for, a subclass has `hidden_size` and `density_dtype`, and gives

        _advance(observation, state, num_mixing, seed, first_row)   -> log-weight of x_t `[B]`, the state after it
        _predict(state, seed)                                       -> parameters of p(x_t | z_t, h_{t-1}) `[B, P]`

    Arguments and outputs: see `SequenceModel`.
    """

    def initial_state(self, batch_size: int | tf.Tensor, num_importance: int | tf.Tensor = 1) -> StreamState:
        """Returns the state before any observation: zeros.

        Args:
            batch_size: B.
            num_importance: M.
        """
        hidden = tf.zeros([batch_size, num_importance, self.hidden_size], self.density_dtype)
        return StreamState(hidden, tf.zeros([batch_size, num_importance], self.density_dtype))

    def stream_step(self, observation, state: StreamState, num_mixing: int, seed: random.Seed) -> StreamStep:
        """Takes one observation; `score` is the sum of the log-weights of such steps, with the seeds fold_in(seed, t).

        Args:
            observation: x_t, `[B, D]`.
            state: after the observations before it.
            num_mixing: K.
            seed: an int, a pair of ints or int32 `[2]`, another one at each step.

        Raises:
            ValueError: the observation cannot be scored, or the state has not its shape or is NaN.
        """
        seed = random.as_seed(seed)
        batch = self._to_batch(to_tensor("observation", observation)[:, tf.newaxis], None)
        state = StreamState(*(tf.cast(part, self.density_dtype) for part in state))
        if tf.executing_eagerly():
            known = not any(tf.reduce_any(tf.math.is_nan(part)) for part in state)
            require(known, "state", "that of the step before, or `initial_state`", "NaN")
        parameters = self._predict(state, random.fold_in(seed, -2))  # particles are from 0 on, resampling is -1
        after = self._advance(batch.observations[:, 0], state, num_mixing, seed, 0)
        return StreamStep(parameters, *batches.mark(after, batch.weight))

    def _score(self, batch: Batch, num_importance, num_mixing, seed: tf.Tensor, first_row) -> tf.Tensor:
        observations, mask, (num_steps, batch_size) = self._time_major(batch)
        total = tf.zeros([batch_size], self.density_dtype)

        def step(time, state, total):
            step_seed = random.fold_in(seed, time)
            log_weight, after = self._advance(observations[time], state, num_mixing, step_seed, first_row)
            if mask is not None:
                real = mask[time]
                log_weight = tf.where(real, log_weight, 0.0)
                hidden = tf.where(real[:, tf.newaxis, tf.newaxis], after.hidden, state.hidden)
                after = StreamState(hidden, tf.where(real[:, tf.newaxis], after.log_weights, state.log_weights))
            return time + 1, after, total + log_weight

        start = (tf.constant(0), self.initial_state(batch_size, num_importance), total)
        return tf.while_loop(lambda time, *_: time < num_steps, step, start, maximum_iterations=num_steps)[-1]

    def _time_major(self, batch: Batch):
        """Returns observations `[T, B, D]`, the mask `[T, B]` or None, and the sizes T and B."""
        mask = None if batch.mask is None else batch_to_time_major(batch.mask)
        observations = tf.cast(batch_to_time_major(batch.observations), self.density_dtype)
        if mask is not None:  # padding may hold anything, NaN too
            observations = tf.where(mask[..., tf.newaxis], observations, 0.0)
        return observations, mask, tuple(observations.shape[axis] or tf.shape(observations)[axis] for axis in (0, 1))
