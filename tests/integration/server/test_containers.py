"""Tasks that name a container image, with programs that stand in for podman and docker.

No engine is needed, and none is used: the stand-ins are the only ones on the PATH. They write down
what they are called with, and run the program of the "image" on this machine.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.integration.server.conftest import LocalServer, is_running, until

pytestmark = pytest.mark.extended

STAND_IN_ENGINE = """#!{python}
import json, os, pathlib, signal, subprocess, sys
here, words = pathlib.Path({state!r}), sys.argv[1:]
with open(here / "calls", "a") as log:
    log.write(json.dumps(words) + "\\n")
def option(name):
    return words[words.index(name) + 1]
def told():
    try:
        return int((here / words[-1]).read_text())
    except FileNotFoundError:
        sys.exit("no such container")
if words == ["--version"]:
    print({name!r} + " version 5.4.2")
elif words[0] == "info":
    if (here / "down").exists():
        sys.exit("Cannot connect: is the service running?")
    print("[name=seccomp]")
elif words[:2] == ["image", "inspect"]:
    sys.exit(0 if (here / "image").exists() else 1)
elif words[0] == "pull":
    if (here / "denied").exists():
        sys.exit("pulling...\\nError: requested access is denied")
    (here / "image").touch()
    print("a" * 64)
elif words[0] == "run":
    mount = dict(part.split("=") for part in option("--mount").split(","))
    folder = mount["source"] + option("--workdir").removeprefix(mount["target"])
    image = next(i for i, word in enumerate(words) if word in ({local!r}, "a" * 64))
    environment = dict(words[i + 1].split("=", 1) for i, w in enumerate(words) if w == "--env")
    program = [option("--entrypoint"), *words[image + 1:]]
    if program[0] == "tool-of-the-image":
        program[0] = sys.executable
    try:
        child = subprocess.Popen(program, cwd=folder, env=environment, start_new_session=True)
    except FileNotFoundError:
        sys.exit(127)
    (here / option("--name")).write_text(str(child.pid))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    code = child.wait()
    sys.exit(code if code >= 0 else 128 - code)
elif words[0] == "kill":
    os.kill(told(), signal.Signals["SIG" + option("--signal")])
elif words[:2] == ["rm", "--force"]:
    try:
        os.kill(told(), signal.SIGKILL)
    except ProcessLookupError:
        pass
else:
    sys.exit("unexpected: " + " ".join(words))
"""
WORKDIR = "/workdir/output/artifacts"
SAY = (
    "import os, sys\nprint('said', sys.argv[1:], os.environ.get('INNER'), os.environ.get('OUTER'))"
)


class StandIn:
    """A stand-in engine and what it was asked."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.state = folder / "state"
        self.bin = folder / "bin"
        for made in (self.state, self.bin):
            made.mkdir()
        self.path = self.bin / name
        self.path.write_text(
            STAND_IN_ENGINE.format(
                python=sys.executable, state=str(self.state), name=name, local="me/mine:1"
            )
        )
        self.path.chmod(0o755)

    def calls(self, first: str) -> list[list[str]]:
        lines = (self.state / "calls").read_text().splitlines()
        return [words for words in map(json.loads, lines) if words[0] == first]


@pytest.fixture(params=["podman", pytest.param("docker", marks=pytest.mark.extended)])
def engine(request, tmp_path):
    return StandIn(request.param, tmp_path)


@pytest.fixture
def podman(tmp_path):
    return StandIn("podman", tmp_path)


def server_with(make_server, engine, **environment) -> LocalServer:
    # Nothing else, so that no real engine is found.
    return make_server("--capacity", "2", PATH=str(engine.bin), OUTER="outer", **environment)


def run(server, *commands, files=None, image="docker://me/mine:1", **fields):
    return server.run(
        *commands,
        files=files or {},
        simulator_name_alias=None,
        container_image=image,
        **fields,
    )


def test_program_runs_in_the_image_with_exactly_these_words(make_server, engine):
    server = server_with(make_server, engine)
    task_id = run(
        server,
        {
            "cmd": "tool-of-the-image say.py 'a b' $HOME",
            "prompts": ["x"],
            "env": {"INNER": "in=ner", "OMP_NUM_THREADS": "3"},
        },
        files={"case/say.py": SAY},
        extra={"run_subprocess_dir": "case"},
    )
    task = server.wait(task_id)
    assert task["status"] == "success", task["error_detail"]
    # Nothing of the server's own environment is passed on.
    said = server.output(task_id, "stdout.txt").strip()
    assert said == "said ['a b', '$HOME'] in=ner None"
    assert "'tool-of-the-image' was not found" in server.output(task_id, "stderr.txt")

    [words] = engine.calls("run")
    work = server.data_dir / "tasks" / task_id / "work"
    keep = ["--userns", "keep-id"] if engine.name == "podman" and os.geteuid() != 0 else []
    image = "a" * 64 if engine.name == "podman" else "me/mine:1"
    assert words == [
        *("run", "--name", f"inductiva-{task_id}-0", "--rm", "--init", "--pull", "never"),
        *("--network", "none", "--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges", "--security-opt", "label=disable"),
        *keep,
        *("--user", f"{os.geteuid()}:{os.getegid()}"),
        *("--mount", f"type=bind,source={work},target={WORKDIR}"),
        *("--workdir", f"{WORKDIR}/case"),
        *("--env", "HOME=/tmp", "--env", "OMP_NUM_THREADS=3"),
        *("--env", "INNER=in=ner", "--interactive", "--entrypoint", "tool-of-the-image"),
        *(image, "say.py", "a b", "$HOME"),
    ]
    [pull] = engine.calls("pull")
    address = "docker://me/mine:1" if engine.name == "podman" else "me/mine:1"
    assert pull == ["pull", "--quiet", address]


def test_image_that_is_there_is_not_fetched_again(make_server, podman):
    (podman.state / "image").touch()
    server = server_with(make_server, podman)
    task_id = run(server, "tool-of-the-image -c pass")
    assert server.wait(task_id)["status"] == "success"
    assert podman.calls("pull") == []
    assert "me/mine:1" in podman.calls("run")[0]


def test_every_command_of_a_task_has_a_container_of_its_own(make_server, podman):
    server = server_with(make_server, podman)
    task_id = run(server, "tool-of-the-image -c pass", "tool-of-the-image -c pass")
    assert server.wait(task_id)["status"] == "success"
    names = [words[words.index("--name") + 1] for words in podman.calls("run")]
    assert names == [f"inductiva-{task_id}-0", f"inductiva-{task_id}-1"]


@pytest.mark.parametrize("deaf", [False, True], ids=["ends when asked", "has to be made to"])
def test_kill_reaches_the_container_through_the_engine(make_server, engine, tmp_path, deaf):
    server = server_with(make_server, engine)
    note = tmp_path / "pid"
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" if deaf else ""
    program = (
        f"import os, signal, sys, time\n{ignore}"
        "open(sys.argv[1] + '.part', 'w').write(str(os.getpid()))\n"
        "os.rename(sys.argv[1] + '.part', sys.argv[1])\n"
        "time.sleep(600)\n"
    )
    task_id = run(server, f"tool-of-the-image long.py {note}", files={"long.py": program})
    until(note.exists, "the program in the image")
    server.call("POST", f"/tasks/{task_id}/kill")
    assert server.wait(task_id)["status"] == "killed"
    assert not is_running(int(note.read_text()))
    name = f"inductiva-{task_id}-0"
    assert engine.calls("kill") == [["kill", "--signal", "TERM", name]]
    assert ["rm", "--force", name] in engine.calls("rm")


def test_container_of_a_vanished_supervisor_is_removed(make_server, podman, tmp_path):
    server = server_with(make_server, podman)
    task_id = run(server, "tool-of-the-image -c 'import time; time.sleep(600)'")
    name = f"inductiva-{task_id}-0"
    until((podman.state / name).exists, "the container")
    folder = server.data_dir / "tasks" / task_id
    first = json.loads((folder / "events.jsonl").read_text().splitlines()[0])
    os.kill(first["pid"], 9)
    assert server.wait(task_id)["status"] == "executer-failed"
    assert ["rm", "--force", name] in podman.calls("rm")
    assert not is_running(int((podman.state / name).read_text()))


def test_program_that_the_image_lacks_is_told(make_server, podman):
    server = server_with(make_server, podman)
    task = server.wait(run(server, "no-such-tool"))
    assert task["status"] == "failed"
    assert (
        "exit code 127: no-such-tool\n(a program that it needs was not found)"
        in (task["error_detail"])
    )


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("down", "does not answer: Cannot connect: is the service running?"),
        ("denied", "docker://me/mine:1 cannot be pulled: Error: requested access is denied"),
    ],
)
def test_engine_that_does_not_help_is_told_with_what_was_sought(make_server, engine, trouble, said):
    (engine.state / trouble).touch()
    server = server_with(make_server, engine)
    task = server.wait(run(server, "tool-of-the-image"))
    assert task["status"] == "executer-failed"
    assert said in task["error_detail"]
    assert "'tool-of-the-image' was not found on this machine" in task["error_detail"]
    assert engine.calls("run") == []


def test_without_an_engine_the_task_fails_before_it_starts(make_server, tmp_path):
    (tmp_path / "empty").mkdir()
    server = make_server(PATH=str(tmp_path / "empty"))
    task = server.wait(run(server, "tool-of-the-image"))
    assert task["status"] == "executer-failed"
    for part in ("'tool-of-the-image' was not found", "docker://me/mine:1", "podman or docker"):
        assert part in task["error_detail"]


def test_address_of_another_kind_is_refused_in_words(make_server, podman):
    server = server_with(make_server, podman)
    task = server.wait(run(server, "tool-of-the-image", image="inductiva://mine.sif"))
    assert task["status"] == "executer-failed"
    assert "inductiva://mine.sif cannot be used here" in task["error_detail"]


def test_program_of_this_machine_is_used_and_told_unless_the_image_is_preferred(
    make_server, podman
):
    files = {"say.py": SAY}
    server = server_with(make_server, podman)
    task_id = run(server, "python say.py", files=files)
    assert server.wait(task_id)["status"] == "success"
    assert "not those of the image docker://me/mine:1" in server.output(task_id, "stderr.txt")
    assert not (podman.state / "calls").exists()

    preferring = server_with(make_server, podman, INDUCTIVA_LOCAL_CONTAINERS="always")
    task_id = run(preferring, "tool-of-the-image say.py", files=files)
    assert preferring.wait(task_id)["status"] == "success"
    assert len(podman.calls("run")) == 1


def test_kill_while_the_image_is_fetched_is_prompt(make_server, podman):
    slow = podman.path.read_text().replace(
        '    (here / "image").touch()\n',
        '    (here / "pulling").touch()\n    import time; time.sleep(600)\n',
    )
    podman.path.write_text(slow)
    server = server_with(make_server, podman)
    task_id = run(server, "tool-of-the-image")
    until((podman.state / "pulling").exists, "the engine to fetch")
    server.call("POST", f"/tasks/{task_id}/kill")
    assert server.wait(task_id)["status"] == "killed"
    assert podman.calls("run") == []
