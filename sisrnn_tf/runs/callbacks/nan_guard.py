"""Stops a training whose loss is not a number."""

import math
from collections.abc import Mapping

import keras


def diverged(what: str) -> FloatingPointError:
    """Returns the error of a training whose numbers ran away; `what` says which did, and when."""
    return FloatingPointError(
        f"{what}. Lower the learning rate or clip the gradient (--learning_rate, --clip_norm), and start in a new "
        "workdir."
    )


class NaNGuard(keras.callbacks.Callback):
    """Stops training at the first step whose loss is not finite, before it can be saved."""

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        """Checks the loss.

        Raises:
            FloatingPointError: it is NaN or infinite.
        """
        self._check("loss", logs)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Checks the validation loss.

        Raises:
            FloatingPointError: it is NaN or infinite.
        """
        self._check("val_loss", logs)

    def _check(self, name: str, logs: Mapping[str, float] | None) -> None:
        value = float((logs or {}).get(name, 0.0))
        if not math.isfinite(value):
            raise diverged(f"`{name}` became {value} at step {int(self.model.optimizer.iterations.numpy())}")
