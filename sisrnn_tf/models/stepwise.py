"""Models that make one observation after the other, each from the state before it."""

import tensorflow as tf

from sisrnn_tf import random
from sisrnn_tf.models.streaming import StreamingModel
from sisrnn_tf.rnn import batch_to_time_major
from sisrnn_tf.types import Batch
from sisrnn_tf.validation import require_int


class StepwiseModel(StreamingModel):
    """A likelihood of sequences whose steps are drawn one by one.

    Beside what `StreamingModel` asks for, a subclass gives

        _generate_step(hidden, seed)            -> x_t, h_t from h_{t-1}

    Arguments and outputs: see `SequenceModel`.
    """

    def reconstruct(self, observations, mask=None, seed: random.Seed | None = None) -> tf.Tensor:
        """Returns the emission's mean at one draw of the latents given the observations, `[B, T, D]`.

        Args:
            observations: x, `[B, T, D]`.
            mask: bool `[B, T]`, right padding; None where every step is real.
            seed: an int or a pair of ints; None draws from the model's stream.
        """
        batch = self._to_batch(observations, mask)
        outputs = self._infer_function(batch.observations, batch.mask, self._to_seed(seed))
        return self.likelihood.mean(outputs["emission_parameters"])

    def generate(self, batch_size: int, num_steps: int, seed: random.Seed | None = None) -> tf.Tensor:
        """Draws new sequences from the model, `[B, num_steps, D]`.

        Args:
            batch_size: B.
            num_steps: length of each sequence.
            seed: an int or a pair of ints; None draws from the model's stream.

        Raises:
            ValueError: a size is not positive.
        """
        batch_size, num_steps = require_int("batch_size", batch_size, 1), require_int("num_steps", num_steps, 1)
        return self._generate_function(batch_size, num_steps, self._to_seed(seed))

    @tf.function(reduce_retracing=True, autograph=False)
    def _infer_function(self, observations, mask, seed):
        return self._infer(Batch(observations, mask, None), seed, False)[0]

    @tf.function(reduce_retracing=True, autograph=False)
    def _generate_function(self, batch_size, num_steps, seed):
        hidden = tf.zeros([batch_size, self.hidden_size], self.compute_dtype)
        dtype = self.density_dtype
        observations = tf.TensorArray(dtype, num_steps, element_shape=[batch_size, self.likelihood.event_size])

        def step(time, hidden, observations):
            observation, hidden = self._generate_step(hidden, random.fold_in(seed, time))
            return time + 1, hidden, observations.write(time, observation)

        _, _, observations = tf.while_loop(
            lambda time, *_: time < num_steps, step, (0, hidden, observations), maximum_iterations=num_steps
        )
        return batch_to_time_major(observations.stack())  # [B, T, D]
