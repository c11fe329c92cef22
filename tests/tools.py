"""Install the programs that tests compare with, where this runs as root on Debian or Ubuntu.

Run as a script. Without one of them the tests that need it are skipped and say so; those of the
standard library and of the tests' own web server remain.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping

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
PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


def missing(programs: Mapping[str, str]) -> list[str]:
    """Return the programs that are not there."""
    return [name for name in programs if shutil.which(name, path=PATH) is None]


def install(programs: Mapping[str, str], title: str) -> None:
    """Install what is missing, as root on Debian or Ubuntu; the installer's output is shown.

    Parameters
    ----------
    programs
        Debian packages by program.
    title
        What the programs are, for the first line of the output.
    """
    names = missing(programs)
    if not names or shutil.which("apt-get") is None or os.geteuid() != 0:
        return
    print(f"== Installing {title}: {', '.join(names)}", flush=True)
    packages = " ".join(programs[name] for name in names)
    command = f"apt-get update -q && apt-get install -qy --no-install-recommends {packages}"
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["sh", "-c", command], check=False, env=environment)


if __name__ == "__main__":
    install(TOOLS, "what tests compare with")
    if left := missing(TOOLS):
        print(f"== Not there, tests that need them are skipped: {', '.join(left)}", flush=True)
