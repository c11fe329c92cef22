"""Options of the embedded server on a Slurm cluster.

Imports only the standard library, since ``connect`` uses it.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import NamedTuple

from inductiva_widgets._atomic import write_atomically
from inductiva_widgets.errors import LocalServerError

_OWN_PROFILE = Path(".inductiva") / "slurm.sh"
# Options that the server sets itself, because it finds, stops and reads jobs by them.
_RESERVED = ("--job-name", "-J", "--requeue", "--output", "-o", "--error", "-e", "--array", "-a")
_RESERVED_ALSO = ("--wrap", "--wait", "-W", "--parsable", "--chdir", "-D", "--test-only")


class SlurmOptions(NamedTuple):
    """How jobs are submitted.

    Parameters
    ----------
    partition, account, qos
        Values of these options of ``sbatch``, or None for the defaults of the cluster.
    job_options
        Further options of ``sbatch`` in one text, such as ``"--mem=4G --exclusive"``.
    profile
        Shell script that each job sources first, for example to load environment modules. None
        for ``~/.inductiva/slurm.sh``, if it exists.
    """

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    job_options: str = ""
    profile: Path | None = None

    @classmethod
    def read(cls, path: Path) -> SlurmOptions:
        """Read saved options, or return the defaults if there are none."""
        try:
            fields = json.loads(path.read_bytes())
            profile = fields["profile"]
            return cls(**{**fields, "profile": None if profile is None else Path(profile)})
        except (OSError, ValueError, TypeError, KeyError):
            return cls()

    def write(self, path: Path) -> None:
        """Save the options, for the next server of the folder and for its status."""
        profile = None if self.profile is None else str(self.profile.expanduser().absolute())
        write_atomically(path, json.dumps({**self._asdict(), "profile": profile}).encode())

    def arguments(self) -> list[str]:
        """Return the command line options of the server."""
        values = {
            "--partition": self.partition,
            "--account": self.account,
            "--qos": self.qos,
            "--job-options": self.job_options,
            "--profile": self.profile,
        }
        named = [f"{name}={value}" for name, value in values.items() if value]
        return ["--executor=slurm", *named]

    def check(self) -> None:
        """Raise if an option cannot be used.

        Raises
        ------
        LocalServerError
            The job options are not valid shell words, or set what the server sets itself; or the
            profile does not exist.
        """
        try:
            words = shlex.split(self.job_options)
        except ValueError as error:
            raise LocalServerError(
                f"--job-options must be options of sbatch, got {self.job_options!r} ({error})."
            ) from None
        for word in words:
            name = word.partition("=")[0]
            if name in _RESERVED or name in _RESERVED_ALSO:
                raise LocalServerError(
                    f"--job-options must not contain {name}, since the embedded server sets it. "
                    "Remove it."
                )
        if self.profile is not None and not self.profile.expanduser().is_file():
            raise LocalServerError(
                f"--profile must be the path of a shell script, got {str(self.profile)!r}. "
                "There is no such file."
            )

    def sbatch_arguments(self, partition: str | None) -> list[str]:
        """Return the arguments of ``sbatch``.

        Parameters
        ----------
        partition
            Partition of one task, or None for that of the options.
        """
        values = {
            "partition": partition or self.partition,
            "account": self.account,
            "qos": self.qos,
        }
        named = [f"--{name}={value}" for name, value in values.items() if value]
        # The last of equal options counts, so a task's partition comes after the job options.
        return [*shlex.split(self.job_options), *named]

    def profile_path(self) -> Path | None:
        """Return the path of the script that jobs source first, or None if there is none."""
        if self.profile is not None:
            return self.profile.expanduser().absolute()
        own = Path.home() / _OWN_PROFILE
        return own if own.is_file() else None
