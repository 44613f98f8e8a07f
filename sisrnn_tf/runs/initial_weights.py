"""The weights that a run begins with, where they are those of another."""

from typing import TYPE_CHECKING

from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.configuration.families import FAMILIES
from sisrnn_tf.data.spec import DataSpec
from sisrnn_tf.models.base import SequenceModel

if TYPE_CHECKING:
    from sisrnn_tf.runs.training import TrainedRun

# Of the model: what may differ, since the same weights are read in the same way.
_OF_TRAINING = ("dropout", "word_dropout", "noise_weight_scale")


def copy(run: "TrainedRun", model: SequenceModel, config: ExperimentConfig, spec: DataSpec) -> None:
    """Gives a model the weights of the best epoch of a run; its noise and its optimizer stay its own.

    Args:
        run: whose weights are taken.
        model: that gets them.
        config: of the run that begins.
        spec: of its data.

    Raises:
        ValueError: the models differ, or what they observe does, or the order in which they do; names what, and both
            values.
    """
    lines = _differences(_meaning(run.config, run.spec), _meaning(config, spec)) + _moved(run.spec, spec)
    shapes = [{each.path: tuple(each.shape) for each in part.trainable_variables} for part in (run.model, model)]
    lines = lines or _differences(*shapes)  # of sentences those of the longest are among them
    if lines:
        raise ValueError(
            f"`init_from` must be a run of the same model. Received: init_from={config.training.init_from}. In it != "
            "from the flags:\n  " + "\n  ".join(lines)
        )
    values = {variable.path: variable for variable in run.model.trainable_variables}
    for variable in model.trainable_variables:
        variable.assign(values[variable.path].numpy())


def _meaning(config: ExperimentConfig, spec: DataSpec) -> dict:
    """Returns all that weights depend on for what they mean."""
    fields = vars(config.model)
    used = (*FAMILIES[config.model.model].used_options(fields), *spec.kind.scoring_options)
    data = {"observations": spec.emission, "observation_size": spec.observation_size, "vocabulary": spec.words}
    return {"model": config.model.model, **{name: fields[name] for name in used if name not in _OF_TRAINING}, **data}


def _moved(first: DataSpec, second: DataSpec) -> list[str]:
    """Returns a line where the same names stand in another order: a weight would read another feature by that name."""
    pairs = {"features": (first.features, second.features)}
    if first.layout is not None and second.layout is not None:
        pairs["covariates"] = (first.layout.covariates, second.layout.covariates)
    return [
        f"{name}: {list(ours)} != {list(theirs)}"
        for name, (ours, theirs) in pairs.items()
        if ours and theirs and ours != theirs and set(ours) == set(theirs)
    ]


def _differences(first: dict, second: dict) -> list[str]:
    names = [*first, *(name for name in second if name not in first)]
    return [
        f"{name}: {first.get(name)!r} != {second.get(name)!r}" for name in names if first.get(name) != second.get(name)
    ]
