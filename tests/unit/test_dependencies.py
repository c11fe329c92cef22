"""What the package imports is named in its metadata: a lower bound holds only for what is named."""

import ast
import re
import sys
from pathlib import Path

import inductiva_widgets

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE = Path(inductiva_widgets.__file__).parent
PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
# Imported names that are not those of their distribution.
DISTRIBUTIONS = {
    "backports": "backports-zstd",
    "swmm": "swmm-toolkit",
    "vl_convert": "vl-convert-python",
}
# Imported where it is certain to be there, as whose part it runs.
COMES_WITH = {"IPython": "ipywidgets", "jupyter_core": "jupyterlab"}
# Of newer Pythons.
STANDARD = sys.stdlib_module_names | {"compression"}


class Imports(ast.NodeVisitor):
    """Collects the packages that are imported when code runs, not those for type checkers."""

    def __init__(self) -> None:
        self.found: set[str] = set()

    def visit_If(self, node):
        if not (isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            self.generic_visit(node)

    def visit_Import(self, node):
        self.found |= {name.name.partition(".")[0] for name in node.names}

    def visit_ImportFrom(self, node):
        self.found.add(node.module.partition(".")[0])


def named():
    lines = [*PROJECT["dependencies"]]
    for extra, needs in PROJECT["optional-dependencies"].items():
        lines += needs if extra != "dev" else ()
    return {re.match(r"[\w.-]+", line)[0].lower().replace(".", "-") for line in lines}


def test_every_import_is_of_something_that_is_named():
    imports = Imports()
    for path in PACKAGE.rglob("*.py"):
        imports.visit(ast.parse(path.read_text(encoding="utf-8")))
    others = imports.found - STANDARD - {"inductiva_widgets"}
    needed = {
        DISTRIBUTIONS.get(name, COMES_WITH.get(name, name)).lower().replace("_", "-")
        for name in others
    }
    assert {"numpy", "pandas", "urllib3"} <= needed
    assert needed <= named()
