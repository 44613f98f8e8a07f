"""Sentences from the user's files, in the layouts that people have, and from Python's own help."""

import gzip

import numpy as np
import pytest

from sisrnn_tf.data import pydoc
from sisrnn_tf.data.checks import check
from sisrnn_tf.data.registry import load
from sisrnn_tf.data.spec import SPLITS, DataSpec

TEXTS = {"train": ["a b c", "b c"] * 60, "valid": ["c b a <unk>"] * 30, "test": ["a", "zebra b"]}


def write(folder, texts=TEXTS, name="{}.txt", label=""):
    folder.mkdir()
    for split, lines in texts.items():
        content = "".join(f"{label}{line}\n" for line in lines)
        path = folder / name.format(split)
        path.write_bytes(gzip.compress(content.encode()) if path.suffix == ".gz" else content.encode())
    return str(folder)


def sentences(split):
    return [tokens[:length].tolist() for tokens, length in zip(split.observations, split.lengths, strict=True)]


@pytest.mark.parametrize("name", ["{}.txt", "{}.txt.gz", "ptb.{}.txt", "ptb.{}.txt.gz"])
def test_the_layouts_that_users_have(tmp_path, name):
    dataset = load("ptb", write(tmp_path / "data", name=name))
    check(dataset)
    words = dataset.vocabulary
    assert [len(dataset.split(split)) for split in ("train", "validation", "test")] == [120, 30, 2]
    assert dataset.num_tokens == (60 * 7, 30 * 5, 5)  # ends are counted, begins are not
    assert [words.decode(ids) for ids in sentences(dataset.test)] == ["a", "<unk> b"]
    assert dataset.observation_size == len(words) == 5
    assert dataset.convention == "ptb, V=5 of the training text, sentences whole, the end scored, the begin not"


def test_a_column_of_labels_is_left_out(tmp_path):
    plain, labeled = load("text", write(tmp_path / "a")), load("text", write(tmp_path / "b", label="3\t"))
    np.testing.assert_array_equal(labeled.train.observations, plain.train.observations)
    assert labeled.vocabulary.words == plain.vocabulary.words


@pytest.mark.parametrize("label", ["-1\t", "+1\t", " 12 \t"])
def test_labels_may_have_a_sign(tmp_path, label):
    dataset = load("text", write(tmp_path / "data", label=label))
    assert set(dataset.vocabulary.words) == {"<eos>", "<unk>", "a", "b", "c"}


@pytest.mark.parametrize("begin, end", [("", "</s>"), ("", "<eos>"), ("", "<EOS> <EOS>"), ("<s>", ""), ("<s>", "</s>")])
def test_a_text_that_marks_begins_and_ends_is_the_same_text(tmp_path, begin, end):
    marked = {split: [f"{begin} {line} {end}" for line in lines] for split, lines in TEXTS.items()}
    marked["train"].append(f"{begin} {end}")  # without a word, as an empty line
    plain, dataset = load("ptb", write(tmp_path / "plain")), load("ptb", write(tmp_path / "marked", marked))
    assert dataset.vocabulary.words == plain.vocabulary.words and dataset.num_tokens == plain.num_tokens
    for split in SPLITS:
        np.testing.assert_array_equal(dataset.split(split).observations, plain.split(split).observations)
    assert dataset.convention == f"{plain.convention}, 152 sentences' own marks of begin or end taken off"


def test_marks_of_byte_order_and_ends_of_lines_are_no_text(tmp_path):
    plain = load("ptb", write(tmp_path / "plain"))
    folder = tmp_path / "marked"
    folder.mkdir()
    for split, end in zip(TEXTS, ("\r", "\r\n", "\n"), strict=True):
        first, *others = TEXTS[split]
        text = f"\ufeff{first}{end}\ufeff{end.join(others)}{end}"  # of two files put together
        (folder / f"{split}.txt").write_bytes(text.encode())
    (folder / "vocab.txt").write_bytes(("\ufeff" + "\r".join(plain.vocabulary.words)).encode())
    dataset = load("ptb", str(folder))
    assert dataset.vocabulary.words == plain.vocabulary.words
    for split in SPLITS:
        np.testing.assert_array_equal(dataset.split(split).observations, plain.split(split).observations)


def test_how_many_words_are_unknown_is_said_and_many_are_a_warning(tmp_path, caplog):
    texts = {"train": ["a a a a a b", "a a a a a b"], "valid": ["a a a a a a a a a z"], "test": ["a z"]}
    with caplog.at_level("INFO"):
        load("ptb", write(tmp_path / "data", texts))
    said = [record for record in caplog.records if "unknown to the vocabulary" in record.getMessage()]
    assert [record.levelname for record in said] == ["INFO", "INFO", "WARNING"]
    expected = ("train: 0 of 12 words (0.0%)", "validation: 1 of 10 words (10.0%)", "test: 1 of 2 words (50.0%)")
    assert all(f"ptb, {text} are" in record.getMessage() for text, record in zip(expected, said, strict=True))


@pytest.mark.parametrize("count, options", [(11, {}), (10, {"test": ["a"]})])
def test_as_few_sentences_as_the_error_asks_for_are_enough(tmp_path, count, options):
    dataset = load("text", write(tmp_path / "data", {"train": ["a"] * count, **options}))
    check(dataset)
    assert [len(dataset.split(split)) for split in SPLITS] == [9, 1, 1]


def test_val_as_a_name_and_a_given_vocabulary(tmp_path):
    texts = {"train": TEXTS["train"], "val": TEXTS["valid"], "test": TEXTS["test"]}
    folder = write(tmp_path / "data", texts)
    (tmp_path / "data" / "vocab.txt").write_text("zebra\t0\n<eos>\t1\n_UNK\t2\nb\t3\n")
    dataset = load("yahoo", folder)
    assert dataset.vocabulary.words == ("zebra", "<eos>", "_UNK", "b")
    assert sentences(dataset.test) == [[2, 1], [0, 3, 1]]
    assert "V=4 of vocab.txt" in dataset.convention
    (tmp_path / "other.txt").write_text("b\nc\n")
    other = load("yahoo", folder, vocabulary_file=str(tmp_path / "other.txt"))
    assert other.vocabulary.words == ("b", "c", "<eos>", "<unk>")


def test_training_on_the_validation_file_holds_every_tenth_of_it_out(tmp_path):
    lines = [f"w{index} w{index} a" for index in range(100)]
    dataset = load("yahoo", write(tmp_path / "data", {"val": lines, "test": ["w1"]}), train_split="val")
    words = dataset.vocabulary
    held_out = {words.decode(ids) for ids in sentences(dataset.validation)}
    assert len(dataset.train) == 90 and held_out == {"<unk> <unk> a"}  # the words are those of the training part
    assert "trained on the validation file, every 10th sentence for validation" in dataset.convention


def test_one_file_makes_three_splits_that_share_no_sentence(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("".join(f"{'x ' * (index + 1)}\n" for index in range(100)))
    dataset = load("text", str(path))
    lengths = [set(dataset.split(split).lengths.tolist()) for split in ("train", "validation", "test")]
    assert [len(each) for each in lengths] == [81, 10, 9]
    assert set.union(*lengths) == set(range(2, 102)) and sum(map(len, lengths)) == 100


def test_long_sentences_are_cut_and_counted(tmp_path):
    dataset = load("text", write(tmp_path / "data"), max_length=3)
    assert dataset.train.observations.shape == (120, 3)
    assert dataset.vocabulary.end_id not in dataset.train.observations[0]  # it was cut off
    assert "sentences cut to 3 tokens (90 were longer)" in dataset.convention


def test_empty_lines_are_left_out_with_a_message(tmp_path, caplog):
    folder = write(tmp_path / "data", {**TEXTS, "test": ["a", "", "  ", "b"]})
    with caplog.at_level("INFO"):
        dataset = load("text", folder)
    assert len(dataset.test) == 2
    assert "test.txt: 2 empty lines are left out" in caplog.text


def test_the_embedded_text():
    dataset = load("pydoc")
    check(dataset)
    spec = DataSpec.of(dataset)
    assert DataSpec.from_json(spec.to_json()) == spec
    assert "image_shape" not in spec.to_json()
    assert min(spec.num_sequences) > 100 and dataset.train.lengths.max() <= 41
    texts = [dataset.vocabulary.decode(ids) for ids in sentences(dataset.train)]
    assert any("the" in text.split() for text in texts)
    assert len(set().union(*pydoc.read().values())) == sum(spec.num_sequences)  # no sentence is in two splits


@pytest.mark.parametrize(
    "texts, options, message",
    [
        ({"valid": ["a"], "test": ["a"]}, {}, "--train_split=val trains on the validation file.*test.txt, valid.txt"),
        ({**TEXTS, "val": ["a"]}, {}, "one file of the validation split. Received val.txt, valid.txt"),
        ({**TEXTS, "test": ["", " "]}, {}, "must hold a sentence a line"),
        (TEXTS, {"vocabulary_file": "no_such_file"}, "`vocabulary_file` must be a file that exists"),
        ({"train": ["a"] * 10}, {"name": "text"}, "validation and test splits .* at least 11 training sentences"),
        ({"train": ["a"] * 9, "test": ["a"]}, {"name": "text"}, "validation split .* at least 10 training sentences"),
        ({**TEXTS, "test": ["a b </s> c"]}, {}, r"test\.txt, line 1: `sentence` must be one sentence.*\['</s>'\]"),
        ({**TEXTS, "test": ["a", "b <s> c"]}, {}, r"test\.txt, line 2: `sentence` must be one sentence.*\['<s>'\]"),
        ({**TEXTS, "test": ["A", "B C"]}, {}, "knows none of the 3 words of the test split of ptb"),
    ],
)
def test_errors(tmp_path, texts, options, message):
    with pytest.raises(ValueError, match=message):
        load(options.pop("name", "ptb"), write(tmp_path / "data", texts), **options)


def test_damaged_files(tmp_path):
    folder = tmp_path / "data"
    write(folder, name="{}.txt.gz")
    (folder / "test.txt.gz").write_bytes((folder / "test.txt.gz").read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"test\.txt\.gz cannot be read as gzipped text"):
        load("ptb", str(folder))
    (folder / "test.txt.gz").unlink()
    (folder / "test.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(ValueError, match=r"test\.txt cannot be read as text"):
        load("ptb", str(folder))
    with pytest.raises(ValueError, match="No data for yahoo"):
        load("yahoo")
    with pytest.raises(ValueError, match="`data_dir` must be a file or a folder that exists"):
        load("yahoo", str(tmp_path / "nowhere"))
