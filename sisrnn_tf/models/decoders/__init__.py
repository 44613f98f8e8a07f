"""Decoders of sentences: from the words so far and the latent z of the sentence to features of the next word."""

from sisrnn_tf.models.decoders.lstm import LSTMDecoder
from sisrnn_tf.models.decoders.part import DecoderPart
from sisrnn_tf.models.decoders.transformer import TransformerDecoder

__all__ = ["DecoderPart", "LSTMDecoder", "TransformerDecoder"]
