"""Flags that say what to score, and how."""

from absl import flags

from sisrnn_tf.core.choices import SCORE_FORMATS

flags.DEFINE_string(
    "input",
    None,
    "Shards of sequences: a file, a folder or a pattern of .npz, .csv, .parquet or .tfrecord, of text .txt or .txt.gz. "
    "npz: `observations` [N, T, D] in the data's units and, if need be, `lengths` [N] or `mask` [N, T], and `sequence` "
    "[N], keys. csv and Parquet: laid out as the training data, its columns in any order. "
    "tfrecord: an Example or SequenceExample of `observations` a sequence. txt: a sentence a line.",
)
flags.DEFINE_string("output", None, "Folder for the values: of each shard a file, and its record in `done`.")
flags.DEFINE_enum(
    "output_format",
    "csv",
    SCORE_FORMATS,
    "With the columns or arrays sequence, log_likelihood, num_steps. In csv an apostrophe stands before a name that a "
    "spreadsheet would take for a formula.",
)
flags.DEFINE_integer("num_mixing", None, "K; default: that of the run's validation.", lower_bound=0)
flags.DEFINE_integer("num_importance", None, "M, particles; default: 1, with --per_step 100.", lower_bound=1)
flags.DEFINE_bool(
    "per_step",
    False,
    "Score each step, -log p(x_t | x_<t), of all features and of each alone, with its quantile among the steps of the "
    "validation split; beside the values of a shard goes a picture that marks the steps beyond --threshold.",
)
flags.DEFINE_float(
    "threshold",
    None,
    "With --per_step: the quantile beyond which a step is marked. Default: 0.99.",
    lower_bound=0.0,
    upper_bound=1.0,
)
flags.DEFINE_integer("sampling_seed", 0, "Seed of the noise.", lower_bound=0)
flags.DEFINE_integer("batch_size", 256, "Sequences at a time; of values it changes the last bits alone.", lower_bound=1)
flags.DEFINE_integer("num_workers", 1, "Processes on this machine, a shard each at a time.", lower_bound=1)
flags.DEFINE_integer("num_machines", 1, "Score only the shards of one of so many machines.", lower_bound=1)
flags.DEFINE_integer("machine", 0, "Which of them this is, from 0 on.", lower_bound=0)
