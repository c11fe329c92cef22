"""Imports between packages, unique class names and avoided words, read from the sources."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

import inductiva_widgets
from tests import prose

ROOT = Path(inductiva_widgets.__file__).parent
MAX_README_WORDS = 1_200
_ENTRY_POINT = re.compile(r"inductiva_widgets(\.\w+)*:\w+(\.\w+)*")
_MODULE_NAME = re.compile(r"inductiva_widgets(\.\w+)*\.?")
PACKAGES = {
    "errors": {"ansi"},
    "_version": set(),
    "_callbacks": set(),
    "_entry_points": set(),
    "_interrupts": set(),
    "_kernel": set(),
    "_logging": set(),
    "_secret": set(),
    "_throttle": set(),
    "_warnings": set(),
    "ansi": set(),
    "formatting": set(),
    "status": set(),
    "design_tokens": {"status"},
    "filters": {"errors", "models", "status"},
    "_locks": set(),
    "_atomic": set(),
    "_disk": set(),
    "models": {"status"},
    "timing": {"models", "status"},
    "columns": {"models", "timing"},
    "config": {"_secret", "errors"},
    "plots": {"columns", "config", "design_tokens", "errors", "formatting", "status", "timing"},
    "frames": {
        "_atomic",
        "_entry_points",
        "_warnings",
        "_version",
        "columns",
        "errors",
        "models",
        "plots",
        "status",
        "timing",
    },
    "http": {
        "_interrupts",
        "_logging",
        "_secret",
        "_version",
        "ansi",
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
        "_warnings",
        "ansi",
        "errors",
        "formatting",
        "http",
    },
    "history": {"_atomic", "_locks", "config", "errors", "filters", "frames", "http", "models"},
    "utils": {"downloads"},
    "tasks": {
        "_callbacks",
        "_entry_points",
        "_interrupts",
        "_kernel",
        "_throttle",
        "ansi",
        "columns",
        "config",
        "design_tokens",
        "downloads",
        "errors",
        "filters",
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
    "resources": {"ansi", "errors", "formatting", "http", "models"},
    "simulators": {"_warnings", "errors", "http", "models", "projects", "resources", "tasks"},
    "projects": {"ansi", "errors", "formatting", "http", "models", "status", "tasks"},
    "users": {"http", "models"},
    "storage": {"ansi", "downloads", "errors", "formatting", "http", "models"},
    "commands": {"simulators"},
    "polling": {"_callbacks", "errors", "http", "models", "status"},
    "metrics": {"ansi", "errors"},
    "webrtc": {"ansi", "config", "errors", "http"},
    "widgets": {
        "_callbacks",
        "_throttle",
        "ansi",
        "columns",
        "design_tokens",
        "downloads",
        "_warnings",
        "errors",
        "filters",
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
        "_secret",
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
        "ansi",
        "config",
        "design_tokens",
        "errors",
        "filters",
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
THIRD_PARTY = {
    "requests": {"downloads", "http"},
    "regex": {"metrics"},
    "aiortc": {"server", "webrtc"},
    "pandas": {"filters", "frames", "metrics", "plots", "projects", "tasks"},
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
    """Return the modules but for the top one, whose lazy table alone may name all packages."""
    return sorted(
        path for path in ROOT.rglob("*.py") if path.name != "__init__.py" or path.parent != ROOT
    )


def _imports(path: Path, *, with_types: bool = False, root: Path = ROOT) -> set[str]:
    """Return the absolute names of all that a module imports, wherever and however it does so.

    An imported attribute counts as a part of its module's name: `package.module.Class`.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = [] if with_types else [node for node in ast.walk(tree) if _is_type_checking(node)]
    ignored = {inner for node in typing_only for part in node.body for inner in ast.walk(part)}
    nodes = [node for node in ast.walk(tree) if node not in ignored]
    parents = ("inductiva_widgets", *path.relative_to(root).parts[:-1])
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = parents[: len(parents) + 1 - node.level] if node.level else ()
            module = ".".join((*start, *filter(None, [node.module])))
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return names | _lazy_imports(nodes, parents)


def _lazy_imports(nodes: list[ast.AST], parents: tuple[str, ...]) -> set[str]:
    """Return the imports that are written as text.

    These are entry points, the arguments of `import_module`, and in a module that can import by
    name also other names of modules, such as those of a lazy table. A name that is put together
    counts as its beginning.
    """
    calls = [node for node in nodes if isinstance(node, ast.Call) and _is_import(node.func)]
    is_lazy = calls or any(getattr(node, "name", "") == "__getattr__" for node in nodes)
    names = set()
    for text in (node.value for node in nodes if isinstance(node, ast.Constant)):
        if not isinstance(text, str):
            continue
        if _ENTRY_POINT.fullmatch(text) or (is_lazy and _MODULE_NAME.fullmatch(text)):
            names.add(text.replace(":", ".").strip("."))
    for call in calls:
        name = getattr(call.args[0], "value", "") if call.args else ""
        if isinstance(name, str) and name.startswith("."):
            levels = len(name) - len(name.lstrip("."))
            names.add(".".join((*parents[: len(parents) + 1 - levels], name.lstrip("."))))
    return names


def _is_import(function: ast.expr) -> bool:
    name = getattr(function, "attr", getattr(function, "id", ""))
    return name in {"import_module", "__import__"}


def _is_type_checking(node: ast.AST) -> bool:
    test = getattr(node, "test", None)
    name = getattr(test, "attr", getattr(test, "id", ""))
    return isinstance(node, ast.If) and name == "TYPE_CHECKING"


def _package(path: Path) -> str:
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def _violations(path: Path) -> list[str]:
    """Return the imports of a module that its package may not make, at run time or for types.

    Types of other projects may be imported by all, as that costs nothing at run time.
    """
    package, place = _package(path), path.relative_to(ROOT).as_posix()
    at_run_time = _imports(path)
    found = []
    for name in sorted(_imports(path, with_types=True)):
        top, _, rest = name.partition(".")
        if top == "inductiva_widgets":
            is_allowed = rest.partition(".")[0] in PACKAGES[package] | {package}
        else:
            is_allowed = package in THIRD_PARTY.get(top, {package}) or name not in at_run_time
        if not is_allowed:
            found.append(f"{place} imports {name}")
    return found


def test_modules_import_only_what_their_package_may():
    modules = _modules()
    assert len(modules) > 100
    assert [line for path in modules for line in _violations(path)] == []


def test_packages_have_no_cycle():
    assert _find_cycle(PACKAGES) is None


def _module_imports(path: Path, *, with_types: bool, root: Path = ROOT) -> set[Path]:
    """Return the modules of the package that a module imports."""
    targets = {_file(name, root) for name in _imports(path, with_types=with_types, root=root)}
    return {target for target in targets if target and target not in {path, root / "__init__.py"}}


def _file(name: str, root: Path) -> Path | None:
    """Return the module that a name is in: the longest part of it that is one."""
    first, *rest = name.split(".")
    if first != "inductiva_widgets":
        return None
    for length in range(len(rest), -1, -1):
        module = root.joinpath(*rest[:length])
        for path in (module.with_suffix(".py"), module / "__init__.py"):
            if path.exists():
                return path
    return None


def _find_cycle(imports: dict[str, set[str]]) -> list[str] | None:
    """Return one cycle of a graph, its first node again at the end; None if there is none."""
    done: set[str] = set()

    def search(trail: list[str]) -> list[str] | None:
        for other in sorted(imports.get(trail[-1], set()) - done):
            if other in trail:
                return [*trail[trail.index(other) :], other]
            cycle = search([*trail, other])
            if cycle:
                return cycle
        done.add(trail[-1])
        return None

    return next(filter(None, (search([node]) for node in sorted(imports))), None)


@pytest.mark.parametrize("with_types", [False, True], ids=["run_time", "with_types"])
def test_modules_have_no_import_cycle(with_types):
    imports = {
        path.relative_to(ROOT).as_posix(): {
            target.relative_to(ROOT).as_posix()
            for target in _module_imports(path, with_types=with_types)
        }
        for path in _modules()
    }
    assert sum(map(len, imports.values())) > 500
    cycle = _find_cycle(imports)
    assert cycle is None, f"These modules import each other: {' -> '.join(cycle)}"


def test_cycle_is_found():
    assert _find_cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == ["b", "c", "b"]
    assert _find_cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) is None


@pytest.mark.parametrize(
    "source",
    [
        "import inductiva_widgets.tasks.task",
        "import inductiva_widgets.tasks.task as task",
        "from inductiva_widgets.tasks import task",
        "from inductiva_widgets.tasks.task import Task",
        "from .task import Task",
        "from . import task",
        "from ..tasks import task",
        "from ..tasks.task import Task",
        "def f():\n    from inductiva_widgets.tasks.task import Task",
        "import importlib\nimportlib.import_module('inductiva_widgets.tasks.task')",
        "from importlib import import_module\nimport_module('.task', __package__)",
        "__import__('inductiva_widgets.tasks.task')",
        "NAMES = {'inductiva_widgets.tasks.task'}\nfor name in NAMES:\n    import_module(name)",
        "HOMES = {'Task': 'inductiva_widgets.tasks.task'}\n"
        "def __getattr__(name):\n    return load(HOMES[name])",
        "register(task='inductiva_widgets.tasks.task:Task')",
        "register(task='inductiva_widgets.tasks.task:Task.from_frame')",
    ],
)
def test_import_is_found_however_it_is_written(source, tmp_path):
    (tmp_path / "tasks").mkdir()
    for name in ("__init__.py", "tasks/__init__.py", "tasks/task.py", "tasks/listing.py"):
        (tmp_path / name).touch()
    module = tmp_path / "tasks" / "listing.py"
    module.write_text(source)
    task = {tmp_path / "tasks" / "task.py"}
    assert _module_imports(module, with_types=False, root=tmp_path) == task
    indented = source.replace("\n", "\n    ")
    module.write_text(f"if TYPE_CHECKING:\n    {indented}\nelse:\n    import this")
    assert _module_imports(module, with_types=False, root=tmp_path) == set()
    assert _imports(module, root=tmp_path) == {"this"}
    assert _module_imports(module, with_types=True, root=tmp_path) == task


def test_import_of_a_name_that_is_put_together_is_found(tmp_path):
    module = tmp_path / "io.py"
    module.write_text("import_module(f'inductiva_widgets.tasks.{kind}')")
    assert _imports(module, root=tmp_path) == {"inductiva_widgets.tasks"}


def test_module_names_that_are_no_imports_are_left_out(tmp_path):
    module = tmp_path / "launch.py"
    module.write_text("run(['python', '-m', 'inductiva_widgets.server'])\nlog('importlib.x')")
    assert _imports(module, root=tmp_path) == set()


def test_import_of_a_package_above_is_found(monkeypatch):
    monkeypatch.setitem(PACKAGES, "tasks", PACKAGES["tasks"] - {"history"})
    lines = _violations(ROOT / "tasks" / "_files.py")
    assert lines == ["tasks/_files.py imports inductiva_widgets.history.invalidation.mark_stale"]


def test_class_names_are_unique():
    homes = defaultdict(list)
    for path in _modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                homes[node.name.lstrip("_")].append(path.relative_to(ROOT).as_posix())
    shared = {name: paths for name, paths in homes.items() if len(paths) > 1}
    assert shared == {}


def test_package_has_no_avoided_words():
    assert prose.modules_with_avoided_words() == {}


def test_avoided_words_are_found_in_docstrings_comments_and_identifiers():
    source = (
        '"""Told."""\n# anew\nwanted = 1\ndef _tells_all(most=2):\n    return f.tell(), "nought"\n'
    )
    assert sorted(prose.avoided_words(source)) == ["anew", "most", "tells", "told", "wanted"]


def test_readme_has_at_most_1200_words():
    assert prose.readme_words() <= MAX_README_WORDS
