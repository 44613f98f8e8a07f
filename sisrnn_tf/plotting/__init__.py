"""Pictures: arrays -> matplotlib figures, without pyplot and its global state."""

from sisrnn_tf.plotting.curves import training_curves
from sisrnn_tf.plotting.files import save
from sisrnn_tf.plotting.images import image_grid, reconstructions, samples_beside_data
from sisrnn_tf.plotting.information import information
from sisrnn_tf.plotting.marginals import marginals

__all__ = [
    "image_grid",
    "information",
    "marginals",
    "reconstructions",
    "samples_beside_data",
    "save",
    "training_curves",
]
