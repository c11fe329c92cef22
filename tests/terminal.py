"""A pseudo-terminal for programs that print differently in one."""

import fcntl
import os
import pty
import struct
import subprocess
import termios


def run_in_terminal(command, *, columns=80, **options):
    """Run a command in a terminal of a width, and return what it prints.

    Parameters
    ----------
    command
        The program and its arguments.
    columns
        Width of the terminal.
    **options
        Of ``subprocess.Popen``, such as ``env`` and ``cwd``.
    """
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(command, stdin=side, stdout=side, stderr=side, **options)
    os.close(side)
    shown = b""
    try:
        while piece := os.read(main, 4096):
            shown += piece
    except OSError:
        pass  # how Linux says that the other side has closed
    os.close(main)
    assert process.wait(60) == 0
    return shown.decode()
