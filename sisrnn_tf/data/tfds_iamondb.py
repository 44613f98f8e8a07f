"""IAM-OnDB as a data set of TensorFlow Datasets, for those who build their own pipelines from it."""

from typing import ClassVar

import tensorflow as tf
import tensorflow_datasets as tfds

from sisrnn_tf.data import iamondb


class Handwriting(tfds.core.GeneratorBasedBuilder):
    """The lines of IAM-OnDB, read by the same reader as `launch.train` from files that the user brings.

    Each example has the `strokes` of a line, (dx, dy, pen) in the data's units, float32 `[T, 3]`. A configuration is a
    protocol of `iamondb.PROTOCOLS`; that of VRNN has no validation split, which is the user's to hold out.

    Example:
        >>> builder = Handwriting(config="vrnn", data_dir="~/tensorflow_datasets")
        >>> config = tfds.download.DownloadConfig(manual_dir="folder/of/lineStrokes/and/lists")
        >>> builder.download_and_prepare(download_config=config)
        >>> train = builder.as_dataset(split="train")
    """

    name = "sisrnn_handwriting"
    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS: ClassVar = [
        tfds.core.BuilderConfig(name=name, description=f"The splits {name}.") for name in iamondb.PROTOCOLS
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Unpack lineStrokes-all.tar.gz into the folder and put trainset.txt, testset_v.txt, testset_t.txt and "
        "testset_f.txt beside lineStrokes/. The owners of IAM-OnDB ask users to register."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        features = {"strokes": tfds.features.Tensor(shape=(None, 3), dtype=tf.float32)}
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        splits, _ = iamondb.read(str(dl_manager.manual_dir), self.builder_config.name)
        return {split: self._generate_examples(lines) for split, lines in splits.items()}

    def _generate_examples(self, lines):
        for index, strokes in enumerate(lines):
            yield index, {"strokes": strokes}
