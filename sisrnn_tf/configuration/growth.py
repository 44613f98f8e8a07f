"""What of a run's configuration may change while the run goes on: it may get more epochs."""

import dataclasses

from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.configuration.families import FAMILIES
from sisrnn_tf.core.validation import require


def grown(present: ExperimentConfig, wanted: ExperimentConfig) -> ExperimentConfig:
    """Returns the configuration of a run with the epochs of another one, where it may go on to them.

    A run that grows is, bit by bit, the one that had all the epochs from the start.

    Args:
        present: of the run.
        wanted: of the command that goes on with it.

    Raises:
        ValueError: there are fewer epochs, or a schedule moves by the part of all epochs that is over.
    """
    epochs, training = wanted.training.epochs, present.training
    if epochs == training.epochs:
        return present
    require(epochs > training.epochs, "epochs", f"at least {training.epochs}, which the run has", epochs)
    schedules: dict[str, tuple[str, ...]] = {"learning_rate_schedule": ("cosine",)}
    if not FAMILIES[present.model.model].is_exact:
        schedules["kl_schedule"] = ("linear", "cyclical")
    for name, by_part in schedules.items():
        value = getattr(training, name)
        reason = (
            f"{training.epochs}, which the run has, with {name}={value}: with more its values would have been others "
            "from the first step on. Start another run from the weights of this one, with --init_from"
        )
        require(value not in by_part, "epochs", reason, epochs)
    return dataclasses.replace(present, training=dataclasses.replace(training, epochs=epochs))
