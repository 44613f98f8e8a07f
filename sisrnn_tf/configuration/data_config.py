"""Configuration of the data."""

import dataclasses

from sisrnn_tf.configuration.checks import require_choice, require_minimum
from sisrnn_tf.core.validation import require
from sisrnn_tf.data.normalization import NORMALIZATIONS

BINARIZATIONS = ("larochelle", "sampled", "dynamic", "threshold", "grey", "none")
TRAIN_SPLITS = ("train", "val")
LAYOUTS = ("rows", "pixels")
SPLIT_PROTOCOLS = ("vrnn", "official")


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Which sequences, and under which convention their likelihood is counted."""

    dataset: str = "digits"  # a name in sisrnn_tf.data.registry
    data_dir: str | None = None  # where the user's files lie; None for embedded or prepared data
    download: bool = False  # whether TFDS may use the network
    binarization: str = "threshold"  # how grey images become observations; none: no images
    layout: str = "rows"  # rows: T x D is the image; pixels: one pixel a step
    max_eval_sequences: int | None = None  # validation and test use at most so many, evenly spaced
    train_split: str = "train"  # of text; val: train on the validation file, a part of it held out
    vocabulary_file: str | None = None  # of text, a word a line; None for the data's own or the training text's
    vocabulary_size: int = 20_000  # of text, V at the most where it is made of the training text
    max_length: int | None = None  # tokens of a sentence, the end among them, or steps of a series, at the most
    normalization: str = "none"  # of real-valued sequences, by statistics of the training split
    splits: str = "vrnn"  # of iamondb: which lists train, validate and test
    allow_pickle: bool = False  # of strokes: whether to read pickled arrays, which can run any code
    window_length: int | None = None  # of csv: steps of windows, split by time; None: whole, but for a single series
    covariates: tuple[str, ...] = ()  # of csv: columns that are known and not scored

    def __post_init__(self):
        require_choice("normalization", self.normalization, NORMALIZATIONS)
        require_choice("splits", self.splits, SPLIT_PROTOCOLS)
        require_choice("binarization", self.binarization, BINARIZATIONS)
        require_choice("layout", self.layout, LAYOUTS)
        require_choice("train_split", self.train_split, TRAIN_SPLITS)
        require_minimum("vocabulary_size", self.vocabulary_size, 3)
        for name in ("max_length", "window_length"):
            if getattr(self, name) is not None:
                require_minimum(name, getattr(self, name), 2)
        names = self.covariates
        good = isinstance(names, tuple) and all(isinstance(name, str) and name for name in names)
        require(good and len(set(names)) == len(names), "covariates", "different names of columns", names)
        if self.max_eval_sequences is not None:
            require_minimum("max_eval_sequences", self.max_eval_sequences, 1)
