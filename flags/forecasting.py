"""Flags that say what to forecast."""

from absl import flags

from sisrnn_tf.data.spec import SPLITS

flags.DEFINE_enum("split", "test", SPLITS, "Which sequences.")
flags.DEFINE_integer("num_sequences", 64, "At most so many of them, evenly spaced.", lower_bound=1)
flags.DEFINE_integer("context_steps", None, "C, the first steps of each, after which it is forecast.", lower_bound=1)
flags.DEFINE_integer(
    "num_steps", None, "How many steps to forecast; default: as many as the longest sequence has left.", lower_bound=1
)
flags.DEFINE_integer("num_samples", 100, "S, draws a sequence.", lower_bound=1)
flags.DEFINE_integer(
    "num_importance",
    100,
    "M, particles that follow the context; as many as --num_samples where that is more.",
    lower_bound=1,
)
flags.DEFINE_float("temperature", 1.0, "Of the emission: below 1 what is likely becomes likelier.")
flags.DEFINE_integer("sampling_seed", 0, "Seed of the draws.")
flags.DEFINE_string("output_dir", None, "Where to write; default: WORKDIR/forecasts.")
