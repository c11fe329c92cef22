"""What the ends of commands are called."""

from __future__ import annotations

import errno

import pytest

from inductiva_widgets.server import exit_messages


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (1, "The command ended with exit code 1: solve"),
        (255, "The command ended with exit code 255: solve"),
        (-99, "The command was ended by signal 99: solve"),
        (-11, "The command was ended by signal 11 (segmentation fault): solve\n(the program"),
        (139, "The command ended with exit code 139 (segmentation fault): solve\n(the program"),
        (-9, "The command was ended by signal 9 (killed): solve\n(not by the embedded server; it"),
        (137, "The command ended with exit code 137 (killed): solve\n(not by the embedded server"),
        (126, "The command ended with exit code 126: solve\n(a program is there but cannot be"),
        (127, "The command ended with exit code 127: solve\n(a program that it needs was not"),
        (134, "The command ended with exit code 134 (aborted): solve\n(the program gave up"),
        (-8, "The command was ended by signal 8 (floating point exception): solve\n(the program"),
        (-4, "The command was ended by signal 4 (illegal instruction): solve\n(the program was"),
    ],
)
def test_describe_exit_explains_codes_and_signals(code, text):
    assert exit_messages.describe_exit(code, "solve").startswith(text)
    assert (exit_messages.describe_exit(code, "solve") == text) == (
        "(the" not in text and "\n" not in text
    )


def test_want_of_memory_is_named_only_when_the_system_says_so():
    assert "may be that this machine ran out of memory" in exit_messages.describe_exit(-9, "solve")
    told = exit_messages.describe_exit(-9, "solve", ran_out_of_memory=True)
    assert "this machine ran out of memory while it ran" in told
    assert "memory" not in exit_messages.describe_exit(3, "solve", ran_out_of_memory=True)


def test_engine_s_own_code_means_something_in_containers_only():
    assert "engine" in exit_messages.describe_exit(125, "solve", in_container=True)
    assert (
        exit_messages.describe_exit(125, "solve") == "The command ended with exit code 125: solve"
    )


def test_memory_kills_are_a_count_that_does_not_go_back():
    first = exit_messages.memory_kills()
    assert first >= 0
    assert exit_messages.memory_kills() >= first


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOEXEC, "built for another system"),
        (errno.EACCES, "Trouble (./solve): ./solve"),
        (errno.ENOENT, "interpreter that it names, is not there"),
    ],
)
def test_cannot_start_has_the_cause(number, said):
    text = exit_messages.cannot_start(OSError(number, "Trouble", "./solve"), "./solve in.txt")
    assert text.startswith("The command cannot be started: Trouble (./solve)")
    assert said in text
    assert text.endswith(": ./solve in.txt")


def test_full_disk_is_called_that():
    error = OSError(errno.ENOSPC, "No space left on device", "/x")
    assert "disk of this machine is full (/x)" in exit_messages.describe_os_error(error)


def test_output_tail_is_from_stderr_or_else_stdout(tmp_path):
    assert exit_messages.output_tail(tmp_path) == ""
    (tmp_path / "stdout.txt").write_text("1\n2\n\n3\n4\n")
    (tmp_path / "stderr.txt").write_text(" \n")
    assert exit_messages.output_tail(tmp_path) == "\n2\n3\n4"
    (tmp_path / "stderr.txt").write_bytes(b"\xff" + b"x" * 900)
    assert len(exit_messages.output_tail(tmp_path)) == 201
    (tmp_path / "stderr.txt").write_bytes(b"10 %\r20 %\n\x1b[31mERROR\x1b[0m: no mesh\n")
    assert exit_messages.output_tail(tmp_path) == "\n20 %\nERROR: no mesh"
