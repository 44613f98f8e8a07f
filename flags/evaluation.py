"""Flags that say how to estimate the likelihood."""

from absl import flags

from sisrnn_tf.configuration.training_config import PRECISIONS
from sisrnn_tf.inference.traits import ESTIMATORS, OBJECTIVES

_DESCRIPTIONS = "; ".join(f"{name}: {OBJECTIVES[objective].description}" for name, objective in ESTIMATORS.items())

flags.DEFINE_enum(
    "estimator",
    "iwae",
    [*ESTIMATORS, "all"],
    f"{_DESCRIPTIONS}; all: each of them. The likelihood of an rnn is exact, whatever is asked for.",
)
flags.DEFINE_list(
    "num_mixing",
    ["10"],
    "K, mixing draws beside the generating one; several, comma-separated, for each. A vrnn has none, so K = 0.",
)
flags.DEFINE_list(
    "num_importance",
    ["10"],
    "M, trajectories or particles of the estimators but bound; several, comma-separated, for each.",
)
flags.DEFINE_enum("split", "test", ["test", "validation"], "Which sequences.")
flags.DEFINE_integer(
    "max_eval_sequences", None, "At most so many sequences, evenly spaced; default: as in training.", lower_bound=1
)
flags.DEFINE_integer("sampling_seed", 0, "Seed of the estimators' noise.", lower_bound=0)
flags.DEFINE_integer(
    "num_seeds",
    1,
    "Estimate with so many seeds of noise from --sampling_seed on, and show the spread of the means.",
    lower_bound=1,
)
flags.DEFINE_enum("precision", None, PRECISIONS, "Precision of the evaluation; default: as in training.")
