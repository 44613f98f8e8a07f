"""Emissions, the likelihoods of one step: see `Emission` for what each of them has."""

from sisrnn_tf.emissions.bernoulli import Bernoulli
from sisrnn_tf.emissions.categorical import Categorical, OneHotCategorical
from sisrnn_tf.emissions.emission import Emission, Factorized
from sisrnn_tf.emissions.mixtures import LogisticMixture, NormalMixture
from sisrnn_tf.emissions.negative_binomial import NegativeBinomial
from sisrnn_tf.emissions.normal import Normal
from sisrnn_tf.emissions.strokes import StrokeMixture

__all__ = [
    "Bernoulli",
    "Categorical",
    "Emission",
    "Factorized",
    "LogisticMixture",
    "NegativeBinomial",
    "Normal",
    "NormalMixture",
    "OneHotCategorical",
    "StrokeMixture",
]
