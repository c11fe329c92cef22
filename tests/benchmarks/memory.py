"""Peak memory of a process that downloads an archive and extracts it.

`peaks` compares archives of incompressible content: some members stored, some deflated, a quarter
of each archive in its largest one of either kind. Both the archive and the files are removed at
the end. The peak is the whole process's, interpreter and imports included.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.benchmarks.archive_server import ArchiveServer, Content, write_archive

_BLOCK = 1_000_000
_SCRIPT = """
import re, sys
from pathlib import Path
from inductiva_widgets.downloads import fetch_archive

fetch_archive(sys.argv[1], sys.argv[2], strip_prefix="artifacts/")
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def peaks(
    server: ArchiveServer, work: Path, sizes: list[int], environment: Mapping[str, str]
) -> dict[int, int]:
    """Return the peak in bytes for each size of an archive, in blocks of a million bytes.

    A size for which the disk has no room is left out, and that is said.
    """
    if not Path("/proc/self/status").exists():
        print("memory: this system does not tell the peak of a process (no /proc); skipped")
        return {}
    found = {}
    for blocks in sizes:
        wanted = blocks * _BLOCK * 5 // 2  # the archive, the files, and room to breathe
        if shutil.disk_usage(work).free < wanted:
            print(f"memory: {blocks} MB skipped, it takes {wanted / 1e9:.1f} GB of disk")
            continue
        archive, target = server.served / "memory.zip", work / "memory"
        try:
            write_archive(archive, _members(blocks))
            found[blocks] = _peak(server.link(archive.name, "free"), target, environment)
            extracted = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
            if extracted != blocks * _BLOCK:
                raise SystemExit(f"memory: {extracted} bytes extracted of {blocks * _BLOCK}")
        finally:
            archive.unlink(missing_ok=True)
            shutil.rmtree(target, ignore_errors=True)
    return found


def _members(blocks: int) -> Iterator[tuple[str, Content]]:
    block = random.Random(7).randbytes(_BLOCK)
    large, small = blocks // 4, max(1, blocks // 100)
    for kind, make in (("stored", Content.stored), ("deflated", Content.deflated)):
        yield f"artifacts/large.{kind}", make(block, large)
        content = make(block, small)
        count, rest = divmod(blocks // 2 - large, small)
        for number in range(count):
            yield f"artifacts/small/{number:03}.{kind}", content
        if rest:
            yield f"artifacts/rest.{kind}", make(block, rest)


def _peak(link: str, target: Path, environment: Mapping[str, str]) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, link, str(target)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    return int(done.stdout.split()[-1]) * 1024
