"""Posteriors: from x_t, h_{t-1} and noise to the mixing parameters psi_t, and the density of their mixture."""

from sisrnn_tf.posteriors.gaussian import Gaussian
from sisrnn_tf.posteriors.posterior import Posterior
from sisrnn_tf.posteriors.semi_implicit import SemiImplicit

__all__ = ["Gaussian", "Posterior", "SemiImplicit"]
