"""Flags that say what to generate."""

from absl import flags

flags.DEFINE_string(
    "input",
    None,
    "Of a model with covariates, and then needed: a .csv or .parquet, laid out as the training data, whose columns of "
    "covariates say what is known of each step; those of features are not read, and may be empty.",
)
flags.DEFINE_integer(
    "num_samples", 64, "How many sequences to draw. With --input: of each sequence of it.", lower_bound=1
)
flags.DEFINE_integer(
    "num_steps",
    None,
    "Length of each, of text at the most; default: the data's, with --input that of each sequence.",
    lower_bound=1,
)
flags.DEFINE_string("output_dir", None, "Where to write; default: WORKDIR/generated.")
flags.DEFINE_integer("sampling_seed", 0, "Seed of the samples.")
flags.DEFINE_float(
    "temperature",
    None,
    "Below 1 what is likely becomes likelier: divides logits and multiplies variances of the emission. Of text 0: the "
    "most likely word. Default: 1; of --reconstruct or --interpolate alone: 0.",
)
flags.DEFINE_integer(
    "context_steps", None, "Of strokes: complete test drawings after so many first steps.", lower_bound=1
)
flags.DEFINE_integer("top_k", None, "Of text: draw from so many of the most likely words.")
flags.DEFINE_float("top_p", None, "Of text: draw from the nucleus, the likeliest words of this probability together.")
flags.DEFINE_string("reconstruct", None, "Of text: write this sentence again from draws of its latent.")
flags.DEFINE_multi_string(
    "interpolate", None, "Of text, given twice: write --num_samples sentences from the line between the latents of two."
)
