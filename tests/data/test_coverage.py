"""How much of a text a vocabulary knows: counted, added up, said."""

import pytest

from sisrnn_tf.data.coverage import Coverage
from sisrnn_tf.data.vocabulary import Vocabulary

WORDS = Vocabulary(["<eos>", "<unk>", "a", "b"])


def _coverage(*sentences):
    return Coverage.of(WORDS, sentences, [WORDS.encode(sentence) for sentence in sentences])


def test_words_are_counted_without_ends_and_marks():
    found = _coverage("a b", "<s> a zorkmid <unk> </s>", "b </s>")
    assert found == Coverage(num_words=6, num_unknown=2, num_marked=2)
    assert Coverage.sum([found, _coverage("b b")]) == Coverage(8, 2, 2)
    assert Coverage.sum([]) == Coverage(0, 0, 0)


def test_more_than_a_tenth_is_poor_and_all_is_an_error():
    sufficient, poor = Coverage(1_000, 100), Coverage(1_000, 101, 7)
    assert (sufficient.is_poor, poor.is_poor) == (False, True)
    assert sufficient.describe() == "100 of 1,000 words (10.0%) are unknown to the vocabulary"
    assert "101 of 1,000 words (10.1%) are unknown to the vocabulary (are" in poor.describe()
    assert poor.describe().endswith("; 7 sentences' own marks of begin or end taken off")
    Coverage(10, 9).check("it")
    with pytest.raises(ValueError, match="The vocabulary knows none of the 10 words of it"):
        Coverage(10, 10).check("it")
