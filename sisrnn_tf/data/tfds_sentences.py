"""Sentences as a data set of TensorFlow Datasets, for those who build their own pipelines from it."""

from typing import Any, ClassVar

import tensorflow as tf
import tensorflow_datasets as tfds

from sisrnn_tf.data import registry
from sisrnn_tf.data.spec import SPLITS

_NAMES = ("ptb", "yahoo", "text")


class Sentences(tfds.core.GeneratorBasedBuilder):
    """PTB, Yahoo or any text, read by the same reader as `launch.train` from files that the user brings.

    Each example has the `sentence` as the vocabulary knows it and its `tokens`, numbers of words and of the end. A
    configuration is a data set of `registry.DATASETS`. The vocabulary is that of the same call of `registry.load`.

    Args:
        options: further arguments of `registry.load`, such as `train_split` or `max_length`.

    Example:
        >>> builder = Sentences(config="ptb", data_dir="~/tensorflow_datasets")
        >>> builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir="folder/of/ptb"))
        >>> train = builder.as_dataset(split="train")
    """

    name = "sisrnn_sentences"
    VERSION = tfds.core.Version("1.1.0")  # 1.0.0 gave a second end to sentences that mark their own
    BUILDER_CONFIGS: ClassVar = [
        tfds.core.BuilderConfig(name=name, description=f"The files of {name}.") for name in _NAMES
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Put train.txt, valid.txt (or val.txt) and test.txt, plain or gzipped, a tokenized sentence a line, into the "
        "folder."
    )

    def __init__(self, *, options: dict | None = None, **kwargs: Any):
        self.options = options or {}
        super().__init__(**kwargs)

    def _info(self) -> tfds.core.DatasetInfo:
        features = {"sentence": tfds.features.Text(), "tokens": tfds.features.Sequence(tf.int32)}
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        dataset = registry.load(self.builder_config.name, data_dir=str(dl_manager.manual_dir), **self.options)
        return {split: self._generate_examples(dataset.split(split), dataset.vocabulary) for split in SPLITS}

    def _generate_examples(self, sequences, vocabulary):
        for index, (tokens, length) in enumerate(zip(sequences.observations, sequences.lengths, strict=True)):
            yield index, {"sentence": vocabulary.decode(tokens[:length]), "tokens": tokens[:length]}
