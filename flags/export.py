"""Flags that say what to export, and where to."""

from absl import flags

flags.DEFINE_string(
    "export_dir", None, "The folder to make, NAME/NUMBER, as models/sisrnn/1: TensorFlow Serving serves NAME's largest."
)
flags.DEFINE_integer(
    "num_mixing",
    None,
    "K of score and step; default: that of the run's validation.",
    lower_bound=0,
    upper_bound=2**31 - 1,
)
flags.DEFINE_integer(
    "num_importance",
    1,
    "M, particles of score and step; each request of step brings the hidden states of all.",
    lower_bound=1,
    upper_bound=2**16,
)
flags.DEFINE_integer(
    "max_generated",
    None,
    "The most steps, of all sequences together, that a request of generate may ask for; default: 65536, of text 4096.",
    lower_bound=1,
    upper_bound=2**31 - 1,
)
