"""The tables of what `examples.growth_posteriors` and `range_posteriors` have run, into docs/state-space.md.

python -m benchmarks.state_space_table
"""

import json

from absl import app

from benchmarks.process import ROOT
from benchmarks.quality_table import fill
from flags.arguments import flags_only

PAGE = ROOT / "docs" / "state-space.md"
RESULTS = {name: ROOT / "results" / f"{name}-model.json" for name in ("growth", "range")}
_ESTIMATES = {"bound": "own bound", "smc_10": "SMC, M = 10", "smc_30": "M = 30", "smc_100": "M = 100"}
_TRAINED = {"SIVI": "L_K", "FIVO": "FIVO, M = 8"}


def table(results: dict) -> str:
    """Returns NLL of each posterior and objective, means over seeds, as Markdown."""
    head = ["posterior", "trained by", "seeds", *_ESTIMATES.values(), "ahead of the Gaussian, M = 100"]
    lines = [" | ".join(head), " | ".join(["---"] * len(head))]
    for row in sorted(results["summary"], key=lambda row: (-row["nll_smc_100"], row["kind"])):
        cells = [f"{row['kind']}, {'smoothing' if row['smoothing'] else 'filtering'}", _TRAINED[row["objective"]]]
        cells += [str(len(row["seeds"])), *(f"<= {row[f'nll_{name}']:.2f}" for name in _ESTIMATES)]
        gain = row.get("gain_smc_100")
        lines.append(" | ".join([*cells, "" if gain is None else "{:+.2f} ({:+.2f} to {:+.2f})".format(*gain)]))
    truth = results["particle_filter"]
    mean, low, high = truth["nll"]
    note = f"-log p(x) by a particle filter of {truth['particles']:,}: {mean:.2f} ({low:.2f} to {high:.2f})."
    return "\n".join([*(f"| {line} |" for line in lines), "", note])


def filled(text: str) -> str:
    """Returns the page with its tables written anew."""
    for name, path in RESULTS.items():
        text = fill(text, name, table(json.loads(path.read_text())))
    return text


@flags_only
def main() -> None:
    """Writes the page."""
    PAGE.write_text(filled(PAGE.read_text()))


if __name__ == "__main__":
    app.run(main)
