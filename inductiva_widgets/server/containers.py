"""Run programs in the container image of a task, with podman or docker.

Two environment variables of the embedded server decide:

``INDUCTIVA_LOCAL_ENGINE``
    Name or path of the engine; ``none`` for no containers. By default podman or else docker, if it
    is on the PATH.
``INDUCTIVA_LOCAL_CONTAINERS``
    ``auto``: use the image if a program of the task is missing on this machine. ``always``: run
    every task that names an image in it.

The container has no network and no privileges, sees only the task's files, and runs as the user of
the server. Imports only the standard library, since the supervisor uses it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

ENV_ENGINE = "INDUCTIVA_LOCAL_ENGINE"
ENV_POLICY = "INDUCTIVA_LOCAL_CONTAINERS"
# Folder of the task's files on the machines of the cloud service.
WORKDIR = "/workdir/output/artifacts"

_ENGINES = ("podman", "docker")
_SCHEME = "docker://"
_ANSWER_TAKES = 30.0
_LOOK_EVERY = 0.03


class ContainerError(Exception):
    """The image cannot be used; the message has the reason."""


def find_engine(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the path of the container engine, or None if there is none."""
    chosen = environ.get(ENV_ENGINE)
    if chosen == "none":
        return None
    path = environ.get("PATH")
    names = (chosen,) if chosen else _ENGINES
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


def prefer_containers(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether images are used even if the programs are on this machine."""
    return environ.get(ENV_POLICY) == "always"


class Container:
    """The image of a task on an engine.

    Parameters
    ----------
    engine
        Path of the engine.
    image
        Address of the image, as the task names it.
    task_id
        The task.
    work
        Folder of its files.

    Attributes
    ----------
    image
        Address of the image.
    """

    def __init__(self, engine: str, image: str, task_id: str, work: Path) -> None:
        self._engine = engine
        self.image = image
        self._task_id = task_id
        self._work = work
        self._is_podman = True
        self._inner_user = ""
        self._local = image

    def probe(self) -> bool:
        """Check the engine; return whether it has the image already.

        Raises
        ------
        ContainerError
            The engine does not work, or does not support this kind of image.
        """
        # On some systems, the command docker is podman.
        self._is_podman = "podman" in self._ask("--version").lower()
        self._local = self._address()
        rootless = False
        if self._is_podman:
            self._ask("info")
        else:
            rootless = "rootless" in self._ask("info", "--format", "{{.SecurityOptions}}")
        # In a container of rootless docker, the user is root.
        self._inner_user = "0:0" if rootless else f"{os.geteuid()}:{os.getegid()}"
        return self._call("image", "inspect", self._local).returncode == 0

    def pull(self) -> list[str]:
        """Return the command that pulls the image and prints its id."""
        # With the scheme, podman searches no further registries; docker does not support it.
        address = self.image if self._is_podman else self._address()
        return [self._engine, "pull", "--quiet", address]

    def parse_pull_output(self, printed: list[str]) -> None:
        """Read the image id from the last lines that ``pull`` has printed.

        Podman may resolve a short name to another image, the id is unique.
        """
        if self._is_podman and printed and re.fullmatch(r"[0-9a-f]{64}", printed[-1]):
            self._local = printed[-1]

    def argv(
        self, index: int, words: list[str], run_dir: str, env: Mapping[str, str], *, reads: bool
    ) -> list[str]:
        """Return the command that runs a program in the image.

        Parameters
        ----------
        index
            Number of the command in its task.
        words
            Program and arguments.
        run_dir
            Working folder, relative to the task's files.
        env
            Environment of the command; that of the server is not inherited.
        reads
            If True, the command reads its standard input.
        """
        mount = f"type=bind,source={self._work},target={WORKDIR}"
        if "," in str(self._work) or '"' in str(self._work):
            quoted = f"source={self._work}".replace('"', '""')
            mount = f'type=bind,"{quoted}",target={WORKDIR}'
        options = [
            *("--name", self._name(index)),
            *("--rm", "--init", "--pull", "never"),
            *("--network", "none", "--cap-drop", "ALL"),
            *("--security-opt", "no-new-privileges", "--security-opt", "label=disable"),
            *self._user(),
            *("--mount", mount),
            *("--workdir", os.path.normpath(f"{WORKDIR}/{run_dir}")),
        ]
        # A user id that is unknown in the image has no home, which some programs need.
        for name, value in {"HOME": "/tmp", **env}.items():  # noqa: S108 - inside the container
            options += ["--env", f"{name}={value}"]
        if reads:
            options.append("--interactive")
        # Without the entry point of the image, as the cloud service does.
        options += ["--entrypoint", words[0]]
        return [self._engine, "run", *options, self._local, *words[1:]]

    def stop(self, index: int, grace: float, has_ended: Callable[[], bool]) -> None:
        """Stop a command with SIGTERM, and with SIGKILL after a grace period.

        Parameters
        ----------
        index
            Number of the command.
        grace
            Seconds between the signals.
        has_ended
            Returns whether the engine's client process has ended, as it does with the container.
        """
        if self._call("kill", "--signal", "TERM", self._name(index)).returncode == 0:
            deadline = time.monotonic() + grace
            while not has_ended() and time.monotonic() < deadline:
                time.sleep(_LOOK_EVERY)
        self.remove(index)

    def remove(self, index: int) -> None:
        """Remove the container of a command, running or not, if there is one."""
        self._call("rm", "--force", self._name(index))

    def _name(self, index: int) -> str:
        return f"inductiva-{self._task_id}-{index}"

    def _user(self) -> list[str]:
        # By default, rootless podman maps the user to root in the container:
        # https://docs.podman.io/en/latest/markdown/podman-run.1.html#userns-mode
        keep = ["--userns", "keep-id"] if self._is_podman and os.geteuid() != 0 else []
        return [*keep, "--user", self._inner_user]

    def _address(self) -> str:
        """Return the image address without the scheme of the service for the public registry."""
        scheme, separator, rest = self.image.partition("://")
        if not separator:
            return self.image
        if f"{scheme}://" != _SCHEME:
            raise ContainerError(
                f"The container image {self.image} cannot be used here: "
                f"only {_SCHEME} addresses can."
            )
        return rest

    def _ask(self, *arguments: str) -> str:
        answer = self._call(*arguments)
        if answer.returncode != 0:
            said = (answer.stderr or answer.stdout).strip().splitlines()
            raise ContainerError(
                f"The container engine {Path(self._engine).name} does not answer: "
                f"{said[-1].strip() if said else f'exit code {answer.returncode}'}"
            )
        return answer.stdout

    def _call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [self._engine, *arguments]
        try:
            return subprocess.run(  # noqa: S603 - the engine that was found
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_ANSWER_TAKES,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 1, "", f"no answer in {_ANSWER_TAKES:g} s")
        except OSError as error:
            return subprocess.CompletedProcess(command, 1, "", f"it cannot be run: {error}")
