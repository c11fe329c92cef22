"""The table's column "metric": which logs are read for it, and what its lines are told."""

import threading

import pytest

from inductiva_widgets.errors import InputError
from inductiva_widgets.tasks import get
from inductiva_widgets.widgets import log_metrics
from inductiva_widgets.widgets.log_metrics import _on_new_watch
from tests.unit.conftest import wire_task
from tests.unit.widgets.fake_watches import FakeWatch
from tests.unit.widgets.test_task_list import ask, query, record
from tests.unit.widgets.test_visibility import tell

RUNNING = "computation-started"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Answer and tell on the test's thread; no poller runs."""

    def spawn(action, on_error, name):
        try:
            action()
        except Exception as error:  # the double of a thread's last resort
            on_error(error)

    monkeypatch.setattr("inductiva_widgets.widgets.base.run_in_thread", spawn)
    monkeypatch.setattr(log_metrics, "PERIOD", 0.0)
    monkeypatch.setattr(threading.Thread, "start", lambda _: None)
    monkeypatch.setattr(threading.Timer, "start", lambda timer: timer.function(*timer.args))


@pytest.fixture
def tasks(service):
    def make(*statuses):
        wires = [wire_task(f"t{n}", status) for n, status in enumerate(statuses)]
        client = service(*wires)
        client.transport.is_embedded = True
        return get(last_n=1000, client=client)

    return make


@pytest.fixture
def seen(tasks):
    """Return a function that makes a table in sight."""

    def make(*statuses, **options):
        table = tasks(*statuses).widget(**options)
        tell(table, "a", True)
        return table

    return make


WITH = {"columns": ["status", "metric"]}


def test_nothing_is_read_while_the_column_is_not_shown(seen, kernel):
    table = seen(RUNNING, "success")
    assert "metric" not in table.columns
    assert kernel.quiet == []
    table.columns = ["status", "metric"]
    assert kernel.reading == ["t0"]
    table.columns = ["status"]
    assert kernel.reading == []


def test_nothing_is_read_while_the_table_is_out_of_sight(seen, kernel):
    table = seen(RUNNING, **WITH)
    assert kernel.reading == ["t0"]
    tell(table, "a", False)
    assert kernel.reading == []


def test_line_is_told_its_metric_alone(seen, kernel):
    table = seen(RUNNING, RUNNING, **WITH)
    sent = record(table)
    kernel.quiet[1].read(p=1.0)
    (push,) = sent
    (patch,) = push["rows"]
    assert set(patch) == {"id", "metric"}
    assert (patch["id"], patch["metric"]["last"]) == ("t1", 1.0)
    kernel.quiet[1].notify_subscribers()
    assert len(sent) == 1, "what has not changed is not sent again"


def test_line_that_is_asked_for_later_has_its_metric(seen, kernel):
    table = seen(RUNNING, **WITH)
    kernel.quiet[0].read(p=1.0)
    (line,) = ask(table, "rows", start=0, stop=10)["result"]["lines"]
    assert line["metric"]["points"] == [(1, 1.0)]


def test_patch_of_a_status_does_not_carry_the_metric(seen, kernel):
    table = seen(RUNNING, RUNNING, **WITH)
    kernel.quiet[0].read(p=1.0)
    sent = record(table)
    task = table.tasks[0]
    task.client.transport.tasks["t0"].update(wire_task("t0", "computation-ended"))
    task.refresh()
    table._show_tasks([task])
    (patch,) = sent[0]["rows"]
    assert "status" in patch
    assert "metric" not in patch


def test_no_more_are_read_than_the_limit_and_those_sent_last_come_first(seen, kernel):
    table = seen(*[RUNNING] * 40, **WITH)
    assert kernel.reading == [f"t{n}" for n in range(log_metrics.MAX_AUTOMATIC_WATCHES)]
    ask(table, "rows", start=30, stop=40)
    assert set(kernel.reading) == {
        f"t{n}" for n in range(30, 30 + log_metrics.MAX_AUTOMATIC_WATCHES)
    }


def test_task_whose_simulator_is_not_known_is_not_read_for_a_line(seen, kernel, monkeypatch):
    monkeypatch.setattr(log_metrics, "preset_for", lambda _: None)
    table = seen(RUNNING, **WITH)
    assert kernel.quiet == []
    watch = FakeWatch(table.tasks[0], q=[2.0])
    kernel.made.append(watch)
    table._metrics.update()
    _on_new_watch(watch)
    assert table.get_state("first_rows")["first_rows"][0]["metric"]["name"] == "q"


def test_column_is_there_from_the_beginning_where_a_task_is_watched(tasks, kernel):
    listed = tasks(RUNNING, "success")
    assert "metric" not in listed.widget().columns
    kernel.made.append(FakeWatch(listed[0], p=[1.0]))
    columns = listed.widget().columns
    assert columns[columns.index("phases") + 1] == "metric"
    assert "metric" not in listed.widget(columns=["status"]).columns


@pytest.mark.parametrize(
    "how",
    [{"sort": "metric"}, {"sort": "-metric"}, {"metric": "p"}, {"metric": (0, 1)}],
)
def test_list_is_neither_sorted_nor_filtered_by_it(seen, kernel, how):
    table = seen(RUNNING)
    with pytest.raises(InputError, match=r"Cannot sort or filter by metric.*task\.metrics"):
        table.query(**how)


def test_page_is_told_so_too(seen, kernel):
    table = seen(RUNNING)
    assert ask(table, "facet", key="metric")["ok"] is False
    by_metric = query(sort={"key": "metric", "descending": False})
    assert ask(table, "query", query=by_metric)["ok"] is False


def test_open_card_gets_what_is_read_and_a_closed_one_no_more(seen, kernel):
    table = seen(RUNNING)
    assert ask(table, "open", task_id="t0")["result"]["log_metrics"] is None or kernel.quiet
    sent = record(table)
    kernel.quiet[0].read(p=3.0)
    (push,) = sent
    assert (push["push"], push["task_id"]) == ("log_metrics", "t0")
    assert push["log_metrics"]["series"][0]["last"] == 3.0
    # Opened in a second view of the same table.
    assert ask(table, "open", task_id="t0")["result"]["log_metrics"] == push["log_metrics"]
    ask(table, "close", task_id="t0")
    assert kernel.reading == ["t0"]
    ask(table, "close", task_id="t0")
    assert kernel.reading == []


def test_closed_table_reads_nothing(seen, kernel):
    table = seen(RUNNING, **WITH)
    table.close()
    assert kernel.reading == []
