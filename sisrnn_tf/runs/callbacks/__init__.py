"""Keras callbacks."""

from sisrnn_tf.runs.callbacks.checkpoint import BestCheckpoint, CheckpointCallback, Interrupted
from sisrnn_tf.runs.callbacks.metrics_log import MetricsLog
from sisrnn_tf.runs.callbacks.nan_guard import NaNGuard
from sisrnn_tf.runs.callbacks.progress import Progress
from sisrnn_tf.runs.callbacks.schedule import ScheduleCallback
from sisrnn_tf.runs.callbacks.watching import EarlyStopping, ReduceLROnPlateau

__all__ = [
    "BestCheckpoint",
    "CheckpointCallback",
    "EarlyStopping",
    "Interrupted",
    "MetricsLog",
    "NaNGuard",
    "Progress",
    "ReduceLROnPlateau",
    "ScheduleCallback",
]
