"""All contact with Keras' private parts, as Keras 3.12 and 3.15 have them: for what no public way is there.

`PRIVATE` names them, so that a test says which of them another Keras lacks. Nothing else in the library uses a name of
Keras that begins with an underscore.
"""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

# Of a model, of a layer and of an optimizer.
PRIVATE = {
    keras.Model: ("_distribute_strategy", "_loss_tracker", "_maybe_symbolic_build"),
    keras.layers.Layer: ("_clear_losses",),
    keras.optimizers.Adam: ("_all_reduce_sum_gradients", "_backend_apply_gradients"),
}
# An argument of `keras.Model.evaluate` that is not in its signature.
CACHED_DATA = "_use_cached_eval_dataset"


def clear_losses(layer: keras.layers.Layer) -> None:
    """Forgets the losses that calls of a layer have added.

    Keras forgets them at the begin of a model's call, and replicas take turns within theirs: one that waited would
    count the loss of the one before it as well.
    """
    layer._clear_losses()


def is_checked(arguments: Mapping[str, Any]) -> bool:
    """Returns whether a call of `evaluate` is that of `fit`, which has made its data set before, and checked it."""
    return bool(arguments.get(CACHED_DATA))


def record_loss(model: keras.Model, value: tf.Tensor, weight: tf.Tensor) -> None:
    """Adds a batch's mean loss to a model's metric `loss`.

    Keras weights batches by their rows, of which padding is none; its tracker has no public name.

    Args:
        model: compiled.
        value: mean over the batch, a scalar.
        weight: of the batch, a scalar.
    """
    model._loss_tracker.update_state(value, sample_weight=weight)


def build_optimizer(model: keras.Model) -> None:
    """Makes the optimizer's variables, where there are none: within a training step it would be traced twice."""
    if not model.optimizer.built:
        with model.distribute_strategy.scope():
            model.optimizer.build(model.trainable_variables)


class BuiltModel(keras.Model):
    """A model all of whose weights are made when it is, so that Keras need not build it from its data."""

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        # Keras would read a batch first, and fails on one of several processes.
        if self._distribute_strategy is not None and self.optimizer is not None:
            build_optimizer(self)


class SummedGradients(keras.optimizers.Optimizer):
    """An optimizer that is given the gradient of the whole batch: Keras' sums replicas' parts after all else.

    What clips by norm would else clip each part. To be named before the optimizer that it changes.
    """

    def _backend_apply_gradients(self, grads: list[tf.Tensor], trainable_variables: list[keras.Variable]) -> None:
        replica = tf.distribute.get_replica_context()
        if replica is not None and replica.num_replicas_in_sync > 1:
            grads = replica.all_reduce(tf.distribute.ReduceOp.SUM, list(grads))
        super()._backend_apply_gradients(grads, trainable_variables)

    def _all_reduce_sum_gradients(self, grads_and_vars: list[tuple]) -> list[tuple]:
        return grads_and_vars  # they are sums by now
