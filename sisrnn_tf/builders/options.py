"""Arguments that several parts and models take from a configuration."""

from typing import Any, NamedTuple

from sisrnn_tf.configuration.model_config import ModelConfig
from sisrnn_tf.configuration.training_config import TrainingConfig
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.data.vocabulary import Vocabulary
from sisrnn_tf.emissions import Emission
from sisrnn_tf.inference.objective import Objective


class Chosen(NamedTuple):
    """Parts that a configuration names by a string.

    Attributes:
        emission: the likelihood of a step.
        objective: what training maximizes.
        vocabulary: of text, else None.
    """

    emission: Emission
    objective: Objective
    vocabulary: Vocabulary | None


def of_network(config: ModelConfig, training: TrainingConfig) -> dict[str, Any]:
    """Returns the arguments of a feed-forward network."""
    return {"activation": config.activation, "dtype": training.precision}


def of_recurrence(config: ModelConfig, training: TrainingConfig) -> dict[str, Any]:
    """Returns the arguments of a state that recurs."""
    return {"hidden_size": config.hidden_size, "truncation": training.truncation}


def of_convolutions(config: ModelConfig) -> dict[str, Any]:
    """Returns the arguments of a block of convolutions."""
    return {name: getattr(config, name) for name in ("channels", "block_layers", "kernel_size")}


def of_sequences(training: TrainingConfig, spec: DataSpec, chosen: Chosen) -> dict[str, Any]:
    """Returns the arguments that models of sequences share."""
    return {
        "emission": chosen.emission,
        "covariate_size": spec.covariate_size,
        "seed": training.seed,
        "dtype": training.precision,
    }


def of_mixing(training: TrainingConfig, chosen: Chosen) -> dict[str, Any]:
    """Returns the arguments of models that are trained by an objective."""
    return {
        "objective": chosen.objective,
        "kl_weight": training.kl_weight,
        "eval_num_mixing": training.eval_num_mixing,
    }
