"""Stretches of logs: where they begin and end, and what is said where there is nothing."""

import io

import pytest

from inductiva_widgets import errors
from inductiva_widgets.errors import InputError
from inductiva_widgets.http.transport import FileRange
from inductiva_widgets.tasks import Task
from inductiva_widgets.widgets import log_view as logs
from inductiva_widgets.widgets.log_view import log_view
from tests.unit.conftest import wire_task

KIB = 1 << 10


class Disk:
    """The embedded server's half: ends of files, that may grow between two looks."""

    def __init__(self, client):
        self.files = {}
        self.grows_by = b""
        client.transport.is_embedded = True
        client.transport.get_range = self.get_range
        self.asked = []

    def get_range(self, path, params):
        name = path.rpartition("/")[2]
        self.asked.append(params)
        if name not in self.files:
            raise errors.NotFoundError("no such file", status=404, endpoint=f"GET {path}")
        data = self.files[name]
        self.files[name] += self.grows_by
        self.grows_by = b""
        if "after" in params:
            part = data[params["after"] :][: params["most"]]
        else:
            part = data[max(0, len(data) - params["tail_bytes"]) :]
        return FileRange(part, len(data), None)


@pytest.fixture
def disk(service):
    client = service(wire_task("t1", "computation-started"))
    disk = Disk(client)
    disk.task = Task("t1", client=client)
    return disk


def end(disk):
    disk.task.client.transport.tasks["t1"].update(wire_task("t1", "success"))
    disk.task.get_info()


def look(disk, name="stdout.txt", **more):
    return log_view(disk.task, {"name": name, **more})


def test_short_log_comes_whole(disk):
    disk.files["stdout.txt"] = b"one\ntwo\n"
    assert look(disk) == {
        "name": "stdout.txt",
        "edition": "file",
        "text": "one\ntwo\n",
        "start": 0,
        "stop": 8,
        "size": 8,
        "can_grow": True,
        "note": "",
    }


def test_end_of_a_long_log_is_begun_at_a_line(disk):
    disk.files["stdout.txt"] = b"".join(b"line %06d\n" % n for n in range(20_000))
    view = look(disk)
    assert view["text"].startswith("line 0")
    assert view["text"].endswith("line 019999\n")
    assert 63 * KIB < len(view["text"]) <= 64 * KIB
    assert view["stop"] == view["size"] == 240_000
    assert view["start"] == 240_000 - len(view["text"])


def test_stretch_that_begins_at_a_line_by_itself_loses_none(disk):
    line = b"x" * 1023 + b"\n"
    disk.files["stdout.txt"] = line * 100
    assert look(disk)["start"] == 36 * KIB


def test_line_without_end_is_cut_between_characters(disk):
    disk.files["stdout.txt"] = "é".encode() * 40_000 + b"x"
    view = look(disk)
    assert set(view["text"]) == {"é", "x"}
    assert "�" not in view["text"]


def test_what_follows_joins_what_was_seen(disk):
    disk.files["stdout.txt"] = b"one\n"
    seen = look(disk)
    disk.files["stdout.txt"] += b"two\n"
    more = look(disk, after=seen["stop"])
    assert (more["start"], more["text"], more["stop"]) == (4, "two\n", 8)
    assert look(disk, after=8)["text"] == ""


def test_any_cut_of_the_log_gives_the_same_text(disk):
    whole = "añb€c𝄞d\n".encode()
    for cut in range(len(whole) + 1):
        disk.files["stdout.txt"] = whole[:cut]
        first = look(disk)
        disk.files["stdout.txt"] = whole
        text = first["text"] + look(disk, after=first["stop"])["text"]
        assert text == "añb€c𝄞d\n", cut


def test_bytes_that_are_no_text_are_replaced_and_counted(disk):
    disk.files["stdout.txt"] = b"a\xffb"
    view = look(disk)
    assert (view["text"], view["stop"]) == ("a�b", 3)


def test_character_that_never_became_whole_is_replaced_after_the_end(disk):
    disk.files["stdout.txt"] = b"a\xe2\x82"
    assert (look(disk)["text"], look(disk)["stop"]) == ("a", 1)
    end(disk)
    view = look(disk, after=1)
    assert (view["text"], view["stop"], view["can_grow"]) == ("�", 3, False)


def test_log_that_became_shorter_is_read_from_its_end(disk):
    disk.files["stdout.txt"] = b"new\n"
    view = look(disk, after=100)
    assert (view["start"], view["text"], view["stop"]) == (0, "new\n", 4)


def test_log_that_ran_away_is_taken_up_at_its_end(disk):
    disk.files["stdout.txt"] = b"0123456\n" * (1 << 17)
    view = look(disk, after=8)
    assert view["start"] > 8
    assert view["stop"] == view["size"] == 1 << 20
    assert 63 * KIB < len(view["text"]) <= 64 * KIB
    assert len(disk.asked) == 1


def test_what_precedes_ends_where_it_was_asked_to(disk):
    disk.files["stdout.txt"] = b"".join(b"line %06d\n" % n for n in range(20_000))
    last = look(disk)
    before = look(disk, before=last["start"])
    assert before["stop"] == last["start"]
    assert before["text"].endswith("\n")
    whole = before["text"] + last["text"]
    assert whole.encode() == disk.files["stdout.txt"][before["start"] :]
    assert look(disk, before=12)["text"] == "line 000000\n"


def test_log_that_grows_between_two_looks_is_read_where_it_was_asked_for(disk):
    disk.files["stdout.txt"] = b"".join(b"line %06d\n" % n for n in range(20_000))
    disk.grows_by = b"x" * 200_000
    assert look(disk, before=120)["text"] == "".join(f"line {n:06d}\n" for n in range(10))


def test_beginning_of_a_huge_log_is_read_where_it_lies_while_it_runs(disk):
    disk.files["stdout.txt"] = b"first line\n" + bytes(17 << 20)
    assert look(disk, before=11)["text"] == "first line\n"
    assert disk.asked[1:] == [{"after": 0, "most": 11}]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("pending-input", "uploaded"),
        ("submitted", "waits in the queue"),
        ("started", "prepares"),
        ("computation-started", "Nothing has been written to stdout.txt yet"),
    ],
)
def test_where_there_is_nothing_yet_it_says_so(disk, status, words):
    disk.task.client.transport.tasks["t1"].update(wire_task("t1", status))
    view = look(disk)
    assert words in view["note"]
    assert (view["text"], view["size"], view["can_grow"]) == ("", 0, True)


def test_log_that_stayed_empty_says_so(disk):
    disk.files["stderr.txt"] = b""
    end(disk)
    view = look(disk, "stderr.txt")
    assert view["note"] == "Nothing was written to stderr.txt."
    assert view["can_grow"] is False


def test_log_of_the_cloud_begins_with_the_computation(service):
    task = Task("t1", client=service(wire_task("t1", "started")))
    view = log_view(task, {"name": "stdout.txt"})
    assert "begins with the computation" in view["note"]
    assert view["can_grow"] is True
    count = len(task.client.transport.calls)
    log_view(task, {"name": "stdout.txt", "after": 0})
    assert len(task.client.transport.calls) == count, "a look at the note costs no request"


def test_log_of_the_cloud_says_what_it_needs_and_waits_for_the_end(service, monkeypatch):
    def needs(*_, **__):
        raise errors.ConfigurationError('pip install "inductiva-widgets[live]"')

    monkeypatch.setattr(logs, "open_text", needs)
    task = Task("t1", client=service(wire_task("t1", "computation-started")))
    view = log_view(task, {"name": "stdout.txt"})
    assert "[live]" in view["note"]
    assert view["can_grow"] is True


def test_log_between_the_computation_and_the_end_says_what_is_waited_for(disk):
    disk.task.client.transport.tasks["t1"].update(wire_task("t1", "computation-ended"))
    assert "being stored" in look(disk)["note"]


def test_any_text_file_of_a_running_task_is_read(disk):
    disk.files["energy.csv"] = b"1,2\n"
    assert look(disk, "energy.csv")["text"] == "1,2\n"


def test_places_of_another_edition_mean_nothing(disk):
    disk.files["stdout.txt"] = b"one\ntwo\n"
    seen = look(disk)
    assert look(disk, after=4, edition=seen["edition"])["text"] == "two\n"
    fresh = look(disk, after=4, edition="live-7")
    assert (fresh["text"], fresh["start"], fresh["edition"]) == ("one\ntwo\n", 0, seen["edition"])
    assert look(disk, before=4, edition="live-7")["text"] == "one\ntwo\n"


def test_after_the_end_the_log_is_read_out_of_the_archive(service, monkeypatch):
    task = Task("t1", client=service(wire_task("t1")))
    opened = []

    def open_output(name):
        opened.append(name)
        return io.BytesIO(b"done\n")

    monkeypatch.setattr(task, "open_output", open_output)
    view = log_view(task, {"name": "log/SPH.txt"})
    assert (view["text"], view["can_grow"]) == ("done\n", False)
    assert opened == ["log/SPH.txt"]


def test_packed_log_that_is_too_long_is_not_inflated(service, monkeypatch):
    task = Task("t1", client=service(wire_task("t1")))
    monkeypatch.setattr(task, "open_output", lambda _: io.BytesIO(b"x" * 100))
    monkeypatch.setattr(logs, "_MAX_ARCHIVED_SIZE", 99)
    view = log_view(task, {"name": "stdout.txt"})
    assert view["note"] == "stdout.txt must have at most 99 B to be shown, got 100 B. Download it."


def test_task_without_outputs_says_why(service):
    task = Task("t1", client=service(wire_task("t1", "zombie", storage_output_path=None)))
    view = log_view(task, {"name": "stdout.txt"})
    assert "machine terminated in queue" in view["note"]
    assert view["can_grow"] is False


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"name": 3},
        {"name": ""},
        {"name": "stdout.txt", "after": -1},
        {"name": "stdout.txt", "before": "7"},
        {"name": "stdout.txt", "after": True},
        {"name": "../../etc/passwd"},
        {"name": "/etc/passwd"},
        {"name": "log/./a.txt"},
        {"name": "stdout.txt", "edition": 3},
    ],
)
def test_request_that_makes_no_sense_is_refused(disk, content):
    with pytest.raises(InputError):
        log_view(disk.task, content)
    assert disk.asked == []
