"""Models that draw one observation after the other."""

import tensorflow as tf

from sisrnn_tf.core import batches, random
from sisrnn_tf.core import covariates as known
from sisrnn_tf.core.types import Array
from sisrnn_tf.core.validation import require_positive
from sisrnn_tf.inference import noise, step
from sisrnn_tf.inference.recurrence import batch_to_time_major
from sisrnn_tf.models.streaming import StreamingModel


class GeneratingModel(StreamingModel):
    """A likelihood of sequences that are drawn step by step.

    Arguments and outputs: see `SequenceModel`.
    """

    def reconstruct(
        self,
        observations: Array,
        mask: Array | None = None,
        seed: random.Seed | None = None,
        observed: Array | None = None,
        covariates: Array | None = None,
    ) -> tf.Tensor:
        """Returns the emission's mean at one draw of the latents given the observations, `[B, T, D]`.

        Args:
            observations: x, `[B, T, D]`.
            mask: bool `[B, T]`, right padding; None where every step is real.
            seed: an int or a pair of ints; None draws from the model's stream.
            observed: bool `[B, T, D]`, False where a value is missing; None where none is.
            covariates: u, `[B, T, U]`, of a model that has such; None of others.
        """
        return self.emission.mean(self.infer(observations, mask, seed, observed, covariates)["emission_parameters"])

    def generate(
        self,
        batch_size: int,
        num_steps: int,
        seed: random.Seed | None = None,
        temperature: float = 1.0,
        covariates: Array | None = None,
    ) -> tf.Tensor:
        """Draws new sequences from the model, `[B, num_steps, D]`.

        Args:
            batch_size: B.
            num_steps: length of each sequence.
            seed: an int or a pair of ints; None draws from the model's stream.
            temperature: of the emission, see its `sample`: below 1 what is likely becomes likelier. Latents are drawn
                from their prior whatever it is.
            covariates: u, `[B, num_steps, U]`, of a model that has such; None of others.

        Raises:
            ValueError: a size or the temperature is not positive, or the covariates are not those of so many steps.
        """
        sizes = (batch_size, num_steps)
        covariates = known.of_whole(covariates, sizes, self.covariate_size, self.density_dtype)
        batch_size, num_steps = batches.to_size("batch_size", batch_size), batches.to_size("num_steps", num_steps)
        batches.require_room(self.emission.event_size, batch_size=batch_size, num_steps=num_steps)
        temperature = self._to_temperature(temperature)
        return self._generate_function(batch_size, num_steps, temperature, self._to_seed(seed), covariates)

    def _to_temperature(self, temperature: float) -> tf.Tensor:
        return tf.constant(require_positive("temperature", temperature), self.density_dtype)

    @tf.function(reduce_retracing=True, autograph=False)
    def _generate_function(self, batch_size, num_steps, temperature, seed, covariates):
        (hidden,) = self.cell.get_initial_state(batch_size)
        return self._continue(hidden, tf.range(batch_size), 1, num_steps, temperature, seed, covariates)

    def _continue(self, hidden, rows, count, num_steps: tf.Tensor, temperature: tf.Tensor, seed, covariates=None):
        """Draws what follows states from the model, `[m B, num_steps, D]`.

        Args:
            hidden: h_0, `[m B, H]`; entry m B + b is of the m-th draw of the b-th of the rows.
            rows: numbers of the sequences, int `[B]`.
            count: m.
            num_steps: how many.
            temperature: of the emission.
            seed: int32 `[2]`.
            covariates: u of these steps, `[B, num_steps, U]`; None where there are none.
        """
        shape = [hidden.shape[0], self.emission.event_size]
        observations = tf.TensorArray(self.density_dtype, num_steps, element_shape=shape)
        seeds = noise.row_seeds(noise.step_seeds(seed, num_steps), rows, count)  # [T, m B, 2]

        if covariates is not None:
            covariates = tf.tile(batch_to_time_major(covariates), [1, count, 1])  # [T, m B, U]

        def body(time, hidden, observations):
            beside = None if covariates is None else covariates[time]
            observation, after = step.generate(self.cell, hidden, seeds[time], temperature, beside)
            return time + 1, tf.ensure_shape(after, hidden.shape), observations.write(time, observation)

        _, _, observations = tf.while_loop(
            lambda time, *_: time < num_steps, body, (0, hidden, observations), maximum_iterations=num_steps
        )
        return batch_to_time_major(observations.stack())  # [m B, T, D]
