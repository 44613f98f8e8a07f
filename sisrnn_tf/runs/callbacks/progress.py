"""Shows how far training is."""

import datetime
import math
import sys
import time
from collections.abc import Mapping

import keras


class Progress(keras.callbacks.Callback):
    """Shows how far the whole run is: a bar on a terminal, a line an epoch elsewhere, both with the time left.

    Args:
        total_steps: of the run.
        steps_per_epoch: of an epoch.
        quantity: what the loss is at beta = 1, such as `NLL <=`.
    """

    def __init__(self, total_steps: int, steps_per_epoch: int, quantity: str):
        super().__init__()
        self.total_steps, self.steps_per_epoch, self.quantity = total_steps, steps_per_epoch, quantity
        self._first: tuple[int, float] | None = None  # a step, and when it was done

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Draws the bar."""
        if self._first is None:  # the first step is mostly TensorFlow's tracing, and says nothing of the others
            self._first = int(self.model.optimizer.iterations.numpy()), time.monotonic()
        if sys.stdout.isatty():
            self._show(logs, end="\r")

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Ends the epoch's line."""
        self._show(logs, end="\n")

    def _show(self, logs: Mapping[str, float] | None, end: str) -> None:
        logs = logs or {}
        step = int(self.model.optimizer.iterations.numpy())
        first_step, start = self._first or (step, time.monotonic())
        elapsed = time.monotonic() - start
        left = elapsed / max(1, step - first_step) * (self.total_steps - step)
        # The loss is neither bound nor likelihood while beta is not 1, or where there is an auxiliary cost.
        known = (-logs[name] for name in ("surrogate", "log_likelihood") if name in logs)
        filled = 20 * step // self.total_steps
        parts = [
            f"[{'=' * filled}{'.' * (20 - filled)}] step {step}/{self.total_steps}",
            f"epoch {math.ceil(step / self.steps_per_epoch)}",
            f"{self.quantity} {next(known, logs.get('loss', math.nan)):.3f}",
        ]
        if "val_loss" in logs:
            parts.append(f"validation {self.quantity} {logs['val_loss']:.3f}")
        parts.append(f"{datetime.timedelta(seconds=int(elapsed))} gone, {datetime.timedelta(seconds=int(left))} left")
        print("  ".join(parts) + "   ", end=end, flush=True)
