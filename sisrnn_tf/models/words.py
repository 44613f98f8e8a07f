"""Words going in and coming out of a network, by one matrix."""

from typing import Any

import keras
import tensorflow as tf

from sisrnn_tf.core import networks
from sisrnn_tf.core.types import Shape
from sisrnn_tf.core.validation import require_int


@keras.saving.register_keras_serializable("sisrnn_tf")
class WordEmbedding(keras.layers.Layer):
    """Embeds words, and scores them by the same embeddings (Press & Wolf 2017).

    Row V is the begin of a sentence, which is read and never scored.

    Args:
        vocabulary_size: V.
        size: E.

    Call arguments:
        words: numbers, int `[..]`, 0..V.

    Returns:
        Their embeddings, `[.., E]`, of variance 1 at the start: the matrix times the root of E (Vaswani et al. 2017).
    """

    def __init__(self, vocabulary_size: int, size: int, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)
        self.vocabulary_size = require_int("vocabulary_size", vocabulary_size, 1)
        self.size = require_int("size", size, 1)
        # Logits are products with features of variance 1: so are they of variance 1 at the start.
        initializer = keras.initializers.RandomNormal(stddev=size**-0.5)
        shape = (vocabulary_size + 1, size)
        self.embeddings = self.add_weight(name="embeddings", shape=shape, initializer=initializer)
        self.bias = self.add_weight(name="bias", shape=(vocabulary_size,), initializer="zeros")
        self.built = True

    @property
    def begin_id(self) -> int:
        """Number of the begin of a sentence."""
        return self.vocabulary_size

    def call(self, words: tf.Tensor) -> tf.Tensor:
        """Returns embeddings; see the class."""
        return tf.cast(tf.gather(self.embeddings, words), self.compute_dtype) * self.size**0.5

    def logits(self, features: tf.Tensor) -> tf.Tensor:
        """Returns logits `[.., V]`, in the dtype of densities, from features `[.., E]`."""
        words = tf.cast(self.embeddings[:-1], self.compute_dtype)  # without the begin
        rows = tf.reshape(tf.cast(features, self.compute_dtype), [-1, self.size])
        logits = tf.matmul(rows, words, transpose_b=True)  # of batches the gradient would hold [B, T, V, E]
        dtype = networks.density_dtype(self)
        logits = tf.cast(logits, dtype) + tf.cast(self.bias, dtype)
        return tf.reshape(logits, tf.concat([tf.shape(features)[:-1], [self.vocabulary_size]], axis=0))

    def compute_output_shape(self, words_shape: Shape) -> Shape:
        """Returns the shape of the embeddings."""
        return (*words_shape, self.size)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "vocabulary_size": self.vocabulary_size, "size": self.size}
