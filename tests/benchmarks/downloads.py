"""Downloads of archives: ours, the vendor's, `aria2c` and `curl` with `unzip`.

    python -m tests.benchmarks.downloads [full unlimited partial listing memory]
        [--rounds 3] [--large 4]

nginx serves the archives on this machine; every contender runs as a new process, in turns with the
others, after one turn that is not timed and in which the extracted trees are compared.

- full: an archive of 258 files, 382 MB, extracted; each connection limited to 40 MB/s. The vendor's
  time is that of `Task.download_outputs()`, its public call, whose few questions to the service
  nginx answers from files. It and ours count with the start of Python and the import. The processor
  time leaves out nginx; unlike the rest it means something on a busy machine too.
- unlimited: the same without the limit.
- partial: two small files out of that archive, side by side in it and far from each other;
  requests for the archive and bytes of both directions, by nginx's log.
- listing: the names in an archive of 2 GiB with 1000 members, likewise. The vendor asks its
  service for that, so there is nothing to compare with.
- memory: peak of a process that downloads 0.1 GB and `--large` GB.

The archive is made by the first run and kept in the system's folder for temporary files.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.archive_server import (
    SMALL,
    TASK,
    ArchiveServer,
    Content,
    Traffic,
    archive_server,
    simulation_archive,
    write_archive,
)
from tests.benchmarks.figures import machine, median, spread, verdict
from tests.benchmarks.memory import peaks
from tests.conformance.vendor import VERSION, client_environment, vendor_programs
from tests.conformance.venvs import ROOT

PARTS = ("full", "unlimited", "partial", "listing", "memory")
CACHE = Path(tempfile.gettempdir()) / "inductiva-widgets-benchmarks"
FEW_BYTES = 128 * 1024
VENDOR = f"vendor {VERSION}"
OURS = """
import sys, time
from inductiva_widgets.downloads import fetch_archive

url, target, *names = sys.argv[1:]
begin = time.perf_counter()
fetch_archive(url, target, names or None, strip_prefix="artifacts/")
print("CALL", time.perf_counter() - begin)
"""
THEIRS = f"""
import sys, time
import inductiva

target, *names = sys.argv[1:]
begin = time.perf_counter()
inductiva.tasks.Task("{TASK}").download_outputs(names or None, output_dir=target)
print("CALL", time.perf_counter() - begin)
"""
LISTING = """
import sys
from inductiva_widgets.downloads import RemoteArchive

print(len(RemoteArchive(sys.argv[1]).namelist()))
"""


class Run(NamedTuple):
    """Seconds of one run: all of it, its processors', the call inside where the command tells."""

    whole: float
    processors: float
    call: float | None


@dataclass(frozen=True)
class Contender:
    """Commands that fill a folder, run one after the other."""

    commands: list[list[str]]
    environment: Mapping[str, str] = field(repr=False)
    tree: str = "."

    def run(self, target: Path) -> Run:
        """Run the commands in a folder."""
        call = None
        begin, before = time.perf_counter(), os.times()
        for command in self.commands:
            done = subprocess.run(
                command, env=self.environment, cwd=target, capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            if done.returncode:
                raise SystemExit(f"{command[0]}: {done.stderr[-2000:]}")
            _, told, seconds = done.stdout.rpartition("CALL ")
            call = float(seconds) if told else None
        whole, after = time.perf_counter() - begin, os.times()
        return Run(whole, sum(after[2:4]) - sum(before[2:4]), call)


@dataclass
class Bench:
    """What all parts share: the server, the folder to work in, and the rows of the last table."""

    server: ArchiveServer
    work: Path
    programs: Path
    rounds: int
    large: int
    rows: list[str] = field(default_factory=list)

    def environment(self, api: str = "http://127.0.0.1:9") -> dict[str, str]:
        """Return the variables for either client."""
        return {
            **client_environment(api, "benchmark-key", self.work),
            "INDUCTIVA_DISABLE_IMPORT_INFO": "1",
            "no_proxy": "127.0.0.1",
        }

    def clients(self, link: str, target: Path, names: tuple[str, ...] = ()) -> dict:
        """Return ours and the vendor's, to fetch all or some files of an archive."""
        theirs = self.environment(self.server.api(link))
        return {
            "ours": Contender(
                [[sys.executable, "-c", OURS, link, str(target), *names]], self.ours()
            ),
            VENDOR: Contender(
                [[str(self.programs / "python"), "-c", THEIRS, str(target), *names]], theirs
            ),
        }

    def ours(self) -> dict[str, str]:
        """Return the variables for our client, found in this checkout."""
        environment = self.environment()
        environment["PYTHONPATH"] = os.pathsep.join([environment["PYTHONPATH"], str(ROOT)])
        return environment

    def row(self, what: str, ours: str, against: str, ratio: str, goal: str, reached: bool) -> None:
        """Add a row to the last table."""
        self.rows.append(f"| {what} | {ours} | {against} | {ratio} | {goal}: {verdict(reached)} |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--rounds", type=int, default=3, help="timed runs of each contender")
    parser.add_argument("--large", type=int, default=4, help="GB of the large archive for memory")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"unknown: {', '.join(unknown)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nginx ends with it
    programs = vendor_programs()
    print(f"{machine()}, {_load()}\n", flush=True)
    archive = simulation_archive(CACHE)
    with tempfile.TemporaryDirectory(prefix="downloads-") as name:
        work = Path(name).resolve()
        for folder in ("nginx", "served"):
            (work / folder).mkdir()
        (work / "served" / "simulation.zip").symlink_to(archive)
        with archive_server(work / "nginx", work / "served") as server:
            bench = Bench(server, work, programs, given.rounds, given.large)
            for part in given.parts or PARTS:
                _PARTS[part](bench)
    print(f"At the end: {_load()}; the benchmark's own is in it.\n")
    print("| what | ours | against | ratio | goal |\n| --- | --- | --- | --- | --- |")
    print("\n".join(bench.rows))


def _load() -> str:
    """Return how busy the machine is; figures of a busy one say little."""
    return f"load {os.getloadavg()[0]:.1f} in the last minute"


def _full(bench: Bench) -> None:
    times = _race(bench, "limited", "limited to 40 MB/s per connection")
    _judge(bench, times, "full download, 40 MB/s per connection", VENDOR, 3)
    _judge(bench, times, "full download, 40 MB/s per connection", "aria2c -x8 + unzip", 2)


def _unlimited(bench: Bench) -> None:
    times = _race(bench, "free", "without limit")
    _judge(bench, times, "full download, no limit", "curl + unzip", 1.5)


def _race(bench: Bench, speed: str, how: str) -> dict[str, list[float]]:
    target = bench.work / "target"
    link = bench.server.link("simulation.zip", speed)
    contenders = bench.clients(link, target / "tree") | _tools(bench, link)
    runs: dict[str, list[Run]] = {name: [] for name in contenders}
    trees: dict[str, str] = {}
    for turn in range(bench.rounds + 1):
        for name, contender in contenders.items():
            target.mkdir()
            run = contender.run(target)
            if turn:
                runs[name].append(run)
            else:
                trees[name] = _digest(target / "tree" / contender.tree)
            shutil.rmtree(target)
            os.sync()  # nobody writes the files of another
    if len(set(trees.values())) != 1:
        raise SystemExit(f"unequal work: {trees}")
    print(
        f"Download and extraction, {how}, medians of {bench.rounds} (fastest to slowest); "
        f"every tree the same\n\n| who | whole process | processor time | the call alone |\n"
        "| --- | --- | --- | --- |"
    )
    for name, done in runs.items():
        whole, processors, calls = zip(*done, strict=True)
        call = "-" if None in calls else spread(calls)
        print(f"| {name} | {spread(whole)} | {spread(processors)} | {call} |")
    print(flush=True)
    return {name: [run.whole for run in done] for name, done in runs.items()}


def _tools(bench: Bench, link: str) -> dict[str, Contender]:
    """Return the contenders that are programs, as far as they are installed."""
    fetching = {
        "aria2c -x8 + unzip": [
            "aria2c", "-x8", "-s8", "-q", "--no-conf", "--file-allocation=none",
            "-o", "output.zip", link,
        ],
        "curl + unzip": ["curl", "-q", "-s", "-f", "-o", "output.zip", link],
    }  # fmt: skip
    found = {}
    for name, command in fetching.items():
        if missing := [tool for tool in (command[0], "unzip") if shutil.which(tool) is None]:
            print(f"{name}: skipped, {' and '.join(missing)} missing")
            continue
        unzip = ["unzip", "-q", "output.zip", "-d", "tree"]
        found[name] = Contender([command, unzip], bench.environment(), "artifacts")
    return found


def _digest(folder: Path) -> str:
    """Return what stands for all names and contents below a folder."""
    whole = hashlib.sha256()
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return f"{len(files)} files, {whole.hexdigest()}"


def _judge(
    bench: Bench, times: dict[str, list[float]], what: str, against: str, goal: float
) -> None:
    if against not in times:
        return
    ours, theirs = median(times["ours"]), median(times[against])
    ratio = theirs / ours
    print(f"{against} / ours: {ratio:.2f}; goal at least {goal}: {verdict(ratio >= goal)}.\n")
    bench.row(
        what, f"{ours:.1f} s", f"{against}: {theirs:.1f} s", f"{ratio:.1f}",
        f"at least {goal}", ratio >= goal,
    )  # fmt: skip


def _partial(bench: Bench) -> None:
    link = bench.server.link("simulation.zip", "free")
    for where, names in (("side by side", SMALL[:2]), ("far apart", SMALL[::2])):
        found: dict[str, Traffic] = {}
        trees: dict[str, str] = {}
        target = bench.work / "target"
        for name, contender in bench.clients(link, target / "tree", names).items():
            target.mkdir()
            bench.server.traffic()
            contender.run(target)
            found[name] = bench.server.traffic()
            trees[name] = _digest(target / "tree")
            shutil.rmtree(target)
            print(f"Two small files, {where}: {name}, {found[name]}", flush=True)
        if len(set(trees.values())) != 1 or "2 files" not in trees["ours"]:
            raise SystemExit(f"unequal work: {trees}")
        _judge_traffic(
            bench, f"two small files of 382 MB, {where}", 3, found["ours"], found[VENDOR]
        )


def _listing(bench: Bench) -> None:
    members, archive = 1000, bench.server.served / "listing.zip"
    zeros = Content.stored(bytes(2**31 // members), 1)
    names = (f"artifacts/fields/step_{number:04}.vtk" for number in range(members))
    write_archive(archive, ((name, zeros) for name in names))
    bench.server.traffic()
    command = [sys.executable, "-c", LISTING, bench.server.link(archive.name, "free")]
    done = subprocess.run(command, env=bench.ours(), capture_output=True, text=True, check=False)
    if done.stdout.split() != [str(members + 1)]:  # and their folder
        raise SystemExit(f"not all names: {done.stdout}{done.stderr}")
    found = bench.server.traffic()
    print(f"Names of {members} members in {archive.stat().st_size / 2**30:.2f} GiB: {found}")
    archive.unlink()
    _judge_traffic(bench, f"names of {members} members in 2 GiB", 2, found)


def _judge_traffic(
    bench: Bench, what: str, requests: int, ours: Traffic, vendor: Traffic | None = None
) -> None:
    reached = ours.requests <= requests and ours.bytes <= FEW_BYTES
    goal = f"at most {requests} requests, 128 KiB"
    print(f"Goal {goal}: {verdict(reached)}.\n", flush=True)
    against, ratio = "-", "-"
    if vendor is not None:
        against, ratio = f"{VENDOR}: {vendor}", f"{vendor.bytes / ours.bytes:.0f} in bytes"
    bench.row(what, str(ours), against, ratio, goal, reached)


def _memory(bench: Bench) -> None:
    sizes = [100, bench.large * 1000]
    found = peaks(bench.server, bench.work, sizes, bench.ours())
    for size, peak in found.items():
        print(f"Peak memory of a download of {size} MB: {peak / 1e6:.1f} MB")
    if len(found) < len(sizes):
        return
    small, large = found.values()
    ratio = large / small
    print(f"large / small: {ratio:.2f}; goal at most 1.2: {verdict(ratio <= 1.2)}.\n", flush=True)
    bench.row(
        f"peak memory, archive of {bench.large} GB", f"{large / 1e6:.0f} MB",
        f"of 0.1 GB: {small / 1e6:.0f} MB", f"{ratio:.2f}", "at most 1.2", ratio <= 1.2,
    )  # fmt: skip


_PARTS = dict(zip(PARTS, (_full, _unlimited, _partial, _listing, _memory), strict=True))

if __name__ == "__main__":
    main()
