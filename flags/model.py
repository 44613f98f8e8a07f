"""Flags that say which model, and its sizes. Without a default of their own they take the preset's."""

from absl import flags

from sisrnn_tf.configuration.families import FAMILIES, PRESETS
from sisrnn_tf.configuration.model_config import EMISSIONS, MIXINGS, POSTERIORS
from sisrnn_tf.data.registry import users

_DESCRIPTIONS = "; ".join(f"{name}: {family.description}" for name, family in FAMILIES.items())

flags.DEFINE_enum(
    "preset",
    None,
    sorted(PRESETS),
    "Sizes of model and training. paper: the published ones; small: a few minutes, the default of embedded data and, "
    "with as many epochs as their size allows, of own files of some MB.",
)
flags.DEFINE_enum(
    "model",
    None,
    list(FAMILIES),
    f"{_DESCRIPTIONS}. Default: sisrnn, of text sentence_sisrnn.",
)
flags.DEFINE_integer("latent_size", None, "Z, dimensions of the latent z_t.")
flags.DEFINE_integer("hidden_size", None, "H, units of the GRU; of text, of the one that reads the sentence.")
flags.DEFINE_list("encoder_sizes", None, "Units of the encoder's hidden layers, comma-separated.")
flags.DEFINE_enum(
    "mixing",
    None,
    MIXINGS,
    "How the posterior is made of Gaussians. none: it is one; joint: a mixture over whole latent vectors, the paper's; "
    "per_dimension: a mixture of each dimension on its own. Default: joint, of srnn, zforcing, swavenet, stcn and "
    "sa_vae none.",
)
flags.DEFINE_list(
    "noise_sizes", None, "Of --mixing=joint: noise dimensions at the input of each encoder layer, comma-separated."
)
flags.DEFINE_integer("noise_per_dimension", None, "Of --mixing=per_dimension: bits of a dimension's noise, 1 to 8.")
flags.DEFINE_float("noise_weight_scale", None, "Initial noise weights, as a fraction of the other weights.")
flags.DEFINE_enum(
    "posterior",
    None,
    POSTERIORS,
    "What the posterior of a step reads beside the state. filtering: x_t; smoothing: x_t..x_T, by a GRU that runs "
    "backward, so there is no step-by-step serving. Default: filtering, of srnn, "
    "zforcing and swavenet smoothing.",
)
flags.DEFINE_integer("backward_size", None, "Of --posterior=smoothing: units of the GRU that runs backward.")
flags.DEFINE_integer("prior_components", None, "Components of the prior, a mixture of Gaussians; 1: a Gaussian.")
flags.DEFINE_list(
    "prior_sizes", None, "Units of the prior's hidden layers, and of zforcing's auxiliary network, comma-separated."
)
flags.DEFINE_list("decoder_sizes", None, "Units of the decoder's hidden layers, comma-separated.")
flags.DEFINE_string("activation", None, "Activation of hidden layers, a Keras name.")
flags.DEFINE_float("scale_floor", None, "Smallest standard deviation of prior and posterior.")
flags.DEFINE_float(
    "auxiliary_weight",
    None,
    "Of zforcing: weight, in training, of the cost of telling the backward GRU's state from z_t; 0: no such cost.",
)
flags.DEFINE_float(
    "twin_weight",
    None,
    "Of twinnet: weight, in training, of the distance to the states of a backward GRU; 0: no such network.",
)
flags.DEFINE_integer("channels", None, "Of convolutional models: channels of each convolution.")
flags.DEFINE_integer(
    "blocks",
    None,
    "Of convolutional models: blocks of convolutions; levels of stcn's ladder; layers of swavenet with a latent.",
)
flags.DEFINE_integer(
    "block_layers", None, "Of convolutional models: convolutions of a block, of which each has twice the dilation."
)
flags.DEFINE_integer("kernel_size", None, "Of convolutional models: taps of a convolution.")
flags.DEFINE_integer("embedding_size", None, "Of text: size of words' embeddings, and of the decoder.")
flags.DEFINE_integer("decoder_blocks", None, "Of text: blocks of the transformer.")
flags.DEFINE_integer("attention_heads", None, "Of text: attention heads of the transformer.")
flags.DEFINE_integer("lstm_size", None, "Of text: units of the LSTM that decodes.")
flags.DEFINE_float("dropout", None, "Of text: dropout of the decoder.")
flags.DEFINE_float("word_dropout", None, "Of text: probability with which training hides a word from the decoder.")
flags.DEFINE_integer(
    "refinement_steps", None, "Of sa_vae: gradient steps that refine the posterior of each sentence; 0: none, a VAE."
)
flags.DEFINE_float("refinement_rate", None, "Of sa_vae: size of such a step, per nat of the sentence's own bound.")
flags.DEFINE_float("refinement_momentum", None, "Of sa_vae: momentum of the steps, in [0, 1).")
flags.DEFINE_float(
    "refinement_clip", None, "Of sa_vae: largest norm of a sentence's gradient, by its means and by its log-variances."
)
flags.DEFINE_enum(
    "emission",
    None,
    list(EMISSIONS),
    f"Of {users('emission')}: the density of a step; of counts, whole numbers from 0 on, negative_binomial. "
    "Default: normal_mixture.",
)
flags.DEFINE_integer("num_components", None, f"Of {users('num_components')}: components of the mixture.")
flags.DEFINE_float(
    "emission_scale_floor", None, f"Of {users('emission_scale_floor')}: smallest scale, in normalized units."
)
flags.DEFINE_float(
    "max_correlation", None, f"Of {users('max_correlation')}: bound of the correlation between dx and dy; 0: diagonal."
)
