"""Results as Markdown: the paper's numbers beside ours."""

from collections.abc import Mapping, Sequence

from sisrnn_tf.reproduction import chosen, published
from sisrnn_tf.reproduction.chosen import Figure, Runs
from sisrnn_tf.reproduction.plan import Further, Plan, Row
from sisrnn_tf.reproduction.plans import TABLES

# What a table has beside the NLL; of text the paper too.
_BESIDE = {
    "mnist": {},
    "handwriting": {"nll_data_units": "in the data's units", "nll_per_step": "a step"},
    "language": {"ppl": "perplexity", "kl": "KL"},
}
Grouped = Mapping[str, Runs]  # row name -> its runs


def page(plan: Plan, runs: Runs) -> str:
    """Returns all tables of a plan's results as one page.

    Args:
        plan: what was to run.
        runs: that are finished, as `Results.read` returns them.
    """
    command = f"python -m launch.reproduce --table={plan.table} --scale={plan.scale}"
    parts = [f"# Table {TABLES[plan.table]}, scale {plan.scale}", f"Written by `{command}`; do not edit.", plan.note]
    for title, text in sections(plan, runs).items():
        parts += [f"## {title.capitalize()}", text]
    return "\n\n".join(parts) + "\n"


def sections(plan: Plan, runs: Runs) -> dict[str, str]:
    """Returns title -> Markdown: `comparison`, `conventions` where they are studied, `bounds` and `runs`."""
    grouped = {row.name: [run for run in runs if run["row"] == row.name] for row in plan.rows}
    made = {"comparison": _comparison(plan, grouped)}
    if any(row.base for row in plan.rows):
        made["conventions"] = _conventions(plan, grouped)
    return made | {"bounds": _bounds(plan, grouped), "runs": _runs(plan, runs)}


def _comparison(plan: Plan, grouped: Grouped) -> str:
    """Returns every number of the paper's table with ours beside it, then our rows that the paper does not have."""
    entries = [entry for entry in published.load() if entry.table == TABLES[plan.table]]
    quoted = [name for name in _BESIDE[plan.table] if getattr(entries[0], name, None) is not None]
    header = [
        "the paper's data",
        "model",
        "its NLL",
        *(_BESIDE[plan.table][name] for name in quoted),
        *_our_titles(plan),
    ]
    lines, main = [header], [row for row in plan.rows if not row.base]
    for entry in entries:
        figures = [str(getattr(entry, name)) for name in quoted]
        row = next((row for row in main if row.published == (entry.dataset, entry.model)), None)
        lines.append([entry.dataset, entry.model, entry.text, *figures, *_ours(plan, row, grouped)])
    for row in main:
        if row.published is None:
            lines.append(["", row.label, "", *([""] * len(quoted)), *_ours(plan, row, grouped)])
    sources = "Sources and marks: `sisrnn_tf/reproduction/published.json`. ≤ is a bound, ≈ the paper's own mark."
    return "\n\n".join([_markdown(lines), f"{_uncertainty(grouped)} {sources}", *_notes(entries)])


def _our_titles(plan: Plan) -> list[str]:
    """Returns what stands above our cells of a line."""
    beside, weighted = _BESIDE[plan.table].values(), map(_weighted_title, plan.weighted)
    return [f"ours, on {plan.data}: NLL by its bound", *beside, *weighted, "epochs; seconds a run"]


def _ours(plan: Plan, row: Row | None, grouped: Grouped) -> list[str]:
    """Returns our cells of a line."""
    runs = grouped[row.name] if row else []
    if not runs:
        return ["to do" if row else "not run", *([""] * (len(_our_titles(plan)) - 1))]
    own = chosen.own_bound(runs)
    beside = [_number(None if own is None else chosen.mean(runs, own, name)) for name in _BESIDE[plan.table]]
    others = [_cell(chosen.weighted(runs, further)) for further in plan.weighted]
    seconds = sum(sum(run["seconds"].values()) for run in runs) / len(runs)
    return [_cell(own, named=True), *beside, *others, f"{len(runs[0]['epochs'])}; {seconds:,.0f}"]


def _conventions(plan: Plan, grouped: Grouped) -> str:
    """Returns the same models and seeds under each convention, and how far they are from the paper's numbers."""
    seeds = {row.base: row.seeds for row in plan.rows if row.base}
    smc = next(further for further in plan.weighted if further.estimator == "smc")
    bases = list(dict.fromkeys(row.base for row in plan.rows if row.base))
    quoted = {entry.model: entry for entry in published.load() if entry.table == TABLES[plan.table]}
    entries = [quoted[where[1]] for base in bases if (where := plan.row(base).published) is not None]
    header = ["binarization"]
    for base in bases:
        label = plan.row(base).label
        header += [f"{label}: NLL by its bound", "minus the paper's", "by SMC", "minus the paper's"]
    lines = [header]
    for convention in dict.fromkeys(row.options["binarization"] for row in plan.rows):
        line = [f"`{convention}`"]
        for base, entry in zip(bases, entries, strict=True):
            alike = [row for row in plan.rows if base in (row.name, row.base)]
            row = next(row for row in alike if row.options["binarization"] == convention)
            runs = [run for run in grouped[row.name] if run["seed"] in seeds[base]]
            for figure in (chosen.own_bound(runs), chosen.weighted(runs, smc)):
                line += [_cell(figure) or "to do", "" if figure is None else f"{figure.nll - entry.nll:+.2f}"]
        lines.append(line)
    paper = ["the paper, which cites Larochelle and Murray"]
    for entry in entries:
        paper += [entry.text, "", "", ""]
    note = f"Of seed {', '.join(str(seed) for seed in seeds[bases[0]])} alone."
    grey = "Of `grey` the number is a cross-entropy of intensities, no likelihood of anything."
    return f"{_markdown([*lines, paper])}\n\n{note} {grey}"


def _bounds(plan: Plan, grouped: Grouped) -> str:
    """Returns how tight which bound is, for each row."""
    bounds = {row.name: chosen.bounds_by_mixing(grouped[row.name]) for row in plan.rows}
    mixing = sorted({k for figures in bounds.values() for k in figures})
    lines = [["NLL", "exact", *(f"L_{k}" for k in mixing), *map(_weighted_title, plan.weighted)]]
    for row in plan.rows:
        runs = grouped[row.name]
        if runs:
            figures = [chosen.find(runs, "exact"), *(bounds[row.name].get(k) for k in mixing)]
            figures += [chosen.weighted(runs, further) for further in plan.weighted]
            lines.append([row.label, *map(_cell, figures)])
    counts = {
        (record["estimator"], record["num_sequences"])
        for runs in grouped.values()
        for run in runs
        for record in run["records"]
        if record["split"] == "test"
    }
    sizes = "; ".join(f"{name}: {count:,} test sequences" for name, count in sorted(counts))
    return f"{_markdown(lines)}\n\n{sizes}."


def _runs(plan: Plan, runs: Runs) -> str:
    """Returns a line for each run, and how to repeat it."""
    lines = [["row", "seed", "best epoch", "validation NLL", "test NLL by its bound", "training s", "evaluation s"]]
    for run in runs:
        lowest, own = min(epoch["val_loss"] for epoch in run["epochs"]), chosen.own_bound([run])
        quantity = "" if own is None else own.record["quantity"].rsplit(" ", 1)[0].removeprefix("NLL")
        lines.append(
            [
                f"`{run['row']}`",
                str(run["seed"]),
                f"{run['best_epoch']} of {len(run['epochs'])}",
                f"{quantity} {lowest:.2f}".strip(),
                _cell(own, named=True),
                *(f"{run['seconds'][name]:,.0f}" for name in ("training", "evaluation")),
            ]
        )
    command = f"python -m launch.reproduce --table={plan.table} --scale={plan.scale} --data_dir=DIR"
    machines = sorted({f"{run['machine']['cpu']}, {run['machine']['cores']} cores" for run in runs})
    note = (
        f"The epoch is chosen on validation. `{command} --rows=ROW --seeds=SEED --results_dir=ELSEWHERE "
        f"--workdir=ELSEWHERE` repeats a run; `{plan.name}.json` has its configuration, its `launch.train` and "
        f"`launch.evaluate` commands, all records and the versions of the libraries."
    )
    return "\n\n".join([_markdown(lines), note, f"On {'; '.join(machines)}." if machines else "No run is finished."])


def _notes(entries: Sequence[published.Published]) -> list[str]:
    """Returns what there is to say against the paper's marks, and of which models."""
    models: dict[str, list[str]] = {}
    for entry in entries:
        if entry.note:
            models.setdefault(entry.note, []).append(entry.model)
    return [f"{', '.join(dict.fromkeys(names))}: {note}" for note, names in models.items()]


def _uncertainty(grouped: Grouped) -> str:
    several = any(len(runs) > 1 for runs in grouped.values())
    spread = "; of several seeds the mean, and the standard deviation over them" if several else ""
    return f"Nats a sequence; ± is the standard error over test sequences{spread}."


def _weighted_title(further: Further) -> str:
    count = "" if further.max_sequences is None else f", {further.max_sequences:,} sequences"
    return f"{further.estimator.upper()}, M={further.num_importance}{count}"


def _cell(figure: Figure | None, named: bool = False) -> str:
    """Returns a number with its sign and uncertainty, on request with the bound that it is; nothing of none."""
    if figure is None:
        return ""
    quantity, sign = figure.record["quantity"].rsplit(" ", 1)
    text = f"{'' if quantity == 'NLL' else quantity + ' '}{ {'<=': '≤', '=': '='}[sign] } {figure.nll:.2f}"
    if figure.spread is not None:
        text += f", sd {figure.spread:.2f} of {figure.num_seeds} seeds"
    elif figure.error is not None:
        text += f" ± {figure.error:.2f}"
    names = {"exact": "exact", "L_K": f"L_{figure.record['num_mixing']}"}
    return f"{text} ({names[figure.record['estimator']]})" if named else text


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    """Returns a table whose first line is its header."""
    header, *rest = lines
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, ["---"] * len(header), *rest))
