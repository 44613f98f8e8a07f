"""Semi-implicit stochastic recurrent neural networks in Keras and TensorFlow Probability."""

import importlib
import os
from typing import Any

from sisrnn_tf._version import __version__

# Keras can load a saved model once its classes are imported, so all of them are; a command asks to wait until its
# flags are checked, and takes what it wants from the rooms.
if not os.environ.get("SISRNN_TF_ROOMS_ONLY"):
    from sisrnn_tf import cells, emissions, posteriors
    from sisrnn_tf.cells import SISRNNCell
    from sisrnn_tf.cells.sentence import SentenceCell
    from sisrnn_tf.core import random
    from sisrnn_tf.inference import objectives, particles, schedules
    from sisrnn_tf.inference.auxiliary_loss import AuxiliaryLoss
    from sisrnn_tf.inference.exact_loss import ExactLoss
    from sisrnn_tf.inference.loss import SIVILoss
    from sisrnn_tf.inference.recurrence import StochasticRNN
    from sisrnn_tf.models import decoders
    from sisrnn_tf.models.deterministic import RNN
    from sisrnn_tf.models.sampling import Sampler
    from sisrnn_tf.models.semi_amortized import SAVAE
    from sisrnn_tf.models.sentence import SentenceSISRNN
    from sisrnn_tf.models.sequence import SISRNN, VRNN
    from sisrnn_tf.models.srnn import SRNN
    from sisrnn_tf.models.state_space import StateSpaceModel
    from sisrnn_tf.models.stcn import STCN
    from sisrnn_tf.models.swavenet import SWaveNet
    from sisrnn_tf.models.twin_net import TwinNet
    from sisrnn_tf.models.wavenet import WaveNet
    from sisrnn_tf.models.z_forcing import ZForcing

    encoders = posteriors  # by its older name

__all__ = [
    "RNN",
    "SAVAE",
    "SISRNN",
    "SRNN",
    "STCN",
    "VRNN",
    "AuxiliaryLoss",
    "ExactLoss",
    "SISRNNCell",
    "SIVILoss",
    "SWaveNet",
    "Sampler",
    "SentenceCell",
    "SentenceSISRNN",
    "StateSpaceModel",
    "StochasticRNN",
    "TwinNet",
    "WaveNet",
    "ZForcing",
    "__version__",
    "callbacks",
    "cells",
    "decoders",
    "emissions",
    "encoders",
    "load",
    "objectives",
    "particles",
    "posteriors",
    "random",
    "schedules",
]


def __getattr__(name: str) -> Any:
    """Returns `callbacks` or `load`, imported when it is asked for: models need no run."""
    if name == "callbacks":
        return importlib.import_module("sisrnn_tf.runs.callbacks")
    if name == "load":
        return importlib.import_module("sisrnn_tf.runs.predictor").load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
