"""The card's log and last words, of real programs on the real server."""

from __future__ import annotations

import threading

import pytest

from inductiva_widgets import connect
from inductiva_widgets.tasks import Task
from inductiva_widgets.widgets import TaskWidget
from tests.integration.server.conftest import until

# Says one thing at a time: each when the test has made the file that stands for it.
TALK = """
import pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
out, err = sys.stdout.buffer, sys.stderr.buffer

def wait(name):
    while not (folder / name).exists():
        time.sleep(0.01)

def say(file, data):
    file.write(data)
    file.flush()

wait("begin")
say(out, "caf\\u00e9\\n".encode())
wait("bar")
for n in range(0, 101, 10):
    say(out, f"\\r{n:3d} %".encode())
say(err, b"\\x1b[33mwarning\\x1b[0m: coarse mesh\\n")
wait("half")
say(out, b"\\n5 \\xe2\\x82")
wait("other half")
say(out, b"\\xac\\n")
wait("end")
say(err, b"\\x1b[1;31mERROR 209\\x1b[0m: no junction N17\\n")
sys.exit(int(sys.argv[2]))
"""


class Card:
    """A card whose page is the test."""

    def __init__(self, server, task_id, client=None):
        client = client or connect(server.url, api_key=server.key)
        self.widget = TaskWidget(Task(task_id, client=client))
        self.replies = {}
        self.came = threading.Condition()
        self.widget.send = self.take
        self.count = 0

    def take(self, content, buffers=None):
        with self.came:
            self.replies[content.get("id")] = content
            self.came.notify_all()

    def ask(self, kind, **payload):
        self.count += 1
        request = f"r{self.count}"
        content = {"id": request, "kind": kind, "task_id": self.widget.task.id, **payload}
        self.widget._handle_custom_msg(content, [])
        with self.came:
            assert self.came.wait_for(lambda: request in self.replies, 30)
        reply = self.replies[request]
        assert reply["ok"], reply
        return reply["result"]

    def log(self, name="stdout.txt", **side):
        return self.ask("log", name=name, **side)

    def until_log_ends(self, words, **side):
        def look():
            view = self.log(**side)
            return view if view["text"].endswith(words) else None

        return until(look, f"a log that ends with {words!r}")


@pytest.fixture
def talk(shared, tmp_path, monkeypatch):
    """Return a maker of cards of a program that waits for ``say``."""
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", None)
    cards = []

    def start(code=0):
        command = f"python talk.py {tmp_path} {code}"
        task_id = shared.run(command, files={"talk.py": TALK})
        shared.wait(task_id, "computation-started")
        cards.append(Card(shared, task_id))
        return cards[-1]

    def say(*names):
        for name in names:
            (tmp_path / name).touch()

    yield start, say
    say("begin", "bar", "half", "other half", "end")
    for card in cards:
        shared.wait(card.widget.task.id)
        card.widget.close()


def test_log_is_followed_while_it_runs_and_read_the_same_after_the_end(talk, shared):
    start, say = talk
    card = start()
    first = card.log()
    assert first["note"] == "Nothing has been written to stdout.txt yet."
    assert first["can_grow"] is True

    say("begin")
    view = card.until_log_ends("\n")
    assert view["text"] == "café\n"

    say("bar")
    text = view["text"]
    more = card.until_log_ends("100 %", after=view["stop"])
    assert more["start"] == view["stop"]
    assert "\r 50 %\r" in more["text"]
    text += more["text"]
    until(
        lambda: card.log("stderr.txt")["text"] == "\x1b[33mwarning\x1b[0m: coarse mesh\n", "stderr"
    )

    say("half")
    more = card.until_log_ends("5 ", after=more["stop"])
    # Half of a character is there, and is not shown.
    until(lambda: card.log(after=more["stop"])["size"] == more["stop"] + 2, "half a character")
    text += more["text"]
    say("other half")
    more = card.until_log_ends("\n", after=more["stop"])
    assert more["text"] == "€\n"
    text += more["text"]

    say("end")
    assert shared.wait(card.widget.task.id)["status"] == "success"
    until(lambda: card.widget.view["is_terminal"], "the card to hear of the end")
    whole = card.log()
    assert (whole["text"], whole["can_grow"]) == (text, False)
    assert whole["text"] == shared.output(card.widget.task.id, "stdout.txt")
    assert card.log(before=6)["text"] == "café\n"


def test_task_that_fails_shows_its_last_words_in_the_card(talk, shared):
    start, say = talk
    card = start(code=3)
    say("begin", "bar", "half", "other half", "end")
    assert shared.wait(card.widget.task.id)["status"] == "failed"

    def failure():
        told = card.widget.view["failure"]
        return told if told is not None and told["last_words"] else None

    told = until(failure, "the last words")
    assert told["title"].startswith("The command ended with exit code 3: python talk.py")
    assert told["last_words"] == [
        {"name": "stderr.txt", "text": "warning: coarse mesh\nERROR 209: no junction N17"},
        {"name": "stdout.txt", "text": "café\n100 %\n5 €"},
    ]
    assert card.log("stderr.txt")["text"].endswith("ERROR 209\x1b[0m: no junction N17\n")
    # A card that is shown later has them too.
    later = Card(shared, card.widget.task.id)
    until(lambda: later.widget.view["failure"]["last_words"], "the last words again")
    later.widget.close()


def test_task_that_was_killed_says_so_and_its_log_can_be_read(talk, shared):
    start, say = talk
    card = start()
    say("begin")
    card.until_log_ends("café\n")
    card.ask("kill")
    assert shared.wait(card.widget.task.id)["status"] == "killed"
    until(lambda: card.widget.view["is_terminal"], "the card to hear of the kill")
    told = card.widget.view["failure"]
    assert told["advice"].startswith("Nothing needs to be corrected")
    assert told["last_words"] == []
    view = card.log()
    assert view["text"] == "café\n" or view["note"]
    assert view["can_grow"] is False
