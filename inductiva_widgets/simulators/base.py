"""``run()``: check, submit, upload, and hand the task back; on any accident kill what was begun."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

import msgspec

from inductiva_widgets.api.connect import default_client
from inductiva_widgets.errors import InductivaError, InputError
from inductiva_widgets.models import Command, MachineGroup, Submission
from inductiva_widgets.simulators.commands import CommandLike, parse_commands, parse_duration
from inductiva_widgets.simulators.packing import InputFolder, check_input_folder
from inductiva_widgets.tasks.task import Task

if TYPE_CHECKING:
    from inductiva_widgets.api.client import Client

_REGISTRY = "docker://inductiva/kutu:"


class RunOptions(TypedDict, total=False):
    """The arguments that every simulator's ``run`` takes beside its own.

    Parameters
    ----------
    on
        Machine group, or its name or id; None for the account's started one. The embedded server
        always has one.
    storage_dir
        Folder in the remote storage, ``""`` for its top.
    project
        Project of the task; made where there is none.
    remote_assets
        Paths in the remote storage that become inputs too.
    time_to_live
        Limit for the task: seconds, or text such as ``"1h30m"``.
    resubmit_on_preemption
        Whether to queue the task again when its spot machine is reclaimed.
    on_finish_cleanup
        Name of a script among the input files, or commands, to run at the end.
    """

    on: MachineGroup | str | Any | None
    storage_dir: str
    project: str | None
    remote_assets: str | Iterable[str] | None
    time_to_live: str | float | None
    resubmit_on_preemption: bool
    on_finish_cleanup: str | Iterable[CommandLike] | None


class Simulator:
    """Base of the simulators.

    Parameters
    ----------
    version
        Version of the simulator; None for the newest that the service offers.
    use_dev
        Whether to take development images.
    """

    alias: ClassVar[str | None] = None
    """Name of the simulator on the wire."""
    image: ClassVar[str] = ""
    """Name of its image in the catalogue of versions."""

    def __init__(self, *, version: str | None = None, use_dev: bool = False) -> None:
        if version is not None and not isinstance(version, str):
            raise InputError(f"version must be text, such as {str(version)!r}.")
        self.version = version
        self.use_dev = use_dev

    def __repr__(self) -> str:
        version = "" if self.version is None else f"version={self.version!r}"
        return f"{type(self).__name__}({version})"

    def container_image(self, client: Client | None = None) -> str:
        """Return the container image that the chosen version runs in; costs one request.

        Raises
        ------
        InputError
            The service offers no such version, or not this simulator.
        """
        client = client or default_client()
        catalogue = client.images()
        offered = catalogue.development if self.use_dev else catalogue.production
        versions = sorted(offered.get(self.image, ()), key=_version_key)
        name = type(self).__name__
        if not versions:
            others = ", ".join(sorted(offered)) or "none"
            raise InputError(f"{client.url} does not offer {name}. It offers: {others}.")
        if self.version is None:
            version = versions[-1]
        elif self.version in versions:
            version = self.version
        else:
            raise InputError(
                f"{name} has no version {self.version!r} on {client.url}. "
                f"Versions: {', '.join(versions)}."
            )
        return f"{_REGISTRY}{self.image}_v{version}{'_dev' if self.use_dev else ''}"

    def _run(
        self,
        commands: Iterable[CommandLike],
        input_dir: str | os.PathLike[str] | None,
        *,
        options: RunOptions,
        **extra_params: Any,
    ) -> Task:
        """Check everything, then submit; ``extra_params`` go to the service as they are."""
        unknown = sorted(set(options) - set(RunOptions.__annotations__))
        if unknown:
            raise InputError(
                f"{type(self).__name__}.run() has no argument {', '.join(unknown)}. "
                f"Common arguments: {', '.join(RunOptions.__annotations__)}."
            )
        project, remote_assets = options.get("project"), options.get("remote_assets")
        assets = [remote_assets] if isinstance(remote_assets, str) else list(remote_assets or ())
        if input_dir is None and not assets:
            raise InputError("Nothing to run on: give input_dir, or remote_assets.")
        folder = None if input_dir is None else check_input_folder(input_dir)
        steps = parse_commands([*commands, *_cleanup(options.get("on_finish_cleanup"))])
        seconds = parse_duration(options.get("time_to_live"))

        client = default_client()
        image = self.container_image(client)
        group = find_machine_group(client, options.get("on"))
        if project is not None:
            client.ensure_project(project)
        submission = Submission(
            simulator="arbitrary_commands",
            simulator_name_alias=self.alias,
            resource_pool=group,
            container_image=image,
            extra_params={
                "sim_dir": "sim_dir",
                "container_image": image,
                "commands": msgspec.to_builtins(steps),
                **extra_params,
            },
            storage_path_prefix=options.get("storage_dir", ""),
            project=project,
            input_resources=assets,
            time_to_live_seconds=seconds,
            resubmit_on_preemption=options.get("resubmit_on_preemption", False),
        )
        return _submit(client, submission, folder)


def find_machine_group(client: Client, on: MachineGroup | str | Any | None) -> str:
    """Return the id of the machine group to run on.

    Parameters
    ----------
    client
        The service.
    on
        A machine group, its name or id, any object with an ``id``; None for the account's started
        group. Names and None cost one request.

    Raises
    ------
    InputError
        None is started, several are and none was named, or there is none of that name.
    """
    if on is not None and not isinstance(on, str):
        found = getattr(on, "id", None)
        if not isinstance(found, str):
            raise InputError(f"on must be a machine group or its name, not {type(on).__name__}.")
        return found
    groups = client.machine_groups()
    if on is not None:
        match = next((group for group in groups if on in (group.id, group.name)), None)
        if match is None:
            names = ", ".join(group.name or group.id for group in groups) or "none"
            raise InputError(f"There is no active machine group {on!r}. Active groups: {names}.")
        return match.id
    started = [group for group in groups if group.is_started]
    if len(started) == 1:
        return started[0].id
    if not started:
        raise InputError(
            "No machine group is started. Start one in the Inductiva console (it costs money while "
            'it is up), or run on this machine with inductiva.connect("local").'
        )
    names = ", ".join(group.name or group.id for group in started)
    raise InputError(f"Several machine groups are started: say on which to run, on=... ({names}).")


def _submit(client: Client, submission: Submission, folder: InputFolder | None) -> Task:
    submitted = client.submit(submission)
    task = Task(submitted.id, client=client)
    if submitted.status != "pending-input":
        return task
    try:
        if folder is not None:
            path = f"{submission.storage_path_prefix}/{submitted.id}/input.zip"
            link = client.signed_url("upload", path, submitted.storage_region)
            client.upload(link, folder.stream)
        client.input_uploaded(submitted.id)
    except BaseException as error:
        # Also on an interrupt: a task without its input would wait, and maybe cost, for ever.
        try:
            client.kill(submitted.id)
        except InductivaError as second:
            note = f"Task {submitted.id} was left without input, and killing it failed: {second}"
            raise InductivaError(note) from error
        raise
    return task


def _cleanup(on_finish: str | Iterable[CommandLike] | None) -> list[CommandLike]:
    if on_finish is None:
        return []
    if isinstance(on_finish, str):
        return [Command(cmd=f"bash {on_finish}")]
    return list(on_finish)


def _version_key(version: str) -> list[tuple[int, int, str]]:
    """Order versions by their numbers: 8 before 12, 9.01A before 11.01."""
    parts = re.findall(r"\d+|[A-Za-z]+", version)
    return [(1, int(part), "") if part.isdigit() else (0, 0, part.lower()) for part in parts]
