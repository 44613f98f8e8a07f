"""Decoders of sentences: from the words so far and the latent z of the sentence to features of the next word.

A decoder is a Keras layer with `size` E that is built for a latent size, and has

    call(inputs [B, T, E], latent [B, Z], dropout_seed)  -> features [B, T, E], those at t of inputs 1..t alone
    initial_cache(latent [B, Z], num_steps)              -> what one step after the other needs
    step(inputs [B, E], cache, time)                     -> features [B, E], cache

The second way gives the same features as the first, without reading the words before again. A seed of None is without
dropout.
"""

from sisrnn_tf.decoders.lstm import LSTMDecoder
from sisrnn_tf.decoders.transformer import TransformerDecoder

__all__ = ["LSTMDecoder", "TransformerDecoder"]
