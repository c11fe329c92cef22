"""The list's half in the kernel, without a kernel: doubles record what would be sent."""

import gc
import json
import threading

import pytest
from pandas.testing import assert_frame_equal

from inductiva_widgets.downloads.download import Download
from inductiva_widgets.errors import DownloadCancelled, DownloadError, InputError, ServerError
from inductiva_widgets.polling import get_poller
from inductiva_widgets.polling import poller as follow_module
from inductiva_widgets.tasks import TaskList, get
from inductiva_widgets.widgets import TaskListWidget, base, selection_actions, table_controller
from inductiva_widgets.widgets import task_list as module
from tests.unit.conftest import at, wire_task

REAL_START = threading.Thread.start


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Run requests on the caller's thread, and pollers by hand."""

    def spawn(action, on_error, name):
        try:
            action()
        except Exception as error:  # the double of a thread's last resort
            on_error(error)

    def start(thread):
        if thread.name != "inductiva-poller":
            REAL_START(thread)

    monkeypatch.setattr(base, "run_in_thread", spawn)
    monkeypatch.setattr(selection_actions, "run_in_thread", spawn)
    monkeypatch.setattr(threading.Thread, "start", start)
    monkeypatch.setattr(module, "_REORDER_PERIOD", 0.0)
    monkeypatch.setattr(follow_module, "PERIOD", 0.0)


@pytest.fixture
def table(service):
    def make(*tasks, **options):
        client = service(*tasks)
        return get(last_n=1000, client=client).widget(**options), client

    return make


def many(n, status="success"):
    return [wire_task(f"t{i}", status) for i in range(n)]


class Comm:
    """Stands for the comm: keeps what it is given."""

    comm_id = "c1"
    kernel = True

    def __init__(self):
        self.sent = []

    def send(self, data=None, metadata=None, buffers=None):
        self.sent.append(data)

    def on_msg(self, callback):
        pass

    def close(self, *_, **__):
        pass


def plugged(widget):
    widget.comm = comm = Comm()
    comm.sent.clear()
    return comm


def record(widget):
    sent = []

    def note(message, buffers=None):
        if message["method"] == "custom":
            sent.append(message["content"])

    widget._send = note
    return sent


def ask(widget, kind, **payload):
    sent = record(widget)
    widget._handle_custom_msg({"id": "r1", "kind": kind, **payload}, [])
    (reply,) = [message for message in sent if message.get("id") == "r1"]
    return reply


def ids(tasks):
    return [task.id for task in tasks]


def query(**changes):
    view = {
        "search": "",
        "status_groups": [],
        "filters": {},
        "sort": None,
        "group": None,
        "collapsed": [],
    }
    return {**view, **changes}


# Rows and queries


def test_first_lines_are_there_and_the_others_come_when_asked(table):
    widget, _ = table(*many(120))
    assert (widget.total, len(widget.first_rows), widget.query_result["lines"]) == (120, 20, 120)
    result = ask(widget, "rows", start=100, stop=150)["result"]
    assert [line["id"] for line in result["lines"]] == [f"t{i}" for i in range(100, 120)]
    assert (result["version"], result["start"]) == (widget.query_result["version"], 100)


@pytest.mark.parametrize(
    "window",
    [
        {},
        {"start": -1, "stop": 5},
        {"start": 5, "stop": 1},
        {"start": "0", "stop": 2},
        {"start": False, "stop": True},
    ],
)
@pytest.mark.parametrize("kind", ["rows", "select"])
def test_bad_window_is_refused(table, kind, window):
    widget, _ = table(*many(3))
    if kind == "select" and not window:
        window = {"start": 1}
    assert ask(widget, kind, **window, on=True)["ok"] is False


def test_window_is_bounded(table):
    widget, _ = table(*many(700))
    assert len(ask(widget, "rows", start=0, stop=10**9)["result"]["lines"]) == 500


def test_query_of_the_page_is_shown_and_is_there_for_python(table):
    tasks = [wire_task(f"t{i}", "failed" if i % 2 else "success") for i in range(6)]
    widget, _ = table(*tasks)
    changed = query(status_groups=["bad"], sort={"key": "task_id", "descending": True})
    assert ask(widget, "query", query=changed)["ok"]
    assert [line["id"] for line in widget.first_rows] == ["t5", "t3", "t1"]
    assert widget.query_result["query"] == changed
    assert widget.aggregates["counts"] == {"ok": 3, "bad": 3}
    assert isinstance(widget.filtered, TaskList)
    assert ids(widget.filtered) == ["t5", "t3", "t1"]
    assert widget.filtered[0] is widget.tasks[5]
    names = {"tasks": widget.tasks}
    exec(widget.pandas_code, names)
    assert list(names["df"].index) == ["t5", "t3", "t1"]


def test_query_of_python_is_what_the_page_would_send(table):
    widget, _ = table(*many(3))
    widget.query("t1", sort="-cost_usd", group="project", status="success")
    there = widget.query_result["query"]
    widget.query()
    assert widget.query_result["query"] == query()
    ask(widget, "query", query=there)
    assert [line.get("id") for line in widget.first_rows] == [None, "t1"]


@pytest.mark.parametrize("wrong", [None, {"sort": {"key": "x", "descending": True}}])
def test_query_that_makes_no_sense_is_refused_and_changes_nothing(table, wrong):
    widget, _ = table(*many(3))
    before = widget.query_result
    assert ask(widget, "query", query=wrong)["ok"] is False
    assert widget.query_result == before


def test_facet_gives_values_and_refuses_what_is_no_column(table):
    widget, _ = table(*many(2), wire_task("x", simulator="swmm"))
    facet = ask(widget, "facet", key="simulator")["result"]
    assert facet["values"][0] == {"value": "splishsplash", "count": 2}
    assert ask(widget, "facet", key="__class__")["ok"] is False


def test_columns_and_mode_are_checked(table):
    widget, _ = table(*many(1), columns=["task_id", "cost_usd"], mode="timeline")
    assert (widget.columns, widget.mode) == (["task_id", "cost_usd"], "timeline")
    for wrong in (
        {"column_widths": {"status": 0}},
        {"column_widths": {"status": "9px"}},
        {"columns": ["colour"]},
        {"mode": "pie"},
        {"columns": [3]},
    ):
        with pytest.raises(InputError):
            TaskListWidget([], **wrong)
    with pytest.raises(InputError):
        widget.columns = ["colour"]


def test_empty_table_is_fine():
    widget = TaskListWidget([])
    assert (widget.total, widget.first_rows, widget.aggregates["counts"]) == (0, [], {})
    assert widget.pandas_code == "df = tasks.to_frame()"
    assert "No tasks found." in widget._repr_mimebundle_()[0]["text/plain"]


def test_long_list_sums_up_after_its_first_lines(table, monkeypatch):
    work = []
    monkeypatch.setattr(module, "run_in_thread", lambda action, on_error, name: work.append(action))
    monkeypatch.setattr(module, "_FIRST_MESSAGE_TIMEOUT", 0.0)
    monkeypatch.setattr(table_controller, "_MAX_AGGREGATED_AT_ONCE", 3)
    short, _ = table(*many(3))
    assert short.aggregates["counts"] == {"ok": 3}
    assert work == []
    widget, client = table(*many(3), wire_task("live", "computation-started"))
    assert (len(widget.first_rows), widget.total, widget.aggregates["counts"]) == (4, 4, {})
    assert (
        "computation" not in widget._repr_mimebundle_()[0]["text/html"].lower().split("</table>")[1]
    )
    work[0]()
    assert widget.aggregates["counts"] == {"run": 1, "ok": 3}
    assert widget.query_result["first"] is not None
    assert "4 tasks" in widget._repr_mimebundle_()[0]["text/html"]
    (subscription,) = widget._subscriptions
    assert set(subscription.tasks) == {"live"}
    client.transport.tasks["live"].update(wire_task("live", "success"))
    get_poller(client).poll_once()
    assert widget.aggregates["counts"] == {"ok": 4}


def test_long_list_that_was_closed_at_once_follows_nothing(table, monkeypatch):
    work = []
    monkeypatch.setattr(module, "run_in_thread", lambda action, on_error, name: work.append(action))
    monkeypatch.setattr(table_controller, "_MAX_AGGREGATED_AT_ONCE", 0)
    widget, client = table(wire_task("live", "computation-started"))
    widget.close()
    work[0]()
    assert not get_poller(client).has_work()


def test_twins_of_a_long_list_stay_short(table):
    data, _ = table(*many(500))[0]._repr_mimebundle_()
    assert "The first 20 of 500 tasks." in data["text/plain"]
    assert "t20" not in data["text/plain"]


# Selection


def test_selection_by_ids_by_lines_and_all(table):
    widget, _ = table(*many(5))
    view = ask(widget, "select", ids=["t3"], on=True)["result"]
    assert (view["tasks"], view) == (1, widget.selection)
    ask(widget, "select", start=0, stop=2, on=True)
    assert ids(widget.selected) == ["t0", "t1", "t3"]
    assert ask(widget, "rows", start=1, stop=4)["result"]["selected"] == ["t1", "t3"]
    ask(widget, "select", ids=["t0"], on=False)
    widget.query("t4")
    assert widget.selection["hidden"] == 2
    ask(widget, "select", on=True)
    assert ids(widget.selected) == ["t4", "t1", "t3"]
    ask(widget, "select", on=False)
    assert ids(widget.selected) == []


@pytest.mark.parametrize(
    "wrong", [{"on": 1}, {"ids": ["t9"], "on": True}, {"ids": "t1", "on": True}]
)
def test_selection_that_makes_no_sense_is_refused(table, wrong):
    widget, _ = table(*many(2))
    assert ask(widget, "select", **wrong)["ok"] is False
    assert widget.selection["tasks"] == 0


# News


LONG = "n7pbtxunxqzuca6nwe9v0gn"


@pytest.mark.parametrize("status", ["computation-ended", "success"])
def test_one_change_among_a_hundred_is_at_most_400_bytes(table, status):
    tasks = [
        wire_task(f"{LONG}{i:02}", "computation-started", estimated_computation_cost=0.25)
        for i in range(100)
    ]
    widget, client = table(*tasks)
    ask(widget, "rows", start=0, stop=100)
    del widget._send
    comm = plugged(widget)
    changed = wire_task(f"{LONG}42", status, estimated_computation_cost=0.25)
    client.transport.tasks[f"{LONG}42"].update(changed)
    get_poller(client).poll_once()
    told = [data.get("content", data.get("state")) for data in comm.sent]
    size = sum(len(json.dumps(content, separators=(",", ":"))) for content in told)
    (push,) = [content for content in told if "push" in content]
    assert [row["id"] for row in push["rows"]] == [f"{LONG}42"]
    assert sorted(set().union(*told) - {"push", "rows"}) == ["aggregates"]
    assert size <= 400, told


def test_line_that_the_page_does_not_have_is_not_sent(table):
    widget, client = table(*many(100, "computation-started"))
    sent = record(widget)
    client.transport.tasks["t42"].update(wire_task("t42", "success"))
    get_poller(client).poll_once()
    assert sent == []
    assert widget.aggregates["counts"] == {"run": 99, "ok": 1}


def test_news_do_not_overtake_lines_that_are_on_their_way(table):
    widget, client = table(*many(3, "computation-started"))
    result = widget._handlers["rows"]({"start": 0, "stop": 3})
    client.transport.tasks["t1"].update(wire_task("t1", "success"))
    get_poller(client).poll_once()
    sent = record(widget)
    widget.send({"id": "r1", "ok": True, "result": result})
    assert sent[0]["result"]["lines"][1]["status"] == "success"


def test_page_that_comes_back_gets_the_head_as_it_is_now(table):
    widget, client = table(*many(3, "computation-started"))
    client.transport.tasks["t1"].update(wire_task("t1", "success"))
    get_poller(client).poll_once()
    assert widget.get_state()["first_rows"][1]["status"] == "success"


def test_lines_keep_their_places_for_a_while(table, monkeypatch):
    monkeypatch.setattr(module, "_REORDER_PERIOD", 1e9)
    widget, client = table(*many(3, "computation-started"))
    widget.query(status_group="run")
    client.transport.tasks["t1"].update(wire_task("t1", "success"))
    get_poller(client).poll_once()
    assert (widget.query_result["lines"], widget.aggregates["counts"]) == (3, {"run": 2, "ok": 1})
    monkeypatch.setattr(module, "_REORDER_PERIOD", 0.0)
    version = widget.query_result["version"]
    get_poller(client).poll_once()
    assert [line["id"] for line in widget.first_rows] == ["t0", "t2"]
    assert widget.query_result["version"] == version + 1


def test_last_news_are_not_put_off(table, monkeypatch):
    monkeypatch.setattr(module, "_REORDER_PERIOD", 1e9)
    widget, client = table(*many(1, "computation-started"))
    widget.query(status_group="run")
    client.transport.tasks["t0"].update(wire_task("t0", "success"))
    get_poller(client).poll_once()
    assert widget.query_result["lines"] == 0


def test_news_that_move_no_line_send_no_shape(table):
    widget, client = table(*many(3, "computation-started"))
    shapes = []
    widget.observe(shapes.append, ["query_result", "first_rows"])
    client.transport.tasks["t1"].update(wire_task("t1", "success"))
    get_poller(client).poll_once()
    assert shapes == []


def test_only_live_tasks_are_watched(table):
    widget, client = table(*many(50), wire_task("live", "submitted"))
    (subscription,) = widget._subscriptions
    assert list(subscription.tasks) == ["live"]
    _ended, client = table(*many(50))
    assert not get_poller(client).has_work()


# Cards


def test_opened_card_gets_news_until_it_is_closed(table):
    widget, client = table(*many(3, "computation-started"))
    assert ask(widget, "open", task_id="t1")["result"]["view"]["id"] == "t1"
    sent = record(widget)
    client.transport.tasks["t1"].update(wire_task("t1", "failed"))
    get_poller(client).poll_once()
    assert [m["view"]["status"] for m in sent if m.get("push") == "card"] == ["failed"]
    ask(widget, "close", task_id="t1")
    assert widget._open == set()


# New tasks


def submit(client, *tasks):
    client.transport.tasks = {**{t["task_id"]: t for t in tasks}, **client.transport.tasks}


def test_new_tasks_appear_at_the_head_and_keep_query_selection_and_cards(table):
    widget, client = table(*many(3, "computation-started"), follow=True)
    assert widget.is_following
    old = widget.tasks[0]
    ask(widget, "select", ids=["t1"], on=True)
    ask(widget, "open", task_id="t2")
    widget.query(status_group="run")
    record(widget)
    submit(client, wire_task("n1", "computation-started"), wire_task("n0"))
    get_poller(client).poll_once()
    assert (widget.total, ids(widget.tasks)[:3]) == (5, ["n1", "n0", "t0"])
    assert widget.tasks[2] is old
    assert [line["id"] for line in widget.first_rows] == ["n1", "t0", "t1", "t2"]
    assert (ids(widget.selected), widget._open) == (["t1"], {"t2"})
    client.transport.tasks["n1"].update(wire_task("n1", "failed"))
    get_poller(client).poll_once()
    assert widget.aggregates["counts"] == {"run": 3, "ok": 1, "bad": 1}


def test_page_turns_following_on_and_off(table):
    widget, client = table(*many(2))
    assert not get_poller(client).has_work()
    assert ask(widget, "follow", on=True)["ok"]
    assert get_poller(client).has_work()
    assert ask(widget, "follow", on=False)["ok"]
    assert widget.is_following is False
    assert not get_poller(client).has_work()
    assert ask(widget, "follow", on="yes")["ok"] is False


def test_list_of_no_service_cannot_follow():
    assert ask(TaskListWidget([]), "follow", on=True)["ok"] is False


def test_listing_that_found_nothing_can_follow(service):
    client = service(wire_task("t0"))
    widget = get(status="failed", client=client).widget(follow=True)
    submit(client, wire_task("n0", create_time=at(10**10)))
    get_poller(client).poll_once()
    assert ids(widget.tasks) == ["n0"]


def test_closed_list_leaves_nothing_behind(table):
    widget, client = table(*many(3, "computation-started"), follow=True)
    poller = get_poller(client)
    interests = list(widget._subscriptions)
    widget.close()
    assert [interest.is_cancelled for interest in interests] == [True, True]
    assert not poller.has_work()
    del interests
    gc.collect()
    assert len(poller._subscriptions) == 0


# All that is selected


def pushed_errors(sent):
    return [message for message in sent if message.get("push") == "error"]


def test_kill_of_the_selection_reaches_those_that_can_be_killed(table):
    widget, client = table(*many(3, "computation-started"), wire_task("done"))
    ask(widget, "select", on=True)
    assert ask(widget, "kill_selected")["result"] == {"tasks": 3}
    kills = sorted(call for call in client.transport.requests if call.endswith("/kill"))
    assert kills == [f"POST /tasks/t{i}/kill" for i in range(3)]


def test_kill_of_nothing_that_lives_is_refused(table):
    widget, _ = table(*many(3))
    ask(widget, "select", on=True)
    assert "ended" in ask(widget, "kill_selected")["error"]["detail"]


@pytest.mark.parametrize("failing", [1, 5])
def test_failed_kills_are_reported_as_one_error(table, failing):
    widget, client = table(*many(6, "computation-started"))

    def refuse():
        raise ServerError("Down for maintenance.", status=503)

    for i in range(failing):
        client.transport.hooks[f"POST /tasks/t{i}/kill"] = refuse
    ask(widget, "select", on=True)
    sent = record(widget)
    widget._handle_custom_msg({"id": "r1", "kind": "kill_selected"}, [])
    (push,) = pushed_errors(sent)
    if failing == 1:
        assert (push["task_id"], push["error"]["detail"]) == ("t0", "Down for maintenance.")
    else:
        assert push["task_id"] == ""
        assert push["error"]["title"] == "5 of 6 tasks could not be killed"
        assert push["error"]["detail"].count("Down for maintenance.") == 3
        assert push["error"]["detail"].endswith("… and 2 more")


@pytest.fixture
def downloads(monkeypatch):
    """Let downloads go on until ``end`` is set; return what was begun."""
    begun = []

    class Work:
        def __init__(self, tasks):
            self.tasks, self.end, self.error = ids(tasks), threading.Event(), None

        def __call__(self, tally):
            stop = threading.Event()
            tally.cancel_token.on_cancel(stop.set)
            tally.cancel_token.on_cancel(self.end.set)
            assert self.end.wait(10)
            if stop.is_set():
                raise DownloadCancelled("stopped")
            if self.error is not None:
                raise self.error
            return ["folder"]

    def start(tasks):
        work = Work(tasks)
        begun.append((work, Download(work, "inductiva_output").start()))
        return begun[-1][1]

    monkeypatch.setattr(TaskList, "start_download", start)
    yield begun
    for work, _ in begun:
        work.end.set()


def test_download_of_the_selection_updates_the_trait(table, downloads):
    widget, _ = table(*many(3), wire_task("live", "submitted"))
    ask(widget, "select", on=True)
    assert ask(widget, "download_selected")["ok"]
    ((work, download),) = downloads
    assert work.tasks == ["t0", "t1", "t2"]
    assert ask(widget, "pause_download")["ok"]
    assert widget.download["phase"] == "paused"
    assert ask(widget, "resume_download")["ok"]
    assert widget.download["phase"] == "running"
    refused = ask(widget, "download_selected")
    assert "is running" in refused["error"]["detail"]
    work.end.set()
    download.result(10)
    assert widget.download["phase"] == "done"


@pytest.mark.parametrize("way", ["cancelled", "failed"])
def test_resume_restarts_a_finished_download_with_the_same_tasks(table, downloads, way):
    widget, _ = table(*many(3))
    ask(widget, "select", ids=["t1"], on=True)
    ask(widget, "download_selected")
    work, download = downloads[0]
    if way == "cancelled":
        ask(widget, "cancel_download")
    else:
        work.error = DownloadError("The disk is full.")
        work.end.set()
    assert download._ended.wait(10)
    assert widget.download["phase"] == way
    ask(widget, "select", on=False)
    assert ask(widget, "resume_download")["ok"]
    assert [work.tasks for work, _ in downloads] == [["t1"], ["t1"]]
    assert widget.download["phase"] == "running"


def test_download_of_nothing_is_refused(table, downloads):
    widget, _ = table(wire_task("live", "submitted"))
    ask(widget, "select", on=True)
    assert "output files" in ask(widget, "download_selected")["error"]["detail"]
    assert ask(widget, "resume_download")["ok"] is False
    assert ask(widget, "pause_download")["ok"]
    assert downloads == []


def test_filtered_as_a_frame_is_what_pandas_finds(table):
    tasks = [
        wire_task(f"t{i}", "failed" if i % 2 else "success", estimated_computation_cost=float(i))
        for i in range(6)
    ]
    widget, _ = table(*tasks)
    changed = query(status_groups=["bad"], sort={"key": "task_id", "descending": True})
    assert ask(widget, "query", query=changed)["ok"]
    frame = widget.tasks.to_frame()
    found = frame[frame["status"] == "failed"].sort_index(ascending=False)
    assert_frame_equal(widget.filtered.to_frame(), found)


def test_tasks_of_a_frame_show_at_once_and_live_ones_come_up_to_date(table):
    listed, client = table(wire_task("done"), wire_task("live", "submitted"))
    frame = listed.tasks.to_frame()
    listed.close()
    client.transport.calls.clear()
    widget = TaskList.from_frame(frame, client).widget()
    assert [line["has_outputs"] for line in widget.first_rows] == [True, False]
    assert widget.aggregates["counts"] == {"ok": 1, "wait": 1}
    assert client.transport.calls == []
    client.transport.tasks["live"] = wire_task("live")
    get_poller(client).poll_once()
    assert widget.aggregates["counts"] == {"ok": 2}
