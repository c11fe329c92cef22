"""A growing file is read once for all listeners: here over HTTP, as from the embedded server."""

import io

import pytest

from inductiva_widgets.errors import InductivaError, NotFoundError, TaskError
from inductiva_widgets.tasks import Task, _log_source, _log_source_http, _log_stream
from inductiva_widgets.tasks._log_stream import subscribe
from tests.unit.tasks.fake_log_server import MODIFIED, Disk, Ear, readers_of, until


@pytest.fixture
def disk(monkeypatch):
    for module in (_log_stream, _log_source_http):
        monkeypatch.setattr(module, "PERIOD", 0.02)
    monkeypatch.setattr(_log_source_http.HttpLogSource, "pause", 0.02)
    monkeypatch.setattr(_log_source_http, "_MAX_AGE_GROWING", 0.02)
    disk = Disk()
    yield disk
    # Readers notice the end and go.
    disk.task.update(status="killed", is_terminated=True)
    until(lambda: not readers_of(disk.client))
    disk.end()


@pytest.fixture
def task(disk):
    return Task("t1", client=disk.client)


def test_file_is_read_from_its_beginning_and_while_it_grows(disk, task):
    disk.files["stdout.txt"] = b"one\n"
    ear = Ear()
    interest = subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.text == b"one\n")
    disk.files["stdout.txt"] += b"two\nthr"
    ear.until(lambda: ear.text == b"one\ntwo\nthr")
    assert all(piece.follows for piece in ear.chunks)
    ear.until(lambda: ear.states)
    assert ear.states[-1].last_output.timestamp() == MODIFIED
    interest.cancel()
    until(lambda: not readers_of(disk.client))


def test_file_that_is_not_there_yet_is_waited_for(disk, task):
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.states)
    assert "not there yet" in ear.states[0].note
    disk.files["stdout.txt"] = b"one\n"
    ear.until(lambda: ear.text == b"one\n")


def test_listeners_share_a_reader_and_late_ones_get_what_came(disk, task):
    disk.files["stdout.txt"] = b"one\n"
    first, second = Ear(), Ear()
    interest = subscribe(task, "stdout.txt", first)
    first.until(lambda: first.text == b"one\n")
    subscribe(task, "stdout.txt", second)
    second.until(lambda: second.text == b"one\n")
    assert second.chunks[0].follows
    assert readers_of(disk.client) == ["stdout.txt"]
    disk.files["stdout.txt"] += b"two\n"
    for ear in (first, second):
        ear.until(lambda ear=ear: ear.text == b"one\ntwo\n")
    interest.cancel()
    disk.files["stdout.txt"] += b"three\n"
    second.until(lambda: second.text.endswith(b"three\n"))
    assert first.text == b"one\ntwo\n"


def test_bytes_that_were_there_before_a_listener_joined_are_marked_for_it_alone(disk, task):
    disk.files["stdout.txt"] = b"one\n"
    first, second = Ear(), Ear()
    subscribe(task, "stdout.txt", first)
    first.until(lambda: first.text == b"one\n")
    assert [piece.is_backlog for piece in first.chunks] == [True]
    disk.files["stdout.txt"] += b"two\n"
    first.until(lambda: first.text == b"one\ntwo\n")
    subscribe(task, "stdout.txt", second)
    second.until(lambda: second.text == b"one\ntwo\n")
    stream = _log_stream._streams[task.client, "t1", "stdout.txt"]
    until(lambda: not stream._catching_up)
    disk.files["stdout.txt"] += b"three\n"
    for ear, is_backlog in ((first, [True, False, False]), (second, [True, True, False])):
        ear.until(lambda ear=ear: ear.text.endswith(b"three\n"))
        assert [piece.is_backlog for piece in ear.chunks] == is_backlog


def test_bytes_of_the_first_look_after_a_listener_joined_are_no_news_to_it(disk, task):
    class Slow(Ear):
        """Joins a second listener while what was written is not read yet."""

        def on_state(self, state):
            super().on_state(state)
            if len(self.states) == 1:
                subscribe(task, "stdout.txt", second)
                disk.files["stdout.txt"] += b"two\n"

    disk.files["stdout.txt"] = b"one\n"
    first, second = Slow(), Ear()
    subscribe(task, "stdout.txt", first)
    second.until(lambda: second.text == b"one\ntwo\n")
    assert all(piece.is_backlog for piece in second.chunks)
    assert [piece.is_backlog for piece in first.chunks] == [True, False]


def test_bytes_of_a_file_that_came_later_are_news(disk, task):
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.states)
    disk.files["stdout.txt"] = b"one\n"
    ear.until(lambda: ear.text == b"one\n")
    assert not ear.chunks[0].is_backlog


def test_look_that_fails_does_not_make_news_of_what_was_there_before(disk, task):
    disk.files["stdout.txt"] = b"one\n"
    disk.is_broken = True
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.states)
    disk.is_broken = False
    ear.until(lambda: ear.text == b"one\n")
    assert ear.chunks[0].is_backlog


def test_listener_that_fails_harms_no_other(disk, task):
    class Deaf(Ear):
        def on_data(self, piece):
            raise RuntimeError("deaf")

    disk.files["stdout.txt"] = b"one\n"
    subscribe(task, "stdout.txt", Deaf())
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.text == b"one\n")
    disk.files["stdout.txt"] += b"two\n"
    ear.until(lambda: ear.text == b"one\ntwo\n")


def test_of_a_long_file_the_end_is_read(disk, task):
    disk.files["stdout.txt"] = b"x" * _log_source.BACKLOG + b"y" * 10
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.text.endswith(b"y"))
    assert len(ear.text) == _log_source.BACKLOG
    assert not ear.chunks[0].follows


def test_file_that_grows_too_fast_is_read_at_its_end(disk, task):
    disk.files["stdout.txt"] = b"one\n"
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.text == b"one\n")
    disk.files["stdout.txt"] += b"x" * 3 * _log_source.BUDGET + b"end\n"
    ear.until(lambda: ear.text.endswith(b"end\n"))
    assert [piece.follows for piece in ear.chunks] == [True, False]
    assert len(ear.chunks[1].data) == _log_source.FLOOD
    disk.files["stdout.txt"] += b"calm again\n"
    ear.until(lambda: ear.text.endswith(b"calm again\n"))
    assert ear.chunks[-1][:2] == (b"calm again\n", True)


def test_file_begun_anew_is_read_anew(disk, task):
    disk.files["stdout.txt"] = b"one\ntwo\n"
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.chunks)
    disk.files["stdout.txt"] = b"new\n"
    ear.until(lambda: len(ear.chunks) == 2)
    assert ear.chunks[1][:2] == (b"new\n", False)
    disk.files["stdout.txt"] += b"more\n"
    ear.until(lambda: len(ear.chunks) == 3)
    assert ear.chunks[2][:2] == (b"more\n", True)


def test_failing_service_is_told_and_tried_again(disk, task):
    disk.files["stdout.txt"] = b"one\n"
    disk.is_broken = True
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.states)
    assert "500" in str(ear.states[0].error)
    disk.is_broken = False
    ear.until(lambda: ear.text == b"one\n")
    ear.until(lambda: ear.states[-1].error is None)


def test_end_comes_after_all_was_read(disk, task):
    disk.files["stdout.txt"] = b"one\n"
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.text == b"one\n")
    disk.files["stdout.txt"] += b"x" * (_log_source.BUDGET + 5)
    disk.task.update(status="success", is_terminated=True)
    ear.until(lambda: ear.states and ear.states[-1].is_finished)
    assert len(ear.text) == _log_source.BUDGET + 9
    assert [state.is_finished for state in ear.states].count(True) == 1


def test_rest_is_read_from_the_archive_where_the_folder_is_gone(disk, task, monkeypatch):
    monkeypatch.setattr(task, "open_output", lambda name: io.BytesIO(b"one\ntwo\n"))
    disk.files["stdout.txt"] = b"one\n"
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.text == b"one\n")
    disk.task.update(status="success", is_terminated=True)
    del disk.files["stdout.txt"]
    ear.until(lambda: ear.states and ear.states[-1].is_finished)
    assert ear.text == b"one\ntwo\n"
    assert all(piece.follows for piece in ear.chunks)


def test_task_without_outputs_ends_with_the_reason(disk, task, monkeypatch):
    def refuse(name):
        raise TaskError("no output")

    monkeypatch.setattr(task, "open_output", refuse)
    disk.task.update(status="killed", is_terminated=True)
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.states and ear.states[-1].is_finished)
    assert str(ear.states[-1].error) == "no output"


def test_unknown_task_ends_the_reading(service):
    ear = Ear()
    subscribe(Task("nobody", client=service()), "stdout.txt", ear)
    ear.until(lambda: ear.states)
    assert ear.states[-1].is_finished
    assert isinstance(ear.states[-1].error, NotFoundError)


def test_mistake_of_our_own_is_told(task, disk, monkeypatch):
    monkeypatch.setattr(_log_source_http.HttpLogSource, "poll", lambda _: 1 / 0)
    monkeypatch.setattr(_log_stream, "_log", type("Log", (), {"error": lambda *_, **__: None}))
    ear = Ear()
    interest = subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.states)
    assert isinstance(ear.states[0].error, InductivaError)
    interest.cancel()


def test_backlog_is_bounded_and_says_where_it_begins(disk, task):
    data = bytes(range(256)) * (_log_source.BACKLOG // 256)
    disk.files["stdout.txt"] = data
    ear = Ear()
    subscribe(task, "stdout.txt", ear)
    ear.until(lambda: ear.text == data)
    for _ in range(3):
        disk.files["stdout.txt"] += b"z" * (_log_source.BUDGET // 2)
        ear.until(lambda: ear.text == disk.files["stdout.txt"])
    late = Ear()
    reader, _ = _log_stream.subscribe_with_stream(task, "stdout.txt", late)
    late.until(lambda: late.states)
    assert _log_source.BACKLOG - _log_stream._PORTION <= len(late.text) <= _log_source.BACKLOG
    assert disk.files["stdout.txt"].endswith(late.text)
    assert [piece.follows for piece in late.chunks].count(False) == 1
    backlog = reader.buffer(1)
    assert backlog.start + len(backlog.data) == len(disk.files["stdout.txt"])
    assert disk.files["stdout.txt"][backlog.start :] == backlog.data
