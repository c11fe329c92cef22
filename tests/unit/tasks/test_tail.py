"""What is printed of files: last lines, then what is added, lines of several files kept apart."""

from types import SimpleNamespace

import pytest

from inductiva_widgets import _kernel
from inductiva_widgets.errors import ConfigurationError, InputError, TaskError
from inductiva_widgets.tasks import Task, _log_source_http, _tail
from inductiva_widgets.tasks._log_stream import LogChunk, LogSubscription, StreamState
from tests.unit.conftest import wire_task
from tests.unit.tasks.fake_log_server import Disk, until


@pytest.fixture
def readers(monkeypatch):
    """Return the listeners by file, and let a test act while the printing waits."""
    feeds = {}
    world = SimpleNamespace(steps=[], ended=[])

    def follow(_task, name, listener):
        feeds[name] = listener
        return LogSubscription(lambda: world.ended.append(name))

    def sleep(_seconds):
        if world.steps:
            world.steps.pop(0)(feeds)
            return
        for feed in feeds.values():
            feed.on_state(StreamState(is_finished=True))

    monkeypatch.setattr(_tail, "subscribe", follow)
    monkeypatch.setattr(_kernel, "sleep_and_process_messages", sleep)
    return world


def say(name, data, follows=True):
    def step(feeds):
        feeds[name].on_data(LogChunk(data, follows))
        feeds[name].on_state(StreamState())

    return step


def printed(readers, capsys, names=("out",), lines=10, steps=()):
    readers.steps.extend(steps)
    _tail.print_and_follow(None, list(names), lines)
    return capsys.readouterr().out


def test_of_what_was_there_only_the_last_lines_are_printed(readers, capsys):
    steps = [say("out", b"1\n2\n3\n4"), say("out", b"4\n5\n")]
    assert printed(readers, capsys, lines=2, steps=steps) == "3\n44\n5\n"


def test_progress_on_one_line_passes_through(readers, capsys):
    steps = [say("out", b"10 %\r"), say("out", b"20 %\r"), say("out", b"30 %")]
    assert printed(readers, capsys, steps=steps) == "10 %\r20 %\r30 %"


def test_character_that_comes_in_two_pieces_is_whole(readers, capsys):
    steps = [say("out", b"1\n"), say("out", b"caf\xc3"), say("out", b"\xa9\n")]
    assert printed(readers, capsys, steps=steps) == "1\ncafé\n"


def test_lines_of_several_files_are_not_mixed(readers, capsys):
    steps = [
        say("out", b"one\ntw"),
        say("err", b"warn"),
        say("err", b"ing\n"),
        say("out", b"o\n"),
    ]
    text = printed(readers, capsys, names=("out", "err"), steps=steps)
    assert text == "==> out <==\none\n==> err <==\nwarning\n==> out <==\ntwo\n"


def test_gap_is_marked(readers, capsys):
    steps = [say("out", b"1\n"), say("out", b"9\n", follows=False)]
    assert printed(readers, capsys, steps=steps) == "1\n\n[...]\n9\n"


def test_what_nobody_can_read_in_time_is_left_out(readers, capsys, monkeypatch):
    monkeypatch.setattr(_tail, "_MAX_HELD", 10)

    def flood(feeds):
        for number in range(100):
            feeds["out"].on_data(LogChunk(b"%d\n" % number, True))
        feeds["out"].on_state(StreamState())

    text = printed(readers, capsys, steps=[say("out", b"begin\n"), flood])
    assert text.startswith("begin\n\n[...]\n")
    assert text.endswith("98\n99\n")
    assert len(text) < 40


def test_trouble_is_told_once_and_does_not_end_it(readers, capsys):
    def trouble(feeds):
        feeds["out"].on_state(StreamState(error=TaskError("The connection was lost.")))

    readers.steps.extend([say("out", b"1\n"), trouble, trouble, say("out", b"2\n")])
    _tail.print_and_follow(None, ["out"], 10)
    shown = capsys.readouterr()
    assert shown.out == "1\n2\n"
    assert shown.err.count("The connection was lost.") == 1


def test_error_at_the_end_is_raised_where_there_is_nothing_else(readers, capsys):
    def fail(feeds):
        for feed in feeds.values():
            feed.on_state(StreamState(is_finished=True, error=TaskError("no output")))

    readers.steps.append(fail)
    with pytest.raises(TaskError, match="no output"):
        _tail.print_and_follow(None, ["out", "err"], 10)


def test_missing_package_is_not_waited_for(readers):
    def fail(feeds):
        feeds["out"].on_state(StreamState(error=ConfigurationError("pip install")))

    readers.steps.append(fail)
    with pytest.raises(ConfigurationError):
        _tail.print_and_follow(None, ["out"], 10)


def test_interrupt_ends_the_interest(readers, capsys):
    def interrupt(_feeds):
        raise KeyboardInterrupt

    readers.steps.append(interrupt)
    with pytest.raises(KeyboardInterrupt):
        _tail.print_and_follow(None, ["out"], 10)
    assert readers.ended == ["out"]


@pytest.mark.parametrize("lines", [-1, 1.5, True, "3"])
def test_bad_count_is_refused(service, lines):
    with pytest.raises(InputError, match="lines"):
        Task("t1", client=service(wire_task("t1"))).tail_files(lines=lines)


@pytest.fixture
def disk():
    disk = Disk()
    yield disk
    disk.task.update(status="killed", is_terminated=True)
    disk.end()


def test_last_lines_are_found_however_long_they_are(disk, capsys):
    long = b"x" * 100_000
    disk.files["stdout.txt"] = long + b"\n" + long + b"\n10 %\r20 %\nend"
    Task("t1", client=disk.client).tail_files("stdout.txt", lines=3)
    lines = capsys.readouterr().out.split("\n")
    assert [len(line) for line in lines] == [100_000, 9, 3, 0]


def test_wait_waits_for_the_computation(disk, capsys, monkeypatch):
    disk.task["status"] = "submitted"
    disk.files["stdout.txt"] = b"one\n"
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        disk.task["status"] = "computation-started"

    monkeypatch.setattr(_kernel, "sleep_and_process_messages", sleep)
    task = Task("t1", client=disk.client)
    task.refresh()
    task._state.expire()
    monkeypatch.setattr("inductiva_widgets.tasks.working_files._PERIOD", 0.0)
    task.tail_files("stdout.txt", wait=True)
    assert slept
    assert capsys.readouterr().out == "one\n"


@pytest.mark.parametrize("status", ["pending-input", "submitted", "started"])
def test_task_that_does_not_compute_yet_has_no_last_lines(disk, capsys, status):
    disk.task["status"] = status
    with pytest.raises(TaskError, match="has not started computing yet"):
        Task("t1", client=disk.client).tail_files()
    assert capsys.readouterr().out == ""


def test_running_task_is_followed_over_http(disk, capsys, monkeypatch):
    monkeypatch.setattr(_log_source_http, "_MAX_AGE_GROWING", 0.0)
    monkeypatch.setattr(_log_source_http.HttpLogSource, "pause", 0.02)
    disk.files["stdout.txt"] = b"1\n2\n3\n"
    plan = iter([b"4\n", b"5"])

    def sleep(_seconds):
        until(lambda: disk.asked)
        more = next(plan, None)
        if more is None:
            disk.task.update(status="killed", is_terminated=True)
        else:
            disk.files["stdout.txt"] += more
        count = len(disk.asked)
        until(lambda: len(disk.asked) > count or disk.task["is_terminated"])

    monkeypatch.setattr(_kernel, "sleep_and_process_messages", sleep)
    Task("t1", client=disk.client).tail_files("stdout.txt", lines=100, follow=True)
    assert capsys.readouterr().out == "1\n2\n3\n4\n5"
