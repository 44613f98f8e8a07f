"""Cells: one time step of a model, made of a prior, a posterior, a decoder and a transition."""

from sisrnn_tf.cells.cell import SISRNNCell
from sisrnn_tf.cells.convolutional import DilatedTransition
from sisrnn_tf.cells.decoder import Decoder, FeedForwardDecoder
from sisrnn_tf.cells.dynamics import Dynamics
from sisrnn_tf.cells.ladder import LadderDecoder, LadderPrior
from sisrnn_tf.cells.ladder_posterior import LadderPosterior
from sisrnn_tf.cells.layered import LayeredPosterior, LayeredPrior, SkipDecoder
from sisrnn_tf.cells.prior import GaussianPrior, MixturePrior, Prior, StandardPrior
from sisrnn_tf.cells.relative_posterior import RelativePosterior
from sisrnn_tf.cells.srnn import SRNNDecoder, SRNNTransition
from sisrnn_tf.cells.swavenet import SWaveNetTransition
from sisrnn_tf.cells.transition import GRUTransition, Transition

__all__ = [
    "Decoder",
    "DilatedTransition",
    "Dynamics",
    "FeedForwardDecoder",
    "GRUTransition",
    "GaussianPrior",
    "LadderDecoder",
    "LadderPosterior",
    "LadderPrior",
    "LayeredPosterior",
    "LayeredPrior",
    "MixturePrior",
    "Prior",
    "RelativePosterior",
    "SISRNNCell",
    "SRNNDecoder",
    "SRNNTransition",
    "SWaveNetTransition",
    "SkipDecoder",
    "StandardPrior",
    "Transition",
]
