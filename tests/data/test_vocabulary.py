"""The vocabulary: numbers and words, built and given."""

import hypothesis
import hypothesis.strategies as st
import pytest

from sisrnn_tf.data import vocabulary
from sisrnn_tf.data.vocabulary import Vocabulary

WORDS = st.text("abc", min_size=1, max_size=2)


@hypothesis.given(st.lists(WORDS, min_size=1, max_size=8))
def test_known_sentences_come_back(words):
    sentence = " ".join(words)
    known = vocabulary.build([sentence, sentence], 100)
    ids = known.encode(sentence)
    assert ids[-1] == known.end_id and len(ids) == len(words) + 1
    assert known.decode([*ids.tolist(), 5, 5]) == sentence  # what follows the end is none of it
    assert not known.unknown_words(sentence)


def test_words_are_ordered_by_frequency_and_those_seen_once_are_unknown():
    known = vocabulary.build(["b b a a a c", "d d"], 100)
    assert known.words == ("<eos>", "<unk>", "a", "b", "d")
    assert known.encode("a c zebra").tolist() == [2, 1, 1, 0]
    assert known.unknown_words("a c zebra") == ["c", "zebra"]
    assert vocabulary.build(["b b a a a c", "d d"], 4).words == ("<eos>", "<unk>", "a", "b")


def test_a_text_that_marks_its_unknown_words_keeps_all_others():
    assert set(vocabulary.build(["a <unk> b"], 100).words) == {"<eos>", "<unk>", "a", "b"}
    assert set(vocabulary.build(["a _UNK b"], 100).words) == {"<eos>", "_UNK", "a", "b"}


def test_a_file_may_number_its_words_and_name_end_and_unknown():
    known = vocabulary.parse(["b\t1", "a\t0", "<eos>\t2", "_UNK\t3"])
    assert (known.words, known.end_id, known.unknown_id) == (("a", "b", "<eos>", "_UNK"), 2, 3)
    assert vocabulary.parse(["[", "]", "{", "a"]).words == ("[", "]", "{", "a", "<eos>", "<unk>")
    assert vocabulary.parse(["a\t", "b", ""]).words == ("a", "b", "<eos>", "<unk>")
    assert Vocabulary(known.to_text().split()).fingerprint == known.fingerprint
    assert Vocabulary(reversed(known.words)).fingerprint != known.fingerprint


def test_a_sentences_own_marks_are_no_words():
    known = vocabulary.build(["<s> a b </s>", "a b <eos>"], 100)
    assert known.words == ("<eos>", "<unk>", "a", "b")
    for sentence in ("a b", "a b <eos>", "a b </s>", "<s> a b _EOS", "<BOS> a b <EOS> <EOS>"):
        assert known.encode(sentence).tolist() == [2, 3, 0] and known.unknown_words(sentence) == []
    assert vocabulary.words_of("</s>") == vocabulary.words_of(" <s>") == []


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Vocabulary(["a", "a", "<eos>", "<unk>"]), "different from each other"),
        (lambda: Vocabulary(["a b", "<eos>", "<unk>"]), "without spaces"),
        (lambda: Vocabulary(["a", "<unk>"]), "the end of a sentence"),
        (lambda: Vocabulary(["a", "<eos>"]), "the unknown word"),
        (lambda: vocabulary.build(["a"], 2), "`vocabulary_size` must be at least 3"),
        (lambda: vocabulary.parse(["a\t0", "b\t2"]), "without a gap"),
        (lambda: vocabulary.parse(["0\ta", "1\tb"]), "alone or in every line before a tab and its number"),
        (lambda: vocabulary.parse(["a\t0", "b"]), "alone or in every line before a tab and its number"),
        (lambda: vocabulary.parse(['{"a":0,"b":1}']), "`vocabulary` must be a word a line.*JSON"),
        (lambda: vocabulary.parse(["[", '"a",', '"b"', "]", ""]), "`vocabulary` must be a word a line.*JSON"),
        (lambda: vocabulary.parse(["[" * 100_000]), "`vocabulary` must be a word a line.*JSON"),
        (lambda: Vocabulary(["a", "<eos>", "<unk>"]).encode("a <eos> a"), "one sentence, its own marks"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
