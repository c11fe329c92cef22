"""A canary key and the signatures of links are searched for wherever something might show them."""

import logging
import re
import traceback

import nbformat
import pytest
from nbclient import NotebookClient

from inductiva_widgets import connect, errors, simulators, tasks
from inductiva_widgets.widgets import TaskListWidget, TaskWidget
from tests.integration.conftest import KEY

SIGNATURE = re.compile(r"signature=[0-9a-zA-Z_-]{8}")


def assert_clean(text: str) -> None:
    assert KEY not in text
    assert not SIGNATURE.search(text)


@pytest.fixture
def task(client, short_storm):
    task = simulators.SWMM().run(short_storm)
    task.wait(0.1, silent_mode=True, download_std_on_completion=False)
    return task


def test_the_search_would_find_a_key_and_a_signature(client, task):
    with pytest.raises(AssertionError):
        assert_clean(f"...{KEY}...")
    with pytest.raises(AssertionError):
        assert_clean(task.get_output_url())


def test_logs_at_debug_show_neither(client, short_storm, caplog):
    caplog.set_level(logging.DEBUG)
    task = simulators.SWMM().run(short_storm)
    task.wait(0.1, silent_mode=True)
    task.download_outputs()
    tasks.get(3)
    assert "/signed/" in caplog.text
    assert_clean(caplog.text)


def test_reprs_traits_and_bundles_show_neither(client, task):
    for value in (client, client.transport, client.settings, task, task.info, tasks.get(2)):
        assert_clean(repr(value) + str(value))
    for widget in (TaskWidget(task), TaskListWidget([task])):
        assert_clean(str(widget.get_state()) + str(widget._repr_mimebundle_()))


def test_errors_show_neither_with_all_their_causes(client, server_url, task, monkeypatch):
    found = []
    link = f"{server_url}/signed/x?" + "signature" + "=abcdefghijkl"
    for attempt in (
        lambda: tasks.Task("nope").get_info(),
        lambda: connect("http://127.0.0.1:9", api_key=KEY).list_tasks(),
        lambda: task.client.transport.upload(link, list),
        lambda: task.download_outputs(["nothing-like-this"]),
    ):
        with pytest.raises(errors.InductivaError) as caught:
            attempt()
        found.append("".join(traceback.format_exception(caught.value)))
    assert len(found) == 4
    for text in found:
        assert_clean(text)


def test_saved_notebook_shows_neither(server_url, short_storm, monkeypatch, tmp_path):
    monkeypatch.setenv("INDUCTIVA_API_URL", server_url)
    monkeypatch.setenv("INDUCTIVA_API_KEY", KEY)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    code = f"""import inductiva_widgets as inductiva
task = inductiva.simulators.SWMM().run({str(short_storm)!r})
display(task)
task.wait()
task.download_outputs()
inductiva.tasks.get(3)"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    runner = NotebookClient(notebook, timeout=60, store_widget_state=True)
    runner.resources = {"metadata": {"path": str(tmp_path)}}
    runner.execute()
    saved = nbformat.writes(notebook)
    assert "application/vnd.jupyter.widget-state+json" in saved
    assert "In Queue" in saved or "Success" in saved
    assert_clean(saved)
