"""Install the programs that tests compare with, where this runs as root on Debian or Ubuntu.

Run as a script. Without one of them the tests that need it are skipped and say so; those of the
standard library and of the tests' own web server remain.
"""

from __future__ import annotations

import os
import shutil
import subprocess

# Program to Debian package.
TOOLS = {
    "unzip": "unzip",
    "zip": "zip",
    "7z": "p7zip-full",
    "bsdtar": "libarchive-tools",
    "nginx": "nginx-light",
    "aria2c": "aria2",
    "curl": "curl",
}
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


def missing() -> list[str]:
    """Return the programs that are not there."""
    return [name for name in TOOLS if shutil.which(name, path=_PATH) is None]


def install() -> None:
    """Install what is missing; the output of the installer is shown."""
    packages = " ".join(TOOLS[name] for name in missing())
    command = f"apt-get update -q && apt-get install -qy --no-install-recommends {packages}"
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["sh", "-c", command], check=False, env=environment)


if __name__ == "__main__":
    if missing() and shutil.which("apt-get") and os.geteuid() == 0:
        print(f"== Installing what tests compare with: {', '.join(missing())}", flush=True)
        install()
    if missing():
        print(f"== Not there, tests that need them are skipped: {', '.join(missing())}", flush=True)
