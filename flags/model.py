"""Flags that say which model, and its sizes. Without a default of their own they take the preset's."""

from absl import flags

from sisrnn_tf.config import EMISSIONS, MODELS
from sisrnn_tf.presets import PRESETS

flags.DEFINE_enum(
    "preset",
    None,
    sorted(PRESETS),
    "Sizes of model and training. paper: the published ones; small: embedded data in a few minutes, and its default.",
)
flags.DEFINE_enum(
    "model",
    None,
    MODELS,
    "sisrnn; vrnn: point-mass mixing; rnn: no latent. Of text sentence_sisrnn: one latent a sentence, decoded by a "
    "transformer; vae_transformer: the same with point-mass mixing; vae_lstm: decoded by an LSTM. Default: sisrnn, of "
    "text sentence_sisrnn.",
)
flags.DEFINE_integer("latent_size", None, "Z, dimensions of the latent z_t.")
flags.DEFINE_integer("hidden_size", None, "H, units of the GRU; of text, of the one that reads the sentence.")
flags.DEFINE_list("encoder_sizes", None, "Units of the encoder's hidden layers, comma-separated.")
flags.DEFINE_list("noise_sizes", None, "Noise dimensions at the input of each encoder layer, comma-separated.")
flags.DEFINE_float("noise_weight_scale", None, "Initial noise weights, as a fraction of the other weights.")
flags.DEFINE_list("prior_sizes", None, "Units of the prior's hidden layers, comma-separated.")
flags.DEFINE_list("decoder_sizes", None, "Units of the decoder's hidden layers, comma-separated.")
flags.DEFINE_string("activation", None, "Activation of hidden layers, a Keras name.")
flags.DEFINE_float("scale_floor", None, "Smallest standard deviation of prior and posterior.")
flags.DEFINE_integer("embedding_size", None, "Of text: size of words' embeddings, and of the decoder.")
flags.DEFINE_integer("decoder_blocks", None, "Of text: blocks of the transformer.")
flags.DEFINE_integer("attention_heads", None, "Of text: attention heads of the transformer.")
flags.DEFINE_integer("lstm_size", None, "Of text: units of the LSTM of vae_lstm.")
flags.DEFINE_float("dropout", None, "Of text: dropout of the decoder.")
flags.DEFINE_float("word_dropout", None, "Of text: probability with which training hides a word from the decoder.")
flags.DEFINE_enum("emission", None, EMISSIONS, "Of csv and npz: the density of a step. Default: normal_mixture.")
flags.DEFINE_integer("num_components", None, "Of strokes, csv and npz: components of the mixture.")
flags.DEFINE_float("emission_scale_floor", None, "Of strokes, csv and npz: smallest scale, in normalized units.")
flags.DEFINE_float("max_correlation", None, "Of strokes: bound of the correlation between dx and dy; 0: diagonal.")
