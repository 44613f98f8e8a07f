"""Drawing a word from logits: greedily, or from what temperature, top-k and the nucleus leave; pure functions."""

import dataclasses
import math

import tensorflow as tf

from sisrnn_tf.core import random
from sisrnn_tf.core.validation import require, require_between, require_int, require_positive


@dataclasses.dataclass(frozen=True)  # equal ones share a compiled function
class Sampler:
    """How the next word is chosen.

    Args:
        temperature: logits are divided by it; 0 takes the most likely word.
        top_k: only so many of the most likely words may come; None for all.
        top_p: only the nucleus, the fewest most likely words that have this probability together (Holtzman et al.
            2020), taken after temperature and top-k; None or 1 for all.

    Raises:
        ValueError: an argument is out of its range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self):
        require_between("temperature", self.temperature, 0, math.inf, "finite and at least 0")
        if self.top_p is not None:
            require_positive("top_p", self.top_p)
            require(self.top_p <= 1, "top_p", "above 0 and at most 1", self.top_p)
        if self.top_k is not None:
            require_int("top_k", self.top_k, 1)

    def __call__(self, logits: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws words, int32 `[B]`.

        Args:
            logits: `[B, V]`.
            seed: int32 `[2]`.
        """
        if self.temperature == 0:
            return tf.argmax(logits, axis=-1, output_type=tf.int32)
        logits = self.truncate(logits)
        uniforms = random.uniform(tf.shape(logits), seed, logits.dtype)
        # The maximum of logits and Gumbel noise is a draw from their softmax.
        return tf.argmax(logits - tf.math.log(-tf.math.log(uniforms)), axis=-1, output_type=tf.int32)

    def truncate(self, logits: tf.Tensor) -> tf.Tensor:
        """Returns logits over the temperature, -inf for words that may not come, `[B, V]`."""
        logits = logits / self.temperature
        nothing = tf.constant(-math.inf, logits.dtype)
        if self.top_k is not None:
            smallest = tf.math.top_k(logits, tf.minimum(self.top_k, tf.shape(logits)[-1])).values[:, -1:]
            logits = tf.where(logits < smallest, nothing, logits)
        if self.top_p is not None and self.top_p < 1:
            ordered = tf.sort(logits, direction="DESCENDING", axis=-1)
            before = tf.cumsum(tf.nn.softmax(ordered, axis=-1), axis=-1, exclusive=True)
            smallest = tf.reduce_min(tf.where(before < self.top_p, ordered, -nothing), axis=-1, keepdims=True)
            logits = tf.where(logits < smallest, nothing, logits)
        return logits
