"""Pictures: arrays -> matplotlib figures, without pyplot and its global state."""

from sisrnn_tf.analysis.plotting.curves import training_curves, validation_curves
from sisrnn_tf.analysis.plotting.drawings import completions, drawings, drawings_beside_data
from sisrnn_tf.analysis.plotting.files import save, write
from sisrnn_tf.analysis.plotting.images import image_grid, reconstructions, samples_beside_data
from sisrnn_tf.analysis.plotting.information import information
from sisrnn_tf.analysis.plotting.marginals import marginals
from sisrnn_tf.analysis.plotting.series import fans, fills, series_beside_data
from sisrnn_tf.analysis.plotting.surprises import surprises

__all__ = [
    "completions",
    "drawings",
    "drawings_beside_data",
    "fans",
    "fills",
    "image_grid",
    "information",
    "marginals",
    "reconstructions",
    "samples_beside_data",
    "save",
    "series_beside_data",
    "surprises",
    "training_curves",
    "validation_curves",
    "write",
]
