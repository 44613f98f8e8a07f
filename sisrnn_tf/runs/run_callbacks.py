"""The callbacks of a run."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras

from sisrnn_tf import factory
from sisrnn_tf.analysis import likelihood_records
from sisrnn_tf.core import strategies
from sisrnn_tf.runs import callbacks, checkpoints

if TYPE_CHECKING:
    from sisrnn_tf.runs.training import Trainer


def make(
    run: "Trainer", log: callbacks.MetricsLog, best: checkpoints.Checkpoints, records: Sequence[dict]
) -> list[keras.callbacks.Callback]:
    """Returns all callbacks but the one that saves; of several processes the chief alone logs.

    Args:
        run: that they belong to.
        log: of its metrics.
        best: the series of the weights of its best epoch.
        records: of the epochs that are over.
    """
    parts = [*_schedules(run), callbacks.NaNGuard(), *_watching(run, records)]
    if not strategies.is_chief(run.strategy):
        return parts
    return [
        *parts,
        keras.callbacks.TensorBoard(run.workdir.tensorboard, write_graph=False),
        callbacks.Progress(run.total_steps, run.steps_per_epoch, likelihood_records.quantity(run.model)),
        log,
        callbacks.BestCheckpoint(best, min((record["val_loss"] for record in records), default=math.inf)),
    ]


def stop_if_over(model: keras.Model, parts: Sequence[keras.callbacks.Callback]) -> None:
    """Says to a model that is not to train on that it is not: Keras asks its callbacks after an epoch only.

    Args:
        model: of the run.
        parts: of `make`.
    """
    for part in parts:
        if isinstance(part, callbacks.EarlyStopping):
            part.set_model(model)
            part.on_train_begin()


def _schedules(run: "Trainer") -> list[keras.callbacks.Callback]:
    if run.model.is_exact:  # an exact likelihood has neither K nor beta
        return []
    training = run.config.training
    mixing, kl_weight = factory.make_mixing_schedule(training), factory.make_kl_schedule(training, run.total_steps)
    return [callbacks.ScheduleCallback(mixing, kl_weight)]


def _watching(run: "Trainer", records: Sequence[dict]) -> list[keras.callbacks.Callback]:
    """Returns what acts on the validation loss, which all processes do alike."""
    training = run.config.training
    parts: list[keras.callbacks.Callback] = []
    if training.learning_rate_schedule == "plateau":
        parts.append(callbacks.ReduceLROnPlateau(training.learning_rate, records))
    if training.early_stopping_epochs is not None:
        parts.append(callbacks.EarlyStopping(training.early_stopping_epochs, records))
    return parts
