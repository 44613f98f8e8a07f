"""Flags that say what to export, and where to."""

from absl import flags

from sisrnn_tf.core.choices import EXPORT_FORMATS

# Each makes a difference to one of the formats alone.
OF_FORMAT = {"savedmodel": ("num_mixing", "num_importance", "max_generated"), "folder": ("provenance",)}

flags.DEFINE_enum(
    "format",
    "savedmodel",
    EXPORT_FORMATS,
    "savedmodel: for TensorFlow Serving; folder: weights, config.json and a card as hubs show them, to hand on, which "
    "sisrnn_tf.load, --init_from and --workdir take as they do the run.",
)
flags.DEFINE_string(
    "export_dir",
    None,
    "The folder to make. Of a SavedModel NAME/NUMBER, as models/sisrnn/1: TensorFlow Serving serves NAME's largest.",
)
flags.DEFINE_string(
    "provenance", None, "Of --format=folder: what its card says of the data, whence it is and under which licence."
)
flags.DEFINE_integer(
    "num_mixing",
    None,
    "Of a SavedModel: K of score and step; default: that of the run's validation.",
    lower_bound=0,
    upper_bound=2**31 - 1,
)
flags.DEFINE_integer(
    "num_importance",
    1,
    "Of a SavedModel: M, particles of score and step; each request of step brings the hidden states of all.",
    lower_bound=1,
    upper_bound=2**16,
)
flags.DEFINE_integer(
    "max_generated",
    None,
    "Of a SavedModel: the most steps, of all sequences together, that a request of generate may ask for; default: "
    "65536, of text 4096.",
    lower_bound=1,
    upper_bound=2**31 - 1,
)
