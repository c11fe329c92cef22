"""The arrows between the rooms, read from the syntax tree; they never turn back."""

import ast
from pathlib import Path

import inductiva_widgets

ROOT = Path(inductiva_widgets.__file__).parent
ROOMS = {
    "errors": set(),
    "_version": set(),
    "formatting": set(),
    "status": set(),
    "redaction": set(),
    "plaintext": set(),
    "_callbacks": set(),
    "_interrupts": set(),
    "_pump": set(),
    "_locks": set(),
    "_atomic": set(),
    "_disk": set(),
    "models": {"status"},
    "compute": {"models"},
    "timing": {"models", "status"},
    "config": {"errors"},
    "frames": {"_atomic", "_version", "errors", "models", "status", "timing"},
    "plots": {"errors", "formatting", "status"},
    "api": {
        "_interrupts",
        "compute",
        "redaction",
        "errors",
        "config",
        "models",
        "status",
        "_version",
        "local",
    },
    "downloads": {
        "_callbacks",
        "_atomic",
        "_disk",
        "_locks",
        "_interrupts",
        "errors",
        "formatting",
        "redaction",
        "_version",
    },
    "history": {"_atomic", "_locks", "api", "config", "errors", "frames", "models"},
    "utils": {"downloads", "errors"},
    "tasks": {
        "_callbacks",
        "_interrupts",
        "_pump",
        "api",
        "config",
        "downloads",
        "errors",
        "formatting",
        "frames",
        "history",
        "live",
        "metrics",
        "models",
        "plaintext",
        "status",
        "timing",
        "webrtc",
    },
    "resources": {"compute", "api", "errors", "formatting", "models"},
    "simulators": {"compute", "api", "errors", "models", "status", "tasks"},
    "live": {"api", "errors", "models", "status"},
    "metrics": {"errors", "plaintext"},
    "webrtc": {"api", "config", "errors"},
    "widgets": {
        "frames",
        "live",
        "metrics",
        "tasks",
        "downloads",
        "errors",
        "formatting",
        "models",
        "plaintext",
        "status",
        "timing",
        "api",
    },
    "local": {
        "_atomic",
        "_disk",
        "compute",
        "errors",
        "config",
        "models",
        "status",
        "formatting",
        "plaintext",
        "_version",
    },
    "cli": {
        "frames",
        "api",
        "config",
        "errors",
        "formatting",
        "local",
        "models",
        "status",
        "tasks",
        "_version",
    },
    "_ipython": {"cli", "errors", "tasks"},
    "__main__": {"cli"},
}
# The named exceptions: a task asks for its widget, and connect("local") for the server.
# A frame asks for its tasks and its charts.
EXCEPTIONS = {
    ("tasks/_display.py", "widgets"),
    ("widgets/assets.py", "static"),
    ("frames/accessor.py", "tasks"),
    ("frames/accessor.py", "plots"),
}
THIRD_PARTY = {
    "requests": {"api", "downloads"},
    "regex": {"metrics"},
    "aiortc": {"webrtc", "local"},
    "pandas": {"frames", "history", "metrics", "plots", "tasks"},
    "numpy": {"frames", "history", "plots", "widgets"},
    "altair": {"plots"},
    "vl_convert": {"plots"},
    "pyarrow": {"frames"},
    "openpyxl": {"frames"},
    "anywidget": {"widgets"},
    "traitlets": {"widgets"},
    "IPython": {"errors", "tasks", "widgets", "_ipython"},
    "starlette": {"local"},
    "uvicorn": {"local"},
    "psutil": {"local"},
    "sqlite3": {"local"},
    "click": {"cli", "_ipython"},
    "rich": {"tasks", "downloads", "simulators", "cli"},
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


def _room(path: Path) -> str:
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def _violations(path: Path) -> list[str]:
    """Return the imports of a module that its package may not make."""
    room, place = _room(path), path.relative_to(ROOT).as_posix()
    found = []
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] == "inductiva_widgets" and len(parts) > 1 and parts[1] != room:
            allowed = parts[1] in ROOMS[room] or (place, parts[1]) in EXCEPTIONS
        else:
            allowed = room in THIRD_PARTY.get(parts[0], {room})
        if not allowed:
            found.append(f"{place} imports {name}")
    return found


def test_modules_import_only_what_their_package_may():
    modules = _modules()
    assert len(modules) > 100
    assert [line for path in modules for line in _violations(path)] == []


def test_rooms_have_no_cycle():
    def reach(room, seen=()):
        assert room not in seen, f"cycle: {' -> '.join((*seen, room))}"
        for other in ROOMS[room]:
            reach(other, (*seen, room))

    for room in ROOMS:
        reach(room)


def test_the_check_would_notice_an_arrow_that_turns_back(tmp_path):
    module = tmp_path / "errors.py"
    module.write_text("from inductiva_widgets.tasks.task import Task\n")
    assert _imports(module) == {"inductiva_widgets.tasks.task"}
    assert "tasks" not in ROOMS["errors"]
