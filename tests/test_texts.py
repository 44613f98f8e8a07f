"""Sentences in and out of a model, as text."""

import pytest
import tensorflow as tf

from sisrnn_tf.data.vocabulary import Vocabulary
from sisrnn_tf.runs import texts

WORDS = Vocabulary(["<eos>", "<unk>", "see", "module"])


def test_there_and_back(caplog):
    words = texts.to_words("<s> see  zorkmid module zorkmid </s>", WORDS)
    assert words.tolist() == [2, 1, 3, 1, 0]
    assert "Not in the vocabulary, so read as <unk>: zorkmid" in caplog.text
    assert texts.to_lines(tf.constant([[2, 3, 0, 3], [0, 0, 0, 0]]), WORDS) == ["see module", ""]


@pytest.mark.parametrize(
    "sentence, message",
    [
        *((sentence, "at least one word") for sentence in ("", "  ", "\n", "<s> </s>")),
        ("zorkmid Module", "knows none of the 2 words of the sentence 'zorkmid Module'"),
    ],
)
def test_a_sentence_without_a_known_word_is_refused(sentence, message):
    with pytest.raises(ValueError, match=message):
        texts.to_words(sentence, WORDS)
