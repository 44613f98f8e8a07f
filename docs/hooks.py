"""The site's pages that lie elsewhere: README and its neighbors, notebooks, and files that a page links to.

MkDocs calls the functions `on_..` here; see `hooks` in mkdocs.yml.
"""

import pathlib
import posixpath
import re

import nbconvert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = pathlib.Path(__file__).parents[1]
# Files of the repository that are pages of the site, and their names there.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "CODE_OF_CONDUCT.md": "conduct.md",
    "SECURITY.md": "security.md",
}
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages of `PAGES`, notebooks, and the files outside docs/ that any page links to."""
    for source, name in PAGES.items():
        files.append(File.generated(config, name, content=(ROOT / source).read_text(encoding="utf-8")))
    for path in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
        _add_notebook(files, config, path)
    for page in list(files.documentation_pages()):
        for link in _LINK.findall(page.content_string):
            name = _resolve(page.src_uri, link)
            if not files.get_file_from_path(name) and (ROOT / name).is_file():
                files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Returns the page with links to files of the repository as links to those of the site."""
    here = posixpath.dirname(page.file.src_uri)
    return _LINK.sub(lambda found: posixpath.relpath(_resolve(page.file.src_uri, found[1]), here or "."), markdown)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Returns the page with what the theme leaves out: a name of its search, and tables that keys can scroll."""
    search = 'data-md-component="search" role="dialog"'
    return output.replace(search, f'{search} aria-label="Search"').replace("<table>", '<table tabindex="0">')


def _resolve(page: str, link: str) -> str:
    """Returns the site's name of what a page links to by a path in the repository."""
    sources = {name: source for source, name in PAGES.items()}
    source = sources.get(page, f"docs/{page}")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
    if target.endswith(".ipynb") and page != target.removeprefix("docs/").replace(".ipynb", ".md"):
        target = target.replace(".ipynb", ".md")  # but the notebook's own page, which links to the file itself
    return PAGES.get(target, target.removeprefix("docs/"))


def _add_notebook(files: Files, config: MkDocsConfig, path: pathlib.Path) -> None:
    """Adds a notebook as a page, its pictures, and the notebook itself."""
    exporter = nbconvert.MarkdownExporter()
    text, resources = exporter.from_filename(str(path), {"output_files_dir": path.stem})
    for name, content in resources["outputs"].items():
        files.append(File.generated(config, f"notebooks/{name}", content=content))
    title, rest = text.lstrip().split("\n", 1)
    note = f"*[The notebook]({path.name}) of this page, as it ran.*"
    files.append(File.generated(config, f"notebooks/{path.stem}.md", content=f"{title}\n\n{note}\n{rest}"))
