"""Messages for exit codes, signals and commands that cannot be started."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

from inductiva_widgets.ansi import render_plain_lines

_LAST_WORDS = 3
_LINE_LENGTH = 200

# Exit codes of programs that start other programs (shells, env, mpirun, container engines), and
# signals that hint at the cause.
_CODES = {
    126: "a program is there but cannot be run: it is not executable, or built for another system",
    127: "a program that it needs was not found",
}
_SIGNALS = {
    signal.SIGSEGV: "the program touched memory that is not its own; often the input is at fault",
    signal.SIGABRT: "the program gave up by itself",
    signal.SIGFPE: "the program divided by zero, or the like",
    signal.SIGILL: "the program was built for another processor",
    signal.SIGBUS: "the program touched memory, or part of a file, that is not there",
    signal.SIGXCPU: "a limit for processor time was reached",
    signal.SIGXFSZ: "a limit for the size of files was reached",
    signal.SIGTERM: "something other than the embedded server asked it to end",
}
_KILLED = "not by the embedded server; it may be that this machine ran out of memory"
_KILLED_FOR_MEMORY = "this machine ran out of memory while it ran, and the system ended programs"


def describe_exit(
    code: int, command: str, *, ran_out_of_memory: bool = False, in_container: bool = False
) -> str:
    """Describe the exit of a command and its usual cause.

    Parameters
    ----------
    code
        Exit code as ``subprocess`` counts, negative for a signal.
    command
        The command as the user wrote it.
    ran_out_of_memory
        If True, the system has killed programs for lack of memory.
    in_container
        If True, a container engine ran the command.

    Examples
    --------
    >>> describe_exit(1, "runswmm model.inp")
    'The command ended with exit code 1: runswmm model.inp'
    >>> print(describe_exit(-8, "solve"))
    The command was ended by signal 8 (floating point exception): solve
    (the program divided by zero, or the like)
    """
    # Shells report the signal of their last command as a code from 129 on.
    number = -code if code < 0 else code - 128 if code > 128 else 0
    name = _signal_name(number)
    how = f"was ended by signal {number}" if code < 0 else f"ended with exit code {code}"
    meaning = _meaning(code, number if name else 0, ran_out_of_memory)
    if in_container and code == 125:
        meaning = "the container engine could not run it"
    return f"The command {how}{name}: {command}" + (f"\n({meaning})" if meaning else "")


def _meaning(code: int, number: int, ran_out_of_memory: bool) -> str | None:
    if number == signal.SIGKILL:
        return _KILLED_FOR_MEMORY if ran_out_of_memory else _KILLED
    return _SIGNALS.get(number) if number else _CODES.get(code)  # type: ignore[call-overload]


def _signal_name(number: int) -> str:
    if number <= 0:
        return ""
    try:
        text = signal.strsignal(number)
    except ValueError:
        text = None
    return f" ({text.lower()})" if text and "unknown" not in text.lower() else ""


def memory_kills() -> int:
    """Return the kernel's count of programs killed for lack of memory, or None."""
    total = 0
    # The count of the machine, or of the container of this process.
    for path in ("/proc/vmstat", "/sys/fs/cgroup/memory.events"):
        try:
            lines = Path(path).read_text(encoding="ascii").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        counts = dict(line.split() for line in lines if len(line.split()) == 2)
        total += int(counts.get("oom_kill", 0))
    return total


def cannot_start(error: OSError, command: str) -> str:
    """Describe why a command could not be started."""
    hints = {
        errno.ENOEXEC: ": it is built for another system, or is a script without a #! line",
        errno.ENOENT: ": it, or the interpreter that it names, is not there",
    }
    cause = f"{error.strerror} ({error.filename}){hints.get(error.errno or 0, '')}"
    return f"The command cannot be started: {cause}: {command}"


def describe_os_error(error: OSError) -> str:
    """Describe an error of this machine."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of this machine is full{where}: free some space and run again."
    return f"This machine failed outside the simulator: {error.strerror or error}{where}."


def output_tail(folder: Path) -> str:
    """Return the last lines of the simulator, which often name the cause.

    They are from stderr.txt, or from stdout.txt if that is empty: some simulators print errors
    there.
    """
    for name in ("stderr.txt", "stdout.txt"):
        lines = last_lines(folder / name, _LAST_WORDS)
        if lines:
            return "".join(f"\n{line[:_LINE_LENGTH]}" for line in lines)
    return ""


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a file that are not blank, as plain text."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
            lines = render_plain_lines(file.read().decode("utf-8", "replace"))
    except FileNotFoundError:
        return []
    return [line.strip() for line in lines if line.strip()][-count:]
