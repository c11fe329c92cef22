"""The sdist and the wheel, built and looked into; no network, and no Node where none is needed."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUNDLE = {
    f"inductiva_widgets/static/{name}"
    for name in ("widget.js", "widget.css", "list.js", "panels.js")
}


def build(source: Path, target: Path, kind: str, **environment: str) -> Path:
    command = [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "-o", target, source]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = target.iterdir()
    return built


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    return build(ROOT, tmp_path_factory.mktemp("sdist"), "sdist")


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory):
    """Return a wheel built from the sdist where no npm is on the path."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    nowhere = tmp_path_factory.mktemp("bin")
    return build(source, tmp_path_factory.mktemp("wheel"), "wheel", PATH=str(nowhere))


def test_sdist_holds_the_bundle_its_sources_and_no_tools(sdist):
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert names >= BUNDLE | {"js/src/contract.ts", "js/package-lock.json", "LICENSE"}
    assert not any("node_modules" in name or "__pycache__" in name for name in names)
    assert sdist.stat().st_size < 3_000_000


def test_wheel_holds_every_module_the_bundle_and_the_notebooks(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    modules = {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "inductiva_widgets").rglob("*.py")
    }
    assert names >= modules | BUNDLE | {"inductiva_widgets/py.typed"}
    assert "inductiva_widgets/notebooks/quickstart.ipynb" in names
    assert "inductiva_widgets/notebooks/cases/swmm_storm/model.inp" in names
    assert not any(name.startswith(("tests/", "js/")) or name.endswith(".png") for name in names)
    assert wheel.stat().st_size < 1_000_000


def test_wheel_names_its_version_once(wheel):
    from inductiva_widgets import __version__

    assert wheel.name.startswith(f"inductiva_widgets-{__version__}-py3-none-any")


def test_missing_bundle_is_told_with_the_command_that_makes_it(tmp_path):
    code = (
        "import inductiva_widgets, pathlib\n"
        "read = pathlib.Path.read_text\n"
        "def missing(self, *how, **named):\n"
        "    if self.name == 'widget.js':\n"
        "        raise FileNotFoundError(self)\n"
        "    return read(self, *how, **named)\n"
        "pathlib.Path.read_text = missing\n"
        "from inductiva_widgets.widgets import TaskWidget\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "make build" in done.stderr.splitlines()[-1]
    assert "FileNotFoundError" not in done.stderr
