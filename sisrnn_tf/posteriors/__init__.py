"""Posteriors: from x_t, h_{t-1} and noise to the mixing parameters psi_t, and the density of their mixture."""

from sisrnn_tf.posteriors.gaussian import Gaussian
from sisrnn_tf.posteriors.per_dimension import PerDimension
from sisrnn_tf.posteriors.posterior import Posterior
from sisrnn_tf.posteriors.semi_implicit import SemiImplicit
from sisrnn_tf.posteriors.shifted import Shifted
from sisrnn_tf.posteriors.summary import BackwardGRU, Summary

__all__ = ["BackwardGRU", "Gaussian", "PerDimension", "Posterior", "SemiImplicit", "Shifted", "Summary"]
