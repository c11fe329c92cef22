"""A real Slurm with three nodes on the loopback interface, of Debian's packages.

Run as a script, it installs the packages where this runs as root on Debian or Ubuntu. Without them
the tests that need a cluster are skipped and say so.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from tests.tools import PATH, install, missing

# Program to Debian package.
PROGRAMS = {
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "squeue": "slurm-client",
    "munged": "munge",
}
PATIENCE = 60.0
# Away from the ports that the system gives to outgoing connections.
_FIRST_PORT, _LAST_PORT = 21000, 29000
_CONFIGURATION = """\
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmdSpoolDir={folder}/spool-%n
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SchedulerParameters=bf_interval=2,sched_min_interval=0
MpiDefault=none
ReturnToService=2
SlurmdTimeout=15
MinJobAge=300
KillWait=5
InactiveLimit=0
{nodes}
PartitionName=main Nodes=n1,n2,n3 Default=YES MaxTime=INFINITE State=UP
PartitionName=short Nodes=n1 MaxTime=1 State=UP
PartitionName=closed Nodes=n1 MaxTime=INFINITE State=DOWN
"""
_NODE = "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory=1000"


def reason_to_skip() -> str | None:
    """Return why no cluster can be started here, or None if one can."""
    if os.geteuid() != 0:
        return "a cluster of one's own needs root"
    if names := missing(PROGRAMS):
        return f"Slurm is not installed ({', '.join(names)} missing): run make test-slurm"
    return None


class SlurmCluster:
    """A running cluster: three nodes of two processors and the partitions main, short, closed.

    Parameters
    ----------
    folder
        Folder of its files; the path has to be short, since it holds a socket.
    """

    NODES = ("n1", "n2", "n3")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "slurm.conf"
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def environment(self) -> dict[str, str]:
        """What the programs of Slurm need in their environment to find this cluster."""
        return {"SLURM_CONF": str(self.config), "PATH": PATH}

    def start(self) -> None:
        """Start all daemons and wait until all nodes are idle."""
        host = socket.gethostname().partition(".")[0]
        port = _free_ports(1 + len(self.NODES))
        nodes = [
            _NODE.format(name=name, host=host, port=port + number)
            for number, name in enumerate(self.NODES, 1)
        ]
        self.config.write_text(
            _CONFIGURATION.format(folder=self.folder, host=host, port=port, nodes="\n".join(nodes))
        )
        for name in ("state", *(f"spool-{node}" for node in self.NODES)):
            (self.folder / name).mkdir(mode=0o755)
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        self._start_daemon(
            "munged",
            "--foreground",
            "--force",
            f"--key-file={key}",
            f"--socket={self.folder}/munge.socket",
            f"--pid-file={self.folder}/munged.pid",
            f"--seed-file={self.folder}/munged.seed",
            f"--log-file={self.folder}/munged.log",
        )
        self._wait((self.folder / "munge.socket").exists, "the socket of munged")
        self.start_controller()
        for node in self.NODES:
            self.start_node(node)
        self._wait(lambda: self.node_states() == dict.fromkeys(self.NODES, "idle"), "idle nodes")

    def start_controller(self) -> None:
        """Start slurmctld."""
        self._start_daemon("slurmctld", "-D")

    def start_node(self, node: str) -> None:
        """Start the slurmd of a node."""
        self._start_daemon(node, "-D", "-N", node, program="slurmd")

    def end_daemon(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """End munged, slurmctld or the slurmd of a node."""
        process = self.daemons.pop(name)
        process.send_signal(number)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(PATIENCE)

    def call(self, *command: str, check: bool = True) -> str:
        """Run a program of Slurm and return its output."""
        done = subprocess.run(
            command,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{command} failed: {done.stderr}\n{self.logs()}")
        return done.stdout.strip()

    def node_states(self) -> dict[str, str]:
        """Return the state of each node, or nothing while the controller does not answer."""
        lines = self.call(
            "sinfo", "--Node", "--noheader", "--partition=main", "--format=%N %t", check=False
        )
        return dict(line.split() for line in lines.splitlines())

    def logs(self) -> str:
        """Return the last lines of all logs."""
        texts = []
        for path in sorted(self.folder.glob("*.log")):
            last = path.read_text(errors="replace").splitlines()[-15:]
            texts.append("\n".join([f"== {path.name}", *last]))
        return "\n".join(texts)

    def end(self) -> None:
        """End all jobs and daemons."""
        if "slurmctld" in self.daemons:
            self.call("scancel", "--user=root", "--signal=KILL", check=False)
            self.call("scancel", "--user=root", check=False)
        # The steps of jobs are no children of the daemons, which they outlive.
        strays = self._processes()
        for name in reversed([*self.daemons]):
            self.end_daemon(name)
        for process in {*strays, *self._processes()}:
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _processes(self) -> list[psutil.Process]:
        """Return the processes of the jobs of this cluster, and those that supervise them."""
        found = []
        daemons = {process.pid for process in self.daemons.values()}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.pid in daemons or process.pid == os.getpid():
                    continue
                is_step = process.name().startswith("slurmstepd")
                environment = process.environ()
                is_of_job = "SLURM_JOB_ID" in environment
                if (is_step or is_of_job) and environment.get("SLURM_CONF") == str(self.config):
                    found.append(process)
        return found

    def _start_daemon(self, name: str, *options: str, program: str | None = None) -> None:
        # Started by its name, since slurmstepd fails unless the daemons are named like this.
        with (self.folder / f"{name}.out").open("ab") as out:
            self.daemons[name] = subprocess.Popen(
                [program or name, *options],
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            for name, process in self.daemons.items():
                if process.poll() is not None:
                    raise AssertionError(f"{name} ended at its start\n{self.logs()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {PATIENCE:g} s for {what}\n{self.logs()}")
            time.sleep(0.1)


def _free_ports(count: int) -> int:
    """Return the first of some free ports in a row."""
    # Several processes of a test run start a cluster at the same time.
    first = _FIRST_PORT + os.getpid() * 16 % (_LAST_PORT - _FIRST_PORT)
    for port in [*range(first, _LAST_PORT, 16), *range(_FIRST_PORT, first, 16)]:
        if all(_is_free(port + offset) for offset in range(count)):
            return port
    raise AssertionError("there are no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
        return True


@contextlib.contextmanager
def running_cluster() -> Iterator[SlurmCluster]:
    """Start a cluster in a temporary folder, and end it with everything that it runs."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    cluster = SlurmCluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.end()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    install(PROGRAMS, "Slurm")
    if reason := reason_to_skip():
        print(f"== The tests on a cluster are skipped: {reason}", flush=True)
