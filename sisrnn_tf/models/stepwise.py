"""Models that make one observation after the other, each from the state before it."""

import tensorflow as tf

from sisrnn_tf import batches, random
from sisrnn_tf.models.streaming import StreamingModel
from sisrnn_tf.rnn import batch_to_time_major


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
        return self.likelihood.mean(self.infer(observations, mask, seed)["emission_parameters"])

    def generate(self, batch_size: int, num_steps: int, seed: random.Seed | None = None) -> tf.Tensor:
        """Draws new sequences from the model, `[B, num_steps, D]`.

        Args:
            batch_size: B.
            num_steps: length of each sequence.
            seed: an int or a pair of ints; None draws from the model's stream.

        Raises:
            ValueError: a size is not positive.
        """
        batch_size, num_steps = batches.to_size("batch_size", batch_size), batches.to_size("num_steps", num_steps)
        return self._generate_function(batch_size, num_steps, self._to_seed(seed))

    @tf.function(reduce_retracing=True, autograph=False)
    def _generate_function(self, batch_size, num_steps, seed):
        hidden = tf.zeros([batch_size, self.hidden_size], self.compute_dtype)
        dtype = self.density_dtype
        static_batch = None if tf.is_tensor(batch_size) else batch_size
        observations = tf.TensorArray(dtype, num_steps, element_shape=[static_batch, self.likelihood.event_size])

        def step(time, hidden, observations):
            observation, hidden = self._generate_step(hidden, random.fold_in(seed, time))
            return time + 1, hidden, observations.write(time, observation)

        _, _, observations = tf.while_loop(
            lambda time, *_: time < num_steps, step, (0, hidden, observations), maximum_iterations=num_steps
        )
        return batch_to_time_major(observations.stack())  # [B, T, D]
