"""How programs are run: limits, ends, mpirun, and the chain of a mesher and a solver."""

from __future__ import annotations

import json
import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from tests.integration.server.conftest import input_zip, is_running, until

# Stand-ins for programs that cannot be installed everywhere. Each tells what it was given and does
# just enough of what the real one does for the next one to go on.
STAND_IN_MPIRUN = """#!{python}
import os, subprocess, sys
words = sys.argv[1:]
count = int(words[words.index("--np") + 1])
# The program is the first word with a slash; what is before it are options.
first = next(i for i, word in enumerate(words) if "/" in word)
print("stand-in mpirun", *words[:first], flush=True)
ranks = [subprocess.Popen(words[first:], env={{**os.environ, "RANK": str(i)}})
         for i in range(count)]
sys.exit(max(rank.wait() for rank in ranks))
"""
STAND_IN_DIVEMESH = """#!{python}
import pathlib
control = pathlib.Path("control.txt").read_text()
pathlib.Path("DIVEMESH_Paraview").mkdir()
pathlib.Path("DIVEMESH_Paraview/mesh.vtu").write_text("mesh")
pathlib.Path("grid-000001.dat").write_text(str(len(control)))
print("stand-in DiveMESH: mesh made")
"""
STAND_IN_REEF3D = """#!{python}
import os, pathlib, sys
if not pathlib.Path("grid-000001.dat").exists():
    sys.exit("stand-in REEF3D: no mesh")
rank = os.environ.get("RANK", "alone")
pathlib.Path("REEF3D_CFD_VTU").mkdir(exist_ok=True)
pathlib.Path(f"REEF3D_CFD_VTU/frame-{{rank}}.vtu").write_text(pathlib.Path("ctrl.txt").read_text())
print(f"stand-in REEF3D: rank {{rank}}, simtime: 1.0", flush=True)
"""
REEF3D_CASE = {"control.txt": "C 11 1\nM 10 2\n", "ctrl.txt": "D 10 4\nM 10 2\n"}


def stand_ins(folder: Path, **programs: str) -> dict[str, str]:
    """Return an environment in which stand-in programs are found on the PATH, and no engine."""
    folder.mkdir()
    for name, text in programs.items():
        path = folder / name
        path.write_text(text.format(python=sys.executable))
        path.chmod(0o755)
    return {
        "PATH": f"{folder}:/usr/bin:/bin",
        "INDUCTIVA_LOCAL_ENGINE": "none",
    }


# REEF3D and mpirun -------------------------------------------------------------------------------


def reef3d_commands(count):
    options = {"np": count, "use-hwthread-cpus": True}
    mpi = {"version": "4.1.6", "options": options}
    return [
        {"cmd": "/DIVEMesh/bin/DiveMESH", "prompts": []},
        {"cmd": "/REEF3D/bin/REEF3D", "prompts": [], "mpi_config": mpi},
    ]


def test_reef3d_example_runs_with_stand_ins_under_a_stand_in_mpirun(make_server, tmp_path):
    environment = stand_ins(
        tmp_path / "bin",
        DiveMESH=STAND_IN_DIVEMESH,
        REEF3D=STAND_IN_REEF3D,
        mpirun=STAND_IN_MPIRUN,
    )
    server = make_server(**environment)
    task_id = server.run(*reef3d_commands(2), files=REEF3D_CASE, simulator_name_alias="reef3d")
    task = server.wait(task_id)
    assert (task["status"], task["simulator"]) == ("success", "reef3d")
    operations = task["status_history"][3]["operations"]
    assert [operation["attributes"]["command"] for operation in operations] == [
        "/DIVEMesh/bin/DiveMESH",
        "mpirun --np 2 --use-hwthread-cpus /REEF3D/bin/REEF3D",
    ]
    lines = server.output(task_id, "stdout.txt").splitlines()
    assert lines[:2] == [
        "stand-in DiveMESH: mesh made",
        "stand-in mpirun --np 2 --use-hwthread-cpus",
    ]
    assert sorted(lines[2:]) == [f"stand-in REEF3D: rank {i}, simtime: 1.0" for i in range(2)]
    with server.archive(task_id) as archive:
        frames = {name for name in archive.namelist() if "frame" in name}
    assert frames == {f"artifacts/REEF3D_CFD_VTU/frame-{i}.vtu" for i in range(2)}


def test_reef3d_example_runs_with_stand_ins_and_without_mpirun_which_is_told(make_server, tmp_path):
    environment = stand_ins(tmp_path / "bin", DIVEMesh=STAND_IN_DIVEMESH, reef3d=STAND_IN_REEF3D)
    # Nothing else on the PATH, so that no real mpirun is found.
    server = make_server(**environment | {"PATH": str(tmp_path / "bin")})
    task_id = server.run(*reef3d_commands(2), files=REEF3D_CASE)
    assert server.wait(task_id)["status"] == "success"
    assert "rank alone" in server.output(task_id, "stdout.txt")
    assert "no mpirun on the PATH" in server.output(task_id, "stderr.txt")


def test_mesher_that_fails_keeps_the_solver_from_running(make_server, tmp_path):
    failing = "#!{python}\nimport sys\nsys.exit('stand-in DiveMESH: bad control.txt')\n"
    environment = stand_ins(tmp_path / "bin", DiveMESH=failing, REEF3D=STAND_IN_REEF3D)
    server = make_server(**environment)
    task_id = server.run(*reef3d_commands(1), files=REEF3D_CASE)
    task = server.wait(task_id)
    assert task["status"] == "failed"
    assert task["error_detail"].endswith("stand-in DiveMESH: bad control.txt")
    assert len(task["status_history"][3]["operations"]) == 1


# How programs end --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "by signal 9 (killed)"),
        ("import os; os.abort()", "by signal 6 (aborted)"),
        ("raise SystemExit(127)", "exit code 127"),
        ("raise SystemExit(139)", "exit code 139 (segmentation fault)"),
    ],
)
def test_end_of_a_program_is_explained(shared, program, said):
    task = shared.wait(shared.run("python die.py", files={"die.py": program}))
    assert task["status"] == "failed"
    first, meaning = task["error_detail"].splitlines()[:2]
    assert said in first
    assert first.endswith(": python die.py")
    assert meaning.startswith("(")


def test_prompts_are_given_even_to_a_program_that_does_not_read_them_all(shared):
    lines = [f"line {number}" for number in range(20_000)]
    task_id = shared.run(
        {"cmd": "python first.py", "prompts": lines}, files={"first.py": "print(input())"}
    )
    assert shared.wait(task_id)["status"] == "success"
    assert shared.output(task_id, "stdout.txt") == "line 0\n"


def test_words_reach_the_program_as_they_are(shared):
    task_id = shared.run(
        "python say.py 'a b' *.py $(id) `id` %PATH%",
        files={"say.py": "import json, sys; print(json.dumps(sys.argv[1:]))"},
    )
    assert shared.wait(task_id)["status"] == "success"
    said = json.loads(shared.output(task_id, "stdout.txt"))
    assert said == ["a b", "*.py", "$(id)", "`id`", "%PATH%"]


# Limits ------------------------------------------------------------------------------------------

WRITE_ON = """
import os, sys, time
with open(sys.argv[1], "w") as file:
    file.write(str(os.getpid()))
with open("large.bin", "wb") as file:
    while True:
        file.write(os.urandom(100_000))
        file.flush()
        time.sleep(0.01)
"""


def test_task_that_writes_too_much_is_ended_with_the_figures(make_server, tmp_path):
    server = make_server(INDUCTIVA_LOCAL_MAX_OUTPUT="1MB")
    note = tmp_path / "pid"
    task_id = server.run(f"python write.py {note}", files={"write.py": WRITE_ON})
    task = server.wait(task_id)
    assert task["status"] == "executer-failed"
    assert "its files take" in task["error_detail"]
    assert "976.56 KiB that INDUCTIVA_LOCAL_MAX_OUTPUT allows" in task["error_detail"]
    assert task["executer"]["error_detail"] == task["error_detail"]
    assert not is_running(int(note.read_text()))
    # What there was is kept.
    with server.archive(task_id) as archive:
        assert archive.getinfo("artifacts/large.bin").file_size > 900_000


def test_short_program_that_writes_too_much_does_not_succeed(make_server):
    server = make_server(INDUCTIVA_LOCAL_MAX_OUTPUT="1MB")
    program = "open('large.bin', 'wb').write(bytes(2_000_000))"
    task = server.wait(server.run("python write.py", files={"write.py": program}))
    assert task["status"] == "executer-failed"
    assert "its files take" in task["error_detail"]


def test_nothing_is_begun_on_a_disk_that_is_too_full(make_server, tmp_path):
    server = make_server(INDUCTIVA_LOCAL_DISK_FLOOR="9999TB")
    ran = tmp_path / "ran"
    task_id = server.run(f"python go.py {ran}", files={"go.py": "open(__import__('sys').argv[1])"})
    task = server.wait(task_id)
    assert task["status"] == "executer-failed"
    assert "The disk of this machine is too full" in task["error_detail"]
    assert "(INDUCTIVA_LOCAL_DISK_FLOOR)" in task["error_detail"]
    assert not ran.exists()
    assert task["computation_start_time"] is None


def test_unreadable_limit_is_told_at_the_start_of_the_server(make_server):
    with pytest.raises(AssertionError, match="INDUCTIVA_LOCAL_DISK_FLOOR: 'much' is no size"):
        make_server(INDUCTIVA_LOCAL_DISK_FLOOR="much")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a small file system")
def test_full_disk_leaves_the_texts_and_keeps_the_files(make_server, small_disk):
    """On a disk of 24 MB, with a floor of 8 MB, something that cannot be compressed."""
    server = make_server(data_dir=small_disk / "data", INDUCTIVA_LOCAL_DISK_FLOOR="8MB")
    program = (
        "import os, time\nprint('begun', flush=True)\n"
        "with open('large.bin', 'wb') as file:\n"
        "    while True:\n"
        "        file.write(os.urandom(50_000)); file.flush(); time.sleep(0.002)\n"
    )
    task_id = server.run("python fill.py", files={"fill.py": program})
    task = server.wait(task_id)
    assert task["status"] == "executer-failed"
    assert "since the disk of this machine runs full" in task["error_detail"]
    assert "no room for the output archive" in task["error_detail"]
    with server.archive(task_id) as archive:
        names = archive.namelist()
    assert names == ["artifacts/", "artifacts/stderr.txt", "artifacts/stdout.txt"]
    assert server.output(task_id, "stdout.txt") == "begun\n"
    kept = small_disk / "data" / "tasks" / task_id / "kept" / "large.bin"
    assert str(kept.parent) in task["error_detail"]
    assert kept.stat().st_size > 1_000_000


@pytest.fixture
def small_disk(tmp_path):
    """Return a folder on a file system of its own, where the system lets us have one."""
    import subprocess

    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root may mount")
    options = ["-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    if subprocess.run([mount, *options], capture_output=True, check=False).returncode != 0:
        pytest.skip("this system lets nobody mount")
    yield folder
    # The servers on it are ended after this, and must not keep it busy.
    subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=False)


# Archives ----------------------------------------------------------------------------------------


def test_output_is_not_there_before_it_is_whole(server, tmp_path):
    go_on = tmp_path / "go-on"
    program = (
        "import os, time\nos.mkfifo('pipe')\nprint('up', flush=True)\n"
        f"while not os.path.exists({str(go_on)!r}): time.sleep(0.01)\n"
    )
    task_id = server.submit("python wait.py")
    server.upload(task_id, input_zip({"wait.py": program}))
    server.call("POST", f"/tasks/{task_id}/input_uploaded")
    server.wait(task_id, "computation-started")
    storage = server.data_dir / "storage" / task_id
    assert [path.name for path in storage.iterdir()] == ["input.zip"]
    go_on.touch()
    assert server.wait(task_id)["status"] == "success"
    assert sorted(path.name for path in storage.iterdir()) == ["input.zip", "output.zip"]
    with zipfile.ZipFile(storage / "output.zip") as archive:
        assert archive.testzip() is None
        assert "artifacts/pipe" not in archive.namelist()


def test_supervisor_that_is_killed_leaves_no_process_behind(server, tmp_path):
    """Not even one that left its session and dropped its environment."""
    note = tmp_path / "pid"
    task_id = server.run(f"python hide.py {note}", files={"hide.py": HIDE})
    until(note.exists, "the hidden process")
    hidden = int(note.read_text())
    seen = server.data_dir / "tasks" / task_id / "processes.json"

    def is_noted():
        return seen.exists() and hidden in dict(json.loads(seen.read_text()))

    until(is_noted, "the supervisor to have seen it")
    supervisor = json.loads(
        (server.data_dir / "tasks" / task_id / "events.jsonl").read_text().splitlines()[0]
    )["pid"]
    os.kill(supervisor, 9)
    task = server.wait(task_id)
    assert task["status"] == "executer-failed"
    assert "vanished" in task["error_detail"]
    assert not is_running(hidden)


HIDE = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        code = (
            "import os, sys, time\\n"
            "open(sys.argv[1] + '.part', 'w').write(str(os.getpid()))\\n"
            "os.rename(sys.argv[1] + '.part', sys.argv[1])\\n"
            "time.sleep(600)"
        )
        os.execve(sys.executable, [sys.executable, "-S", "-c", code, sys.argv[1]], {})
    os._exit(0)
time.sleep(600)
"""
