"""Flags that say what to generate."""

from absl import flags

flags.DEFINE_integer("num_samples", 64, "How many sequences to draw.", lower_bound=1)
flags.DEFINE_integer("num_steps", None, "Length of each; default: the data's.", lower_bound=1)
flags.DEFINE_string("output_dir", None, "Where to write; default: WORKDIR/generated.")
flags.DEFINE_integer("sampling_seed", 0, "Seed of the samples.")
