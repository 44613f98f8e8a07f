"""From flags to a configuration."""

import dataclasses
import logging
from typing import TYPE_CHECKING, Any

from absl import app
from absl.flags import FLAGS

from flags import data, model, training, workdir  # noqa: F401  their import defines the flags
from flags.arguments import refuse_useless
from sisrnn_tf.configuration import families
from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.configuration.data_config import DataConfig
from sisrnn_tf.configuration.families import FAMILIES
from sisrnn_tf.configuration.model_config import COUNT_EMISSIONS, EMISSIONS, ModelConfig
from sisrnn_tf.configuration.presets import choose, from_options
from sisrnn_tf.configuration.training_use import useless
from sisrnn_tf.core.validation import require
from sisrnn_tf.data.kinds import KINDS
from sisrnn_tf.data.registry import DATASETS, Entry

if TYPE_CHECKING:  # TensorFlow is imported once the flags are good
    import tensorflow as tf

_LOGGER = logging.getLogger("sisrnn_tf")


def from_flags() -> ExperimentConfig:
    """Returns the configuration that the flags given and the preset's defaults make.

    Raises:
        absl.app.UsageError: a value is out of its range.
    """
    sections: list[Any] = [field.default for field in dataclasses.fields(ExperimentConfig)]
    names = {part.name for section in sections for part in dataclasses.fields(section)}
    given = {name: FLAGS[name].value for name in names if FLAGS[name].value is not None}
    try:
        sizes = {name: _to_tuple(name, value) for name, value in given.items() if isinstance(value, list)}
        entry = DATASETS[FLAGS.dataset]
        counted = given.get("emission") in COUNT_EMISSIONS
        defaults = {
            "model": entry.kind.default_model,
            "binarization": entry.default_binarization,
            "normalization": "none" if counted else entry.kind.default_normalization,
        }
        options = defaults | given | sizes
        model = options["model"]
        _refuse_useless(given, model, entry)
        preset, beside = (FLAGS.preset, {}) if FLAGS.preset else choose(FLAGS.dataset, options.get("data_dir"), model)
        config = from_options(preset, beside | options)
        _refuse_unused(given, config.model)
        _warn_of_unused(given, config)
        return config
    except ValueError as error:
        raise app.UsageError(str(error)) from error


def _refuse_useless(given: dict[str, Any], chosen: str, entry: Entry) -> None:
    """Raises a ValueError for a model that does not fit the data, and for flags that would do nothing."""
    fitting = families.fitting(entry.kind)
    require(chosen in fitting, "model", f"one of {', '.join(fitting)} with --dataset={FLAGS.dataset}", chosen)
    scoring = {name for kind in KINDS.values() for name in kind.scoring_options}
    of_model = {field.name for field in dataclasses.fields(ModelConfig)} - scoring
    of_data = {field.name for field in dataclasses.fields(DataConfig)} | scoring
    emission = given.get("emission", ModelConfig.emission)
    of_emission = {name for names in EMISSIONS.values() for name in names}
    used_of_data = ("dataset", "max_eval_sequences", *entry.options, *entry.kind.scoring_options)
    for names, used, what in (
        (of_model, ("model", *FAMILIES[chosen].options), f"--model={chosen}"),
        (of_data, used_of_data, f"--dataset={FLAGS.dataset}"),
        (of_emission, EMISSIONS[emission], f"--emission={emission}"),
    ):
        refuse_useless([name for name in given if name in names - set(used)], what)


def _refuse_unused(given: dict[str, Any], config: ModelConfig) -> None:
    """Raises a ValueError for flags of the model that others make useless, such as the noise's without mixing."""
    family = FAMILIES[config.model]
    unused = set(family.options) - set(family.used_options(vars(config)))
    choices = ", ".join(
        f"--{name}={getattr(config, name)}" for name in ("mixing", "posterior") if name in family.options
    )
    refuse_useless([name for name in given if name in unused], choices)


def _warn_of_unused(given: dict[str, Any], config: ExperimentConfig) -> None:
    """Says which flags of the training make no difference; a plan may give them to all of its models."""
    unused = [f"--{name}" for name in given if name in useless(config)]
    if unused:
        _LOGGER.warning("%s: without effect on this model and its training.", ", ".join(unused))


def strategy_from_flags() -> "tf.distribute.Strategy":
    """Returns over which devices and processes to train; waits for the other processes.

    Raises:
        ValueError: what the flags ask for is not there.
    """
    from sisrnn_tf.core import strategies

    return strategies.make(FLAGS.strategy, FLAGS.num_replicas)


def workdir_from_flags(config: ExperimentConfig) -> str:
    """Returns the run's folder: the flag's, or one named after the data set and the model."""
    return FLAGS.workdir or f"runs/{config.data.dataset}-{config.model.model}"


def _to_tuple(name: str, texts: list[str]) -> tuple[int, ...] | tuple[str, ...]:
    if name == "covariates":
        return tuple(texts)
    try:
        return tuple(int(text) for text in texts)
    except ValueError as error:
        raise ValueError(f"`{name}` must be ints separated by commas. Received: {name}={','.join(texts)}") from error
