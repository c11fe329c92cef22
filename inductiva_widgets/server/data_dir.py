"""Layout of the data folder of the embedded server.

::

    <root>/                 only its owner may look in (0700)
        store.sqlite3       tasks, their history, projects
        api_key             the key that requests carry (0600)
        link_secret         what signed links are signed with (0600)
        server.json         address, key and process of the running server (0600)
        server.lock         held by the running server
        launch.lock         held while a server is being started
        server.log          log of the server, and the log before it (0600)
        server.out          output of a detached server since its start (0600)
        replay.json         only in the folder of a demo (0600)
        slurm.json          only in the folder of a cluster: options of the jobs (0600)
        storage/<task>/     input.zip and output.zip, as the storage API shows them
        tasks/<task>/       job.json, events.jsonl, supervisor.log and, while it runs, work/,
                            processes.json and, once it is to end, stop
"""

from __future__ import annotations

import errno
import os
import re
import secrets
from pathlib import Path

from inductiva_widgets._atomic import write_atomically
from inductiva_widgets._disk import free_space
from inductiva_widgets.errors import LocalServerError

ENV_FOLDER = "INDUCTIVA_LOCAL_DIR"
ENV_SLURM_FOLDER = "INDUCTIVA_SLURM_DIR"
# The characters that clients accept in a key.
_KEY_PATTERN = re.compile(r"[A-Za-z0-9._-]+")

# The folder is closed to other users already; the mode protects copies of it.
_PRIVATE = 0o600
_MIN_FREE = 1 << 20


def default_root() -> Path:
    """Return the default data folder."""
    configured = os.environ.get(ENV_FOLDER)
    return Path(configured).expanduser() if configured else Path.home() / ".inductiva" / "local"


def replay_root() -> Path:
    """Return the default data folder of the demo, next to that of real tasks."""
    root = default_root()
    return root.with_name(f"{root.name}-replay")


def slurm_root() -> Path:
    """Return the default data folder of tasks on a cluster, which compute nodes have to see."""
    configured = os.environ.get(ENV_SLURM_FOLDER)
    return Path(configured).expanduser() if configured else Path.home() / ".inductiva" / "slurm"


def resolve_data_dir(
    data_dir: str | Path | None, *, replay: bool = False, slurm: bool = False
) -> DataDir:
    """Return the named data folder, or the default one if None.

    Parameters
    ----------
    data_dir
        Path of the folder.
    replay
        If True, the default is the folder of the demo.
    slurm
        If True, the default is the folder of tasks on a cluster.
    """
    if data_dir is not None:
        return DataDir(Path(data_dir))
    if slurm:
        return DataDir(slurm_root())
    return DataDir(replay_root() if replay else default_root())


def is_valid_key(key: str) -> bool:
    """Return whether clients can send this key."""
    return _KEY_PATTERN.fullmatch(key) is not None


def package_root() -> Path:
    """Return the folder that ``inductiva_widgets`` is imported from.

    ``python -m`` looks in its working folder first, so starting our own processes there makes them
    run this very package, installed or not.
    """
    return Path(__file__).resolve().parents[2]


class TaskDir:
    """The files of one task that only the server and its supervisor use.

    The name of the folder is the id of the task.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.job = root / "job.json"
        self.journal = root / "events.jsonl"
        self.work = root / "work"
        self.log = root / "supervisor.log"
        self.seen = root / "processes.json"
        self.stop = root / "stop"


class DataDir:
    """The data folder; the module docstring shows its layout."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = (root or default_root()).expanduser().absolute()
        self.database = self.root / "store.sqlite3"
        self.storage = self.root / "storage"
        self.tasks = self.root / "tasks"
        self.server_file = self.root / "server.json"
        self.server_lock = self.root / "server.lock"
        self.launch_lock = self.root / "launch.lock"
        self.server_log = self.root / "server.log"
        self.server_out = self.root / "server.out"
        self.replay_file = self.root / "replay.json"
        self.slurm_file = self.root / "slurm.json"

    def ensure_demo_flag(self, *, replay: bool) -> None:
        """Check that the folder is one of demo data, or of real tasks, as requested.

        Parameters
        ----------
        replay
            If True, the folder is used for demo data.

        Raises
        ------
        LocalServerError
            The folder is of the other kind.
        """
        if self.replay_file.exists() and not replay:
            raise LocalServerError(
                f"The data folder {self.root} holds DEMO data: real tasks need another folder.",
                hint='For the demo, call connect("replay").',
                shell_hint="For the demo, add --replay.",
            )
        if not replay or self.replay_file.exists() or not self.root.exists():
            return
        if self.database.exists():
            raise LocalServerError(
                f"The data folder {self.root} holds real tasks: the demo needs a folder of its own."
            )
        # The demo deletes what is in its folder, so the folder must not hold other files.
        strange = [path.name for path in self.root.iterdir() if not self._is_ours(path)]
        if strange:
            raise LocalServerError(
                f"The folder {self.root} is not empty (it holds {min(strange)}): "
                "the demo needs a folder of its own."
            )

    def ensure_slurm_flag(self, *, slurm: bool) -> None:
        """Check that the folder is one of tasks on a cluster, or of tasks here, as requested.

        A server of the other kind would take the running tasks for ended ones.

        Parameters
        ----------
        slurm
            If True, the folder is used for tasks on a cluster.

        Raises
        ------
        LocalServerError
            The folder is of the other kind.
        """
        if self.slurm_file.exists() and not slurm:
            raise LocalServerError(
                f"The data folder {self.root} holds tasks of a Slurm cluster: tasks on this "
                "machine need another folder.",
                hint='For the cluster, call connect("slurm").',
                shell_hint="For the cluster, add --executor slurm.",
            )
        if slurm and not self.slurm_file.exists() and self.database.exists():
            raise LocalServerError(
                f"The data folder {self.root} holds tasks of this machine: tasks on a Slurm "
                f"cluster need another folder. Set {ENV_SLURM_FOLDER}."
            )

    def prepare(self) -> None:
        """Create the folder if needed, and close it to other users.

        Raises
        ------
        LocalServerError
            The disk is full.
        """
        for folder in (self.root, self.storage, self.tasks):
            folder.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        # The store would fail, and neither the log nor the address of the server could be written.
        if free_space(self.root) < _MIN_FREE:
            raise self.unusable(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    def unusable(self, error: OSError) -> LocalServerError:
        """Return the error for a folder that cannot be read or written."""
        where = f" ({error.filename})" if error.filename else ""
        advice = "Correct the permissions or the path"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            advice = "Free some space"
        return LocalServerError(
            f"The data folder {self.root} cannot be used: {error.strerror or error}{where}. "
            f"{advice}, or set {ENV_FOLDER} to another folder."
        )

    def has_task_files(self) -> bool:
        """Return whether there are files of tasks."""
        folders = [folder for folder in (self.storage, self.tasks) if folder.is_dir()]
        return any(any(folder.iterdir()) for folder in folders)

    def task(self, task_id: str) -> TaskDir:
        """Return the folder of one task."""
        return TaskDir(self.tasks / task_id)

    def api_key(self) -> str:
        """Return the key of this folder, made at its first use."""
        return self._secret("api_key")

    def rotate_api_key(self) -> None:
        """Delete the key, so that its next use creates another."""
        (self.root / "api_key").unlink(missing_ok=True)

    def link_secret(self) -> bytes:
        """Return the secret that signs links, made at its first use."""
        return self._secret("link_secret").encode()

    def _is_ours(self, path: Path) -> bool:
        """Return whether a path belongs to a data folder without tasks."""
        if path in (self.storage, self.tasks):
            return path.is_dir() and not any(path.iterdir())
        known = ("server.", "launch.", "api_key", "link_secret", ".server.", ".replay.")
        return path.name.startswith(known)

    def _secret(self, name: str) -> str:
        path = self.root / name
        if not path.exists():
            write_atomically(path, secrets.token_hex(24).encode())
        text = path.read_bytes().decode("utf-8", "replace").strip()
        if not is_valid_key(text):
            # An empty key would open the server to all users of this machine.
            fault = "is empty" if not text else "does not contain a key of letters and digits"
            raise LocalServerError(
                f"The key file {path} {fault}. Remove it: the next start makes a new one."
            )
        return text
