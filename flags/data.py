"""Flags that say which data."""

from absl import flags

from sisrnn_tf.config import BINARIZATIONS, LAYOUTS
from sisrnn_tf.data.registry import DATASETS

flags.DEFINE_enum("dataset", "digits", sorted(DATASETS), "The data set; digits is embedded and needs no network.")
flags.DEFINE_string("data_dir", None, "Folder with the data set's files.")
flags.DEFINE_bool("download", None, "Let TFDS download the data set.")
flags.DEFINE_enum(
    "binarization",
    None,
    BINARIZATIONS,
    "How grey images become observations. larochelle: his fixed files (binarized_mnist only); sampled: Bernoulli once; "
    "dynamic: Bernoulli afresh every time; threshold: > 0.5; grey: intensities, whose cross-entropy is no likelihood. "
    "Default: digits threshold, mnist dynamic, binarized_mnist larochelle.",
)
flags.DEFINE_enum("layout", None, LAYOUTS, "rows: an image row a step; pixels: one pixel a step. Default: rows.")
flags.DEFINE_integer("max_eval_sequences", None, "Validate and test on at most so many sequences, evenly spaced.")
