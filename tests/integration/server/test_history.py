"""The task history against the real server: live tasks, submissions meanwhile, another demo."""

from __future__ import annotations

import threading

import pytest

from inductiva_widgets import tasks
from inductiva_widgets.errors import StaleHistoryWarning
from inductiva_widgets.history import sync
from inductiva_widgets.http import default_client as connecting
from tests.integration.server.conftest import until


@pytest.fixture
def connect(monkeypatch):
    """Return a maker of clients, the last one being the default."""
    monkeypatch.setattr(connecting, "_default", None)
    # Many pages of few tasks, between which much may happen.
    monkeypatch.setattr(sync, "PER_PAGE", 20)
    return lambda server: connecting.connect(server.url, api_key=server.key)


def asked(frame):
    return frame.attrs["inductiva"]["requests"]


def test_history_is_the_listing_while_tasks_are_submitted(make_server, connect):
    server = make_server("--capacity", "1")
    connect(server)
    before = [server.submit("python x.py") for _ in range(90)][::-1]
    stop = threading.Event()
    new: list[str] = []

    def submit():
        while not stop.is_set():
            new.append(server.submit("python x.py"))

    thread = threading.Thread(target=submit)
    thread.start()
    try:
        for _ in range(8):
            count = len(new)
            known = [*new[:count][::-1], *before]
            found = list(tasks.history().index)
            assert len(set(found)) == len(found)
            assert found[len(found) - len(known) :] == known
    finally:
        stop.set()
        thread.join()
    for task_id in before[::7]:
        server.call("POST", f"/tasks/{task_id}/kill")
    tasks.Task(before[3]).set_metadata({"case": "harbour"})
    frame = tasks.history(metadata=True)
    listed = tasks.get_all().to_frame(metadata=True)
    still = [name for name in listed.columns if not name.endswith("_time")]
    assert frame[still].equals(listed[still])
    assert frame.loc[before[3], "metadata.case"] == "harbour"
    assert set(frame.loc[before[::7], "status"]) == {"killed"}


@pytest.mark.extended
def test_demo_is_kept_and_its_live_tasks_go_on(make_server, connect):
    demo = make_server("--replay", "--speed", "100", "--seed", "5")
    client = connect(demo)
    first = tasks.history()
    assert asked(first) >= 520 // 20

    def some_have_ended():
        return len(tasks.get_all(status="success")) > (first["status"] == "success").sum()

    until(some_have_ended, "a live task to end")
    second = tasks.history()
    assert asked(second) <= 5
    assert second.index.is_unique
    assert set(first.index) <= set(second.index)
    ended = first.index[first["ended"].notna()]
    listed = tasks.get_all().to_frame()
    assert second.loc[ended, "ended"].equals(listed.loc[ended, "ended"])
    demo.end()
    with pytest.warns(StaleHistoryWarning, match="as of"):
        offline = tasks.history(client=client)
    assert list(offline.index) == list(second.index)


@pytest.mark.extended
def test_demo_of_another_seed_shows_nothing_of_the_one_before(make_server, connect, tmp_path):
    folder = tmp_path / "demo"
    demo = make_server("--replay", "--seed", "5", data_dir=folder)
    connect(demo)
    first, key = tasks.history(), demo.key
    demo.end()
    other = make_server("--replay", "--seed", "6", data_dir=folder)
    assert other.key != key
    connect(other)
    second = tasks.history()
    assert len(second) >= 520
    # The demo goes on submitting.
    assert set(second.index) <= set(tasks.get_all().to_frame().index)
    assert not first["created"].isin(second["created"]).all()
