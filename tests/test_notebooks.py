"""Notebooks are what `make notebooks` has made of their sources, and ran to their end."""

import ast

import jupytext
import nbformat
import pytest

from tests.test_pages import ROOT

SOURCES = sorted((ROOT / "docs" / "notebooks").glob("*.py"))


def test_there_are_notebooks():
    assert {path.stem for path in SOURCES} == {"digits", "growth", "series", "strokes"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_notebook_ran_as_its_source_is_now(source):
    cells, ran = jupytext.read(source).cells, nbformat.read(source.with_suffix(".ipynb"), as_version=4).cells
    assert [cell.source for cell in ran] == [cell.source for cell in cells], "run `make notebooks`"
    outputs = [output for cell in ran for output in cell.get("outputs", [])]
    assert all(output.output_type != "error" and output.get("name") != "stderr" for output in outputs)
    assert any("image/png" in output.get("data", {}) for output in outputs)
    for cell in cells:
        if cell.cell_type == "code":
            ast.parse("\n".join(line for line in cell.source.splitlines() if not line.startswith("%")))
    assert source.with_suffix(".ipynb").stat().st_size < 400_000
