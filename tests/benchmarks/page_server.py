"""A fast static server of a listing: `python -m tests.benchmarks.page_server TASKS DELAY [LIVE]`.

Every answer is encoded before the first request and sent in one write, so that next to nothing of
what a benchmark measures is spent here. LIVE tasks, every fifth of the newest, have not ended.
Prints its address when it is ready.
"""

from __future__ import annotations

import asyncio
import json
import random
import string
import sys
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

PER_PAGE = 500
_SIMULATORS = ("reef3d", "splishsplash", "swash", "openfoam_foundation", "gromacs", "swmm")
_MACHINES = (
    "c2-standard-4",
    "c2-standard-16",
    "c2d-highcpu-112",
    "n2-highmem-8",
    "c3d-highcpu-180",
)
_EVERY = 5
_ALIVE = {
    "status": "computation-started",
    "status_alias": "In Progress",
    "is_terminated": False,
    "computation_end_time": None,
    "end_time": None,
    "metrics": None,
}
_ENDS = (("success", "Success"),) * 8 + (("failed", "Failed"), ("killed", "Killed"))


def make_task(number: int, chance: random.Random) -> dict[str, Any]:
    """Return a finished task as a listing of the service has it."""
    # With a fraction of a second, as times of the service are.
    before = timedelta(minutes=7 * number, microseconds=7919 * (number + 1))
    created = datetime(2025, 11, 1, tzinfo=timezone.utc) - before

    def after(seconds: float) -> str:
        return (created + timedelta(seconds=seconds)).isoformat()

    task_id = "".join(chance.choices(string.ascii_lowercase + string.digits, k=25))
    status, alias = chance.choice(_ENDS)
    simulator, machine = chance.choice(_SIMULATORS), chance.choice(_MACHINES)
    image = f"docker://inductiva/kutu:{simulator}_v24.12"
    computing = round(chance.uniform(5, 90_000), 3)
    began = 31.5 + chance.random()
    cpus = int(machine.rpartition("-")[2])
    return {
        "task_id": task_id,
        "status": status,
        "status_alias": alias,
        "simulator": simulator,
        "project": chance.choice(("default", "harbour", "airfoil-sweep")),
        "is_terminated": True,
        "num_retries": 0,
        "duration_seconds": round(began + computing + 6, 3),
        "storage_path": task_id,
        "storage_input_path": f"{task_id}/input.zip",
        "storage_output_path": f"{task_id}/output.zip",
        "storage_region": "europe-west1",
        "container_image": image,
        "create_time": after(0),
        "input_submit_time": after(1.25),
        "start_time": after(14.125),
        "computation_start_time": after(began),
        "computation_end_time": after(began + computing),
        "end_time": after(began + computing + 6),
        "estimated_computation_cost": round(computing * cpus * 1e-5, 6),
        "metrics": {
            "total_seconds": round(began + computing + 6, 3),
            "queue_time_seconds": 12.875,
            "container_image_download_seconds": 9.5,
            "input_upload_seconds": 0.75,
            "input_download_seconds": 0.5,
            "input_decompression_seconds": 0.01,
            "computation_seconds": computing,
            "output_compression_seconds": 2.5,
            "output_upload_seconds": 1.75,
            "container_image_size_bytes": 414_965_760,
            "input_zipped_size_bytes": chance.randrange(1_000, 10_000_000),
            "input_size_bytes": chance.randrange(10_000, 30_000_000),
            "output_zipped_size_bytes": chance.randrange(10_000, 3_000_000_000),
            "output_size_bytes": chance.randrange(100_000, 9_000_000_000),
            "output_total_files": chance.randrange(3, 4_000),
        },
        "executer": {
            "uuid": f"{chance.getrandbits(128):032x}",
            "cpu_count_logical": cpus,
            "cpu_count_physical": max(1, cpus // 2),
            "memory": cpus * 4_294_967_296,
            "n_mpi_hosts": 1,
            "vm_type": machine,
            "vm_name": f"vm-{chance.getrandbits(32):08x}-0",
            "host_type": "GCP",
            "error_detail": None,
        },
        "machine_group_name": f"api-{chance.getrandbits(40):010x}",
        "machine_group_id": f"{chance.getrandbits(128):032x}",
        "error_detail": None,
        "input_resources": [],
        "stream_zip": True,
        "compress_with": "SEVEN_Z",
        "task_metadata": {},
        "extra_params": {
            "sim_dir": "sim_dir",
            "container_image": image,
            "commands": [
                {
                    "cmd": f"{simulator} input.txt",
                    "prompts": [],
                    "mpi_config": {
                        "version": "4.1.6",
                        "options": {"np": cpus, "use-hwthread-cpus": True},
                    },
                    "env": {},
                }
            ],
        },
        "resubmit_on_preemption": False,
        "orchestration_fee": {"amount": 0.01, "charged": True, "currency": "USD"},
    }


def make_answers(count: int, live: int = 0) -> dict[int, bytes]:
    """Return the whole HTTP answer of each page.

    0 is the one of every page beyond the last, -1 the page of tasks that have not ended.
    """
    chance = random.Random(7)
    tasks = [make_task(number, chance) for number in range(count)]
    alive = tasks[: _EVERY * live : _EVERY]
    for task in alive:
        task.update(_ALIVE)
    pages = {0: []} | {
        start // PER_PAGE + 1: tasks[start : start + PER_PAGE]
        for start in range(0, count, PER_PAGE)
    }
    answers = {number: _page(count, page) for number, page in pages.items()}
    return answers | {-1: _page(len(alive), alive[:PER_PAGE])}


def _page(total: int, tasks: list[dict[str, Any]]) -> bytes:
    return _http(json.dumps({"total_size": total, "tasks": tasks}, separators=(",", ":")))


def _http(text: str, status: str = "200 OK") -> bytes:
    body = text.encode()
    head = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + body


class _Protocol(asyncio.Protocol):
    answers: dict[int, bytes]
    delay: float
    first: bytes

    def connection_made(self, transport):
        self.transport = transport
        self.received = b""

    def data_received(self, data):
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head, self.received = self.received[:end], self.received[end + 4 :]
            url = urlsplit(head.split(b" ", 2)[1].decode())
            answer = self._answer(url.path, parse_qs(url.query))
            asyncio.get_running_loop().call_later(self.delay, self.transport.write, answer)

    def _answer(self, path: str, query: dict[str, list[str]]) -> bytes:
        if path == "/tasks":
            if query.get("per_page") == ["1"]:
                return self.first
            if query.get("per_page") != [str(PER_PAGE)]:
                return _http('{"detail": "only pages of 500 are served"}', "422 Unprocessable")
            if query.get("active") == ["true"]:
                return self.answers[-1]
            return self.answers.get(int(query.get("page", ["1"])[0]), self.answers[0])
        if path == "/version-check":
            return _http('{"is_valid": true, "client_version": "", "server_version": ""}')
        return _http('{"detail": "not served here"}', "404 Not Found")


async def serve(count: int, delay: float, live: int = 0) -> None:
    """Serve until the process is ended."""
    _Protocol.answers = make_answers(count, live)
    _Protocol.delay = delay
    one = make_task(0, random.Random(7))
    _Protocol.first = _http(json.dumps({"total_size": count, "tasks": [one]}))
    server = await asyncio.get_running_loop().create_server(_Protocol, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]), *map(int, sys.argv[3:])))
