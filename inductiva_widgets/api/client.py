"""One method for each endpoint that the package uses; each costs one request."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

import msgspec

from inductiva_widgets import errors
from inductiva_widgets.api.transport import Transport
from inductiva_widgets.compute import MachineGroup, MachinePrice
from inductiva_widgets.models import (
    ArchiveListing,
    Images,
    Submission,
    Submitted,
    TaskInfo,
    TaskPage,
    TaskStatus,
)

if TYPE_CHECKING:
    from inductiva_widgets.config import Settings

MAX_PER_PAGE = 500


class Client:
    """A service and the account on it. Made by :func:`inductiva_widgets.connect`.

    Parameters
    ----------
    transport
        What carries the calls.
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

    # Tasks

    def submit(self, submission: Submission) -> Submitted:
        """Register a task: ``POST /tasks/submit``."""
        return cast(
            Submitted,
            self.transport.call("POST", "/tasks/submit", answer=Submitted, body=submission),
        )

    def input_uploaded(self, task_id: str) -> None:
        """Tell that the input archive is complete: ``POST /tasks/{id}/input_uploaded``."""
        self.transport.call("POST", f"{_task(task_id)}/input_uploaded")

    def task(self, task_id: str) -> TaskInfo:
        """Return the detail of one task: ``GET /tasks/{id}``."""
        return cast(TaskInfo, self.transport.call("GET", _task(task_id), answer=TaskInfo))

    def task_status(self, task_id: str) -> TaskStatus:
        """Return status and queue position: ``GET /tasks/{id}/status``."""
        return cast(
            TaskStatus, self.transport.call("GET", f"{_task(task_id)}/status", answer=TaskStatus)
        )

    def kill(self, task_id: str) -> TaskStatus:
        """Ask for a kill: ``POST /tasks/{id}/kill``. Repeating it does no harm, so it may be."""
        return cast(
            TaskStatus,
            self.transport.call("POST", f"{_task(task_id)}/kill", answer=TaskStatus, retry=True),
        )

    def task_page(
        self,
        *,
        page: int = 1,
        per_page: int = MAX_PER_PAGE,
        status: str | None = None,
        project: str | None = None,
        active: bool | None = None,
    ) -> TaskPage:
        """Return one page of the listing, newest first: ``GET /tasks``."""
        params = {
            "page": page,
            "per_page": per_page,
            "status": status,
            "project": project,
            "active": active,
        }
        return cast(TaskPage, self.transport.call("GET", "/tasks", answer=TaskPage, params=params))

    def get_metadata(self, task_id: str) -> dict[str, str]:
        """Return the metadata of a task: ``GET /tasks/{id}/metadata``."""
        path = f"{_task(task_id)}/metadata"
        return cast("dict[str, str]", self.transport.call("GET", path, answer=dict[str, str]))

    def set_metadata(self, task_id: str, metadata: dict[str, str]) -> None:
        """Replace the metadata of a task: ``PUT /tasks/{id}/metadata``."""
        self.transport.call("PUT", f"{_task(task_id)}/metadata", body=metadata)

    def tail(self, task_id: str, name: str, size: int) -> tuple[bytes, int]:
        """Return the end of a text file and its length; only the embedded server offers this.

        ``GET /tasks/{id}/files/{name}``, also while the task runs.
        """
        path = f"{_task(task_id)}/files/{quote(name)}"
        return self.transport.read_tail(path, size)

    # Storage

    def signed_urls(
        self, operation: str, paths: list[str], region: str | None = None
    ) -> list[str | None]:
        """Return signed links for a download or an upload: ``GET /storage/signed-urls``."""
        params = {"operation": operation, "paths": paths, "region": region}
        answer = self.transport.call(
            "GET", "/storage/signed-urls", answer=list[str | None], params=params
        )
        return cast("list[str | None]", answer)

    def signed_url(self, operation: str, path: str, region: str | None = None) -> str:
        """Return the signed link of one object.

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
        """Send a stream to a signed link; the key is not sent along."""
        self.transport.upload(url, body)

    def archive_listing(self, path: str, prefix: str = "artifacts/") -> ArchiveListing:
        """Return every member of a stored archive: ``GET /storage/zip-contents``."""
        params = {"path": path, "zip_relative_path": prefix, "recursive": True}
        answer = self.transport.call(
            "GET", "/storage/zip-contents", answer=ArchiveListing, params=params
        )
        return cast(ArchiveListing, answer)

    def remove_path(self, path: str) -> None:
        """Delete a stored file or folder: ``DELETE /storage/``."""
        self.transport.call("DELETE", "/storage/", params={"path": path})

    # Machines, simulators, projects

    def machine_groups(self) -> list[MachineGroup]:
        """Return the active machine groups: ``GET /compute/groups``."""
        answer = self.transport.call("GET", "/compute/groups", answer=list[MachineGroup])
        return cast("list[MachineGroup]", answer)

    def machine_group(self, name: str) -> MachineGroup:
        """Return one machine group: ``GET /compute/group/{name}``."""
        path = f"/compute/group/{quote(name, safe='')}"
        return cast(MachineGroup, self.transport.call("GET", path, answer=MachineGroup))

    def register_machine_group(self, request: msgspec.Struct) -> MachineGroup:
        """Make a machine group, which costs nothing until started: ``POST /compute/group``."""
        answer = self.transport.call("POST", "/compute/group", answer=MachineGroup, body=request)
        return cast(MachineGroup, answer)

    def start_machine_group(self, group_id: str) -> None:
        """Start the machines of a group, which costs money: ``POST /compute/group/start``."""
        params = {"machine_group_id": group_id}
        self.transport.call("POST", "/compute/group/start", params=params)

    def terminate_machine_group(self, group_id: str) -> None:
        """End a group, its machines and its tasks: ``DELETE /compute/group``."""
        self.transport.call("DELETE", "/compute/group", params={"machine_group_id": group_id})

    def machine_price(self, machine_type: str, zone: str | None = None) -> MachinePrice:
        """Return what one machine costs: ``GET /compute/price``."""
        params = {"machine_type": machine_type, "zone": zone}
        answer = self.transport.call("GET", "/compute/price", answer=MachinePrice, params=params)
        return cast(MachinePrice, answer)

    def images(self) -> Images:
        """Return the simulators' versions; another host, asked without the key."""
        answer = self.transport.call(
            "GET", "/simulators/available-images", answer=Images, keyed=False
        )
        return cast(Images, answer)

    def ensure_project(self, name: str) -> None:
        """Create a project where there is none: ``GET /projects/{name}``, ``POST /projects``."""
        try:
            self.transport.call("GET", f"/projects/{quote(name, safe='')}", answer=msgspec.Raw)
        except errors.NotFoundError:
            body = {"name": name, "project_type": "project"}
            self.transport.call("POST", "/projects", body=body)


def _task(task_id: str) -> str:
    return f"/tasks/{quote(task_id, safe='')}"
