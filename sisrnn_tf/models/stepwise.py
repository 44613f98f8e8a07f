"""Models that make one observation after the other, each from the state before it."""

import tensorflow as tf

from sisrnn_tf import batches, particles, random, smoothing
from sisrnn_tf.models.streaming import StreamingModel
from sisrnn_tf.rnn import batch_to_time_major
from sisrnn_tf.types import Batch
from sisrnn_tf.validation import require, require_draws, require_int, require_positive

# Rows that an imputation holds at a time.
_MAX_ROWS = 2**15


class StepwiseModel(StreamingModel):
    """A likelihood of sequences whose steps are drawn one by one.

    Beside what `StreamingModel` asks for, a subclass gives

        _generate_step(hidden, temperature, seed)                   -> x_t, h_t from h_{t-1}
        _propose(observation, observed, hidden, num_mixing, seed)   -> x_t without gaps, h_t, log w_t; see `smoothing`

    Arguments and outputs: see `SequenceModel`.
    """

    has_exact_state = False  # whether h_t is a function of x_1..x_t

    def reconstruct(self, observations, mask=None, seed: random.Seed | None = None) -> tf.Tensor:
        """Returns the emission's mean at one draw of the latents given the observations, `[B, T, D]`.

        Args:
            observations: x, `[B, T, D]`.
            mask: bool `[B, T]`, right padding; None where every step is real.
            seed: an int or a pair of ints; None draws from the model's stream.
        """
        return self.likelihood.mean(self.infer(observations, mask, seed)["emission_parameters"])

    def generate(
        self, batch_size: int, num_steps: int, seed: random.Seed | None = None, temperature: float = 1.0
    ) -> tf.Tensor:
        """Draws new sequences from the model, `[B, num_steps, D]`.

        Args:
            batch_size: B.
            num_steps: length of each sequence.
            seed: an int or a pair of ints; None draws from the model's stream.
            temperature: of the emission, see its `sample`: below 1 what is likely becomes likelier. Latents are drawn
                from their prior whatever it is.

        Raises:
            ValueError: a size or the temperature is not positive.
        """
        batch_size, num_steps = batches.to_size("batch_size", batch_size), batches.to_size("num_steps", num_steps)
        batches.require_room(self.likelihood.event_size, batch_size=batch_size, num_steps=num_steps)
        return self._generate_function(batch_size, num_steps, self._to_temperature(temperature), self._to_seed(seed))

    def forecast(
        self,
        context,
        num_steps: int,
        num_samples: int,
        mask=None,
        seed: random.Seed | None = None,
        num_importance: int = 100,
        num_mixing: int = 1,
        temperature: float = 1.0,
    ) -> tf.Tensor:
        """Draws how sequences go on after their context, `[S, B, num_steps, D]`: completions, forecasts.

        The state after the context is drawn from its posterior p(h_C | x_1..x_C), not from the encoder's: M particles
        follow the context (sequential Monte Carlo, see `log_likelihood`), and each draw goes on from one that is
        chosen by its weight. The deterministic RNN's state is exact.

        Args:
            context: x_1..x_C, `[B, C, D]`.
            num_steps: how many steps to draw.
            num_samples: S, draws a sequence.
            mask: bool `[B, C]`, right padding; each sequence goes on where it ends. None where every step is real.
            seed: an int or a pair of ints; None draws from the model's stream.
            num_importance: M; there are at least as many particles as draws.
            num_mixing: K, mixing draws of each particle and step beside the generating one.
            temperature: as of `generate`; it leaves the posterior alone.

        Raises:
            ValueError: a number is out of its range, or the context is nothing that the model could score.
        """
        num_steps, num_samples = require_int("num_steps", num_steps, 1), require_int("num_samples", num_samples, 1)
        count, num_mixing = self._to_particles(num_importance, num_mixing)
        batch = self._to_checked(context, mask)
        count = 1 if self.has_exact_state else max(count, num_samples)
        batches.require_room(self.likelihood.event_size, num_samples=num_samples, num_steps=num_steps)
        sizes = map(tf.constant, (num_steps, num_samples, count))  # as ints each would be a trace of its own
        temperature = self._to_temperature(temperature)
        values = self._forecast_function(*batch[:2], *sizes, num_mixing, temperature, self._to_seed(seed))
        return batches.mark(values, batch.weight, axis=1)

    def impute(
        self,
        observations,
        observed,
        mask=None,
        seed: random.Seed | None = None,
        num_samples: int | None = None,
        num_importance: int = 100,
        num_mixing: int = 1,
    ) -> tf.Tensor:
        """Draws what is missing given all that is observed, before and after it.

        Each draw is the path of one of M particles that follow the sequence (see `smoothing`), chosen by its weight:
        a draw of p(missing | observed), up to an error that falls as 1/M. Draws have particles of their own, S M in
        all, so they are independent. The mean over draws is the estimate of least squared error, their quantiles are
        intervals.

        Args:
            observations: x, `[B, T, D]`; what is missing may hold anything, NaN too.
            observed: bool `[B, T, D]`, or `[B, T]` where steps are missing whole.
            mask: bool `[B, T]`, right padding, which is left as it is; None where every step is real.
            seed: an int or a pair of ints; None draws from the model's stream.
            num_samples: S; None for one draw.
            num_importance: M, particles of a draw.
            num_mixing: K, mixing draws of each particle and step beside the generating one.

        Returns:
            The observations with what was missing filled in, `[S, B, T, D]`, or `[B, T, D]` where `num_samples` is
            None.

        Raises:
            ValueError: a number is out of its range, a shape is not that of the observations, or what is observed is
                nothing that the model could score.
        """
        count = 1 if num_samples is None else require_int("num_samples", num_samples, 1)
        num_particles, num_mixing = self._to_particles(num_importance, num_mixing)
        given = batches.to_batch({"observations": observations, "mask": mask}, self.likelihood, self.density_dtype)
        given = given.observations
        is_known = given.shape.is_fully_defined()
        require(is_known, "observations", "of a shape known when a tf.function is traced", given.shape)
        observed = _to_observed(observed, given.shape)
        parameters = tf.zeros([*given.shape[:2], self.likelihood.parameter_size], given.dtype)
        known = tf.where(observed, given, 0.0)
        # Any values that could have been observed together with the others.
        known = self.likelihood.sample_missing(parameters, known, observed, random.as_seed(0))
        batch = self._to_checked(known, mask)
        seed, size = self._to_seed(seed), max(1, _MAX_ROWS // (num_particles * given.shape[0]))
        chunks = [
            self._impute_function(
                *batch[:2],
                observed,
                tf.constant(min(size, count - first)),
                tf.constant(num_particles),
                num_mixing,
                random.fold_in(seed, first),
            )
            for first in range(0, count, size)
        ]
        filled = tf.concat(chunks, axis=0)  # [S, B, T, D]
        filled = batches.mark(filled, batch.weight, axis=1)
        if batch.mask is not None:
            filled = tf.where(batch.mask[..., tf.newaxis], filled, given)
        return filled[0] if num_samples is None else filled

    def _to_temperature(self, temperature: float) -> tf.Tensor:
        return tf.constant(require_positive("temperature", temperature), self.density_dtype)

    def _to_particles(self, num_importance: int, num_mixing: int) -> tuple[int, tf.Tensor]:
        """Returns M, and K as a tensor."""
        num_mixing = require_draws("num_mixing", num_mixing, 0)
        return require_draws("num_importance", num_importance, 1), tf.constant(num_mixing)

    def _to_checked(self, observations, mask) -> Batch:
        """Returns a batch that can be scored, 0 in its padding."""
        batch = self._to_batch(observations, mask)
        if batch.mask is not None:
            batch = batch._replace(observations=tf.where(batch.mask[..., tf.newaxis], batch.observations, 0.0))
        return batch

    @tf.function(reduce_retracing=True, autograph=False)
    def _generate_function(self, batch_size, num_steps, temperature, seed):
        return self._continue(self._initial_hidden(batch_size), num_steps, temperature, seed)

    @tf.function(reduce_retracing=True, autograph=False)
    def _forecast_function(self, context, mask, num_steps, num_samples, count, num_mixing, temperature, seed):
        filtered = self._filter(context, None, mask, count, num_mixing, random.fold_in(seed, 0))
        uniforms = random.uniform([num_samples, tf.shape(context)[0]], random.fold_in(seed, 1), context.dtype)
        chosen = particles.resample_multinomial(filtered.log_weights, uniforms)  # [S, B]
        hidden = particles.select(filtered.hidden, chosen)
        values = self._continue(hidden, num_steps, temperature, random.fold_in(seed, 2))
        return tf.reshape(values, [num_samples, -1, num_steps, context.shape[2]])

    @tf.function(reduce_retracing=True, autograph=False)
    def _impute_function(self, observations, mask, observed, num_samples, count, num_mixing, seed):
        parts = [
            None if part is None else tf.tile(part, [num_samples, *[1] * (part.shape.rank - 1)])
            for part in (observations, observed, mask)
        ]  # row s B + b is draw s of sequence b
        filtered = self._filter(*parts, count, num_mixing, random.fold_in(seed, 0))
        uniforms = random.uniform([tf.shape(parts[0])[0]], random.fold_in(seed, 1), observations.dtype)
        filled = batch_to_time_major(smoothing.trace(filtered, uniforms))
        return tf.reshape(filled, [num_samples, *tf.unstack(tf.shape(observations))])

    def _filter(self, observations, observed, mask, count, num_mixing, seed: tf.Tensor) -> smoothing.Filtered:
        """Returns particles that have followed sequences `[B, T, D]`."""
        batch_size = observations.shape[0] or tf.shape(observations)[0]
        parts = [None if part is None else batch_to_time_major(part) for part in (observations, observed, mask)]

        def propose(observation, observed, hidden, seed):
            return self._propose(observation, observed, hidden, num_mixing, seed)

        return smoothing.run_filter(propose, self._initial_hidden(batch_size), *parts, count, seed)

    def _initial_hidden(self, batch_size: int | tf.Tensor) -> tf.Tensor:
        return tf.zeros([batch_size, self.hidden_size], self.compute_dtype)

    def _continue(self, hidden: tf.Tensor, num_steps: tf.Tensor, temperature: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws what follows h_0, `[B, H]`, from the model, `[B, num_steps, D]`."""
        shape = [hidden.shape[0], self.likelihood.event_size]
        observations = tf.TensorArray(self.density_dtype, num_steps, element_shape=shape)

        def step(time, hidden, observations):
            observation, hidden = self._generate_step(hidden, temperature, random.fold_in(seed, time))
            return time + 1, hidden, observations.write(time, observation)

        _, _, observations = tf.while_loop(
            lambda time, *_: time < num_steps, step, (0, hidden, observations), maximum_iterations=num_steps
        )
        return batch_to_time_major(observations.stack())  # [B, T, D]


def _to_observed(observed, shape: tf.TensorShape) -> tf.Tensor:
    """Returns which values are observed, bool `[B, T, D]`."""
    observed = tf.convert_to_tensor(observed)
    require(observed.dtype == tf.bool, "observed", "bool", observed.dtype.name)
    if observed.shape == shape[:2]:
        observed = observed[..., tf.newaxis]
    fits = observed.shape in (shape, [*shape[:2], 1])
    require(fits, "observed", f"of the shape {shape} or {shape[:2]}", observed.shape)
    return tf.broadcast_to(observed, shape)
