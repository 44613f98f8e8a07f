"""The commands that make a run, and its records, again."""

import dataclasses
import shlex
from typing import Any

from sisrnn_tf.analysis.likelihoods import ESTIMATORS, EXACT
from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.configuration.families import FAMILIES, PRESETS
from sisrnn_tf.configuration.presets import from_options
from sisrnn_tf.data.registry import DATASETS
from sisrnn_tf.data.spec import SPLITS, DataSpec
from sisrnn_tf.runs.workdir import Workdir

# Always spelled out: what a result is of, and the defaults that depend on another flag, the data set.
_ALWAYS = ("dataset", "binarization", "normalization", "model", "seed")


def train(workdir: Workdir, config: ExperimentConfig) -> str:
    """Returns the command of `launch.train` whose flags make this configuration.

    Args:
        workdir: of the run.
        config: of the run.

    Returns:
        The nearest preset, and each flag whose value differs from it.
    """
    given = _fields(config)
    always = {name: given[name] for name in _ALWAYS}
    changed = {}
    for preset in PRESETS:
        base = _fields(from_options(preset, always))
        changed[preset] = {name: value for name, value in given.items() if value != base[name]}
    family = FAMILIES[config.model.model]
    unused = set(family.options) - set(family.used_options(vars(config.model)))  # flags for these are refused
    preset = min(changed, key=lambda name: (len(unused & set(changed[name])), len(changed[name])))
    used = DATASETS[config.data.dataset].options
    shown = {
        name: value for name, value in always.items() if name in used or name not in ("binarization", "normalization")
    }
    flags = {"workdir": workdir.path, "preset": preset} | shown | changed[preset]
    return _command("train", flags)


def evaluate(workdir: Workdir, config: ExperimentConfig, spec: DataSpec, record: dict) -> str | None:
    """Returns the command of `launch.evaluate` that makes a record; None where `launch.train` makes it.

    Args:
        workdir: of the run.
        config: of the run.
        spec: of its data.
        record: of evaluation.json.
    """
    names = {kind.label: name for name, kind in ESTIMATORS.items()} | {EXACT: "bound"}
    name = names.get(record["estimator"])
    num_mixing = config.training.eval_num_mixing if FAMILIES[config.model.model].mixes(vars(config.model)) else 0
    precision = record.get("precision", config.training.precision)
    size = spec.num_sequences[SPLITS.index(record["split"])]
    num_sequences = min(config.data.max_eval_sequences or size, size)
    own = ("bound", num_mixing, config.training.seed, config.training.precision, num_sequences)
    if name is None or (name, record["num_mixing"], record["seed"], precision, record["num_sequences"]) == own:
        return None
    flags = {"workdir": workdir.path, "estimator": name, "split": record["split"], "num_mixing": record["num_mixing"]}
    if ESTIMATORS[name].has_importance:
        flags["num_importance"] = record["num_importance"]
    if record["num_sequences"] != num_sequences:
        flags["max_eval_sequences"] = record["num_sequences"]
    if precision != config.training.precision:
        flags["precision"] = precision
    return _command("evaluate", flags | {"sampling_seed": record["seed"]})


def _fields(config: ExperimentConfig) -> dict[str, Any]:
    """Returns the fields of all three sections; each is a flag of `launch.train`."""
    sections = dataclasses.asdict(config).values()
    return {name: value for section in sections for name, value in section.items()}


def _command(module: str, flags: dict[str, Any]) -> str:
    """Returns a shell command, a flag a line."""
    words = [shlex.quote(f"--{name}={_text(value)}") for name, value in flags.items()]
    return " \\\n    ".join([f"python -m launch.{module}", *words])


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
