"""One method for each endpoint that the package uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

import msgspec

from inductiva_widgets import errors
from inductiva_widgets.config import LOCAL, REPLAY, SLURM
from inductiva_widgets.http.transport import FileRange, Transport
from inductiva_widgets.models.account import (
    AccountCosts,
    AccountInfo,
    MonthlyCost,
    ProjectInfo,
    QuotaInfo,
    StorageEntry,
    StorageListing,
)
from inductiva_widgets.models.machines import MachineGroupInfo, MachinePrice, MachineTypeInfo
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
"""Maximum number of tasks per page."""
_INPUT_CHECK = 45.0
"""Seconds that the service may take to check an uploaded input."""


class Client:
    """Client of a service and an account. Created by ``inductiva_widgets.connect``.

    Each method is an endpoint of the service, makes one request, and raises the exceptions of
    ``inductiva_widgets.errors``. Tasks, simulators and listings call them for you.

    A call takes at most 60 s, including retries: a try fails if no connection is made within 5 s or
    no response begins within 15 s. Calls that must not be repeated, such as ``submit``, take at
    most 120 s, and make one try; ``run`` of a simulator looks for the task before it submits again.
    If the service asks to wait by ``Retry-After``, up to 60 s are added. Uploads have no total
    limit.

    Parameters
    ----------
    transport
        Sends the requests.

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
        """Current address and key."""
        return self.transport.settings

    @property
    def url(self) -> str:
        """Address of the service."""
        return self.settings.api_url

    @property
    def is_local(self) -> bool:
        """Whether the service is an embedded server.

        If connected by address, it is known after the first response.
        """
        return self.transport.is_embedded

    def service_name(self, *, is_demo: bool) -> str:
        """Return what ``connect`` takes for this service, such as ``local``, or its address.

        Parameters
        ----------
        is_demo
            If True, its tasks are synthetic.
        """
        if not self.is_local:
            return self.url
        if self.transport.settings.is_slurm:
            return SLURM
        return REPLAY if is_demo else LOCAL

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
        """Confirm that the input is uploaded: ``POST /tasks/{id}/input_uploaded``.

        A repeated request has no effect. The service may check the input before it responds.

        Parameters
        ----------
        task_id
            Id of the task.
        """
        path = f"{_task(task_id)}/input_uploaded"
        self.transport.call("POST", path, retry=True, held=_INPUT_CHECK)

    def get_task(self, task_id: str) -> TaskInfo:
        """Return the details of a task: ``GET /tasks/{id}``.

        Parameters
        ----------
        task_id
            Id of the task.
        """
        return cast(TaskInfo, self.transport.call("GET", _task(task_id), answer=TaskInfo))

    def get_task_status(self, task_id: str) -> TaskStatus:
        """Return the status and queue position: ``GET /tasks/{id}/status``.

        Parameters
        ----------
        task_id
            Id of the task.
        """
        return cast(
            TaskStatus, self.transport.call("GET", f"{_task(task_id)}/status", answer=TaskStatus)
        )

    def kill_task(self, task_id: str) -> TaskStatus:
        """Request a kill and return the status: ``POST /tasks/{id}/kill``.

        A repeated request has no effect.

        Parameters
        ----------
        task_id
            Id of the task.
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
        """Return a page of the listing, newest task first: ``GET /tasks``.

        Parameters
        ----------
        page
            Number of the page, from 1.
        per_page
            Number of tasks on a page, at most 500.
        status
            Status code; None for any.
        project
            Name of the project; None for any.
        active
            If True, only tasks that have not ended; if False, only those that have; None for both.
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
            Id of the task.
        """
        path = f"{_task(task_id)}/metadata"
        return cast("dict[str, str]", self.transport.call("GET", path, answer=dict[str, str]))

    def set_metadata(self, task_id: str, metadata: dict[str, str]) -> None:
        """Replace the metadata of a task: ``PUT /tasks/{id}/metadata``.

        Parameters
        ----------
        task_id
            Id of the task.
        metadata
            All keys and values.
        """
        self.transport.call("PUT", f"{_task(task_id)}/metadata", body=metadata)

    def read_task_file(
        self, task_id: str, name: str, *, after: int | None = None, limit: int
    ) -> FileRange:
        """Return a byte range of a task file; embedded server only.

        ``GET /tasks/{id}/files/{name}``, also during the computation.

        Parameters
        ----------
        task_id
            Id of the task.
        name
            Path of the file, such as ``"stdout.txt"``.
        after
            Offset of the first byte; None for the last bytes of the file.
        limit
            Maximum number of bytes.
        """
        path = f"{_task(task_id)}/files/{quote(name)}"
        params = {"tail_bytes": limit} if after is None else {"after": after, "most": limit}
        return self.transport.get_range(path, params)

    def list_task_files(self, task_id: str) -> list[WorkingFile]:
        """Return the files of a running task, newest first; embedded server only.

        ``GET /tasks/{id}/files``.

        Parameters
        ----------
        task_id
            Id of the task.
        """
        path = f"{_task(task_id)}/files"
        answer = self.transport.call("GET", path, answer=list[WorkingFile])
        return cast("list[WorkingFile]", answer)

    def get_task_top(self, task_id: str) -> str:
        """Return the resource usage of a running task's processes; embedded server only.

        ``GET /tasks/{id}/top``.

        Parameters
        ----------
        task_id
            Id of the task.
        """
        return cast(str, self.transport.call("GET", f"{_task(task_id)}/top", answer=str))

    # WebRTC signalling with the machine of a running task

    def register_peer(self, task_id: str, sender: str) -> None:
        """Register a peer with a running task: ``POST /tasks/{id}/register``.

        Parameters
        ----------
        task_id
            Id of the task.
        sender
            Id of this peer, unique for each connection.
        """
        self.transport.call("POST", f"{_task(task_id)}/register", body={"sender_id": sender})

    def send_peer_offer(self, task_id: str, sender: str, sdp: str) -> None:
        """Send a WebRTC offer to the machine of a task: ``POST /tasks/{id}/offer``.

        Parameters
        ----------
        task_id
            Id of the task.
        sender
            Id of this peer.
        sdp
            Session description of this peer.
        """
        body = {"sender_id": sender, "receiver_id": task_id, "type": "offer", "sdp": sdp}
        self.transport.call("POST", f"{_task(task_id)}/offer", body=body)

    def get_peer_answer(
        self, task_id: str, sender: str, block_s: int | None = None
    ) -> SdpAnswer | None:
        """Return the machine's answer, or None if there is none: ``GET /tasks/{id}/message``.

        Parameters
        ----------
        task_id
            Id of the task.
        sender
            Id of this peer.
        block_s
            Seconds that the service waits for the answer, at most 60; None for its default.
        """
        params = {"client": sender, "block_s": block_s}
        path = f"{_task(task_id)}/message"
        held = float(60 if block_s is None else block_s)
        answer = self.transport.call("GET", path, answer=SdpAnswer | None, params=params, held=held)
        return cast("SdpAnswer | None", answer)

    # Storage

    def signed_urls(
        self, operation: str, paths: list[str], region: str | None = None
    ) -> list[str | None]:
        """Return signed URLs for downloads or uploads: ``GET /storage/signed-urls``.

        Parameters
        ----------
        operation
            ``"download"`` or ``"upload"``.
        paths
            Paths in the storage.
        region
            Region of the storage; None for the account's.

        Returns
        -------
        list
            One URL per path, or None if there is no such object.
        """
        params = {"operation": operation, "paths": paths, "region": region}
        answer = self.transport.call(
            "GET", "/storage/signed-urls", answer=list[str | None], params=params
        )
        return cast("list[str | None]", answer)

    def signed_url(self, operation: str, path: str, region: str | None = None) -> str:
        """Return the signed URL of one object.

        Parameters
        ----------
        operation, path, region
            As for ``signed_urls``.

        Raises
        ------
        NotFoundError
            If there is no such object.
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
        """Upload a stream to a signed URL, without the key.

        Parameters
        ----------
        url
            Signed URL for an upload.
        body
            Function that returns the content in chunks, called for each try. Its exceptions are
            raised unchanged.
        """
        self.transport.upload(url, body)

    def archive_listing(
        self,
        path: str,
        prefix: str = "artifacts/",
        *,
        recursive: bool = True,
        region: str | None = None,
    ) -> ArchiveListing:
        """Return the entries of a stored archive: ``GET /storage/zip-contents``.

        Parameters
        ----------
        path
            Path of the archive in the storage.
        prefix
            Folder in the archive to list.
        recursive
            If True, list the entries in its folders, too.
        region
            Region of the storage; None for the account's.
        """
        params = {
            "path": path,
            "zip_relative_path": prefix,
            "recursive": recursive,
            "region": region,
        }
        answer = self.transport.call(
            "GET", "/storage/zip-contents", answer=ArchiveListing, params=params
        )
        return cast(ArchiveListing, answer)

    def delete_path(self, path: str, region: str | None = None) -> None:
        """Delete a stored file or folder: ``DELETE /storage/``.

        Parameters
        ----------
        path
            Path of the file or folder.
        region
            Region of the storage; None for the account's.
        """
        self.transport.call("DELETE", "/storage/", params={"path": path, "region": region})

    def copy_path(self, source: str, target: str, region: str | None = None) -> None:
        """Copy a stored file or folder: ``POST /storage/copy``.

        Parameters
        ----------
        source, target
            Paths in the storage.
        region
            Region of the storage; None for the account's.
        """
        params = {"source": source, "target": target, "region": region}
        self.transport.call("POST", "/storage/copy", params=params)

    def store_url(self, url: str, path: str, region: str | None = None) -> None:
        """Have the service store the file of a URL: ``POST /storage/input_remote``.

        Parameters
        ----------
        url
            Address of the file.
        path
            Path in the storage.
        region
            Region of the storage; None for the account's.
        """
        params = {"url": url, "path": path, "region": region}
        self.transport.call("POST", "/storage/input_remote", params=params)

    def list_storage(self, params: Mapping[str, str | int | None]) -> list[StorageEntry]:
        """Return a page of the files and folders at a path: ``GET /storage/contents``.

        Parameters
        ----------
        params
            Path, order and page, by the names of the service.
        """
        answer = self.transport.call(
            "GET", "/storage/contents", answer=StorageListing, params=params
        )
        return cast(StorageListing, answer).contents

    def get_storage_size(self) -> int:
        """Return the size of all stored files in bytes: ``GET /storage/size``."""
        return cast(int, self.transport.call("GET", "/storage/size", answer=int))

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
        """Register a machine group and return it: ``POST /compute/group``.

        It costs nothing until it is started.

        Parameters
        ----------
        request
            Configuration of the group.
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
        """Terminate a group with its machines and tasks: ``DELETE /compute/group``.

        Parameters
        ----------
        group_id
            Id of the group.
        """
        self.transport.call("DELETE", "/compute/group", params={"machine_group_id": group_id})

    def get_machine_price(self, machine_type: str, zone: str | None = None) -> MachinePrice:
        """Return the price of a machine: ``GET /compute/price``.

        Parameters
        ----------
        machine_type
            Type of the machine, such as ``"c2-standard-4"``.
        zone
            Zone of the machine; None for the service's default.
        """
        params = {"machine_type": machine_type, "zone": zone}
        answer = self.transport.call("GET", "/compute/price", answer=MachinePrice, params=params)
        return cast(MachinePrice, answer)

    def list_machine_types(
        self, params: Mapping[str, str | float | list[str] | list[float] | None]
    ) -> list[MachineTypeInfo]:
        """Return the available machine types from the catalogue, without the key.

        ``GET /pricing/machine-types``.

        Parameters
        ----------
        params
            Filters, by the names of the service.
        """
        answer = self.transport.call(
            "GET",
            "/pricing/machine-types",
            answer=list[MachineTypeInfo],
            params=params,
            keyed=False,
        )
        return cast("list[MachineTypeInfo]", answer)

    def list_images(self) -> ImageCatalogue:
        """Return the available simulator images from the catalogue, without the key."""
        answer = self.transport.call(
            "GET", "/simulators/available-images", answer=ImageCatalogue, keyed=False
        )
        return cast(ImageCatalogue, answer)

    def get_quotas(self) -> dict[str, QuotaInfo]:
        """Return the quotas of the account by their ids: ``GET /users/quotas``."""
        answer = self.transport.call("GET", "/users/quotas", answer=dict[str, QuotaInfo])
        return cast("dict[str, QuotaInfo]", answer)

    def get_account(self) -> AccountInfo:
        """Return the account of the key: ``GET /users/info``."""
        return cast(AccountInfo, self.transport.call("GET", "/users/info", answer=AccountInfo))

    def get_costs(self, params: Mapping[str, int | None]) -> list[MonthlyCost]:
        """Return the costs of months, oldest first: ``GET /users/costs``.

        Parameters
        ----------
        params
            First and last month, by the names of the service.
        """
        answer = self.transport.call("GET", "/users/costs", answer=AccountCosts, params=params)
        return cast(AccountCosts, answer).costs

    def list_projects(self) -> list[ProjectInfo]:
        """Return the projects of the account: ``GET /projects``."""
        answer = self.transport.call("GET", "/projects", answer=list[ProjectInfo])
        return cast("list[ProjectInfo]", answer)

    def get_project(self, name: str) -> ProjectInfo:
        """Return a project: ``GET /projects/{name}``.

        Parameters
        ----------
        name
            Name of the project.
        """
        return cast(ProjectInfo, self.transport.call("GET", _project(name), answer=ProjectInfo))

    def delete_project(self, name: str) -> None:
        """Delete a project, not its tasks: ``DELETE /projects``.

        Parameters
        ----------
        name
            Name of the project.
        """
        self.transport.call("DELETE", "/projects", params={"project_name": name})

    def add_task_to_project(self, name: str, task_id: str) -> None:
        """Move a task to a project: ``POST /projects/{name}/task/{id}/add``.

        Parameters
        ----------
        name
            Name of the project.
        task_id
            Id of the task.
        """
        self.transport.call("POST", f"{_project(name)}/task/{quote(task_id, safe='')}/add")

    def ensure_project(self, name: str) -> ProjectInfo:
        """Return a project, created unless it exists: ``POST /projects``.

        Parameters
        ----------
        name
            Name of the project.

        Notes
        -----
        Requests: 1, or 2 if the project is created.
        """
        try:
            return self.get_project(name)
        except errors.NotFoundError:
            body = {"name": name, "project_type": "project"}
            try:
                answer = self.transport.call(
                    "POST", "/projects", answer=ProjectInfo, body=body, retry=True
                )
            except errors.APIError as error:
                # It exists if only the response to the first try was lost.
                try:
                    return self.get_project(name)
                except errors.NotFoundError:
                    raise error from None
            return cast(ProjectInfo, answer)


def _project(name: str) -> str:
    return f"/projects/{quote(name, safe='')}"


def _task(task_id: str) -> str:
    return f"/tasks/{quote(task_id, safe='')}"
