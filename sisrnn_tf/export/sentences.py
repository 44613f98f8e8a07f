"""The signatures of models of sentences: text in, text out."""

import re

import numpy as np
import tensorflow as tf

from sisrnn_tf.data.vocabulary import BEGIN_NAMES, END_NAMES, Vocabulary
from sisrnn_tf.export import requests
from sisrnn_tf.models.sentence import SentenceSISRNN

# What Python's `str.split` splits at, which made the training data: more than TensorFlow's own split knows.
_WHITE_SPACE = r"[\s\x{0b}\x{1c}-\x{1f}\x{85}\p{Z}]+"
# A sentence's own marks of begin and end, which `data.vocabulary.words_of` leaves out too; space stands around words.
_LEADING = f"^ (?:(?:{'|'.join(map(re.escape, BEGIN_NAMES))}) )*"
_TRAILING = f" (?:(?:{'|'.join(map(re.escape, END_NAMES))}) )*$"
_WARMUP_STEPS = 8


class SentenceSignatures:
    """What an exported model of sentences does; each method is a signature, its arguments are the request.

    Args:
        model: a `SentenceSISRNN`.
        num_mixing: K.
        num_importance: M.
        vocabulary: of the model.
        max_generated: the largest B T of `generate`.

    Attributes:
        normalization: None: words have no units.
        nan_is_missing: False: no word is missing.
        specs: signature -> shapes and types of its arguments.
        sizes: letters, values and meanings of the sizes that are fixed.
        likelihood: what `score` estimates, in words.
        table: word -> number, a resource of the graph.
    """

    normalization = None
    nan_is_missing = False

    def __init__(
        self, model: SentenceSISRNN, num_mixing: int, num_importance: int, vocabulary: Vocabulary, max_generated: int
    ):
        self.model, self.num_mixing, self.num_importance = model, num_mixing, num_importance
        self.vocabulary, self.max_generated = vocabulary, max_generated
        words = tf.constant(vocabulary.words)
        numbers = tf.lookup.KeyValueTensorInitializer(words, tf.range(len(vocabulary)))
        self.table = tf.lookup.StaticHashTable(numbers, default_value=vocabulary.unknown_id)
        sentences = (tf.TensorSpec([None], tf.string, "sentences"), requests.SEED)
        self.specs: dict[str, tuple[tf.TensorSpec, ...]] = {
            **dict.fromkeys(("score", "encode", "reconstruct"), sentences),
            "generate": (requests.BATCH, requests.STEPS, requests.SEED),
        }

    @property
    def sizes(self) -> list[tuple[str, int, str]]:
        """See the class."""
        cell = self.model.cell
        return [
            ("V", len(self.vocabulary), "words"),
            ("H", cell.hidden_size, "hidden units"),
            ("Z", cell.latent_size, "latents"),
            ("K", self.num_mixing if self.model.mixes else 0, "mixing draws"),
            ("M", self.num_importance, "importance draws"),
        ]

    @property
    def likelihood(self) -> str:
        """See the class."""
        sizes = dict(size[:2] for size in self.sizes)
        name = "L_K" if self.num_importance == 1 else "importance-weighted latents (IWAE)"
        return f"a lower bound in the mean on log p(x): {name}, K = {sizes['K']}, M = {sizes['M']}"

    def score(self, sentences: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """What the model knows of log p(x) of each sentence, see Likelihoods.

        Words stand between white space; one that the vocabulary lacks is scored as its unknown word. The end of the
        sentence is scored too, once: marks of begin and end that it brings itself are left out.
        """
        words, mask, seed = self._to_checked(sentences, seed)
        return {"log_likelihood": self.model.score(words, mask, self.num_importance, self.num_mixing, seed)}

    def encode(self, sentences: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """The latent z of each sentence, drawn from the posterior, and the state of the network that has read it."""
        outputs = self.model.infer(*self._to_checked(sentences, seed))
        return {name: tf.cast(outputs[name], self.model.density_dtype) for name in ("latent", "hidden")}

    def reconstruct(self, sentences: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """Sentences at latents drawn from the posterior, each word the likeliest, as long as the longest given."""
        words, mask, seed = self._to_checked(sentences, seed)
        return {"sentences": self._to_text(self.model.reconstruct(words, mask, seed, tf.shape(words)[1]))}

    def generate(self, batch: tf.Tensor, steps: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """New sentences, drawn from the model, B = batch of at most so many steps: words, the end among them."""
        batch, steps, seed = requests.check_shapes(self.specs["generate"], batch, steps, seed)
        batch, steps = requests.check_sizes(batch, steps, self.max_generated)
        return {"sentences": self._to_text(self.model.generate(batch, steps, seed))}

    def examples(self) -> dict[str, tuple]:
        """Returns the arguments of a request for each signature."""
        seed = np.zeros(2, np.int32)
        sentence = " ".join(self.vocabulary.words[:_WARMUP_STEPS]).encode()
        return {
            **{name: (np.array([sentence], object), seed) for name in ("score", "encode", "reconstruct")},
            "generate": (np.int32(1), np.int32(min(_WARMUP_STEPS, self.max_generated)), seed),
        }

    def _to_checked(self, sentences: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns the words, the mask and the seed of a request, if it is in order."""
        sentences, seed = requests.check_shapes(self.specs["score"], sentences, seed)
        return *self._to_words(sentences), seed

    def _to_words(self, sentences: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns numbers of words `[B, T]`, the end after each sentence, and the mask `[B, T]`."""
        spaced = tf.strings.strip(tf.strings.regex_replace(sentences, _WHITE_SPACE, " "))
        bare = tf.strings.regex_replace(tf.strings.join([" ", spaced, " "]), _LEADING, " ")
        tokens = tf.strings.split(tf.strings.regex_replace(bare, _TRAILING, " "))
        tokens = tokens.with_flat_values(requests.check_words(tokens.flat_values, (*BEGIN_NAMES, *END_NAMES)))
        words = tokens.with_flat_values(self.table.lookup(tokens.flat_values))
        words = tf.concat([words, tf.fill([tf.shape(sentences)[0], 1], self.vocabulary.end_id)], axis=1)
        padded = words.to_tensor(self.vocabulary.end_id)
        return padded, tf.sequence_mask(words.row_lengths(), tf.shape(padded)[1])

    def _to_text(self, words: tf.Tensor) -> tf.Tensor:
        """Returns the words of numbers `[B, T]` up to the first end, `[B]`."""
        ended = tf.cumsum(tf.cast(words == self.vocabulary.end_id, tf.int32), axis=1)
        text = tf.ragged.boolean_mask(tf.gather(tf.constant(self.vocabulary.words), words), ended == 0)
        return tf.strings.reduce_join(text, axis=1, separator=" ")
