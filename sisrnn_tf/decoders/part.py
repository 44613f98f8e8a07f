"""What decoders and their blocks share: they are built for a latent size, which no input shape tells."""

import keras

from sisrnn_tf.validation import require_between, require_int, require_precision


class DecoderPart(keras.layers.Layer):
    """A layer over features of size E and a latent of size Z.

    A subclass makes its weights in `_make_weights(inputs_shape, latent_size)`.

    Args:
        size: E.
        dropout_rate: in [0, 1).
    """

    latent_size = None

    def __init__(self, size: int, dropout_rate: float, **kwargs):
        super().__init__(autocast=False, **kwargs)
        require_precision(self)
        self.size = require_int("size", size, 1)
        self.dropout_rate = require_between("dropout_rate", dropout_rate, 0, 1, "in [0, 1)")

    def build(self, inputs_shape, latent_size: int):
        """Makes the weights for inputs `[B, T, E]` and a latent of size Z."""
        self._make_weights(inputs_shape, latent_size)
        self.latent_size, self.built = latent_size, True

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "size": self.size, "dropout_rate": self.dropout_rate}

    def get_build_config(self):
        """Returns the latent size; None before `build`."""
        return {"latent_size": self.latent_size} if self.built else None

    def build_from_config(self, config):
        """Makes the weights of a layer that was loaded."""
        self.build((None, None, self.size), config["latent_size"])
