"""Saves training so that it resumes bit by bit, and its best weights."""

import math
import signal
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from sisrnn_tf.core import strategies
from sisrnn_tf.runs.callbacks.nan_guard import diverged
from sisrnn_tf.runs.checkpoints import Checkpoints

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Interrupted(Exception):  # noqa: N818
    """Training was asked to stop; its state is saved.

    Args:
        step: training steps done.
    """

    def __init__(self, step: int):
        super().__init__(f"stopped after step {step}, which is saved")
        self.step = step


class CheckpointCallback(keras.callbacks.Callback):
    """Saves the state of training at the end of each epoch, and inside one on a signal or every so many steps.

    SIGTERM and the first Ctrl-C save and stop; a second Ctrl-C stops at once. Several processes stop together, at the
    next step that they save anyway. Must come last in the list of callbacks: an epoch that is saved is done.

    Args:
        checkpoints: of all training variables.
        steps_per_epoch: a step that ends an epoch is saved by the epoch's end, after its validation.
        total_steps: so is the last step of a run, which may cut its epoch short.
        save_every_steps: inside an epoch too; None for the end only.
    """

    def __init__(
        self, checkpoints: Checkpoints, steps_per_epoch: int, total_steps: int, save_every_steps: int | None = None
    ):
        super().__init__()
        self.checkpoints, self.steps_per_epoch, self.total_steps = checkpoints, steps_per_epoch, total_steps
        self.save_every_steps = save_every_steps
        self._terminated = False
        self._accumulated: list[np.ndarray] | None = None
        self._last_saved: int | None = None
        self._previous_handlers: dict[int, Any] = {}

    @property
    def step(self) -> int:
        """Training steps done."""
        return int(self.model.optimizer.iterations.numpy())

    def restore(self, model: keras.Model) -> int:
        """Restores a model from the newest checkpoint, if there is one, and returns the steps that it has done."""
        self.set_model(model)
        self._last_saved = self.checkpoints.restore_latest()
        if self.step % self.steps_per_epoch:
            # Keras resets metrics before on_epoch_begin: an epoch that was begun needs them back there.
            self._accumulated = [keras.ops.convert_to_numpy(value) for value in self.model.metrics_variables]
        return self.step

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Takes the signals over."""
        for number in _SIGNALS:
            self._previous_handlers[number] = signal.signal(number, self._terminate)

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Gives the signals back."""
        for number in list(self._previous_handlers):
            signal.signal(number, self._previous_handlers.pop(number))

    def _terminate(self, number: int, _) -> None:
        self._terminated = True
        signal.signal(number, self._previous_handlers.pop(number))

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Gives an epoch that was begun before its metrics back."""
        if self._accumulated is not None:
            for variable, value in zip(self.model.metrics_variables, self._accumulated, strict=True):
                variable.assign(value)
            self._accumulated = None

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Saves inside an epoch where it is asked to.

        Raises:
            FloatingPointError: a weight is not finite.
            Interrupted: a signal came, and the state is saved.
        """
        if self.step % self.steps_per_epoch == 0 or self.step >= self.total_steps:
            return
        due = self.save_every_steps and self.step - (self._last_saved or 0) >= self.save_every_steps
        alone = not strategies.in_several_processes(self.model.distribute_strategy)
        if due or (self._terminated and alone):
            self._save()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Saves.

        Raises:
            FloatingPointError: a weight is not finite.
            Interrupted: a signal came, and the state is saved.
        """
        self._save()

    def _save(self) -> None:
        if not all(tf.reduce_all(tf.math.is_finite(weight.value)) for weight in self.model.trainable_variables):
            raise diverged(f"A weight became NaN or infinite by step {self.step}")
        self.checkpoints.save(self.step)
        self._last_saved = self.step
        if strategies.mean(self.model.distribute_strategy, float(self._terminated)) > 0:
            self.on_train_end()
            raise Interrupted(self.step)


class BestCheckpoint(keras.callbacks.Callback):
    """Saves the weights of the epoch with the lowest validation loss.

    Args:
        checkpoints: of the model's weights.
        best: the lowest validation loss so far, read back from the log of metrics on resume.
    """

    def __init__(self, checkpoints: Checkpoints, best: float = math.inf):
        super().__init__()
        self.checkpoints, self.best = checkpoints, best

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Saves if this epoch is the best."""
        loss = (logs or {})["val_loss"]
        if loss < self.best:
            self.best = loss
            self.checkpoints.save(epoch + 1)
