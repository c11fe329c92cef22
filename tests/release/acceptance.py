"""What a user does in the first hour, with the package as it is installed.

Run as a script by the Python of a clean environment, with `-I` and in an empty folder: it needs
nothing but the package with its extras `local`, `plots`, `export` and `live`. It prints a line for
each check, and at last a summary. A warning that our own code causes is an error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import threading
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

warnings.filterwarnings("error", module=r"inductiva_widgets(\.|$)")
os.environ["INDUCTIVA_LOCAL_DIR"] = str(Path("local").resolve())
os.environ["INDUCTIVA_CACHE_DIR"] = str(Path("cache").resolve())

import inductiva_widgets as inductiva  # noqa: E402 - after the filter and the folders
from inductiva_widgets.webrtc.messages import PeerRequest  # noqa: E402
from inductiva_widgets.webrtc.requests import request  # noqa: E402

PACKAGE = Path(inductiva.__file__).parent
CASES = PACKAGE / "notebooks" / "cases"
VIEW = "application/vnd.jupyter.widget-view+json"
done: list[str] = []


def check(what: str) -> Callable[[Callable[[], None]], None]:
    """Run a check at once, and say that it holds."""

    def run(body: Callable[[], None]) -> None:
        body()
        done.append(what)
        print(f"{len(done):2} {what}", flush=True)

    return run


def command(*arguments: str) -> str:
    """Run the installed command line."""
    program = shutil.which("inductiva-widgets", path=sysconfig.get_path("scripts"))
    assert program is not None
    ended = subprocess.run(
        [program, *arguments],
        env=os.environ | {"INDUCTIVA_API_URL": "local"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert not ended.stderr, ended.stderr
    return ended.stdout


@check("the installed package is imported, no checkout")
def _() -> None:
    assert PACKAGE.parent == Path(sysconfig.get_path("purelib"))
    assert inductiva.__version__ == version("inductiva-widgets")
    assert (PACKAGE / "py.typed").exists()


inductiva.connect("local")
swmm = inductiva.simulators.SWMM()
task = swmm.run(input_dir=CASES / "swmm_storm")


@check("a running task has a live card and its static twin")
def _() -> None:
    data, _ = task.widget()._repr_mimebundle_()
    assert data[VIEW]["model_id"]
    assert task.id in data["text/html"]
    assert task.id in data["text/plain"]


@check("a simulation runs to success")
def _() -> None:
    assert task.wait(silent_mode=True, download_std_on_completion=False) == "success"
    assert task.info.is_terminal


outputs = task.get_output_files_info()


@check("its files are listed")
def _() -> None:
    assert {"stdout.txt", "model.rpt"} <= {file.name for file in outputs.contents}
    assert "model.rpt" in str(outputs)


@check("one of them is read where it lies")
def _() -> None:
    with task.open_output("model.rpt") as file:
        assert b"EPA STORM WATER MANAGEMENT MODEL" in file.read(2000)


@check("a part of them is downloaded")
def _() -> None:
    folder = task.download_outputs(["stdout.txt", "*.rpt"], output_dir="files")
    assert sorted(path.name for path in Path(folder).iterdir()) == ["model.rpt", "stdout.txt"]


long_run = swmm.run(input_dir=CASES / "swmm_long", time_to_live="10m")


@check("it is watched: its numbers, its files, its machine")
def _() -> None:
    watch = long_run.watch()
    read = threading.Event()
    watch.subscribe(lambda: watch.samples and read.set())
    assert read.wait(60)
    assert watch.latest["percent"] >= 0
    assert "model.inp" in str(long_run.list_files())
    assert "load average" in str(long_run.top())


@check("its server answers by WebRTC, too, as a machine on the cloud does")
def _() -> None:
    assert "stdout.txt" in str(request(long_run.client, long_run.id, PeerRequest("ls")))


@check("a long run is killed")
def _() -> None:
    assert long_run.kill(wait_timeout=60)
    assert long_run.get_status() == "killed"


@check("the numbers in the log of an ended run are a frame")
def _() -> None:
    assert task.metrics()["percent"].iloc[-1] == 100


tasks = inductiva.tasks.get(last_n=5)


@check("tasks are listed, and shown as a live table")
def _() -> None:
    assert [one.id for one in tasks] == [long_run.id, task.id]
    data, _ = tasks.widget()._repr_mimebundle_()
    assert data[VIEW]["model_id"]
    assert task.id in data["text/html"]


frame = tasks.to_frame()


@check("they are a frame, to group and to sum up")
def _() -> None:
    mean = frame.groupby("status", observed=True)["computation_time"].mean()
    assert set(mean.index) == {"success", "killed"}
    assert mean["success"].total_seconds() > 0
    counts = frame.groupby("simulator", observed=True).size()
    assert dict(counts) == {"swmm": 2}


@check("the history is kept, and read again without a request")
def _() -> None:
    first = inductiva.tasks.history()
    again = inductiva.tasks.history(offline=True)
    assert list(again.index) == list(first.index) == list(frame.index)
    assert again.attrs["inductiva"]["requests"] == 0


@check("CSV and Parquet read back unchanged")
def _() -> None:
    frame.inductiva.to_csv("tasks.csv")
    frame.inductiva.to_parquet("tasks.parquet")
    for name in ("tasks.csv", "tasks.parquet"):
        read = inductiva.frames.read(name)
        assert read.equals(frame)
        assert list(read.dtypes) == list(frame.dtypes)


@check("a workbook is written")
def _() -> None:
    frame.inductiva.to_excel("tasks.xlsx")
    assert inductiva.frames.read("tasks.xlsx").equals(frame)


@check("two tasks are compared")
def _() -> None:
    assert "status" in tasks.compare()


@check("a picture is drawn")
def _() -> None:
    picture = frame.inductiva.durations()
    picture.save("times.svg")
    assert "<svg" in Path("times.svg").read_text(encoding="utf-8")


@check("the command line lists the same tasks")
def _() -> None:
    assert task.id in command("tasks", "list", "-n", "3")


@check("the server ends when asked")
def _() -> None:
    command("local", "stop", "--yes")


names = ("pandas", "numpy", "pyarrow", "anywidget")
versions = ", ".join(f"{name} {version(name)}" for name in names)
print(f"works: {len(done)} checks, {versions}")
