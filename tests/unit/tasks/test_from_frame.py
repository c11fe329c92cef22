from dataclasses import replace

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from inductiva_widgets.errors import InputError
from inductiva_widgets.frames import read
from inductiva_widgets.tasks import Task, TaskList, get_all
from tests.unit.conftest import wire_task


@pytest.fixture
def client(service):
    return service(
        wire_task("a"),
        wire_task("b", "failed", estimated_computation_cost=7.0),
        wire_task("c", "submitted"),
    )


@pytest.fixture
def frame(client):
    frame = get_all(client=client).to_frame()
    client.transport.calls.clear()
    return frame


def test_tasks_are_there_in_order_without_a_request(client, frame):
    tasks = TaskList.from_frame(frame.iloc[::-1], client)
    assert [task.id for task in tasks] == ["c", "b", "a"]
    assert [str(task.info.status) for task in tasks] == ["submitted", "failed", "success"]
    assert tasks._clients() == {client}
    assert client.transport.calls == []


def test_chosen_rows_are_the_tasks_and_give_the_same_frame_again(client, frame):
    dear = frame.query("cost_usd > 5")
    assert_frame_equal(TaskList.from_frame(dear, client).to_frame(), dear)


def test_default_client_is_taken(client, frame, monkeypatch):
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", client)
    assert TaskList.from_frame(frame)[0].client is client


def test_live_task_is_brought_up_to_date(client, frame):
    task = TaskList.from_frame(frame, client)[2]
    client.transport.tasks["c"] = wire_task("c")
    assert task.refresh().status == "success"


def test_old_knowledge_of_a_frame_is_not_taken_for_fresh(client, frame):
    TaskList.from_frame(frame, client)[2].refresh(max_age=60)
    assert client.transport.requests == ["GET /tasks/c/status", "GET /tasks/c"]


def test_tasks_without_a_status_are_asked_for_when_needed(client, frame):
    tasks = TaskList.from_frame(frame[["cost_usd"]], client)
    assert client.transport.calls == []
    assert tasks[1].info.status == "failed"
    assert client.transport.requests == ["GET /tasks/b"]
    assert repr(tasks[0]) == "Task('a')"


def test_places_in_the_storage_are_asked_for(client, frame):
    task = TaskList.from_frame(frame, client)[0]
    assert task._state.last_info.has_outputs
    assert task.get_output_url() == "http://fake/signed/a/output.zip"
    assert client.transport.requests == ["GET /tasks/a", "GET /storage/signed-urls"]


def test_files_of_other_tools_are_understood(client, frame, tmp_path):
    for write, again in ((frame.to_csv, pd.read_csv), (frame.to_parquet, pd.read_parquet)):
        write(tmp_path / "tasks")
        tasks = TaskList.from_frame(again(tmp_path / "tasks"), client)
        assert_frame_equal(tasks[:2].to_frame(), frame[:2])


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".arrow", ".xlsx"])
def test_files_of_this_package_are_understood(client, frame, tmp_path, ending):
    from inductiva_widgets.frames.io import write_frames

    write_frames([frame], tmp_path / f"tasks{ending}")
    tasks = TaskList.from_frame(read(tmp_path / f"tasks{ending}"), client)
    assert_frame_equal(tasks[:2].to_frame(), frame[:2])


def test_frame_of_another_service_is_refused_and_both_are_named(client, frame):
    frame.attrs["inductiva"]["service"] = "https://api.inductiva.ai"
    with pytest.raises(InputError, match=r"api\.inductiva\.ai.*http://fake"):
        TaskList.from_frame(frame, client)


def test_embedded_server_may_have_another_port_since(client, frame):
    frame.attrs["inductiva"]["service"] = "http://127.0.0.1:40001"
    with pytest.raises(InputError, match="127"):
        TaskList.from_frame(frame, client)
    client.transport.is_embedded = True
    assert len(TaskList.from_frame(frame, client)) == 3


def test_frame_of_the_cloud_is_none_of_the_embedded_server(client, frame):
    client.transport.is_embedded = True
    frame.attrs["inductiva"]["service"] = "https://api.inductiva.ai"
    with pytest.raises(InputError, match="api"):
        TaskList.from_frame(frame, client)


def other_client(service):
    other = service(wire_task("z"))
    other.transport.settings = replace(other.settings, api_url="http://other")
    return other


def other_service(service):
    return get_all(client=other_client(service)).to_frame()


def test_frames_of_two_services_keep_them_and_are_refused(client, frame, service):
    joined = pd.concat([frame, other_service(service)])
    assert joined["service"].to_list() == ["http://fake"] * 3 + ["http://other"]
    with pytest.raises(InputError, match=r"2 services.*http://fake, http://other.*df\[df\['serv"):
        TaskList.from_frame(joined, client)
    with pytest.raises(InputError, match="2 services"):
        joined.inductiva.tasks(client)
    one = joined[joined["service"] == "http://fake"]
    assert [task.id for task in TaskList.from_frame(one, client)] == list(frame.index)


def test_joined_frame_of_another_service_is_refused(client, service):
    other = other_service(service)
    joined = pd.concat([other[:0], other])
    joined.attrs = {}
    with pytest.raises(InputError, match=r"http://other.*http://fake"):
        TaskList.from_frame(joined, client)


def test_list_of_two_services_has_the_service_of_each_row(client, service):
    other = TaskList.from_frame(other_service(service), other_client(service))
    listed = get_all(client=client)
    assert (listed[:1] + other).to_frame()["service"].to_list() == ["http://fake", "http://other"]
    # New tasks of one service in front of the rows of another.
    both = listed._prepended(other._infos(), other[0].client)
    assert both.to_frame()["service"].to_list() == ["http://other", *["http://fake"] * 3]


def test_demo_and_embedded_server_are_two_services(client, frame):
    client.transport.is_embedded = True
    local = get_all(client=client).to_frame()
    assert set(local["service"]) == {"local"}
    assert len(TaskList.from_frame(local, client)) == 3
    demo = local.assign(service="replay").set_axis(["x", "y", "z"]).rename_axis("task_id")
    assert all(task.info.is_demo for task in TaskList.from_frame(demo, client))
    with pytest.raises(InputError, match=r"2 services.*local, replay"):
        TaskList.from_frame(pd.concat([local, demo]), client)


def test_embedded_server_is_none_of_the_cloud(client, frame):
    for name in ("local", "replay"):
        with pytest.raises(InputError, match=name):
            TaskList.from_frame(frame.assign(service=name), client)


def test_frame_of_a_newer_version_is_refused(client, frame):
    frame.attrs["inductiva"] |= {"schema": 999, "version": "9.9"}
    with pytest.raises(InputError, match=r"9\.9.*pip install --upgrade"):
        TaskList.from_frame(frame, client)


@pytest.mark.parametrize("attrs", [{}, {"inductiva": "mine"}, {"inductiva": {"service": 5}}])
def test_frame_without_provenance_is_taken_for_the_client_s(client, frame, attrs):
    frame.attrs = attrs
    assert TaskList.from_frame(frame, client)[0] == Task("a", client=client)


def test_empty_frame_is_an_empty_list(client, frame):
    tasks = TaskList.from_frame(frame[:0], client)
    assert len(tasks) == 0
    assert_frame_equal(tasks.to_frame(), get_all(client=client)[:0].to_frame())


def test_tasks_that_are_made_up_say_so_again(service):
    demo = service(wire_task("a", task_metadata={"size": "3", "inductiva-widgets.data": "DEMO"}))
    frame = get_all(client=demo).to_frame()
    assert frame.attrs["inductiva"]["demo"] is True
    [task] = TaskList.from_frame(frame, demo)
    assert task.info.is_demo
    [task] = TaskList.from_frame(get_all(client=demo).to_frame(metadata=True), demo)
    assert task.info.task_metadata["size"] == "3"


def test_tasks_that_are_real_say_nothing_of_the_kind(client, frame):
    assert frame.attrs["inductiva"]["demo"] is False
    assert not any(task.info.is_demo for task in TaskList.from_frame(frame, client))
