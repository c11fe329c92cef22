"""Hostile tasks for the browser: whatever a wire may carry, in every field that is shown.

Imported by the cells of the test's notebook; nothing of it needs a server.
"""

from __future__ import annotations

import msgspec

from inductiva_widgets.http.client import Client
from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.tasks import TaskList
from tests.unit.conftest import START, FakeTransport, at, wire_task

PWN = "window.__pwned=1"
PAYLOADS = [
    f"<script>{PWN}</script>",
    f'<img src=x onerror="{PWN}">',
    f"<svg/onload={PWN}><iframe srcdoc='<script>parent.{PWN}</script>'>",
    f"javascript:{PWN}",
    f"[link](javascript:{PWN}) <a href='javascript:{PWN}'>click</a>",
    f"\"' onmouseover=\"{PWN}\" autofocus onfocus='{PWN}' x='",
    f"</pre></code></style></title></textarea>--><script>{PWN}</script>",
    f"]]><script>{PWN}</script><![CDATA[",
    f"{{{{constructor.constructor('{PWN}')()}}}} ${{{PWN}}} #{{{PWN}}} <%= {PWN} %>",
    "\u202etxt.exe\u202d \u2066isolated\u2069 \u200f\u05d0\u05d1\u061c",
    "\x00\x01\x07\x08\x1b[31mred\x1b[0m\x1b]0;title\x07\x7f\x9b",
    "&lt;b&gt; &amp;#60;script&amp;#62; &#x3c;script&#x3e;",
    "W" * 10_000,
    "word " * 2_000,
    "a\u0300\u0301\u0302\u0303" * 500,
    "line\r\nline\n" * 300,
]


def hostile_tasks() -> TaskList:
    """Return ended tasks that carry the payloads in every field, of a service that has no others.

    From what is known of them, for no service would take such ids in an address.
    """
    raw = [_task(index, "failed") for index in range(len(PAYLOADS))]
    infos = [msgspec.json.decode(msgspec.json.encode(task), type=TaskInfo) for task in raw]
    return TaskList._from_infos(infos, Client(FakeTransport([])))


def _task(index: int, status: str) -> dict:
    text = PAYLOADS[index]
    operation = {
        "name": "exec_command",
        "status": "FAILED",
        "attributes": {"command": text, "exit_code": 1},
        "start_timestamp": at(17),
        "end_timestamp": at(25),
    }
    history = [
        {"status": "computation-started", "alias": text, "timestamp": START.isoformat()},
    ]
    history[0]["operations"] = [operation]
    return wire_task(
        f"{index} {text}",
        status,
        status_alias=text,
        simulator=text,
        project=text,
        error_detail=f"{text}\n{text}",
        status_history=history,
        executer={"vm_type": text, "host_type": text, "n_mpi_hosts": 1, "error_detail": text},
    )
