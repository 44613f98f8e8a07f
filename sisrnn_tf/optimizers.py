"""An optimizer that several replicas share."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("sisrnn_tf")
class ReplicatedAdam(keras.optimizers.Adam):
    """Adam that clips the gradient of the whole batch: Keras' clips each replica's part of it, before their sum.

    Args:
        **kwargs: as of `keras.optimizers.Adam`.
    """

    def _backend_apply_gradients(self, grads, trainable_variables):
        replica = tf.distribute.get_replica_context()
        if replica is not None and replica.num_replicas_in_sync > 1:
            grads = replica.all_reduce(tf.distribute.ReduceOp.SUM, list(grads))
        super()._backend_apply_gradients(grads, trainable_variables)

    def _all_reduce_sum_gradients(self, grads_and_vars):
        return grads_and_vars  # they are sums by now
