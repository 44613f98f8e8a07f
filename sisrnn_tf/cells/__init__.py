"""Cells: one time step of a model, made of a prior, a posterior, a decoder and a transition."""

from sisrnn_tf.cells.cell import SISRNNCell
from sisrnn_tf.cells.decoder import Decoder, FeedForwardDecoder
from sisrnn_tf.cells.dynamics import Dynamics
from sisrnn_tf.cells.prior import GaussianPrior, MixturePrior, Prior, StandardPrior
from sisrnn_tf.cells.relative_posterior import RelativePosterior
from sisrnn_tf.cells.srnn import SRNNDecoder, SRNNTransition
from sisrnn_tf.cells.transition import GRUTransition, Transition

__all__ = [
    "Decoder",
    "Dynamics",
    "FeedForwardDecoder",
    "GRUTransition",
    "GaussianPrior",
    "MixturePrior",
    "Prior",
    "RelativePosterior",
    "SISRNNCell",
    "SRNNDecoder",
    "SRNNTransition",
    "StandardPrior",
    "Transition",
]
