"""Flags that say how to diagnose the posterior."""

from absl import flags

from sisrnn_tf.data.spec import SPLITS

flags.DEFINE_enum("split", "test", SPLITS, "Which sequences.")
flags.DEFINE_integer("num_sequences", 64, "S: so many of them, evenly spaced.", lower_bound=1)
flags.DEFINE_integer("num_noise_draws", 256, "R, draws of psi beside the generating one.", lower_bound=1)
flags.DEFINE_integer("sampling_seed", 0, "Seed of the trajectories and draws.")
