"""Flags that say which data."""

from absl import flags

from sisrnn_tf.config import BINARIZATIONS, LAYOUTS, TRAIN_SPLITS
from sisrnn_tf.data.registry import DATASETS, NO_IMAGES

flags.DEFINE_enum(
    "dataset",
    "digits",
    sorted(DATASETS),
    "The data set; digits (images) and pydoc (English sentences) are embedded and need no network.",
)
flags.DEFINE_string(
    "data_dir",
    None,
    "Folder with the data set's files. Of text: train.txt, valid.txt or val.txt, and test.txt, plain or gzipped, a "
    "tokenized sentence a line; text may lack the latter two, or be a single file.",
)
flags.DEFINE_bool("download", None, "Let TFDS download the data set.")
flags.DEFINE_enum(
    "binarization",
    None,
    [name for name in BINARIZATIONS if name != NO_IMAGES],
    "How grey images become observations. larochelle: his fixed files (binarized_mnist only); sampled: Bernoulli once; "
    "dynamic: Bernoulli afresh every time; threshold: > 0.5; grey: intensities, whose cross-entropy is no likelihood. "
    "Default: digits threshold, mnist dynamic, binarized_mnist larochelle.",
)
flags.DEFINE_enum(
    "train_split", None, TRAIN_SPLITS, "Of text; val: train on the validation file, every tenth sentence held out."
)
flags.DEFINE_string(
    "vocabulary_file",
    None,
    "Of text: a word a line. Default: vocab.txt or vocab.txt.gz of --data_dir, or else the words of the training text.",
)
flags.DEFINE_integer("vocabulary_size", None, "Of text: at most so many words, the most frequent of the training text.")
flags.DEFINE_integer("max_length", None, "Of text: cut sentences to so many tokens, the end among them.")
flags.DEFINE_enum("layout", None, LAYOUTS, "rows: an image row a step; pixels: one pixel a step. Default: rows.")
flags.DEFINE_integer("max_eval_sequences", None, "Validate and test on at most so many sequences, evenly spaced.")
