"""Find a Chromium for the browser tests; run as a script, install one where there is none.

Looked for in this order: ``$CHROMIUM``, the path, Playwright's own download. Installed with apt
where this runs as root on Debian or Ubuntu, else with Playwright.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HELP = """No Chromium was found, and installing one failed. Any of these helps:
  apt-get install chromium          (as root, on Debian or Ubuntu)
  .venv/bin/playwright install chromium
  export CHROMIUM=/path/to/chrome   (one that is already there)"""


def find() -> str | None:
    """Return the path of a Chromium, None where there is none."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    on_path = next((path for path in map(shutil.which, NAMES) if path), None)
    return on_path or _playwrights_own()


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> None:
    """Install a Chromium, best way first; the output of the installers is shown."""
    ways = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if shutil.which("apt-get") and os.geteuid() == 0:
        apt = ["sh", "-c", "apt-get update -q && apt-get install -qy chromium"]
        ways.insert(0, apt)
    for way in ways:
        if subprocess.run(way, check=False).returncode == 0 and find():
            return


if __name__ == "__main__":
    if find() is None:
        print("== Installing Chromium for the browser tests", flush=True)
        install()
    found = find()
    print(f"== Browser: {found}" if found else HELP, flush=True)
    sys.exit(0 if found else 1)
