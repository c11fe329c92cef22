"""Build the documentation site: ``python -m docs.build build/docs``.

The index page is the README, the guide are the notebooks, each executed on an embedded server of
its own, and the API reference is written by pdoc. ``--no-execute`` shows the notebooks without
their outputs.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from sphinx.cmd.build import main as sphinx_build

from docs.reference.build import build as build_reference
from tests.embedded import end_server
from tests.unit.docs.public_names import MODULES, PACKAGE

ROOT = Path(__file__).parents[1]
# Pages of the site by file of the repository; all else keeps its path.
PAGES = {"README.md": "index.md", ".github/CONTRIBUTING.md": "contributing.md"}
# Simulators that come ready-built for some machines only.
NEEDS = {"dam_break": "pysplishsplash"}
# What a reader does with the mouse and the page leaves out, so that its cards show the outcome.
LAST_CELLS = {"quickstart": "long_run.kill(wait_timeout=60); broken.wait(silent_mode=True)"}
NAVIGATION = """

```{toctree}
:hidden:
:caption: Guide

notebooks/quickstart
notebooks/task_in_code
notebooks/watching
notebooks/table
notebooks/outputs
Many tasks <notebooks/many_tasks>
Task history <notebooks/task_history>
notebooks/real_service
notebooks/command_line
Dam break <notebooks/dam_break>
Dashboard <notebooks/dashboard>
Gallery <docs/gallery>
```

```{toctree}
:hidden:
:caption: Reference

reference
docs/card
docs/command_line
docs/configuration
docs/embedded_server
docs/front_ends
docs/vendor_names
docs/figures
```

```{toctree}
:hidden:
:caption: Project

CHANGELOG
contributing
```
"""


def build(target: Path, *, execute: bool = True) -> None:
    """Write the site into a folder; raise RuntimeError if Sphinx warns of anything."""
    sources = target.with_name(f"{target.name}-sources")
    stage(sources)
    if execute:
        for path in sorted(sources.glob("notebooks/*.ipynb")):
            show_outputs(path, target.with_name(f"{target.name}-executed") / path.name)
    options = ["-q", "-W", "--keep-going", "-c", str(ROOT / "docs")]
    options += ["-d", str(target.with_name(f"{target.name}-doctrees"))]
    if sphinx_build([*options, str(sources), str(target)]):
        raise RuntimeError("Sphinx has failed; its lines above say why.")
    # Pages name pictures for light and dark in HTML, which Sphinx does not read.
    shutil.copytree(
        ROOT / "notebooks" / "images", target / "notebooks" / "images", dirs_exist_ok=True
    )
    build_reference(target / "api")


def show_outputs(path: Path, executed: Path) -> None:
    """Give a notebook its outputs, those of an earlier build if no cell has changed since."""
    if path.stem in NEEDS and find_spec(NEEDS[path.stem]) is None:
        return
    notebook = nbformat.read(path, as_version=4)
    earlier = nbformat.read(executed, as_version=4) if executed.exists() else None
    if earlier is None or _sources(earlier) != _sources(notebook):
        print(f"Executing {path.name} ...", flush=True)
        last_cell = LAST_CELLS.get(path.stem)
        if last_cell:
            notebook.cells.append(nbformat.v4.new_code_cell(last_cell))
        _execute(notebook, path.parent)
        if last_cell:
            notebook.cells.pop()
        executed.parent.mkdir(exist_ok=True)
        nbformat.write(notebook, executed)
    shutil.copy2(executed, path)


def _execute(notebook: nbformat.NotebookNode, folder: Path) -> None:
    """Execute the cells of a notebook on an embedded server of its own."""
    with tempfile.TemporaryDirectory() as temporary:
        server = Path(temporary, "local")
        os.environ.update(
            INDUCTIVA_API_URL="local",
            INDUCTIVA_LOCAL_DIR=str(server),
            INDUCTIVA_CACHE_DIR=str(Path(temporary, "cache")),
        )
        try:
            NotebookClient(
                notebook, timeout=600, resources={"metadata": {"path": folder}}
            ).execute()
        finally:
            end_server(server)
            end_server(server.with_name("local-replay"))
    # Their views are shown as HTML: no script of the page draws them.
    notebook.metadata.pop("widgets", None)


def _sources(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells]


def stage(folder: Path) -> None:
    """Copy the pages of the site to one folder, where the notebooks are executed."""
    pages = [
        *PAGES,
        "CHANGELOG.md",
        *(path.relative_to(ROOT) for path in (ROOT / "docs").glob("*.md")),
    ]
    for page in map(str, pages):
        text = (ROOT / page).read_text(encoding="utf-8")
        if page.startswith(".github/"):
            text = text.replace("](../", "](").replace('="../', '="')
        for name, renamed in PAGES.items():
            text = text.replace(f"({name}", f"({renamed}").replace(f"/{name}", f"/{renamed}")
        if page == "README.md":
            # The badge would come from the network.
            text = re.sub(r"!\[(Binder)\]\([^)]*\)", r"\1", text) + NAVIGATION
        _write(folder / PAGES.get(page, page), text)
    _write(folder / "reference.md", reference_page())
    for name in ("LICENSE", "js/licenses/preact.txt"):
        _write(folder / name, (ROOT / name).read_text(encoding="utf-8"))
    for path in (ROOT / "notebooks").rglob("*"):
        if path.suffix in {".ipynb", ".png", ".webp", ".svg"} or "cases" in path.parts:
            copy = folder / path.relative_to(ROOT)
            if path.is_file():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, copy)


def reference_page() -> str:
    """Return the page that leads to the modules of the API reference."""
    lines = [
        "# API reference",
        "",
        "Every public name with its parameters, errors, examples and its cost in requests. In a "
        "notebook, Shift-Tab shows the same text.",
        "",
        "<table><thead><tr><th>module</th><th>what</th></tr></thead><tbody>",
    ]
    for name in MODULES:
        page = "api/" + name.replace(".", "/") + ".html"
        summary = (import_module(name).__doc__ or "").strip().splitlines()[0]
        title = name.removeprefix(f"{PACKAGE}.")
        lines.append(f'<tr><td><a href="{page}">{title}</a></td><td>{summary}</td></tr>')
    return "\n".join([*lines, "</tbody></table>", ""])


def _write(path: Path, text: str) -> None:
    """Write a file if its text has changed, as Sphinx rebuilds pages whose source is newer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def main() -> None:
    """Read the command line, and say where the site is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("--no-execute", action="store_true")
    options = parser.parse_args()
    build(options.target, execute=not options.no_execute)
    print(f"The site is in {options.target / 'index.html'}")


if __name__ == "__main__":
    sys.exit(main())
