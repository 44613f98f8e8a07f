"""Models that write: sentences from the prior, from given latents, from given sentences, and between two."""

import functools

import tensorflow as tf

from sisrnn_tf.cells.sentence import SentenceCell
from sisrnn_tf.core import batches, random
from sisrnn_tf.core.arrays import size_of, to_tensor
from sisrnn_tf.core.types import Array, Batch
from sisrnn_tf.core.validation import require, require_int
from sisrnn_tf.models.base import SequenceModel
from sisrnn_tf.models.decoders import DecoderPart
from sisrnn_tf.models.sampling import Sampler
from sisrnn_tf.models.words import WordEmbedding


@functools.cache
def _kept(sampler: Sampler) -> Sampler:
    """Returns the first of all equal samplers: TensorFlow forgets the trace of one that is gone, and makes another."""
    return sampler


class WritingModel(SequenceModel):
    """A model of sentences that writes word after word.

    Arguments and outputs: see `SequenceModel`.

    Attributes:
        cell: the stochastic step of a sentence.
        words: embeds words, and scores them.
        decoder: from words and z to features of the next word.
        end_id: number of the end of a sentence.
    """

    cell: SentenceCell
    words: WordEmbedding
    decoder: DecoderPart
    end_id: int

    def decode(
        self, latent: Array, num_steps: int, seed: random.Seed | None = None, sampler: Sampler | None = None
    ) -> tf.Tensor:
        """Draws sentences given their latents, int32 `[B, num_steps]`; what follows an end is the end again.

        Args:
            latent: z, `[B, Z]`.
            num_steps: words at the most, the end among them.
            seed: an int or a pair of ints; None draws from the model's stream.
            sampler: how a word is chosen; None for a draw from the model.
        """
        num_steps = batches.to_size("num_steps", num_steps)
        latent = tf.cast(to_tensor("latent", latent), self.density_dtype)
        size = self.cell.latent_size
        require(latent.shape.rank == 2 and latent.shape[1] == size, "latent", f"of shape [B, {size}]", latent.shape)
        if tf.executing_eagerly():
            require(bool(tf.reduce_all(tf.math.is_finite(latent))), "latent", "finite", "NaN or infinity")
        if latent.shape[0] is not None:
            batches.require_room(1, batch_size=latent.shape[0], num_steps=num_steps)
        return self._decode_function(latent, num_steps, self._to_seed(seed), _kept(sampler or Sampler()))

    def generate(
        self, batch_size: int, num_steps: int, seed: random.Seed | None = None, sampler: Sampler | None = None
    ) -> tf.Tensor:
        """Draws new sentences, int32 `[B, num_steps]`: z from the prior, then words; arguments as of `decode`."""
        batch_size, num_steps = batches.to_size("batch_size", batch_size), batches.to_size("num_steps", num_steps)
        batches.require_room(1, batch_size=batch_size, num_steps=num_steps)
        return self._generate_function(batch_size, num_steps, self._to_seed(seed), _kept(sampler or Sampler()))

    def encode(self, observations: Array, mask: Array | None = None, seed: random.Seed | None = None) -> tf.Tensor:
        """Returns a draw of z from the posterior of each sentence, `[B, Z]`; arguments as of `bound`."""
        batch = self._to_batch(observations, mask)
        return batches.mark(self._encode_function(*batch[:2], self._to_seed(seed)), batch.weight)

    def reconstruct(
        self,
        observations: Array,
        mask: Array | None = None,
        seed: random.Seed | None = None,
        num_steps: int | None = None,
        sampler: Sampler | None = None,
    ) -> tf.Tensor:
        """Draws sentences from the latents of given ones, int32 `[B, num_steps]`.

        Args:
            observations: words, int `[B, T]`.
            mask: bool `[B, T]`, right padding; None where every word is real.
            seed: an int or a pair of ints; None draws from the model's stream.
            num_steps: words at the most; None for T.
            sampler: how a word is chosen; None takes the most likely one.
        """
        seed = self._to_seed(seed)
        latent = self.encode(observations, mask, random.fold_in(seed, 0))
        num_steps = tf.shape(observations)[1].numpy() if num_steps is None else num_steps
        return self.decode(latent, num_steps, random.fold_in(seed, 1), sampler or Sampler(temperature=0))

    def interpolate(
        self,
        first: Array,
        second: Array,
        num_points: int,
        num_steps: int,
        seed: random.Seed | None = None,
        sampler: Sampler | None = None,
    ) -> tf.Tensor:
        """Draws sentences from the straight line between the latents of two, int32 `[num_points, num_steps]`.

        Args:
            first, second: words of a sentence, int `[T]`, their lengths may differ.
            num_points: at least 2, both ends among them.
            num_steps: words at the most.
            seed: an int or a pair of ints; None draws from the model's stream.
            sampler: how a word is chosen; None takes the most likely one.
        """
        num_points, seed = require_int("num_points", num_points, 2), self._to_seed(seed)
        ends = [
            self.encode(to_tensor("observations", end)[tf.newaxis], None, random.fold_in(seed, index))
            for index, end in enumerate((first, second))
        ]
        shares = tf.linspace(tf.zeros([1], self.density_dtype), tf.ones([1], self.density_dtype), num_points)
        latent = (1 - shares) * ends[0] + shares * ends[1]  # [num_points, Z]
        return self.decode(latent, num_steps, random.fold_in(seed, 2), sampler or Sampler(temperature=0))

    @tf.function(reduce_retracing=True, autograph=False)
    def _encode_function(self, observations, mask, seed):
        return self.outputs_of(self.make_pass(Batch(observations, mask, None), seed))["latent"]

    @tf.function(reduce_retracing=True, autograph=False)
    def _generate_function(self, batch_size, num_steps, seed, sampler):
        rows = random.fold_in(random.fold_in(seed, 0), tf.range(batch_size))
        latent = random.normal([batch_size, self.cell.latent_size], rows, self.density_dtype)
        return self._decode_function(latent, num_steps, random.fold_in(seed, 1), sampler)

    @tf.function(reduce_retracing=True, autograph=False)
    def _decode_function(self, latent, num_steps, seed, sampler):
        rows = size_of(latent, 0)
        words = tf.TensorArray(tf.int32, num_steps, element_shape=[latent.shape[0]])
        begin = tf.fill([rows], self.words.begin_id)

        def step(time, previous, ended, cache, words):
            features, cache = self.decoder.step(self.words(previous), cache, time)
            row_seeds = random.fold_in(random.fold_in(seed, time), tf.range(rows))
            chosen = sampler(self.words.logits(features), row_seeds)
            chosen = tf.where(ended, self.end_id, chosen)
            return time + 1, chosen, ended | (chosen == self.end_id), cache, words.write(time, chosen)

        start = (tf.constant(0), begin, tf.zeros([rows], tf.bool), self.decoder.initial_cache(latent, num_steps), words)
        words = tf.while_loop(lambda time, *_: time < num_steps, step, start, maximum_iterations=num_steps)[-1]
        return tf.transpose(words.stack())  # [B, num_steps]
