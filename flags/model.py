"""Flags that say which model, and its sizes. Without a default of their own they take the preset's."""

from absl import flags

from sisrnn_tf.config import MODELS, PRESETS

flags.DEFINE_enum(
    "preset",
    None,
    sorted(PRESETS),
    "Sizes of model and training. paper: the paper's; small: digits in a minute or two. Default: small for digits, "
    "else paper.",
)
flags.DEFINE_enum("model", None, MODELS, "sisrnn; vrnn: point-mass mixing; rnn: no latent. Default: sisrnn.")
flags.DEFINE_integer("latent_size", None, "Z, dimensions of the latent z_t.")
flags.DEFINE_integer("hidden_size", None, "H, units of the GRU.")
flags.DEFINE_list("encoder_sizes", None, "Units of the encoder's hidden layers, comma-separated.")
flags.DEFINE_list("noise_sizes", None, "Noise dimensions at the input of each encoder layer, comma-separated.")
flags.DEFINE_float("noise_weight_scale", None, "Initial noise weights, as a fraction of the other weights.")
flags.DEFINE_list("prior_sizes", None, "Units of the prior's hidden layers, comma-separated.")
flags.DEFINE_list("decoder_sizes", None, "Units of the decoder's hidden layers, comma-separated.")
flags.DEFINE_string("activation", None, "Activation of hidden layers, a Keras name.")
flags.DEFINE_float("scale_floor", None, "Smallest standard deviation of prior and posterior.")
