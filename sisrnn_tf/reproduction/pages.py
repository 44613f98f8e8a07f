"""Writes a plan's tables and pictures, and keeps those on a page of prose up to date."""

import itertools
import os
import pathlib
import re

from sisrnn_tf.analysis import plotting
from sisrnn_tf.analysis.plotting import reproduction as pictures
from sisrnn_tf.core.atomic import require_regular, write_text
from sisrnn_tf.core.validation import require
from sisrnn_tf.reproduction import chosen, published, tables
from sisrnn_tf.reproduction.chosen import Runs
from sisrnn_tf.reproduction.plan import Plan
from sisrnn_tf.reproduction.plans import TABLES
from sisrnn_tf.reproduction.results import Results
from sisrnn_tf.runs.workdir import require_writable

_END = "<!-- end -->"


def check(results: Results, page: pathlib.Path | None = None) -> None:
    """Checks that results and a page can be written; changes nothing.

    Args:
        results: of the plan.
        page: of prose; None for none.

    Raises:
        ValueError: the folder or the page cannot be written, or the page has a table that there is not.
        OSError: the page cannot be read.
    """
    require_writable("results_dir", results.path.parent, results.path.parent)
    if page is not None:
        require_regular(page)
        fill(page.read_text(encoding="utf-8"), results.plan, results.read())
        require(os.access(page.absolute().parent, os.W_OK), "page", "in a folder that can be written", page)


def write(results: Results, page: pathlib.Path | None = None) -> list[pathlib.Path]:
    """Writes what there is to show of a plan's results beside their file.

    Args:
        results: of the plan.
        page: of prose, whose tables between `<!-- NAME TITLE -->` and `<!-- end -->` are written anew, such as
            `<!-- mnist-cpu comparison -->`; None leaves pages alone.

    Returns:
        What was written.

    Raises:
        ValueError: the page has a table that there is not.
    """
    with results.lock():
        plan, runs = results.plan, results.read()
        written = [results.path.with_suffix(".md")]
        write_text(written[0], tables.page(plan, runs))
        if runs:
            written += _draw(plan, runs, results.path.with_suffix(""))
        if page is not None:
            write_text(page, fill(page.read_text(encoding="utf-8"), plan, runs))
            written.append(page)
    return written


def fill(text: str, plan: Plan, runs: Runs) -> str:
    """Returns a page with the tables of a plan written anew; those of other plans stay.

    Args:
        text: of the page.
        plan: what was to run.
        runs: that are finished.

    Raises:
        ValueError: the page has a table that there is not.
    """
    made = tables.sections(plan, runs)

    def replace(match: re.Match) -> str:
        title = match["title"]
        if title not in made:
            raise ValueError(f"The page asks for `{plan.name} {title}`. There are {', '.join(made)}")
        if match["end"] != _END:
            raise ValueError(f"The page must have `{_END}` after `{plan.name} {title}`, before any other mark.")
        return f"<!-- {plan.name} {title} -->\n\n{made[title]}\n\n{_END}"

    mark = rf"<!-- {re.escape(plan.name)} (?P<title>\w+) -->.*?(?P<end><!-- .*? -->|\Z)"
    return re.sub(mark, replace, text, flags=re.DOTALL)


def _draw(plan: Plan, runs: Runs, folder: pathlib.Path) -> list[pathlib.Path]:
    """Draws what there is, and returns the paths of the pictures."""
    rows = [row for row in plan.rows if not row.base]  # other conventions are on another scale
    labels = {row.name: row.label for row in rows}
    if len(set(labels.values())) < len(labels):  # one model on several data sets
        labels = {name: f"{label} ({name.split('_')[0]})" for name, label in labels.items()}
    curves = [_curve(run, labels[run["row"]]) for run in runs if run["row"] in labels]
    grouped = {row.name: [run for run in runs if run["row"] == row.name] for row in rows}
    found = {labels[name]: chosen.bounds_by_mixing(group) for name, group in grouped.items()}
    bounds = {
        label: {k: bound.nll for k, bound in values.items()} for label, values in found.items() if len(values) > 1
    }
    figures = {"paper": pictures.beside_paper(_lines(plan, grouped), plan.data)}
    if curves:
        figures["curves"] = pictures.learning_curves(curves)
    if bounds:
        figures["bounds"] = pictures.bound_tightness(bounds)
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in figures.items():
        plotting.save(figure, folder / f"{name}.png")
    return [folder / f"{name}.png" for name in figures]


def _curve(run: dict, label: str) -> pictures.Curve:
    seconds = list(itertools.accumulate(epoch["seconds"] for epoch in run["epochs"]))
    return pictures.Curve(label, seconds, [epoch["val_loss"] for epoch in run["epochs"]])


def _lines(plan: Plan, grouped: tables.Grouped) -> list[pictures.Comparison]:
    """Returns the lines of the paper's table, then our rows that it does not have."""
    lines, rest = [], [row for row in plan.rows if grouped.get(row.name)]
    for entry in published.load():
        if entry.table != TABLES[plan.table]:
            continue
        row = next((row for row in rest if row.published == (entry.dataset, entry.model)), None)
        ours = {} if row is None else _ours(plan, grouped[row.name])
        rest = [other for other in rest if other is not row]
        label = f"{entry.dataset}, {entry.model}" if plan.table == "language" else entry.model
        lines.append(pictures.Comparison(label, entry.nll, ours))
    return lines + [pictures.Comparison(row.label, None, _ours(plan, grouped[row.name])) for row in rest]


def _ours(plan: Plan, runs: Runs) -> dict[str, float]:
    figures = {"own bound": chosen.own_bound(runs)}
    for further in plan.weighted:
        figures[further.estimator.upper()] = chosen.weighted(runs, further)
    return {name: figure.nll for name, figure in figures.items() if figure is not None}
