"""Keras' callbacks that watch the validation loss, with their state at the epoch from which a run goes on."""

from collections.abc import Iterable, Mapping

import keras


class _Replaying(keras.callbacks.Callback):
    """What a callback of Keras forgets as `fit` begins it learns again from the epochs that are over.

    To be named before the callback that it changes.

    Args:
        records: of the metrics of these epochs, read back from their log on resume.
        **kwargs: of Keras' callback.
    """

    def __init__(self, records: Iterable[Mapping[str, float]], **kwargs):
        super().__init__(monitor="val_loss", mode="min", **kwargs)
        self._records = [dict(record) for record in records]

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Brings its state to the last epoch that is over."""
        super().on_train_begin(logs)
        for record in self._records:
            super().on_epoch_end(record["epoch"] - 1, dict(record))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Does what Keras' does."""
        self._records.append({**(logs or {}), "epoch": epoch + 1})
        super().on_epoch_end(epoch, logs)


class EarlyStopping(_Replaying, keras.callbacks.EarlyStopping):
    """Keras' own, on a run that was stopped.

    Args:
        num_epochs: so many without a better validation loss end the training.
        records: of the epochs that are over.
    """

    def __init__(self, num_epochs: int, records: Iterable[Mapping[str, float]]):
        super().__init__(records, patience=num_epochs)


class ReduceLROnPlateau(_Replaying, keras.callbacks.ReduceLROnPlateau):
    """Keras' own with its defaults, on a run that was stopped: a tenth after 10 epochs without a better validation.

    Args:
        learning_rate: that the run began with.
        records: of the epochs that are over.
    """

    def __init__(self, learning_rate: float, records: Iterable[Mapping[str, float]]):
        super().__init__(records)
        self.learning_rate = learning_rate

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Brings its state, and the learning rate, to the last epoch that is over."""
        self.model.optimizer.learning_rate = self.learning_rate
        super().on_train_begin(logs)
