"""Keras callbacks."""

from sisrnn_tf.runs.callbacks.checkpoint import BestCheckpoint, CheckpointCallback, Interrupted
from sisrnn_tf.runs.callbacks.metrics_log import MetricsLog
from sisrnn_tf.runs.callbacks.nan_guard import NaNGuard
from sisrnn_tf.runs.callbacks.progress import Progress
from sisrnn_tf.runs.callbacks.schedule import ScheduleCallback

__all__ = [
    "BestCheckpoint",
    "CheckpointCallback",
    "Interrupted",
    "MetricsLog",
    "NaNGuard",
    "Progress",
    "ScheduleCallback",
]
