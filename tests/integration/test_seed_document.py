"""The documented examples, block by block, with the import line changed and nothing else.

Two things stand in for what a test machine has not: the example's archive comes from a server on
loopback, and ``DiveMESH`` and ``REEF3D`` are small scripts on the path of the embedded server.
"""

from __future__ import annotations

import http.server
import os
import re
import subprocess
import sys
import textwrap
import threading
import zipfile
from functools import partial

import pytest

from inductiva_widgets import connect
from tests.embedded import end_server
from tests.integration.conftest import KEY

BLOCK_1 = """
# Launch a Reef3D simulation as in previous examples.
import inductiva_widgets as inductiva

input_dir = inductiva.utils.download_from_url(
    "EXAMPLE/"
    "reef3d-input-example.zip", unzip=True
)
simulator = inductiva.simulators.REEF3D()
task = simulator.run(input_dir=input_dir)

# Get status of the task.
status = task.get_status()
print(status) # would be, e.g., "submitted", "started", "success", "failed", "killed"

# Get the machine type where the task is running.
machine_type = task.get_machine_type()
print(machine_type) # e.g., "c2-standard-4", "c2d-standard-16"
"""

BLOCK_1_KILL = """
# Kill a task that hasn't completed yet.
if status == "submitted" or status == "started":
    task.kill()
"""

BLOCK_2 = """
# Block the call until the simulation completes, but
# without interrupting the remote task if the local process
# is interrupted.
task.wait()

# Or turn the simulation into a blocking call. Users kill
# the remote process if the local process is killed.
with task.sync_context():
    task.wait()
"""

BLOCK_3 = """
outputs_info = task.get_output_files_info()
full_download_size = outputs_info.size # Size of the full output archive.
files = outputs_info.contents # List of individual files available.

# Pretty print information on the output archive.
print(outputs_info)
"""

BLOCK_4 = """
# Download all the generated files.
output_dir = task.download_outputs()

# Download only those you are interested in:
output_dir = task.download_outputs(
    filenames=["stdout.txt", "stderr.txt"])

# Or all the generated files for archival, without extracting the
# downloaded zip.
output_dir = task.download_outputs(uncompress=False)
"""

BLOCK_5 = """
import inductiva_widgets as inductiva

# Get my last 10 submitted tasks.
tasks = inductiva.tasks.get(last_n=10)

# Get my last 10 tasks that ran successfuly.
tasks = inductiva.tasks.get(last_n=10, status="success")

# You can use the task objects to manipulate the tasks.
not_started_tasks = inductiva.tasks.get(last_n=5, status="submitted")
for task in not_started_tasks:
    task.kill()

successful_tasks = inductiva.tasks.get(last_n=20, status="success")
for task in successful_tasks:
    task.download_outputs()
"""

STAND_INS = {
    "DiveMESH": "#!/bin/sh\necho meshing\ncp control.txt grid-stand-in.dat\n",
    "REEF3D": "#!/bin/sh\necho simtime: 0.1\nmkdir REEF3D_CFD_VTU\necho x > REEF3D_CFD_VTU/a.vtu\n",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    programs, data = tmp_path_factory.mktemp("programs"), tmp_path_factory.mktemp("data")
    for name, text in STAND_INS.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-m", "inductiva_widgets", "serve", "--data-dir", data],
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "INDUCTIVA_LOCAL_API_KEY": KEY,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        },
    )
    yield process.stdout.readline().split()[-1]
    end_server(data)
    process.wait(20)
    process.stdout.close()


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """Return the address of a web server that has the example's archive."""
    folder = tmp_path_factory.mktemp("web")
    with zipfile.ZipFile(folder / "reef3d-input-example.zip", "w") as archive:
        for name in ("control.txt", "ctrl.txt"):
            archive.writestr(f"reef3d-input-example/{name}", "C 11 6\n")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    handler.log_message = lambda *_: None
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=web.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{web.server_address[1]}"
    web.shutdown()
    web.server_close()
    thread.join()


@pytest.fixture
def run(server, example, tmp_path, monkeypatch, capsys):
    """Return a function that runs a block in one name space and gives what it printed."""
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", None)
    monkeypatch.chdir(tmp_path)
    connect(server, api_key=KEY)
    names: dict[str, object] = {}

    def run(block: str) -> str:
        exec(textwrap.dedent(block).replace("EXAMPLE", example), names)  # the documented code
        return capsys.readouterr().out

    run.names = names
    return run


def test_a_task_is_launched_and_tells_its_status_and_machine(run, tmp_path):
    printed = run(BLOCK_1).split()
    assert printed[0] in ("submitted", "started", "computation-started", "success")
    assert run.names["input_dir"] == str(tmp_path / "reef3d-input-example")
    run(BLOCK_2)
    assert run.names["task"].get_status() == "success"
    assert run.names["task"].get_machine_type() == "local"


def test_a_task_that_has_not_completed_is_killed(run):
    run(BLOCK_1)
    run.names["status"] = "submitted"
    run(BLOCK_1_KILL)
    assert run.names["task"].wait(0.1, silent_mode=True) in ("killed", "success")


def test_waiting_blocks_until_the_end(run):
    run(BLOCK_1)
    run(BLOCK_2)
    assert run.names["task"].is_terminal()


def test_output_information_has_size_and_contents_and_prints_the_table(run):
    run(BLOCK_1 + BLOCK_2)
    printed = run(BLOCK_3).splitlines()
    assert re.fullmatch(r"Archive size: [\d.]+ (B|KiB)", printed[0])
    assert printed[1:3] == ["Contents:", " Size         Compressed   Name"]
    names = {file.name for file in run.names["files"]}
    assert {"stdout.txt", "stderr.txt", "grid-stand-in.dat", "REEF3D_CFD_VTU/a.vtu"} <= names
    assert run.names["full_download_size"] > 0


def test_outputs_are_downloaded_all_some_and_as_an_archive(run):
    run(BLOCK_1 + BLOCK_2 + BLOCK_4)
    folder = run.names["output_dir"]
    assert (folder / "stdout.txt").read_text() == "meshing\nsimtime: 0.1\n"
    assert (folder / "REEF3D_CFD_VTU" / "a.vtu").is_file()
    assert zipfile.is_zipfile(folder / "output.zip")


def test_earlier_tasks_are_found_and_handled(run):
    run(BLOCK_1 + BLOCK_2)
    known = run.names["task"].id
    run(BLOCK_5)
    assert known in {task.id for task in run.names["successful_tasks"]}
    assert (run.names["successful_tasks"][0].download_outputs() / "stdout.txt").is_file()
