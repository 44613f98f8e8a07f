"""The builder for TensorFlow Datasets wraps the reader: same sentences, same numbers, no network."""

import tensorflow_datasets as tfds

from sisrnn_tf.data.registry import load
from sisrnn_tf.data.tfds_sentences import Sentences
from tests.data.test_sentences import sentences, write


def test_examples_are_those_of_the_reader(tmp_path):
    folder = write(tmp_path / "data")
    builder = Sentences(config="ptb", data_dir=tmp_path / "prepared", options={"max_length": 3})
    config = tfds.download.DownloadConfig(manual_dir=folder)
    builder.download_and_prepare(download_config=config)
    dataset = load("ptb", folder, max_length=3)
    for split in ("train", "validation", "test"):
        examples = list(builder.as_dataset(split=split).as_numpy_iterator())
        expected = sentences(dataset.split(split))
        assert sorted(example["tokens"].tolist() for example in examples) == sorted(expected)
        for example in examples:
            assert dataset.vocabulary.decode(example["tokens"]) == example["sentence"].decode()
