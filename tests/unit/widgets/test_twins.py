import html.parser
from datetime import timedelta

import msgspec
import pytest

from inductiva_widgets.models import TaskInfo
from inductiva_widgets.status import KNOWN_STATUSES
from inductiva_widgets.widgets import twins
from tests.unit.conftest import START, wire_task

NOW = START + timedelta(seconds=60)
HOSTILE = '<img src=x onerror="alert(1)">&amp;\u202e'


def info(**fields):
    return msgspec.json.decode(msgspec.json.encode(wire_task(**fields)), type=TaskInfo)


class Tags(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("status", KNOWN_STATUSES)
def test_card_says_the_status_in_text_and_html(status):
    task = info(status=status)
    assert f"{task.task_id}: {task.alias}" in twins.task_text(task, NOW)
    assert task.alias in Tags(twins.task_html(task, NOW)).text


def test_card_text_tells_what_people_ask():
    text = twins.task_text(info(metrics={"output_total_files": 6, "output_size_bytes": 2048}), NOW)
    for expected in ("splishsplash", "c2-standard-16", "0:00:10", "6 files, 2.00 KiB"):
        assert expected in text


def test_card_text_tells_why_it_failed():
    text = twins.task_text(info(status="failed", error_detail="exit code 1\nERROR 209"), NOW)
    assert "exit code 1" in text
    assert "    ERROR 209" in text


def test_values_never_become_markup():
    task = info(
        status="failed",
        simulator=HOSTILE,
        project=HOSTILE,
        status_alias=HOSTILE,
        error_detail=f"{HOSTILE}\n{HOSTILE}",
        executer={"vm_type": HOSTILE},
    )
    for text in (twins.task_html(task, NOW), twins.list_html([task], NOW)):
        parsed = Tags(text)
        assert "img" not in parsed.tags
        assert HOSTILE in parsed.text


def test_list_shows_its_first_rows_and_says_how_many_there_are():
    many = [info(task_id=f"t{i}") for i in range(60)]
    parsed = Tags(twins.list_html(many, NOW))
    assert parsed.tags.count("tr") == 51
    assert "first 50 of 60" in parsed.text
    assert "No tasks" in twins.list_html([], NOW)
