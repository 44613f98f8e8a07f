"""Flags that say which data."""

from absl import flags

from sisrnn_tf.configuration.data_config import BINARIZATIONS, LAYOUTS, SPLIT_PROTOCOLS, TRAIN_SPLITS
from sisrnn_tf.data.normalization import NORMALIZATIONS
from sisrnn_tf.data.registry import DATASETS, NO_IMAGES, by_value, users

_BINARIZATIONS = by_value(lambda entry: entry.default_binarization * entry.kind.is_image)
_NORMALIZATIONS = by_value(lambda entry: entry.kind.default_normalization * ("normalization" in entry.options))

flags.DEFINE_enum(
    "dataset",
    "digits",
    sorted(DATASETS),
    "The data set; digits (images), pydoc (English sentences) and glyphs (strokes) are embedded and need no network.",
)
flags.DEFINE_string(
    "data_dir",
    None,
    f"Folder with the data set's files, or the file. {by_value(lambda entry: entry.files)}.",
)
flags.DEFINE_bool("download", None, "Let TFDS download the data set.")
flags.DEFINE_enum(
    "binarization",
    None,
    [name for name in BINARIZATIONS if name != NO_IMAGES],
    "How grey images become observations. larochelle: his fixed files (binarized_mnist only); sampled: Bernoulli once; "
    "dynamic: Bernoulli afresh every time; threshold: > 0.5; grey: intensities, whose cross-entropy is no likelihood. "
    f"Default of {_BINARIZATIONS}.",
)
flags.DEFINE_enum(
    "train_split",
    None,
    TRAIN_SPLITS,
    f"Of {users('train_split')}; val: train on the validation file, every tenth sentence held out.",
)
flags.DEFINE_string(
    "vocabulary_file",
    None,
    f"Of {users('vocabulary_file')}: a word a line. "
    "Default: vocab.txt or vocab.txt.gz of --data_dir, or else the words of the training text.",
)
flags.DEFINE_integer("vocabulary_size", None, "Of text: at most so many words, the most frequent of the training text.")
flags.DEFINE_integer(
    "max_length",
    None,
    "Cut sentences to so many tokens, the end among them; real-valued sequences to so many steps.",
)
flags.DEFINE_integer(
    "window_length",
    None,
    f"Of {users('window_length')}: cut series in windows of so many steps, the last tenth of which test and the tenth "
    "before validate. Default: whole series, and of a single one windows of at most 100 steps.",
)
flags.DEFINE_list(
    "covariates",
    None,
    f"Of {users('covariates')}: columns that are known at each step, also of what is to be forecast, and that are not "
    "scored, separated by commas. One that is the same at all steps of a series says something of the series.",
)
flags.DEFINE_enum(
    "normalization",
    None,
    NORMALIZATIONS,
    "Of real-valued sequences. per_channel: by mean and standard deviation of each feature; vrnn: by one of each for "
    f"both offsets of strokes, as published scores. Default of {_NORMALIZATIONS}.",
)
flags.DEFINE_enum(
    "splits",
    None,
    SPLIT_PROTOCOLS,
    f"Of {users('splits')}. vrnn: train on trainset, testset_t and testset_f but for every tenth line, which "
    "validates, report on testset_v; official: trainset, testset_v and testset_f. Default: vrnn.",
)
flags.DEFINE_bool(
    "allow_pickle",
    None,
    f"Of {users('allow_pickle')}: read pickled arrays, such as sketch-rnn's; they can run any code.",
)
flags.DEFINE_enum("layout", None, LAYOUTS, "rows: an image row a step; pixels: one pixel a step. Default: rows.")
flags.DEFINE_integer("max_eval_sequences", None, "Validate and test on at most so many sequences, evenly spaced.")
