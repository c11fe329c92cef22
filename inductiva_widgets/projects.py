"""Projects: named groups of tasks.

```python
with inductiva.projects.Project("storms") as project:
    task = inductiva.simulators.SWMM().run("cases/swmm_storm")
task.wait()
project.get_tasks()  # a live table
```
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextvars import ContextVar, Token
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from inductiva_widgets.ansi import escape_control_chars
from inductiva_widgets.errors import InputError
from inductiva_widgets.formatting import format_cost, format_table, format_timestamp
from inductiva_widgets.http.default_client import default_client
from inductiva_widgets.models.account import ProjectInfo
from inductiva_widgets.status import Status
from inductiva_widgets.tasks.listing import get_tasks

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd
    from typing_extensions import Self

    from inductiva_widgets.http.client import Client
    from inductiva_widgets.tasks.task import Task
    from inductiva_widgets.tasks.task_list import TaskList

__all__ = ["Project", "ProjectList", "get_projects"]

_current: ContextVar[str | None] = ContextVar("project", default=None)


def current_project() -> str | None:
    """Return the name of the project of the innermost ``with`` block, or None."""
    return _current.get()


class Project:
    """A project of the account.

    A new object makes no request; the first use creates the project unless it exists. In a block
    ``with project:``, tasks are submitted to it unless ``run`` gets another project.

    Parameters
    ----------
    name
        Name of the project.
    client
        Client of the service, or None for the default one.

    Raises
    ------
    InputError
        The name is empty or not a string.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> with inductiva.projects.Project("storms") as project:
    ...     task = inductiva.simulators.SWMM().run("cases/swmm_storm")
    >>> project.num_tasks
    1
    >>> project.wait()
    [<Status.SUCCESS: 'success'>]
    """

    def __init__(self, name: str, *, client: Client | None = None) -> None:
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"`name` must be the name of a project, got {name!r}.")
        self.name = name
        self.client = client or default_client()
        self._info: ProjectInfo | None = None
        self._tokens: list[Token[str | None]] = []

    @classmethod
    def _from_info(cls, info: ProjectInfo, client: Client) -> Self:
        project = cls(info.name, client=client)
        project._info = info
        return project

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def __enter__(self) -> Self:
        self._tokens.append(_current.set(self.name))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _current.reset(self._tokens.pop())

    @property
    def info(self) -> ProjectInfo:
        """Cached info of the project; costs one or two requests the first time."""
        return self._info or self.get_info()

    def get_info(self) -> ProjectInfo:
        """Return the current info of the project; costs one request, two if it is created."""
        self._info = self.client.ensure_project(self.name)
        return self._info

    @property
    def id(self) -> str | None:
        """Id of the project; costs requests as ``info``."""
        return self.info.id

    @property
    def created_at(self) -> datetime | None:
        """Time of its creation; costs requests as ``info``."""
        return self.info.created_at

    @property
    def num_tasks(self) -> int | None:
        """Current number of tasks; costs one request."""
        return self.get_info().num_tasks

    @property
    def task_by_status(self) -> dict[Status, int]:
        """Current number of tasks by status; costs one request."""
        counts = self.get_info().task_status_overview or {}
        return {Status(code): count for code, count in counts.items()}

    @property
    def estimated_computation_cost(self) -> float | None:
        """Current cost of its computations in US dollars; costs one request."""
        return self.get_info().estimated_computation_cost

    @property
    def total_task_orchestration_fee(self) -> float | None:
        """Current sum of the fees of its tasks in US dollars; costs one request."""
        return self.get_info().total_orchestration_fee

    @property
    def total_estimated_cost(self) -> float | None:
        """Current sum of costs and fees in US dollars; costs one request."""
        return _total_cost(self.get_info())

    def get_tasks(self, last_n: int = -1, status: str | Iterable[str] | None = None) -> TaskList:
        """Return the tasks of the project, newest first; costs one request for each 500.

        Parameters
        ----------
        last_n
            Maximum number of tasks; by default all.
        status
            Only tasks with this status, or with one of several.
        """
        return get_tasks(last_n, status, self.name, client=self.client)

    def add_task(self, task: Task) -> None:
        """Move a task to the project; costs two requests, three if the project is created.

        Parameters
        ----------
        task
            The task.
        """
        self.get_info()
        self.client.add_task_to_project(self.name, task.id)

    def wait(self, polling_period: float = 1.0, silent_mode: bool = False) -> list[Status]:
        """Wait until all tasks have ended; costs requests as ``get_tasks`` and ``TaskList.wait``.

        Parameters
        ----------
        polling_period, silent_mode
            As for ``TaskList.wait``.

        Returns
        -------
        list of Status
            The final statuses, newest task first.
        """
        return self.get_tasks().wait(polling_period, silent_mode)

    def download_outputs(self, output_dir: str | os.PathLike[str] | None = None) -> list[Path]:
        """Download the outputs of all tasks.

        Costs requests as ``get_tasks`` and ``TaskList.download_outputs``.

        Parameters
        ----------
        output_dir
            Folder with one folder for each task, as for ``TaskList.download_outputs``.

        Returns
        -------
        list of Path
            The folders, newest task first.
        """
        return self.get_tasks().download_outputs(output_dir=output_dir)

    def delete(self) -> None:
        """Delete the project, but not its tasks; costs one request."""
        self.client.delete_project(self.name)
        self._info = None


class ProjectList(list[Project]):
    """Projects of the account, which print as a table.

    Parameters
    ----------
    projects
        The projects, in order.
    """

    def __init__(self, projects: Iterable[Project] = ()) -> None:
        super().__init__(projects)

    def __str__(self) -> str:
        rows = [
            [
                escape_control_chars(info.name),
                "" if info.num_tasks is None else str(info.num_tasks),
                format_cost(_total_cost(info)),
                format_timestamp(info.created_at, "minutes"),
            ]
            for info in (project.info for project in self)
        ]
        return format_table(["NAME", "TASKS", "COST", "CREATED"], rows, indent=1, gap=3)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} project{'' if len(self) == 1 else 's'})"

    def _repr_mimebundle_(self, **_: Any) -> Mapping[str, str]:
        return {"text/plain": str(self), "text/html": self.to_frame().to_html()}

    def to_frame(self) -> pd.DataFrame:
        """Return the projects as a DataFrame, one row each, their names as the index.

        Returns
        -------
        pandas.DataFrame
            Id, time of creation, number of tasks, and cost in US dollars.

        Examples
        --------
        >>> import inductiva_widgets as inductiva
        >>> list(inductiva.projects.get_projects().to_frame().columns)
        ['id', 'created_at', 'n_tasks', 'cost_usd']
        """
        import pandas as pd

        infos = [project.info for project in self]
        return pd.DataFrame(
            {
                "id": [info.id for info in infos],
                "created_at": pd.to_datetime(
                    pd.Series([info.created_at for info in infos]), utc=True
                ).array,
                "n_tasks": pd.array([info.num_tasks for info in infos], dtype="Int64"),
                "cost_usd": pd.array([_total_cost(info) for info in infos], dtype="Float64"),
            },
            index=pd.Index([info.name for info in infos], name="name"),
        )


def get_projects(*, client: Client | None = None) -> ProjectList:
    """Return the projects of the account; costs one request.

    Parameters
    ----------
    client
        Client of the service, or None for the default one.

    Examples
    --------
    >>> import inductiva_widgets as inductiva
    >>> "default" in [project.name for project in inductiva.projects.get_projects()]
    True
    """
    client = client or default_client()
    return ProjectList(Project._from_info(info, client) for info in client.list_projects())


def _total_cost(info: ProjectInfo) -> float | None:
    if info.estimated_computation_cost is None:
        return None
    return info.estimated_computation_cost + (info.total_orchestration_fee or 0.0)
