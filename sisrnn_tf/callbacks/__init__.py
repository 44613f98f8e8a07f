"""Keras callbacks."""

from sisrnn_tf.callbacks.checkpoint import BestCheckpoint, CheckpointCallback, Interrupted
from sisrnn_tf.callbacks.metrics_log import MetricsLog
from sisrnn_tf.callbacks.nan_guard import NaNGuard
from sisrnn_tf.callbacks.progress import Progress
from sisrnn_tf.callbacks.schedule import ScheduleCallback

__all__ = [
    "BestCheckpoint",
    "CheckpointCallback",
    "Interrupted",
    "MetricsLog",
    "NaNGuard",
    "Progress",
    "ScheduleCallback",
]
