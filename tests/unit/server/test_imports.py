"""Which modules outside of the server import it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import inductiva_widgets

PACKAGE = Path(inductiva_widgets.__file__).parent
SERVER = "inductiva_widgets.server"
LIBRARIES = ("aiortc", "filelock", "psutil", "starlette", "uvicorn")


def imports_of_the_server(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(SERVER):
            yield node.module
        if isinstance(node, ast.ImportFrom) and node.module == "inductiva_widgets":
            yield from (SERVER for alias in node.names if alias.name == "server")
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith(SERVER))


def test_only_the_default_client_and_the_command_line_import_the_server():
    found = {
        path.relative_to(PACKAGE).as_posix(): modules
        for path in PACKAGE.rglob("*.py")
        if not path.is_relative_to(PACKAGE / "server") and not path.is_relative_to(PACKAGE / "cli")
        if (modules := {*imports_of_the_server(path)})
    }
    assert found == {"http/default_client.py": {f"{SERVER}.launch"}}


def test_modules_of_the_command_line_that_are_not_about_the_server_do_not_import_it():
    found = {path.name for path in (PACKAGE / "cli").glob("*.py") if [*imports_of_the_server(path)]}
    assert found == {"local.py", "serve.py"}


def test_launch_loads_none_of_the_server_libraries():
    code = (
        f"import sys, {SERVER}.launch; "
        f"print([name for name in {LIBRARIES!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
