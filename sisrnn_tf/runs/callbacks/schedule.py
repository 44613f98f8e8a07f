"""Pushes the schedules of K and beta into a model."""

from collections.abc import Mapping

import keras

from sisrnn_tf.inference.schedules import MixingRamp, Schedule


class ScheduleCallback(keras.callbacks.Callback):
    """Sets K at each epoch and beta at each step on the model's loss layer.

    Args:
        num_mixing: K by epoch; None leaves it as it is.
        kl_weight: step -> beta; None leaves it as it is.
    """

    def __init__(self, num_mixing: MixingRamp | None = None, kl_weight: Schedule | None = None):
        super().__init__()
        self.num_mixing, self.kl_weight = num_mixing, kl_weight

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Sets K; under XLA, where it is part of the compiled step, only rungs of the ramp."""
        if self.num_mixing is None:
            return
        schedule = self.num_mixing.rung if self.model.jit_compile else self.num_mixing
        self.model.loss_layer.num_mixing = schedule(epoch)
        self.model.make_train_function()

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Sets beta."""
        if self.kl_weight is not None:
            self.model.loss_layer.kl_weight = self.kl_weight(int(self.model.optimizer.iterations.numpy()))
