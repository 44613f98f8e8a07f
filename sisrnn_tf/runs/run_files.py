"""The files that a run left, read and checked: a damaged one is an error that names it and says what to do."""

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from sisrnn_tf.analysis.diagnostics import DEPENDENCE_MEASURES, MIXING_MEASURES, SHAPE_MEASURES
from sisrnn_tf.analysis.likelihoods import Estimate
from sisrnn_tf.core.atomic import write_text
from sisrnn_tf.core.validation import parse_json
from sisrnn_tf.data.spec import SPLITS, DataSpec
from sisrnn_tf.data.vocabulary import Vocabulary
from sisrnn_tf.runs.callbacks import MetricsLog

# The fields that a file must have, and the type of each.
_RECORD_FIELDS = {
    "split": str,
    "estimator": str,
    "num_mixing": int,
    "num_importance": int,
    "seed": int,
    "convention": str,
    "nll": float,
    "num_sequences": int,
}
_RECORD_NUMBERS = (
    "standard_error",
    "nll_per_step",
    "bits_per_dimension",
    "ppl",
    "nll_data_units",
    "kl",
    "num_tokens",
)  # may be null or missing
_DIAGNOSTICS_FIELDS = {
    "model": str,
    "split": str,
    "convention": str,
    "num_sequences": int,
    "num_noise_draws": int,
    "seed": int,
    "latent_size": int,
    "active_units": int,
    "verdict": str,
    "kl_per_step": list,
    "mutual_information_per_step": list,
    "dimensions": list,
}
_FORECASTS_FIELDS = {"split": str, "num_windows": int, "num_steps": int, "season_length": int, "records": list}
_BACKTEST_NUMBERS = ("crps", "scaled_crps", "mase", "rmsse")  # may be null
# Of these a report shows what is there; other fields are left alone.
_DIAGNOSTICS_NUMBERS = (
    *(f"mean_{name}" for name in MIXING_MEASURES),
    *SHAPE_MEASURES,
    *DEPENDENCE_MEASURES,
    "mutual_information_limit",
)
_DIMENSION_NUMBERS = (*MIXING_MEASURES, *SHAPE_MEASURES, "activity")
_GAPS_FIELDS = {
    **{name: str for name in ("model", "convention", "split", "quantity", "verdict")},
    **{name: int for name in ("epoch", "seed", "num_sequences", "num_mixing", "num_draws", "num_importance")},
    **{name: int for name in ("num_epochs", "num_steps", "num_alone_steps")},
    "rows": list,
}
_GAP_FIELDS = {"label": str, "nll": float, "standard_error": float, "num_sequences": int}
_GAP_NUMBERS = ("gap", "low", "high")  # all null, or none


def read_spec(path: pathlib.Path) -> DataSpec:
    """Returns the specification of a run's data.

    Args:
        path: of its data.json.

    Raises:
        ValueError: the file is missing or damaged.
    """
    if not path.exists():
        raise ValueError(f"{path} is missing: the convention of the data is not known. Repeat the training command.")
    try:
        spec = DataSpec.from_json(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    sizes = spec.num_sequences
    good = isinstance(sizes, tuple) and len(sizes) == len(SPLITS) and all(type(size) is int for size in sizes)
    _require(good, path, "`num_sequences` must be three whole numbers")
    return spec


def read_vocabulary(path: pathlib.Path, spec: DataSpec) -> Vocabulary | None:
    """Returns the vocabulary of a run; None if its data is no text.

    Args:
        path: of its vocabulary.txt.
        spec: of its data.

    Raises:
        ValueError: the file is missing or damaged.
    """
    if not spec.kind.has_words:
        return None
    try:
        vocabulary = Vocabulary(path.read_text(encoding="utf-8").split("\n")[:-1])
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {error}. Repeat the training command, which writes it.") from error
    same = vocabulary.fingerprint == spec.words
    _require(same, path, f"its words have the fingerprint {vocabulary.fingerprint}, not {spec.words} as in data.json")
    return vocabulary


def read_evaluation(path: pathlib.Path, convention: str) -> list[dict]:
    """Returns the records of likelihoods, none if there is no file.

    Args:
        path: of evaluation.json.
        convention: of the run's data; records of another one do not belong to it.

    Raises:
        ValueError: the file is damaged, or holds a record of another convention.
    """
    records = _read_json(path, [])
    _require(isinstance(records, list), path, "it must hold a list of records")
    for number, record in enumerate(records, start=1):
        _require_fields(record, _RECORD_FIELDS, path, f"record {number}")
        numbers = [record.get(name) for name in _RECORD_NUMBERS]
        _require(all(map(_is_number_or_none, numbers)), path, f"record {number}: {_RECORD_NUMBERS} must be numbers")
        sign = str(record.get("quantity", "<=")).split()[-1:]
        _require(sign in (["="], ["<="]), path, f"record {number}: `quantity` must end with = or <=")
        _require(record["split"] in SPLITS, path, f"record {number}: `split` must be one of {', '.join(SPLITS)}")
        same = record["convention"] == convention
        _require(same, path, f"record {number}: `convention` must be that of the run's data.json, {convention}")
    return records


def write_records(path: pathlib.Path, records: Sequence[Mapping]) -> None:
    """Adds records to an evaluation.json; one of the same estimate replaces the one that is there.

    What is there of another epoch is dropped: a table must be of one model.

    Args:
        path: of the file.
        records: of one epoch.

    Raises:
        ValueError: the file is damaged.
    """
    present = read_evaluation(path, records[0]["convention"])
    present = [record for record in present if record.get("epoch") == records[0]["epoch"]]
    merged = {tuple(record[key] for key in Estimate._fields): record for record in [*present, *records]}
    write_text(path, json.dumps(list(merged.values()), indent=2) + "\n")


def read_metrics(path: pathlib.Path) -> list[dict]:
    """Returns the metrics of each epoch, none if there is no file.

    Args:
        path: of metrics.jsonl.

    Raises:
        ValueError: a whole line is damaged.
    """
    return MetricsLog(path).read()


def read_diagnostics(path: pathlib.Path) -> dict | None:
    """Returns the diagnostics of the posterior, None if there is no file.

    Args:
        path: of diagnostics.json.

    Raises:
        ValueError: the file is damaged.
    """
    diagnostics = _read_object(path, _DIAGNOSTICS_FIELDS)
    if diagnostics is None:
        return None
    numbers = [*diagnostics["kl_per_step"], *diagnostics["mutual_information_per_step"]]
    numbers += [diagnostics.get(name) for name in _DIAGNOSTICS_NUMBERS]
    for dimension in diagnostics["dimensions"]:
        _require_fields(dimension, {"dimension": int, "active": bool}, path, "each of `dimensions`")
        numbers += [dimension.get(name) for name in _DIMENSION_NUMBERS]
    _require(all(map(_is_number_or_none, numbers)), path, "its measures must be numbers or null")
    lengths = {len(diagnostics[name]) for name in ("kl_per_step", "mutual_information_per_step")}
    _require(len(lengths) == 1, path, "what is per step must be of one length")
    return diagnostics


def read_forecasts(path: pathlib.Path) -> dict | None:
    """Returns what a backtest found, None if there is no file.

    Args:
        path: of forecasts.json.

    Raises:
        ValueError: the file is damaged.
    """
    found = _read_object(path, _FORECASTS_FIELDS)
    if found is None:
        return None
    for record in found["records"]:
        _require_fields(record, {"method": str, "num_values": int}, path, "each of `records`")
        coverage = record.get("coverage")
        _require(coverage is None or isinstance(coverage, dict), path, "`coverage` must be an object or null")
        numbers = [*(record.get(name) for name in _BACKTEST_NUMBERS), *(coverage or {}).values()]
        _require(all(map(_is_number_or_none, numbers)), path, "its measures must be numbers or null")
    return found


def read_gaps(path: pathlib.Path) -> dict | None:
    """Returns the gaps of the posterior, None if there is no file.

    Args:
        path: of gaps.json.

    Raises:
        ValueError: the file is damaged.
    """
    gaps = _read_object(path, _GAPS_FIELDS)
    if gaps is None:
        return None
    for row in gaps["rows"]:
        _require_fields(row, _GAP_FIELDS, path, "each of `rows`")
        numbers = [row.get(name) for name in _GAP_NUMBERS]
        whole = all(number is None for number in numbers) or all(map(_is_number, numbers))
        _require(whole, path, f"{_GAP_NUMBERS} of a row must be numbers, or null together")
        _require(numbers[0] is None or isinstance(row.get("beyond"), str), path, "a gap must have `beyond`, a text")
    return gaps


def _read_json(path: pathlib.Path, default: Any) -> Any:
    try:
        return parse_json(path.read_bytes()) if path.exists() else default
    except ValueError as error:
        _require(False, path, str(error), error)


def _read_object(path: pathlib.Path, types: dict[str, type]) -> dict | None:
    """Returns the object of a file, with fields of these types; None if there is no file."""
    if not path.exists():
        return None
    found = _read_json(path, None)
    _require_fields(found, types, path, "the object")
    return found


def _require_fields(record: Any, types: dict[str, type], path: pathlib.Path, what: str) -> None:
    _require(isinstance(record, dict), path, f"{what} must be a JSON object")
    for name, kind in types.items():
        value = record.get(name)
        good = _is_number(value) if kind is float else type(value) is kind  # type(): True is no number here
        _require(good, path, f"{what} must have `{name}`, of the type {kind.__name__}")


def _require(condition: bool, path: pathlib.Path, problem: str, cause: Exception | None = None) -> None:
    if not condition:
        raise ValueError(f"{path} is damaged: {problem}. Repair the file, or remove it and make it again.") from cause


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_number_or_none(value: Any) -> bool:
    return value is None or _is_number(value)
