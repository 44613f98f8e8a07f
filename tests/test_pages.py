"""Pages for people name what there is."""

import importlib
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
ROOMS = "|".join(path.name for path in (ROOT / "sisrnn_tf").iterdir() if path.is_dir())


def _exists(name):
    """Whether a dotted name is an attribute, or a module, of one that exists."""
    holder, *rest = name.split(".")
    thing = importlib.import_module(holder)
    for part in rest:
        holder = f"{holder}.{part}"
        try:
            thing = getattr(thing, part) if hasattr(thing, part) else importlib.import_module(holder)
        except ImportError:
            return False
    return True


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_exist(page):
    text = page.read_text()
    names = set(re.findall(r"\bsisrnn_tf(?:\.\w+)+", text))
    for module, imported in re.findall(r"^from (sisrnn_tf[\w.]*) import ([\w, ]+)$", text, re.MULTILINE):
        names |= {f"{module}.{name}" for name in imported.split(", ")}
    assert {name for name in names if not _exists(name)} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_exist(page):
    text = page.read_text()
    inside = {f"sisrnn_tf/{path}" for path in re.findall(rf"`((?:{ROOMS})/[\w/]+\.py)`", text)}
    paths = inside | set(re.findall(r"\b((?:sisrnn_tf|flags|launch|tests|benchmarks|examples|docs)/[\w/]+\.\w+)", text))
    assert {path for path in paths if not (ROOT / path).exists()} == set()
