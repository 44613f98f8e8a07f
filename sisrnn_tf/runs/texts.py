"""Sentences that a model writes, as text."""

import logging
from typing import Any

import numpy as np
import tensorflow as tf

from sisrnn_tf.core.atomic import write_text
from sisrnn_tf.core.validation import require
from sisrnn_tf.data.coverage import Coverage
from sisrnn_tf.data.vocabulary import Vocabulary, words_of
from sisrnn_tf.models.writing import WritingModel
from sisrnn_tf.runs.workdir import Workdir

_LOGGER = logging.getLogger(__name__)
NUM_SENTENCES = 20


def write(
    model: WritingModel,
    observations: tf.Tensor,
    mask: tf.Tensor,
    vocabulary: Vocabulary,
    workdir: Workdir,
    seed: int,
) -> None:
    """Writes sentences drawn from the model, and reconstructions below the sentences they are of, to the workdir.

    Args:
        model: trained.
        observations: held-out sentences, int `[N, T]`.
        mask: bool `[N, T]`.
        vocabulary: of the model.
        workdir: of the run.
        seed: of the samples and reconstructions.
    """
    num_steps = observations.shape[1]
    samples = to_lines(model.generate(len(observations), num_steps, seed=seed), vocabulary)
    rebuilt = to_lines(model.reconstruct(observations, mask, seed=seed), vocabulary)
    given = to_lines(tf.where(mask, observations, model.end_id), vocabulary)
    pairs = [f"{sentence}\n  {copy}" for sentence, copy in zip(given, rebuilt, strict=True)]
    write_text(workdir.samples, "\n".join(samples) + "\n")
    write_text(workdir.reconstructions, "\n".join(pairs) + "\n")


def to_lines(words: tf.Tensor, vocabulary: Vocabulary) -> list[str]:
    """Returns sentences as text, each up to its end, from numbers of words `[N, T]`."""
    return [vocabulary.decode(sentence) for sentence in words.numpy().tolist()]


def to_words(sentence: str, vocabulary: Vocabulary) -> np.ndarray:
    """Returns the numbers of a sentence's words and of its end, int32 `[T]`; says which words are not known.

    Raises:
        ValueError: the sentence has no word, or none that is known, or marks a begin or an end between its words.
    """
    if not words_of(sentence):
        raise ValueError(f"A sentence must have at least one word, words between spaces. Received: {sentence!r}")
    unknown, words = vocabulary.unknown_words(sentence), vocabulary.encode(sentence)
    Coverage.of(vocabulary, [sentence], [words]).check(f"the sentence {sentence!r}")
    if unknown:
        name = vocabulary.words[vocabulary.unknown_id]
        _LOGGER.warning("Not in the vocabulary, so read as %s: %s", name, ", ".join(dict.fromkeys(unknown)))
    return words


def to_sentences(observations: Any, vocabulary: Vocabulary) -> list[np.ndarray]:
    """Returns sentences, each a string or the numbers of its words, as numbers of words, each int `[T]`.

    Raises:
        ValueError: they are something else, or one of them is as in `to_words`.
    """
    good = isinstance(observations, list | tuple) and all(isinstance(each, str | np.ndarray) for each in observations)
    require(good and len(observations) > 0, "observations", "a list of sentences, each a string", observations)
    return [to_words(each, vocabulary) if isinstance(each, str) else each for each in observations]
