"""Semi-implicit stochastic recurrent neural networks in Keras and TensorFlow Probability."""

from sisrnn_tf import callbacks, decoders, emissions, encoders, particles, schedules
from sisrnn_tf.cells import SISRNNCell
from sisrnn_tf.losses import ExactLoss, SIVILoss
from sisrnn_tf.models.deterministic import RNN
from sisrnn_tf.models.sentence import SentenceSISRNN
from sisrnn_tf.models.sequence import SISRNN, VRNN
from sisrnn_tf.rnn import StochasticRNN
from sisrnn_tf.sampling import Sampler
from sisrnn_tf.sentence_cell import SentenceCell

__version__ = "0.1.0"

__all__ = [
    "RNN",
    "SISRNN",
    "VRNN",
    "ExactLoss",
    "SISRNNCell",
    "SIVILoss",
    "Sampler",
    "SentenceCell",
    "SentenceSISRNN",
    "StochasticRNN",
    "callbacks",
    "decoders",
    "emissions",
    "encoders",
    "particles",
    "schedules",
]
