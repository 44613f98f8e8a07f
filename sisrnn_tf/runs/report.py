"""The report of a run: its folder in, one page of HTML out that needs nothing but itself."""

import math
import os
import pathlib
import statistics
from collections.abc import Mapping
from typing import Any

import jinja2

from sisrnn_tf import factory
from sisrnn_tf.analysis import likelihood_records, likelihoods
from sisrnn_tf.configuration.config import ExperimentConfig
from sisrnn_tf.configuration.families import FAMILIES
from sisrnn_tf.data.kinds import SUPPORTS
from sisrnn_tf.data.spec import SPLITS, DataSpec
from sisrnn_tf.runs import (
    attachments,
    baselines,
    commands,
    environment,
    latents,
    run_files,
    settings,
    typeset,
)
from sisrnn_tf.runs.outputs import Output
from sisrnn_tf.runs.workdir import Workdir

_PICTURES = ("training", "samples", "reconstructions", "marginals", "information")

_SECTIONS = {
    "likelihood": "Likelihood",
    "training": "Training",
    "posterior": "Posterior",
    "gaps": "Where the nats are",
    "samples": "Samples",
    "forecasts": "Forecasts",
    "attachments": "Further results",
    "configuration": "Configuration",
    "reproduce": "How to reproduce",
}

# Rows of the table of metrics and what they mean; metrics that are not here follow by name.
_METRICS = {
    "loss": "what is minimized: minus L_K at the current beta, and auxiliary costs; in validation at beta = 1 alone",
    "surrogate": "L_K at beta = 1: reconstruction - kl",
    "reconstruction": "log p(x | z, h)",
    "kl": "log ghat(z) - log p(z | h)",
    "regularizer": "what the mixture gains: surrogate - lower_bound",
    "lower_bound": "L, the bound without the mixture",
    "kl_weight": "beta",
    "num_mixing": "K",
    "log_likelihood": "exact",
    "auxiliary": "-log N(b; ..) of the backward state b, given z; of training's loss alone",
    "twin": "distance to the backward states; of training's loss alone",
    "backward": "minus log-likelihood of the backward network; of training's loss alone",
}
_EXACT_LOSS = "minus the exact log-likelihood, and auxiliary costs; in validation alone"

# Columns of the table of latent dimensions.
_DIMENSIONS = {
    "mixing share of variance": "mixing_share",
    "spread of log scale": "log_scale_spread",
    "|skewness|": "mean_abs_skewness",
    "excess kurtosis": "mean_excess_kurtosis",
    "multimodal fraction": "fraction_multimodal",
    "negentropy [nats]": "mean_negentropy",
    "activity [prior variances]": "activity",
}

# What binds the dimensions of a step together.
_DEPENDENCE = {
    "strongest |correlation| of two dimensions": "strongest_correlation",
    "total correlation of the dimensions [nats]": "total_correlation",
}


def write(workdir: Workdir, path: str | os.PathLike[str]) -> str:
    """Writes the report of a run.

    Args:
        workdir: of the run; only read.
        path: of the page; its folder is made if need be.

    Returns:
        Where it is, in words.

    Raises:
        ValueError: the folder holds no run, one of its files is damaged, or the path is that of one.
        OSError: a file cannot be read or written.
    """
    output = Output("output", path)
    page = render(collect(workdir)).encode("utf-8")
    return output.write(lambda file: file.write(page))


def render(view: dict[str, Any]) -> str:
    """Returns the page.

    Args:
        view: as `collect` makes it. All its text is escaped.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("sisrnn_tf.runs"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,  # a misspelled name is an error, not a gap in the page
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        name: getattr(typeset, name) for name in ("count", "fixed", "setting", "significant", "signs", "size")
    }
    return environment.get_template("report.html").render(view | {"contents": _contents(view)})


def _contents(view: Mapping[str, Any]) -> dict[str, str]:
    """Returns the sections of a page by their anchors."""
    further = {
        "forecasts": view["backtest"] or view["pictures"]["forecasts"],
        "attachments": view["attachments"],
        "gaps": view["gaps"],
    }
    return {name: title for name, title in _SECTIONS.items() if further.get(name, True)}


def collect(workdir: Workdir) -> dict[str, Any]:
    """Reads all that a report shows; what the run does not have, yet, is None or empty.

    Args:
        workdir: of the run.

    Returns:
        What the template shows, by name.

    Raises:
        ValueError: the folder holds no run, or one of its files is damaged.
        OSError: a file cannot be read.
    """
    config = workdir.read_config()
    spec = run_files.read_spec(workdir.data_spec)
    records = run_files.read_evaluation(workdir.evaluation, spec.convention)
    rows = likelihood_rows(records, spec)
    evaluations = [commands.evaluate(workdir, config, spec, record) for record in records]
    family = FAMILIES[config.model.model]
    pictures = {name: workdir.plots / f"{name}.png" for name in _PICTURES}
    pictures |= {"forecasts": workdir.forecasts / "forecasts.png"}
    backtest = workdir.forecasts / "forecasts.json"
    texts = (workdir.samples, workdir.reconstructions)
    best = tightest(rows)
    return {
        "model": family.label,
        "has_posterior": family.has_latent,
        "spec": spec,
        "is_text": spec.kind.has_words,
        "quantity": SUPPORTS[spec.emission].quantity,
        "tightest": best,
        "num_weights": family.num_weights(config.model, spec, factory.make_emission(config.model, spec)),
        "baseline": _baseline(workdir, best),
        "rows": rows,
        "figure": likelihood_records.FIGURES[likelihood_records.figure(records[0])] if records else None,
        "training": _training(run_files.read_metrics(workdir.metrics), config, spec),
        "diagnostics": run_files.read_diagnostics(workdir.diagnostics),
        "backtest": run_files.read_forecasts(backtest),
        "latent": latents.read(workdir),
        "gaps": run_files.read_gaps(workdir.gaps),
        "dimension_columns": _DIMENSIONS,
        "dependence_rows": _DEPENDENCE,
        "pictures": {name: attachments.data_uri(path) for name, path in pictures.items()},
        "texts": {path.stem: _read_text(path) for path in texts},
        "attachments": attachments.collect(workdir, [*pictures.values(), *texts, backtest]),
        "sections": settings.used(config, spec),
        "commands": [commands.train(workdir, config), *(command for command in evaluations if command)],
        "versions": environment.versions(),
    }


def likelihood_rows(records: list[dict], spec: DataSpec) -> list[dict[str, Any]]:
    """Returns a row for each estimator: the test split first, then more sequences, then the lower NLL.

    Records that differ in nothing but their seed make one row: means over seeds, and `spread`, the standard deviation
    of the NLL over seeds. The mean of their standard errors is at least that of the mean NLL: all seeds share the
    sequences.

    Args:
        records: of evaluation.json.
        spec: of the data.
    """
    names = ("split", "estimator", "num_mixing", "num_importance", "num_sequences")
    means = ("nll", "standard_error", "nll_per_step")
    rows = [
        {
            **{name: group[0][name] for name in names},
            **{name: _mean([record.get(name) for record in group]) for name in means},
            "figure": _mean([record[likelihood_records.figure(group[0])] for record in group]),
            "sign": _sign(group[0]),
            "seeds": sorted(record["seed"] for record in group),
            "spread": statistics.stdev(record["nll"] for record in group) if len(group) > 1 else None,
            "digits": _digits(group),
            "split_size": spec.num_sequences[SPLITS.index(group[0]["split"])],
        }
        for group in likelihood_records.by_seed(records)
    ]
    return sorted(rows, key=lambda row: (-SPLITS.index(row["split"]), -row["num_sequences"], row["nll"]))


def _digits(group: list[Mapping[str, Any]]) -> dict[str, int]:
    """Returns how many digits after the point each number of a row is worth, by the standard error of its NLL."""
    error, nll = _mean([record.get("standard_error") for record in group]), group[0]["nll"]
    name = likelihood_records.figure(group[0])
    per_step = (group[0].get("nll_per_step") or 0.0) / nll if nll else 0.0
    scales = {
        "ppl": group[0][name] * per_step,  # whose logarithm is the NLL of a step
        "nll_data_units": 1.0,
        "bits_per_dimension": group[0][name] / nll if nll else 0.0,
    }
    parts = {"nll": 1.0, "nll_per_step": per_step, "figure": scales[name]}
    return {part: typeset.digits(error, scale) for part, scale in parts.items()}


def _baseline(workdir: Workdir, best: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Returns what a distribution without memory scores, and what the best estimate of the same sequences gains."""
    found = baselines.read(workdir)
    if found is None:
        return None
    comparable = best is not None and best["num_sequences"] == found.num_sequences
    gain = found.nll - best["nll"] if best is not None and comparable else None
    return {**found._asdict(), "gain": gain, "digits": typeset.digits(found.standard_error)}


def tightest(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Returns the row of lowest NLL on the test split, of those over the most sequences; None if there is none.

    The choice is among means over seeds, so that no lucky seed is picked.

    Args:
        rows: as of `likelihood_rows`.
    """
    tested = [row for row in rows if row["split"] == "test" and math.isfinite(row["nll"])]
    return min(tested, key=lambda row: (-row["num_sequences"], row["nll"]), default=None)


def _sign(record: Mapping[str, Any]) -> str:
    """Returns `=` for an exact likelihood and `<=` for a bound, from the estimator where `quantity` is missing."""
    default = "=" if record["estimator"] == likelihoods.EXACT else "<="
    return record.get("quantity", default).split()[-1]


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if len(known) == len(values) else None


def _training(metrics: list[dict], config: ExperimentConfig, spec: DataSpec) -> dict[str, Any]:
    """Returns how far training came, and the metrics of its best and its last epoch."""
    training = config.training
    steps = training.epochs * (spec.num_sequences[0] // training.batch_size)
    total_steps = min(steps, training.max_steps or steps)
    scored = [record for record in metrics if math.isfinite(record.get("val_loss", math.nan))]
    best = min(scored, key=lambda record: record["val_loss"], default=None)
    last = metrics[-1] if metrics else None
    names = {name.removeprefix("val_") for record in (best, last) for name in record or ()}
    names -= {"epoch", "step", "seconds"}
    ordered = [name for name in _METRICS if name in names] + sorted(names - set(_METRICS))
    is_exact = FAMILIES[config.model.model].is_exact
    meanings = _METRICS | {"loss": _EXACT_LOSS} if is_exact else _METRICS
    return {
        "finished": last is not None and last["step"] >= total_steps,
        "epochs": training.epochs,
        "total_steps": total_steps,
        "best": best,
        "last": last,
        "metrics": {name: meanings.get(name, "") for name in ordered},
        "seconds": sum(record.get("seconds", 0.0) for record in metrics),
    }


def _read_text(path: pathlib.Path) -> str | None:
    """Returns a file's text, damaged bytes shown as such; None if there is none."""
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else None
