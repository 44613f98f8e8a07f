"""The report as a browser shows it: no error, nothing wider than the window."""

import json

import numpy as np
import pytest

from sisrnn_tf.analysis import plotting
from sisrnn_tf.runs import report
from tests.test_report import CONVENTION, DIAGNOSTICS, SPEC, make_workdir, record

_TOO_WIDE = """() => [...document.querySelectorAll("body *")]
    .filter(each => !each.closest(".wide, pre") && each.getBoundingClientRect().right > innerWidth + 1)
    .map(each => each.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def page_path(tmp_path_factory):
    """The report of a run that has all there is to show, with long names."""
    folder = tmp_path_factory.mktemp("browser")
    records = [record(20.0, seed=seed, num_mixing=100, num_importance=1000) for seed in range(3)]
    options = {"data_dir": "/a/long/path/" + "folder/" * 20}
    workdir = make_workdir(folder, options, records=records, diagnostics=DIAGNOSTICS | {"convention": CONVENTION})
    for name in ("training", "samples", "reconstructions", "marginals", "information"):
        plotting.save(plotting.image_grid(np.eye(200)[np.newaxis]), workdir.plots / f"{name}.png")
    (workdir.path / "scores").mkdir()
    header = ",".join(["sequence", *(f"a_long_name_of_a_feature_{n}" for n in range(11))])
    (workdir.path / "scores" / ("long" * 20 + ".csv")).write_text(f"{header}\n" + "1.2345,".join("x" * 12) + "\n")
    (workdir.path / "comparison.json").write_text(json.dumps({"runs": ["x" * 500]}))
    report.write(workdir, workdir.report)
    assert SPEC.convention in workdir.report.read_text()
    return workdir.report


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_it_without_an_error_and_without_overflow(browser, page_path, width, scheme):
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    problems = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("requestfailed", lambda request: problems.append(request.url))
    page.goto(page_path.as_uri())
    for details in page.query_selector_all("details > summary"):
        details.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(_TOO_WIDE) == []
    broken = "() => [...document.images].filter(each => !each.naturalWidth).length"
    assert page.evaluate(broken) == 0
    assert problems == []
    for link in page.query_selector_all("nav a"):
        link.click()
        anchor = page.evaluate("location.hash")
        assert page.query_selector(f"h2{anchor}").is_visible()
    page.close()
