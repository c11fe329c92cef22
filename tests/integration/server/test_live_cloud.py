"""A running task of the cloud in cards and watches: lines by WebRTC, the rest from the archive.

The embedded server answers as the peer of its tasks; behind a proxy it does not name itself, so
that it is taken for the cloud.
"""

from __future__ import annotations

import sys
import threading

import pytest

from inductiva_widgets import connect, errors
from inductiva_widgets.tasks import Task, _text_file
from inductiva_widgets.webrtc import connection, peer_session
from tests.fault_proxy import Fault, FaultProxy
from tests.integration.server.conftest import until
from tests.integration.server.test_card_logs import Card

pytestmark = pytest.mark.extended

# Prints a hundred lines by and by, each part once the test has made the file that stands for it.
SOLVE = """
import pathlib, sys, time
folder = pathlib.Path(sys.argv[1])

def wait(*names):
    while not any((folder / name).exists() for name in names):
        time.sleep(0.02)

def steps(first, last):
    for step in range(first, last):
        value = "nan" if step == 7 else 1 / step
        print(f"step {step} of café, residual {value}", flush=True)

steps(1, 41)
pathlib.Path("vtk").mkdir()
pathlib.Path("vtk/a.vtk").write_bytes(bytes(12))
print("coarse mesh", file=sys.stderr, flush=True)
wait("more", "end")
steps(41, 61)
wait("diverge", "end")
while not (folder / "end").exists():
    print("residual 5e3", flush=True)
    time.sleep(0.1)
steps(61, 101)
print("done without a line end, residual 0.5", end="", flush=True)
"""
RESIDUAL = r"residual\s+(?P<residual>\S+)"
LAST = "done without a line end, residual 0.5"
NO_AIORTC = r'pip install "inductiva-widgets\[live\]"'


@pytest.fixture
def proxy(shared, monkeypatch):
    monkeypatch.setenv("INDUCTIVA_TURN_SERVER_URL", "turn.invalid:3478")
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", None)
    with FaultProxy(shared.url) as proxy:
        proxy.faults.append(Fault(headers={"Server": "cloud"}, times=None))
        yield proxy


@pytest.fixture
def client(shared, proxy):
    """Return a client that takes the server for the cloud."""
    return connect(proxy.url, api_key=shared.key)


@pytest.fixture
def say(tmp_path):
    """Return a function that tells the program to go on."""
    return lambda *names: [(tmp_path / name).touch() for name in names]


@pytest.fixture
def solver(shared, client, tmp_path, say):
    """Return a task that has printed forty steps, and waits."""
    task_id = shared.run(f"python solve.py {tmp_path}", files={"solve.py": SOLVE})
    shared.wait(task_id, "computation-started")
    yield Task(task_id, client=client)
    say("end")
    shared.wait(task_id)


@pytest.fixture
def show(shared, client, solver):
    """Return a maker of cards in sight of the task."""
    cards = []

    def show():
        card = Card(shared, solver.id, client)
        card.ask("visible", view="a", is_visible=True)
        cards.append(card)
        return card

    yield show
    for card in cards:
        card.widget.close()


@pytest.fixture
def card(show):
    return show()


class Page:
    """What a page shows of a log: stretches of one edition, put together."""

    def __init__(self, card, name="stdout.txt"):
        self._card, self._name = card, name
        self.text, self.editions = "", []
        self.start = self.stop = 0
        self.note, self.can_grow = "", True

    def look(self):
        if self.edition:
            view = self._card.log(self._name, after=self.stop, edition=self.edition)
        else:
            view = self._card.log(self._name)
        if view["edition"] != self.edition:
            self.editions.append(view["edition"])
            self.text, self.start, self.stop = "", view["start"], view["start"]
        assert view["start"] == self.stop or not view["text"], "a gap"
        self.text += view["text"]
        self.stop = max(self.stop, view["stop"])
        self.note, self.can_grow = view["note"], view["can_grow"]
        return self

    @property
    def edition(self):
        return self.editions[-1] if self.editions else ""

    def until(self, condition, what):
        until(lambda: condition(self.look()), what)


def line(step):
    return f"step {step} of café, residual {'nan' if step == 7 else 1 / step}\n"


def lines(first, last):
    return "".join(map(line, range(first, last)))


def series(card):
    live = card.widget.log_metrics
    return {one["name"]: one for one in live["series"]} if live else {}


def offers(proxy):
    return sum(entry.path.endswith("/offer") for entry in proxy.log)


def ended(card, shared):
    told = shared.wait(card.widget.task.id)
    until(lambda: card.widget.view["is_terminal"], "the card to hear of the end")
    return told["status"]


def test_server_is_taken_for_the_cloud(solver):
    solver.refresh()
    assert not solver.client.is_local


def test_card_reads_by_itself_as_its_simulator_prints(card):
    # The server takes the program for SWMM, whose percentages it does not print.
    live = until(lambda: card.widget.log_metrics, "what is looked for")
    assert (live["source"], live["error"], live["note"]) == ("SWMM progress", None, "")


def test_card_shows_a_watch_to_the_end_and_the_archive_says_the_same(card, solver, say, shared):
    watch = solver.watch(RESIDUAL)
    until(
        lambda: card.widget.log_metrics and card.widget.log_metrics["samples"] == 40,
        "forty samples",
    )
    residual = series(card)["residual"]
    assert (residual["last"], residual["low"], residual["high"]) == (1 / 40, 1 / 40, 1.0)

    say("more")
    until(lambda: card.widget.log_metrics["samples"] == 60, "sixty samples")
    assert card.widget.log_metrics["last_output"] is not None
    assert card.widget.log_metrics["can_grow"]

    say("end")
    assert ended(card, shared) == "success"
    until(lambda: not card.widget.log_metrics["can_grow"], "the end of the reading")
    assert watch.is_finished
    assert (watch.error, watch.samples) == (None, 101)
    assert series(card)["residual"]["last"] == 0.5
    assert card.widget.log_metrics["error"] is None
    # The archive does not say when its rows were read.
    read = watch.to_frame().drop(columns="read_at")
    assert read.equals(solver.metrics(RESIDUAL).drop(columns="read_at"))


def test_log_is_followed_and_none_of_it_is_lost_or_doubled_at_the_end(card, say, shared):
    page = Page(card)
    page.until(lambda page: page.text == lines(1, 41), "forty lines")
    assert page.edition.startswith("live-")
    assert page.can_grow
    say("more")
    page.until(lambda page: page.text == lines(1, 61), "sixty lines")
    assert len(page.editions) == 1

    say("end")
    assert ended(card, shared) == "success"
    page.until(lambda page: not page.can_grow, "the end of the log")
    assert page.edition == "file"
    assert page.text == lines(1, 101) + LAST
    assert page.text == shared.output(card.widget.task.id, "stdout.txt")


def test_any_file_of_a_running_task_is_read_like_a_log(card):
    page = Page(card, "solve.py")
    page.until(lambda page: page.text.endswith("flush=True)\n"), "the program")
    assert page.text == SOLVE
    errors_page = Page(card, "stderr.txt")
    errors_page.until(lambda page: page.text == "coarse mesh\n", "stderr")


def test_files_come_by_name_without_sizes(card):
    def listed():
        files = {file["name"]: file for file in card.ask("files")["files"]}
        return files if "vtk/a.vtk" in files else None

    files = until(listed, "the files")
    assert {"solve.py", "stdout.txt", "stderr.txt"} <= {name.split("/")[-1] for name in files}
    assert all((file["size"], file["modified"]) == (None, None) for file in files.values())


def test_condition_kills_and_the_card_says_why(card, solver, say, shared):
    watch = solver.watch(RESIDUAL, stop_if="residual > 1e3 for 3 samples")
    until(lambda: watch.samples == 40, "forty samples")
    say("more", "diverge")
    assert ended(card, shared) == "killed"
    until(lambda: not card.widget.log_metrics["can_grow"], "the end of the reading")
    assert "residual > 1e3" in card.widget.log_metrics["note"]
    assert card.widget.log_metrics["error"] is None
    assert series(card)["residual"]["high"] == 5e3


def test_log_of_a_killed_task_stays(card, say, shared):
    page = Page(card)
    page.until(lambda page: page.text == lines(1, 41), "forty lines")
    card.ask("kill")
    assert ended(card, shared) == "killed"
    page.until(lambda page: not page.can_grow, "the end of the log")
    assert page.text == lines(1, 41)


def test_changes_of_the_status_are_told(solver, say):
    told = []
    solver.on_status(lambda task, status: told.append((task.id, str(status))))
    say("end")
    until(lambda: told and told[-1][1] == "success", "the end")
    assert {task_id for task_id, _ in told} == {solver.id}
    assert len(told) == len(set(told))


def test_cards_a_watch_and_a_tail_share_one_connection(show, solver, say, proxy, shared, capsys):
    cards = show(), show()
    watch = solver.watch(RESIDUAL)
    tail = threading.Thread(target=solver.tail_files, args=("stdout.txt", 1000, True))
    tail.start()
    pages = [Page(card) for card in cards]
    for card, page in zip(cards, pages, strict=True):
        page.until(lambda page: page.text == lines(1, 41), "forty lines")
        card.ask("files")
        until(lambda card=card: card.widget.log_metrics["samples"] == 40, "forty samples")
    say("more", "end")
    tail.join(30)
    assert not tail.is_alive()
    assert watch.wait(30)
    assert offers(proxy) == 1
    assert capsys.readouterr().out.rstrip("\n") == lines(1, 101) + LAST


def test_what_a_lost_connection_has_left_out_comes_from_the_archive(card, solver, say, shared):
    watch = solver.watch(RESIDUAL)
    until(lambda: watch.samples == 40, "forty samples")
    connection.run_coroutine(peer_session._sessions[solver.client, solver.id].close()).result(10)
    say("end")
    assert ended(card, shared) == "success"
    assert watch.wait(30)
    assert (watch.error, watch.samples) == (None, 101)
    # The archive does not say when its rows were read.
    read = watch.to_frame().drop(columns="read_at")
    assert read.equals(solver.metrics(RESIDUAL).drop(columns="read_at"))


def test_nothing_is_left_open_after_the_end(card, solver, say, shared, monkeypatch):
    monkeypatch.setattr(peer_session, "LINGER", 0.2)
    monkeypatch.setattr(_text_file, "KEPT", 0.2)
    Page(card).until(lambda page: page.text == lines(1, 41), "forty lines")
    say("end")
    ended(card, shared)
    key = (solver.client, solver.id)
    until(lambda: key not in peer_session._sessions, "the end of the connection")
    until(lambda: (*key, "stdout.txt") not in _text_file._kept_alive, "the end of the looks")


class TestWithoutAiortc:
    """The package for WebRTC is not installed."""

    @pytest.fixture(autouse=True)
    def _not_installed(self, monkeypatch):
        # What Python has for a module that must not be imported.
        monkeypatch.setitem(sys.modules, "aiortc", None)

    def test_card_by_itself_shows_no_error_and_asks_for_no_connection(self, card, say, proxy):
        until(lambda: card.widget.view["status"] == "computation-started", "the computation")
        say("end")
        until(lambda: card.widget.view["is_terminal"], "the end")
        assert card.widget.log_metrics is None
        assert offers(proxy) == 0

    def test_watch_says_in_the_card_what_to_install_and_reads_at_the_end(self, card, solver, say):
        watch = solver.watch(RESIDUAL)
        error = until(
            lambda: card.widget.log_metrics and card.widget.log_metrics["error"], "the error"
        )
        assert 'pip install "inductiva-widgets[live]"' in error["detail"]
        assert not watch.is_finished
        say("end")
        assert watch.wait(60)
        assert (watch.error, watch.samples) == (None, 101)
        until(lambda: card.widget.log_metrics["error"] is None, "the card without the error")

    def test_log_says_it_in_a_note_and_comes_at_the_end(self, card, say, shared):
        view = card.log()
        assert 'pip install "inductiva-widgets[live]"' in view["note"]
        assert (view["text"], view["can_grow"]) == ("", True)
        say("end")
        ended(card, shared)
        view = card.log()
        assert view["text"] == lines(1, 101) + LAST
        assert (view["note"], view["can_grow"]) == ("", False)

    @pytest.mark.parametrize("follow", [True, False])
    def test_tail_raises_what_to_install(self, solver, follow):
        with pytest.raises(errors.ConfigurationError, match=NO_AIORTC):
            solver.tail_files(follow=follow)

    def test_listing_raises_what_to_install(self, solver):
        with pytest.raises(errors.ConfigurationError, match=NO_AIORTC):
            solver.list_files()
