"""Flags that say how to diagnose the posterior."""

from absl import flags

from sisrnn_tf.data.spec import SPLITS

# Flags that say how gaps are measured.
OF_GAPS = ("gap_epochs", "gap_eval_sequences", "gap_sequences", "gap_steps", "gap_importance")

flags.DEFINE_enum("split", "test", SPLITS, "Which sequences.")
flags.DEFINE_integer("num_sequences", 64, "S: so many of them, evenly spaced.", lower_bound=1)
flags.DEFINE_integer("num_noise_draws", 256, "R, draws of psi beside the generating one.", lower_bound=1)
flags.DEFINE_integer("sampling_seed", 0, "Seed of the trajectories and draws, and of what --gaps fits.")
flags.DEFINE_boolean(
    "gaps",
    False,
    "Also refit the posterior, as others with the generative part held fixed, and say which gap between bound and "
    "likelihood is worth closing; the same command continues one that was stopped.",
)
flags.DEFINE_integer("gap_epochs", 5, "With --gaps: epochs of a refit, on the training split.", lower_bound=1)
flags.DEFINE_integer(
    "gap_eval_sequences", 1000, "With --gaps: so many validation sequences at the most, evenly spaced.", lower_bound=2
)
flags.DEFINE_integer(
    "gap_sequences", 8, "With --gaps: to so many of them alone the posterior is fitted, too.", lower_bound=2
)
flags.DEFINE_integer("gap_steps", 500, "With --gaps: for so many steps.", lower_bound=1)
flags.DEFINE_integer("gap_importance", 50, "With --gaps: M of the tightest estimates, by SMC and IWAE.", lower_bound=1)
