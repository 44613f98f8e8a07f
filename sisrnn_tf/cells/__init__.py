"""Cells: one time step of a model, made of a prior, a posterior, a decoder and a transition."""

from sisrnn_tf.cells.cell import SISRNNCell
from sisrnn_tf.cells.decoder import Decoder, FeedForwardDecoder
from sisrnn_tf.cells.prior import GaussianPrior, MixturePrior, Prior, StandardPrior
from sisrnn_tf.cells.srnn import SRNNDecoder, SRNNTransition
from sisrnn_tf.cells.transition import GRUTransition, Transition

__all__ = [
    "Decoder",
    "FeedForwardDecoder",
    "GRUTransition",
    "GaussianPrior",
    "MixturePrior",
    "Prior",
    "SISRNNCell",
    "SRNNDecoder",
    "SRNNTransition",
    "StandardPrior",
    "Transition",
]
