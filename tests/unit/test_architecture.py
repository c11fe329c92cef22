"""Imports between packages, unique class names and avoided words, read from the sources."""

import ast
import json
from collections import defaultdict
from pathlib import Path

import pytest

import inductiva_widgets
from tests import prose

ROOT = Path(inductiva_widgets.__file__).parent
PACKAGES = {
    "errors": set(),
    "_version": set(),
    "_callbacks": set(),
    "_interrupts": set(),
    "_kernel": set(),
    "_logging": set(),
    "_throttle": set(),
    "ansi": set(),
    "formatting": set(),
    "status": set(),
    "design_tokens": {"status"},
    "_locks": set(),
    "_atomic": set(),
    "_disk": set(),
    "models": {"status"},
    "timing": {"models", "status"},
    "config": {"errors"},
    "frames": {"_atomic", "_version", "errors", "models", "status", "timing"},
    "plots": {"design_tokens", "errors", "formatting", "status"},
    "http": {
        "_interrupts",
        "_logging",
        "_version",
        "config",
        "errors",
        "models",
        "server",
    },
    "downloads": {
        "_callbacks",
        "_atomic",
        "_disk",
        "_locks",
        "_interrupts",
        "_logging",
        "_version",
        "errors",
        "formatting",
        "http",
    },
    "history": {"_atomic", "_locks", "config", "errors", "frames", "http", "models"},
    "utils": {"downloads", "errors"},
    "tasks": {
        "_callbacks",
        "_interrupts",
        "_kernel",
        "_throttle",
        "ansi",
        "config",
        "design_tokens",
        "downloads",
        "errors",
        "formatting",
        "frames",
        "history",
        "http",
        "metrics",
        "models",
        "polling",
        "status",
        "timing",
        "webrtc",
    },
    "resources": {"errors", "formatting", "http", "models"},
    "simulators": {"errors", "http", "models", "status", "tasks"},
    "polling": {"errors", "http", "models", "status"},
    "metrics": {"ansi", "errors"},
    "webrtc": {"config", "errors", "http"},
    "widgets": {
        "_throttle",
        "ansi",
        "design_tokens",
        "downloads",
        "errors",
        "formatting",
        "frames",
        "http",
        "metrics",
        "models",
        "polling",
        "status",
        "tasks",
        "timing",
    },
    "server": {
        "_atomic",
        "_disk",
        "_version",
        "ansi",
        "config",
        "errors",
        "formatting",
        "models",
        "status",
    },
    "cli": {
        "_version",
        "config",
        "design_tokens",
        "errors",
        "formatting",
        "frames",
        "http",
        "models",
        "server",
        "status",
        "tasks",
    },
    "_ipython": {"cli", "errors", "tasks"},
    "__main__": {"cli"},
}
# Late imports against the arrows. This list may only shrink.
EXCEPTIONS = {
    # A task shows itself as a widget.
    ("tasks/_display.py", "widgets"),
    # The folder of the built front end, which holds no module.
    ("widgets/assets.py", "static"),
    # The methods of `df.inductiva` give tasks and charts.
    ("frames/accessor.py", "tasks"),
    ("frames/accessor.py", "plots"),
}
# At most this many modules of the package import each other in a circle. May only go down.
MAX_MODULES_IN_CYCLES = {"run time": 40, "with types": 55}
THIRD_PARTY = {
    "requests": {"downloads", "http"},
    "regex": {"metrics"},
    "aiortc": {"server", "webrtc"},
    "pandas": {"frames", "history", "metrics", "plots", "tasks"},
    "numpy": {"frames", "history", "plots", "widgets"},
    "altair": {"plots"},
    "vl_convert": {"plots"},
    "pyarrow": {"frames"},
    "openpyxl": {"frames"},
    "anywidget": {"widgets"},
    "traitlets": {"widgets"},
    "IPython": {"_ipython", "errors", "tasks", "widgets"},
    "starlette": {"server"},
    "uvicorn": {"server"},
    "psutil": {"server"},
    "sqlite3": {"server"},
    "click": {"_ipython", "cli"},
    "rich": {"cli", "downloads", "simulators", "tasks"},
}


def _modules():
    return sorted(
        path for path in ROOT.rglob("*.py") if path.name != "__init__.py" or path.parent != ROOT
    )


def _imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names: set[str] = set()
    typing_only = [node for node in ast.walk(tree) if _is_type_checking(node)]
    ignored = {inner for node in typing_only for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if node in ignored:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "inductiva_widgets":
                names |= {f"inductiva_widgets.{alias.name}" for alias in node.names}
            else:
                names.add(node.module)
    return names


def _is_type_checking(node: ast.AST) -> bool:
    test = getattr(node, "test", None)
    return isinstance(node, ast.If) and getattr(test, "id", "") == "TYPE_CHECKING"


def _package(path: Path) -> str:
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def _violations(path: Path) -> list[str]:
    """Return the imports of a module that its package may not make."""
    package, place = _package(path), path.relative_to(ROOT).as_posix()
    found = []
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] == "inductiva_widgets" and len(parts) > 1 and parts[1] != package:
            allowed = parts[1] in PACKAGES[package] or (place, parts[1]) in EXCEPTIONS
        else:
            allowed = package in THIRD_PARTY.get(parts[0], {package})
        if not allowed:
            found.append(f"{place} imports {name}")
    return found


def test_modules_import_only_what_their_package_may():
    modules = _modules()
    assert len(modules) > 100
    assert [line for path in modules for line in _violations(path)] == []


def test_packages_have_no_cycle():
    def reach(package, seen=()):
        assert package not in seen, f"cycle: {' -> '.join((*seen, package))}"
        for other in PACKAGES[package]:
            reach(other, (*seen, package))

    for package in PACKAGES:
        reach(package)


def test_import_against_the_arrows_is_found(tmp_path):
    module = tmp_path / "errors.py"
    module.write_text("from inductiva_widgets.tasks.task import Task\n")
    assert _imports(module) == {"inductiva_widgets.tasks.task"}
    assert "tasks" not in PACKAGES["errors"]


def _module_imports(path: Path, with_types: bool) -> set[Path]:
    """Return the modules of the package that a module imports, wherever it does so."""
    tree = ast.parse(path.read_text())
    ignored = set()
    if not with_types:
        typing_only = [node for node in ast.walk(tree) if _is_type_checking(node)]
        ignored = {inner for node in typing_only for inner in ast.walk(node)}
    found = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not node.module or node in ignored:
            continue
        first, *rest = node.module.split(".")
        if first != "inductiva_widgets":
            continue
        folder = ROOT.joinpath(*rest)
        # `from package import name` is an import of the module `package/name.py` if there is one.
        targets = [_file(folder / alias.name) or _file(folder) for alias in node.names]
        found |= {target for target in targets if target and target != path}
    return found


def _file(module: Path) -> Path | None:
    for path in (module.with_suffix(".py"), module / "__init__.py"):
        if path.exists():
            return path
    return None


def _in_cycles(imports: dict[str, set[str]]) -> set[str]:
    """Return the nodes of a graph from which a way leads back to them."""

    def reachable(start: str) -> set[str]:
        seen: set[str] = set()
        ahead = [start]
        while ahead:
            new = imports.get(ahead.pop(), set()) - seen
            seen |= new
            ahead.extend(new)
        return seen

    return {node for node in imports if node in reachable(node)}


@pytest.mark.parametrize("kind", MAX_MODULES_IN_CYCLES)
def test_modules_in_import_cycles_do_not_become_more(kind):
    imports = {
        path.relative_to(ROOT).as_posix(): {
            target.relative_to(ROOT).as_posix()
            for target in _module_imports(path, with_types=kind == "with types")
        }
        for path in _modules()
    }
    found = _in_cycles(imports)
    assert len(found) <= MAX_MODULES_IN_CYCLES[kind], sorted(found)


def test_cycle_of_imports_is_found():
    assert _in_cycles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == {"b", "c"}


def test_class_names_are_unique():
    homes = defaultdict(list)
    for path in _modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                homes[node.name.lstrip("_")].append(path.relative_to(ROOT).as_posix())
    shared = {name: paths for name, paths in homes.items() if len(paths) > 1}
    assert shared == {}


def test_avoided_words_do_not_become_more():
    limits = json.loads(prose.LIMITS.read_text(encoding="utf-8"))["avoided_words"]
    more = {
        path: f"{count}, at most {limits.get(path, 0)}"
        for path, count in prose.counts().items()
        if count > limits.get(path, 0)
    }
    assert more == {}, f"Use other words than: {', '.join(sorted(prose.AVOIDED))}, most="


def test_avoided_words_are_found_in_docstrings_comments_and_identifiers():
    source = (
        '"""Told."""\n# anew\nwanted = 1\ndef _tells_all(most=2):\n    return f.tell(), "nought"\n'
    )
    assert sorted(prose.avoided_words(source)) == ["anew", "most", "tells", "told", "wanted"]


def test_readme_does_not_grow():
    limits = json.loads(prose.LIMITS.read_text(encoding="utf-8"))
    assert prose.readme_words() <= limits["readme_words"]
