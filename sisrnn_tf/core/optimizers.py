"""An optimizer that several replicas share."""

import keras

from sisrnn_tf.core.keras_internals import SummedGradients


@keras.saving.register_keras_serializable("sisrnn_tf")
class ReplicatedAdam(SummedGradients, keras.optimizers.Adam):
    """Adam that clips the gradient of the whole batch: Keras' clips each replica's part of it, before their sum.

    Args:
        **kwargs: as of `keras.optimizers.Adam`.
    """
