"""The model of a run as it is trained."""

from sisrnn_tf import factory
from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.data.vocabulary import Vocabulary
from sisrnn_tf.models.base import SequenceModel


def make(config: ExperimentConfig, spec: DataSpec, vocabulary: Vocabulary | None, total_steps: int) -> SequenceModel:
    """Returns the compiled model of a run, with fresh weights.

    Args:
        config: of the run.
        spec: of its data.
        vocabulary: of text, else None.
        total_steps: of the run, over which a schedule of the learning rate may be spread.
    """
    model = factory.make_model(config.model, config.training, spec, vocabulary)
    model.compile(
        optimizer=factory.make_optimizer(config.training, total_steps),
        jit_compile=config.training.jit_compile,
        steps_per_execution=config.training.steps_per_execution,
    )
    model.optimizer.build(model.trainable_variables)
    return model
