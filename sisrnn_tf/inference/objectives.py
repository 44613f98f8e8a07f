"""Objectives by their names."""

from collections.abc import Mapping

from sisrnn_tf.inference.fivo import FIVO
from sisrnn_tf.inference.iwae import IWAE
from sisrnn_tf.inference.objective import Estimate, Objective
from sisrnn_tf.inference.sivi import SIVI

__all__ = ["FIVO", "IWAE", "OBJECTIVES", "SIVI", "Estimate", "Objective"]

# What a configuration can name: the choices of its check, of the flag and of the factory.
OBJECTIVES: Mapping[str, type[Objective]] = {"sivi": SIVI, "iwae": IWAE, "fivo": FIVO}
