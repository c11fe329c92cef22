"""One method for each endpoint that the package uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

import msgspec

from inductiva_widgets import errors
from inductiva_widgets.http.transport import FileRange, Transport
from inductiva_widgets.models.machines import MachineGroupInfo, MachinePrice
from inductiva_widgets.models.tasks import (
    ArchiveListing,
    ImageCatalogue,
    SdpAnswer,
    SubmissionResult,
    TaskInfo,
    TaskPage,
    TaskStatus,
    TaskSubmission,
    WorkingFile,
)

if TYPE_CHECKING:
    from inductiva_widgets.config import Settings

__all__ = ["Client"]

MAX_PER_PAGE = 500
"""The most tasks that the service tells in one answer."""


class Client:
    """A service and the account on it. Made by ``inductiva_widgets.connect``.

    Its methods are the endpoints of the service; each costs one request, and raises the errors of
    ``inductiva_widgets.errors``. Tasks, simulators and listings call them for you.

    A call ends within 60 s, retries included: a try fails if no connection is made within 5 s or
    no answer begins within 15 s. Calls that cannot be repeated, such as ``submit``, end within
    120 s. If the service asks for a pause by ``Retry-After``, up to 60 s are added. Uploads have
    no limit as a whole.

    Parameters
    ----------
    transport
        What carries the calls.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> client = inductiva.connect("local")
    >>> client.is_local
    True
    >>> inductiva.tasks.get(last_n=1, client=client)
    TaskList(1 task)
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def __repr__(self) -> str:
        where = " (embedded server)" if self.is_local else ""
        return f"<Client of {self.url}{where}>"

    @property
    def settings(self) -> Settings:
        """Address and key in use now."""
        return self.transport.settings

    @property
    def url(self) -> str:
        """Address of the service."""
        return self.settings.api_url

    @property
    def is_local(self) -> bool:
        """Whether the service is an embedded server, as against the cloud.

        One that was connected to by its address is known from its first answer on.
        """
        return self.transport.is_embedded

    @property
    def server_time(self) -> datetime:
        """The service's present time, estimated from its last response."""
        return datetime.now(timezone.utc) + timedelta(seconds=self.transport.clock_skew)

    # Tasks

    def submit(self, submission: TaskSubmission) -> SubmissionResult:
        """Register a task and return its id and status: ``POST /tasks/submit``.

        Parameters
        ----------
        submission
            Simulator, machine group, image and commands.
        """
        return cast(
            SubmissionResult,
            self.transport.call("POST", "/tasks/submit", answer=SubmissionResult, body=submission),
        )

    def confirm_input_upload(self, task_id: str) -> None:
        """Tell that the input archive is complete: ``POST /tasks/{id}/input_uploaded``.

        Parameters
        ----------
        task_id
            The task's id.
        """
        self.transport.call("POST", f"{_task(task_id)}/input_uploaded")

    def get_task(self, task_id: str) -> TaskInfo:
        """Return the detail of one task: ``GET /tasks/{id}``.

        Parameters
        ----------
        task_id
            The task's id.
        """
        return cast(TaskInfo, self.transport.call("GET", _task(task_id), answer=TaskInfo))

    def get_task_status(self, task_id: str) -> TaskStatus:
        """Return status and queue position: ``GET /tasks/{id}/status``.

        Parameters
        ----------
        task_id
            The task's id.
        """
        return cast(
            TaskStatus, self.transport.call("GET", f"{_task(task_id)}/status", answer=TaskStatus)
        )

    def kill_task(self, task_id: str) -> TaskStatus:
        """Ask for a kill and return the status then: ``POST /tasks/{id}/kill``; may be repeated.

        Parameters
        ----------
        task_id
            The task's id.
        """
        return cast(
            TaskStatus,
            self.transport.call("POST", f"{_task(task_id)}/kill", answer=TaskStatus, retry=True),
        )

    def list_tasks(
        self,
        *,
        page: int = 1,
        per_page: int = MAX_PER_PAGE,
        status: str | None = None,
        project: str | None = None,
        active: bool | None = None,
    ) -> TaskPage:
        """Return one page of the listing, newest first: ``GET /tasks``.

        Parameters
        ----------
        page
            Number of the page, from 1.
        per_page
            Tasks on a page, 500 at most.
        status
            Code of the status that they have; None for any.
        project
            Name of their project; None for any.
        active
            Whether they are still alive; None for either.
        """
        params = {
            "page": page,
            "per_page": per_page,
            "status": status,
            "project": project,
            "active": active,
        }
        return cast(TaskPage, self.transport.call("GET", "/tasks", answer=TaskPage, params=params))

    def get_metadata(self, task_id: str) -> dict[str, str]:
        """Return the metadata of a task: ``GET /tasks/{id}/metadata``.

        Parameters
        ----------
        task_id
            The task's id.
        """
        path = f"{_task(task_id)}/metadata"
        return cast("dict[str, str]", self.transport.call("GET", path, answer=dict[str, str]))

    def set_metadata(self, task_id: str, metadata: dict[str, str]) -> None:
        """Replace the metadata of a task: ``PUT /tasks/{id}/metadata``.

        Parameters
        ----------
        task_id
            The task's id.
        metadata
            Names and values.
        """
        self.transport.call("PUT", f"{_task(task_id)}/metadata", body=metadata)

    def read_task_file(
        self, task_id: str, name: str, *, after: int | None = None, most: int
    ) -> FileRange:
        """Return bytes of a file of a task; only the embedded server offers this.

        ``GET /tasks/{id}/files/{name}``, also while the task runs.

        Parameters
        ----------
        task_id
            The task's id.
        name
            Path of the file, such as ``"stdout.txt"``.
        after
            Byte to begin at; None for the end of the file.
        most
            Bytes, at most.
        """
        path = f"{_task(task_id)}/files/{quote(name)}"
        params = {"tail_bytes": most} if after is None else {"after": after, "most": most}
        return self.transport.get_range(path, params)

    def list_task_files(self, task_id: str) -> list[WorkingFile]:
        """Return the files of a running task, newest first; only the embedded server offers this.

        ``GET /tasks/{id}/files``.

        Parameters
        ----------
        task_id
            The task's id.
        """
        path = f"{_task(task_id)}/files"
        answer = self.transport.call("GET", path, answer=list[WorkingFile])
        return cast("list[WorkingFile]", answer)

    def get_task_top(self, task_id: str) -> str:
        """Return what a running task's processes use; only the embedded server offers this.

        ``GET /tasks/{id}/top``.

        Parameters
        ----------
        task_id
            The task's id.
        """
        return cast(str, self.transport.call("GET", f"{_task(task_id)}/top", answer=str))

    # The way to the machine of a running task, by WebRTC

    def register_peer(self, task_id: str, sender: str) -> None:
        """Announce ourselves to a running task: ``POST /tasks/{id}/register``.

        Parameters
        ----------
        task_id
            The task's id.
        sender
            An id of our own, new for each connection.
        """
        self.transport.call("POST", f"{_task(task_id)}/register", body={"sender_id": sender})

    def send_peer_offer(self, task_id: str, sender: str, sdp: str) -> None:
        """Offer a connection to the machine of a running task: ``POST /tasks/{id}/offer``.

        Parameters
        ----------
        task_id
            The task's id.
        sender
            The id that was registered.
        sdp
            The description of our end.
        """
        body = {"sender_id": sender, "receiver_id": task_id, "type": "offer", "sdp": sdp}
        self.transport.call("POST", f"{_task(task_id)}/offer", body=body)

    def get_peer_answer(
        self, task_id: str, sender: str, block_s: int | None = None
    ) -> SdpAnswer | None:
        """Return the machine's answer, None where it gave none: ``GET /tasks/{id}/message``.

        Parameters
        ----------
        task_id
            The task's id.
        sender
            The id that was registered.
        block_s
            Seconds for the service to wait for it, 60 at most; None for the service's choice.
        """
        params = {"client": sender, "block_s": block_s}
        path = f"{_task(task_id)}/message"
        held = float(60 if block_s is None else block_s)
        answer = self.transport.call("GET", path, answer=SdpAnswer, params=params, held=held)
        return cast("SdpAnswer | None", answer)

    # Storage

    def signed_urls(
        self, operation: str, paths: list[str], region: str | None = None
    ) -> list[str | None]:
        """Return signed links for a download or an upload: ``GET /storage/signed-urls``.

        Parameters
        ----------
        operation
            ``"download"`` or ``"upload"``.
        paths
            Objects in the storage.
        region
            Region of the storage; None for the account's.
        """
        params = {"operation": operation, "paths": paths, "region": region}
        answer = self.transport.call(
            "GET", "/storage/signed-urls", answer=list[str | None], params=params
        )
        return cast("list[str | None]", answer)

    def signed_url(self, operation: str, path: str, region: str | None = None) -> str:
        """Return the signed link of one object.

        Parameters
        ----------
        operation, path, region
            As for ``signed_urls``.

        Raises
        ------
        NotFoundError
            There is no such object.
        """
        links = self.signed_urls(operation, [path], region)
        if not links or not links[0]:
            raise errors.NotFoundError(
                f"{self.url} has no object {path!r}.",
                status=404,
                endpoint="GET /storage/signed-urls",
            )
        return links[0]

    def upload(self, url: str, body: Callable[[], Iterable[bytes]]) -> None:
        """Send a stream to a signed link; the key is not sent along.

        Parameters
        ----------
        url
            The link.
        body
            Yields the bytes, anew for each try.
        """
        self.transport.upload(url, body)

    def archive_listing(self, path: str, prefix: str = "artifacts/") -> ArchiveListing:
        """Return every member of a stored archive: ``GET /storage/zip-contents``.

        Parameters
        ----------
        path
            The archive in the storage.
        prefix
            Folder in the archive to list.
        """
        params = {"path": path, "zip_relative_path": prefix, "recursive": True}
        answer = self.transport.call(
            "GET", "/storage/zip-contents", answer=ArchiveListing, params=params
        )
        return cast(ArchiveListing, answer)

    def delete_path(self, path: str) -> None:
        """Delete a stored file or folder: ``DELETE /storage/``.

        Parameters
        ----------
        path
            The file or folder.
        """
        self.transport.call("DELETE", "/storage/", params={"path": path})

    # Machines, simulators, projects

    def list_machine_groups(self) -> list[MachineGroupInfo]:
        """Return the active machine groups: ``GET /compute/groups``."""
        answer = self.transport.call("GET", "/compute/groups", answer=list[MachineGroupInfo])
        return cast("list[MachineGroupInfo]", answer)

    def get_machine_group(self, name: str) -> MachineGroupInfo:
        """Return one machine group: ``GET /compute/group/{name}``.

        Parameters
        ----------
        name
            Name or id of the group.
        """
        path = f"/compute/group/{quote(name, safe='')}"
        return cast(MachineGroupInfo, self.transport.call("GET", path, answer=MachineGroupInfo))

    def register_machine_group(self, request: msgspec.Struct) -> MachineGroupInfo:
        """Make a machine group, still free of cost, and return it: ``POST /compute/group``.

        Parameters
        ----------
        request
            What the group is to be.
        """
        answer = self.transport.call(
            "POST", "/compute/group", answer=MachineGroupInfo, body=request
        )
        return cast(MachineGroupInfo, answer)

    def start_machine_group(self, group_id: str) -> None:
        """Start the machines of a group, which costs money: ``POST /compute/group/start``.

        Parameters
        ----------
        group_id
            Id of the group.
        """
        params = {"machine_group_id": group_id}
        self.transport.call("POST", "/compute/group/start", params=params)

    def terminate_machine_group(self, group_id: str) -> None:
        """End a group, its machines and its tasks: ``DELETE /compute/group``.

        Parameters
        ----------
        group_id
            Id of the group.
        """
        self.transport.call("DELETE", "/compute/group", params={"machine_group_id": group_id})

    def get_machine_price(self, machine_type: str, zone: str | None = None) -> MachinePrice:
        """Return what one machine costs: ``GET /compute/price``.

        Parameters
        ----------
        machine_type
            Type of the machine, such as ``"c2-standard-4"``.
        zone
            Where it is; None for the service's choice.
        """
        params = {"machine_type": machine_type, "zone": zone}
        answer = self.transport.call("GET", "/compute/price", answer=MachinePrice, params=params)
        return cast(MachinePrice, answer)

    def list_images(self) -> ImageCatalogue:
        """Return the simulators' versions; another host, asked without the key."""
        answer = self.transport.call(
            "GET", "/simulators/available-images", answer=ImageCatalogue, keyed=False
        )
        return cast(ImageCatalogue, answer)

    def ensure_project(self, name: str) -> None:
        """Make a project where there is none, which costs a second request: ``POST /projects``.

        Parameters
        ----------
        name
            Name of the project.
        """
        try:
            self.transport.call("GET", f"/projects/{quote(name, safe='')}", answer=msgspec.Raw)
        except errors.NotFoundError:
            body = {"name": name, "project_type": "project"}
            self.transport.call("POST", "/projects", body=body)


def _task(task_id: str) -> str:
    return f"/tasks/{quote(task_id, safe='')}"
