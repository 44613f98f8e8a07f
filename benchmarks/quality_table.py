"""The tables of what `benchmarks.quality` has run, into docs/posteriors.md.

python -m benchmarks.quality_table
"""

import json
import pathlib
import statistics

import numpy as np
import scipy.stats
from absl import app

from benchmarks.process import ROOT
from benchmarks.quality_plan import DATA, MODELS
from flags.arguments import flags_only

PAGE, RESULTS = ROOT / "docs" / "posteriors.md", ROOT / "results" / "quality"
MIXING = ROOT / "results" / "benchmark-mixing.json"
_BASE = "vrnn"
_COLUMNS = {"epochs": "equal epochs", "seconds": "equal CPU seconds"}


def read(folder: pathlib.Path) -> dict[str, dict[int, dict]]:
    """Returns the runs of a data set, by model and seed, in the order of the plan."""
    runs: dict[str, dict[int, dict]] = {}
    for name in MODELS:
        found = [json.loads(path.read_text()) for path in folder.glob(f"{name}-[0-9]*.json")]
        if found:
            runs[name] = {run["seed"]: run for run in sorted(found, key=lambda run: run["seed"])}
    return runs


def paired_interval(differences: list[float]) -> tuple[float, float]:
    """Returns mean and half width of the 95% interval (Student's t) of differences, one a seed; NaN of a single one."""
    if len(differences) < 2:
        return differences[0], float("nan")
    error = statistics.stdev(differences) / len(differences) ** 0.5
    return statistics.mean(differences), error * float(scipy.stats.t.ppf(0.975, len(differences) - 1))


def seconds_to(run: dict, target: float) -> float | None:
    """Returns the CPU seconds of training until validation SMC was at most a target, between epochs linearly."""
    before = None
    for record in run["epochs"]:
        if "val_smc" not in record:
            continue
        now = record["cpu_seconds"], record["val_smc"]
        if now[1] <= target:
            return now[0] if before is None else float(np.interp(-target, [-before[1], -now[1]], [before[0], now[0]]))
        before = now
    return None


def table(data: str, runs: dict[str, dict[int, dict]]) -> str:
    """Returns the table of a data set, as Markdown.

    Args:
        data: a key of `DATA`.
        runs: of `read`.
    """
    plan = DATA[data]
    head = [
        "model",
        "seeds",
        *(f"{what}, {label}" for label in _COLUMNS.values() for what in ("own bound", "SMC", "less VRNN")),
    ]
    head += [f"CPU seconds to {plan.target:g}"] if plan.target else []
    lines = [" | ".join(head), " | ".join(["---"] * len(head))]
    for name, by_seed in runs.items():
        cells = [MODELS[name][0], str(len(by_seed))]
        for column in _COLUMNS:
            cells += _cells(column, by_seed, runs.get(_BASE, {}))
        if plan.target:
            times = [seconds_to(run, plan.target) for run in by_seed.values()]
            reached = [value for value in times if value is not None]
            cells.append("never" if not reached else f"{statistics.mean(reached):.0f}")
        lines.append(" | ".join(cells))
    return "\n".join(f"| {line} |" for line in lines)


def _cells(column: str, by_seed: dict[int, dict], base: dict[int, dict]) -> list[str]:
    def means(run, estimator):
        return statistics.mean(run["test"][column][estimator])

    cells = [f"<= {statistics.mean(means(run, kind) for run in by_seed.values()):.2f}" for kind in ("bound", "smc")]
    paired = [means(run, "smc") - means(base[seed], "smc") for seed, run in by_seed.items() if seed in base]
    if not paired or by_seed is base:
        return [*cells, ""]
    mean, half = paired_interval(paired)
    return [*cells, f"{mean:+.2f}" + ("" if np.isnan(half) else f" +- {half:.2f}")]


def mixing_table(result: dict) -> str:
    """Returns the table of what `benchmarks.mixing` wrote, as Markdown."""
    points, machine = result["results"], result["machine"]
    lines = [
        "mixing | K | CPU ms a training step (T=28, B=128) | memory, MB above the base",
        "--- | ---: | ---: | ---:",
    ]
    lines += [
        f"{point['mixing']} | {point['num_mixing']} | {point['cpu_ms']:.1f} | {point['peak_mb']:.0f}"
        for point in points
    ]
    note = f"One thread, medians of {result['rounds']} steps; {machine['cpu']}, commit {machine['commit'][:12]}."
    return "\n".join([*(f"| {line} |" for line in lines), "", note])


def filled(text: str) -> str:
    """Returns the page with its tables written anew."""
    text = fill(text, "mixing", mixing_table(json.loads(MIXING.read_text())))
    for data in DATA:
        runs = read(RESULTS / data)
        text = fill(text, data, table(data, runs) if runs else "Not run yet.")
    return text


def fill(text: str, name: str, table: str) -> str:
    """Returns a page with a table between `<!-- NAME -->` and the next `<!-- end -->`."""
    begin = f"<!-- {name} -->"
    before, rest = text.split(begin)
    _, after = rest.split("<!-- end -->", 1)
    return f"{before}{begin}\n\n{table}\n\n<!-- end -->{after}"


@flags_only
def main() -> None:
    """Writes the page."""
    PAGE.write_text(filled(PAGE.read_text()))


if __name__ == "__main__":
    app.run(main)
