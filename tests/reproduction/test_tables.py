"""The paper's numbers beside ours, as Markdown and pictures."""

import pathlib

import matplotlib.image
import pytest

from sisrnn_tf.analysis.plotting import reproduction as pictures
from sisrnn_tf.reproduction import pages, plans, published, tables
from sisrnn_tf.reproduction.results import Results
from tests.reproduction.conftest import make_run

ROOT = pathlib.Path(__file__).parents[2]


def cells(text, start):
    """The cells of the line that starts so."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.fixture
def runs(mnist):
    """Two seeds of VRNN, one of two others, and a convention."""
    return [
        make_run(mnist, "rnn", nll=95.0),
        make_run(mnist, "vrnn", 0, nll=88.0),
        make_run(mnist, "vrnn", 1, nll=90.0),
        make_run(mnist, "sisrnn_64", nll=87.0),
        make_run(mnist, "vrnn_grey", nll=76.0),
    ]


@pytest.mark.parametrize("table", plans.TABLES)
def test_every_number_of_the_paper_is_shown(table):
    text = tables.page(plans.make(table, "cpu"), [])
    for entry in published.load():
        if entry.table == plans.TABLES[table]:
            line = cells(text, f"{entry.dataset} | {entry.model} |")
            assert line[2] == entry.text
            assert line[3:5] == [str(entry.ppl), str(entry.kl)] or table != "language"
            assert entry.note is None or entry.note in text


def test_ours_stand_beside_them(mnist, runs):
    text = tables.sections(mnist, runs)["comparison"]
    assert cells(text, "sequential MNIST | VRNN")[2:7] == [
        "≤ 74.15",
        "≤ 89.00, sd 1.41 of 2 seeds (L_0)",
        "≤ 88.00, sd 1.41 of 2 seeds",
        "≤ 87.00, sd 1.41 of 2 seeds",
        "3; 42",
    ]
    assert cells(text, "sequential MNIST | SIS-RNN (1-layer) 64")[2:4] == ["71.90", "≤ 86.50 ± 0.50 (L_100)"]
    assert cells(text, "sequential MNIST | SIS-RNN (1-layer) 128")[3] == "to do"
    assert cells(text, "sequential MNIST | NADE")[3] == "not run"
    assert cells(text, " | RNN")[3] == "= 95.00 ± 0.50 (exact)"


def test_text_has_perplexity_and_kl():
    plan = plans.make("language", "cpu")
    text = tables.sections(plan, [make_run(plan, "ptb_sisrnn", nll=102.0)])["comparison"]
    ours = ["≤ 101.50 ± 0.50 (L_100)", "202.00", "0.75", "≤ 101.00 ± 0.50"]
    assert cells(text, "PTB | SIS-RNN")[2:9] == ["101.2", "101.8", "1.6", *ours]


def test_conventions_are_held_against_the_papers_numbers(mnist, runs):
    text = tables.sections(mnist, runs)["conventions"]
    larochelle = ["≤ 88.00 ± 0.50", "+13.85", "≤ 86.00 ± 0.50", "+11.85"]  # of the seed that all have
    assert cells(text, "`larochelle`")[1:5] == larochelle
    assert cells(text, "`grey`")[1:3] == ["cross-entropy ≤ 76.00 ± 0.50", "+1.85"]
    assert cells(text, "`threshold`")[1:3] == ["to do", ""]
    assert cells(text, "the paper")[1] == "≤ 74.15" and cells(text, "the paper")[5] == "71.90"
    assert "conventions" not in tables.sections(plans.make("language", "cpu"), [])


def test_bounds_and_runs(mnist, runs):
    text = tables.sections(mnist, runs)
    bounds = cells(text["bounds"], "SIS-RNN, GRU 64")
    assert bounds[1:5] == ["", "≤ 87.00 ± 0.50", "≤ 86.75 ± 0.50", "≤ 86.50 ± 0.50"]
    assert cells(text["runs"], "`vrnn` | 1")[2:5] == ["3 of 3", "88.00", "≤ 90.00 ± 0.50 (L_0)"]
    assert cells(text["runs"], "`vrnn_grey`")[3] == "cross-entropy 74.00"
    assert "a processor, 2 cores" in text["runs"]


def test_estimates_of_another_plan_are_not_shown(mnist):
    run = make_run(mnist, "vrnn")
    for record in run["records"]:
        if record["estimator"] == "IWAE":
            record["num_importance"] += 1
        if record["estimator"] == "SMC":
            record["num_sequences"] += 1
    assert cells(tables.sections(mnist, [run])["comparison"], "sequential MNIST | VRNN")[4:6] == ["", ""]


def test_a_page_of_prose_gets_its_own_tables_alone(mnist, runs):
    text = "before\n<!-- mnist-cpu runs -->\nold\n<!-- end -->\n<!-- mnist-smoke runs -->\nkept\n<!-- end -->\nafter\n"
    filled = pages.fill(text, mnist, runs)
    assert tables.sections(mnist, runs)["runs"] in filled
    assert "old" not in filled and "<!-- mnist-smoke runs -->\nkept\n<!-- end -->\nafter\n" in filled
    assert pages.fill(filled, mnist, runs) == filled
    with pytest.raises(ValueError, match=r"asks for `mnist-cpu run`\. There are comparison, conventions, bounds, runs"):
        pages.fill(text.replace("runs", "run"), mnist, runs)
    for open_mark in (
        "<!-- mnist-cpu runs -->\nprose\n<!-- mnist-cpu bounds -->\n<!-- end -->",
        "<!-- mnist-cpu runs -->",
    ):
        with pytest.raises(ValueError, match="must have `<!-- end -->` after `mnist-cpu runs`"):
            pages.fill(open_mark, mnist, runs)


@pytest.mark.parametrize("table", plans.TABLES)
def test_what_is_committed_shows_the_results_that_are_committed(table):
    plan = plans.make(table, "cpu")
    results = Results(plan, ROOT / "results")
    assert results.path.with_suffix(".md").read_text() == tables.page(plan, results.read())
    page = (ROOT / "docs" / "reproduction.md").read_text()
    assert pages.fill(page, plan, results.read()) == page


def test_what_cannot_be_written_is_refused_before_any_work(mnist, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- mnist-cpu run -->\n<!-- end -->")
    with pytest.raises(ValueError, match="asks for `mnist-cpu run`"):
        pages.check(Results(mnist, tmp_path), page)
    with pytest.raises(ValueError, match="`results_dir` must be a folder that can be written"):
        pages.check(Results(mnist, page / "below"))
    with pytest.raises(FileNotFoundError):
        pages.check(Results(mnist, tmp_path), tmp_path / "none.md")


def test_tables_and_pictures_are_written(mnist, runs, tmp_path):
    results = Results(mnist, tmp_path)
    page = tmp_path / "page.md"
    page.write_text("<!-- mnist-cpu comparison -->\n<!-- end -->")
    assert pages.write(results, page) == [tmp_path / "mnist-cpu.md", page]  # nothing to draw yet
    for run in runs:
        results.add(run)
    written = pages.write(results, page)
    assert {path.name for path in written} == {"mnist-cpu.md", "page.md", "curves.png", "paper.png", "bounds.png"}
    for path in written:
        if path.suffix == ".png":
            assert matplotlib.image.imread(path)[..., :3].std() > 0.01, path
    assert (tmp_path / "mnist-cpu.md").read_text() == tables.page(mnist, results.read())
    assert "≤ 89.00" in page.read_text()


def test_pictures_show_what_they_are_given():
    curves = [pictures.Curve("a", [2.0, 4.0], [9.0, 8.0]), pictures.Curve("a", [3.0, 5.0], [9.5, 8.5])]
    left, right = pictures.learning_curves(curves).axes
    assert [line.get_xydata().tolist() for line in left.lines] == [[[1, 9], [2, 8]], [[1, 9.5], [2, 8.5]]]
    assert [line.get_xydata().tolist() for line in right.lines] == [[[2, 9], [4, 8]], [[3, 9.5], [5, 8.5]]]
    assert len({line.get_color() for line in left.lines}) == 1
    (axes,) = pictures.bound_tightness({"a": {0: 9.0, 10: 8.5, 100: 8.25}}).axes
    assert axes.lines[0].get_xydata().tolist() == [[0, 0.75], [10, 0.25], [100, 0]]
    lines = [pictures.Comparison("a", 74.0, {"SMC": 70.0}), pictures.Comparison("b", None, {"SMC": 71.0})]
    (axes,) = pictures.beside_paper(lines, "KanjiVG").axes
    assert [line.get_xydata().tolist() for line in axes.lines] == [[[74, 1]], [[70, 1], [71, 0]]]
    assert axes.get_legend_handles_labels()[1] == ["the paper", "ours on KanjiVG, SMC"]
    for draw, nothing in (
        (pictures.learning_curves, ([],)),
        (pictures.bound_tightness, ({},)),
        (pictures.beside_paper, ([], "KanjiVG")),
    ):
        with pytest.raises(ValueError, match="must not be empty"):
            draw(*nothing)
