"""Semi-implicit stochastic recurrent neural networks in Keras and TensorFlow Probability."""

from sisrnn_tf import callbacks, emissions, encoders, particles, schedules
from sisrnn_tf.cells import SISRNNCell
from sisrnn_tf.losses import ExactLoss, SIVILoss
from sisrnn_tf.models.deterministic import RNN
from sisrnn_tf.models.sequence import SISRNN, VRNN
from sisrnn_tf.rnn import StochasticRNN

__version__ = "0.1.0"

__all__ = [
    "RNN",
    "SISRNN",
    "VRNN",
    "ExactLoss",
    "SISRNNCell",
    "SIVILoss",
    "StochasticRNN",
    "callbacks",
    "emissions",
    "encoders",
    "particles",
    "schedules",
]
