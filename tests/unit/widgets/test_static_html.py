import html.parser
from datetime import timedelta

import msgspec
import pytest

from inductiva_widgets.design_tokens import phase_colour
from inductiva_widgets.models.tasks import TaskInfo
from inductiva_widgets.status import KNOWN_STATUSES
from inductiva_widgets.widgets import static_html
from inductiva_widgets.widgets.static_html.log_metrics import sparkline
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


def test_card_says_the_status_in_text_and_html():
    for status in KNOWN_STATUSES:
        task = info(status=status)
        assert f"{task.task_id}: {task.alias}" in static_html.task_text(task, NOW)
        assert task.alias in Tags(static_html.task_html(task, NOW)).text


def test_card_text_has_the_main_facts():
    text = static_html.task_text(
        info(metrics={"output_total_files": 6, "output_size_bytes": 2048}), NOW
    )
    for expected in ("splishsplash", "c2-standard-16", "0:00:10", "6 files, 2.00 KiB"):
        assert expected in text


def test_card_text_tells_why_it_failed():
    text = static_html.task_text(info(status="failed", error_detail="exit code 1\nERROR 209"), NOW)
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
    for text in (static_html.task_html(task, NOW), static_html.list_html([task], NOW, 1)):
        parsed = Tags(text)
        assert "img" not in parsed.tags
        assert HOSTILE[:39] in parsed.text


def test_list_shows_its_first_rows_and_says_how_many_there_are():
    many = [info(task_id=f"t{i}") for i in range(60)]
    parsed = Tags(static_html.list_html(many, NOW, 60))
    assert parsed.tags.count("tr") == 21
    assert "first 20 of 60" in parsed.text
    assert Tags(static_html.list_html(many[:50], NOW, 50)).tags.count("tr") == 51
    assert "No tasks" in static_html.list_html([], NOW, 0)


WORDS = [{"name": "stderr.txt", "text": "\x1b[31mmesh\x1b[0m is <tangled>\r\n\x07"}]


def test_failed_card_gives_the_last_words_as_text():
    task = info(status="failed", error_detail="exit code 1")
    shown = static_html.task_html(task, NOW, WORDS)
    assert "mesh is <tangled>" in Tags(shown).text
    assert "    mesh is <tangled>" in static_html.task_text(task, NOW, WORDS)
    for control in "\x1b\x07\r":
        assert control not in shown + static_html.task_text(task, NOW, WORDS)


def test_card_names_its_commands():
    operation = {
        "name": "exec_command",
        "status": "FAILED",
        "attributes": {"command": "swmm5 <model.inp>", "exit_code": 209},
        "start_timestamp": START.isoformat(),
        "end_timestamp": (START + timedelta(seconds=3)).isoformat(),
    }
    task = info(status_history=[{"status": "computation-started", "operations": [operation]}])
    for text in (Tags(static_html.task_html(task, NOW)).text, static_html.task_text(task, NOW)):
        assert "swmm5 <model.inp>   (exit code 209, 3.0 s)" in text


def test_ended_card_says_how_to_get_its_files():
    task = info()
    line = f'inductiva.Task("{task.task_id}").download_outputs()'
    assert line in static_html.task_text(task, NOW)
    assert line in Tags(static_html.task_html(task, NOW)).text
    assert "download_outputs" not in static_html.task_text(info(status="submitted"), NOW)


def test_card_of_a_task_that_goes_on_says_of_when_it_is():
    assert "As of" in static_html.task_text(info(status="submitted"), NOW)
    assert "As of" not in static_html.task_text(info(), NOW)


def test_static_card_has_role_and_label_of_the_live_card():
    shown = static_html.task_html(info(status="killed"), NOW)
    assert ' aria-label="Task n7pbtxunxqzuca6nwe9v0gn75"' in shown
    assert 'role="status" data-status="killed"' in shown


def test_static_html_is_kept_from_being_typeset_as_tex():
    named = info(status="killed", simulator=r"$\href{javascript:alert(1)}{x}$")
    card = static_html.task_html(named, NOW)
    assert card.startswith('<section class="tex2jax_ignore mathjax_ignore" ')
    assert card.count("<section") == card.count("</section>") == 1
    assert card.endswith("</section>")


def test_phase_bar_of_a_failed_task_has_the_phase_that_failed_in_red():
    bar = static_html.task_html(info(status="failed"), NOW).partition('title="computing')[2]
    assert f"background:{phase_colour('failed')} " in bar.partition("</span>")[0]
    assert phase_colour("failed") not in static_html.task_html(info(status="killed"), NOW)


def test_long_values_are_cut_and_stay_on_their_line():
    task = info(simulator="x" * 10_000, project="a\nb", error_detail="e" * 10_000, status="failed")
    text = static_html.task_text(task, NOW)
    assert max(map(len, text.splitlines())) < 4100
    assert "Project           a b" in text
    assert len(static_html.list_html([task], NOW, 1)) < 2500


def test_list_sums_up_all_of_its_tasks():
    totals = {"counts": {"ok": 20, "bad": 40}, "cost": 1.25, "seconds": 600.0, "growth": None}
    text = Tags(static_html.list_html([info()], NOW, 60, totals)).text
    assert "60 tasks · 20 succeeded · 40 failed · computation 0:10:00 · cost $1.25" in text
    assert "as of" not in text
    totals["counts"] = {"run": 1, "ok": 59}
    assert "as of" in Tags(static_html.list_html([info()], NOW, 60, totals)).text


DOWNLOAD = {
    "phase": "done", "bytes_done": 2048, "bytes_total": 2048, "files_done": 1, "files_total": 1,
    "speed": None, "eta": None, "files": [], "path": "out/<b>", "error": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "Downloaded 1 file, 2.00 KiB, to"),
        ({"phase": "cancelled", "bytes_done": 5}, "Cancelled at 5 B of 2.00 KiB; calling again"),
        (
            {"phase": "failed", "bytes_done": 5, "error": {"detail": "disk is full: sda"}},
            "calling again goes on from there. disk is full: sda",
        ),
        ({"phase": "running", "bytes_done": 5}, "5 B of 2.00 KiB, running"),
    ],
)
def test_download_text_has_the_result(change, expected):
    download = {**DOWNLOAD, **change}
    assert expected in static_html.download_text("Outputs of task t1", download)
    parsed = Tags(static_html.download_html("Outputs of task t1", download))
    assert expected in parsed.text
    assert ("out/<b>" in parsed.text) == (download["phase"] == "done")


def live(**fields):
    points = [(0, 1.0), (1, None), (2, 0.01), (3, 0.1)]
    series = {
        "name": "p",
        "last": 0.1,
        "non_finite": "",
        "low": 0.01,
        "high": 1.0,
        "points": points,
        "gaps": [],
        "extent": (0, 3),
        "is_log": True,
    }
    view = {
        "source": "residuals",
        "series": [series],
        "samples": 4,
        "progress": 0.375,
        "ends": None,
        "last_output": None,
        "can_grow": True,
        "conditions": [],
        "note": "",
        "error": None,
    }
    return {**view, **fields}


def test_static_card_of_watched_task_has_last_values_and_sparkline():
    task = info(status="killed")
    text = static_html.task_text(task, NOW, live=live(note="Killed: p > 1"))
    for words in ("Progress: 38%", "p: 0.1", "Killed: p > 1"):
        assert words in text
    html = static_html.task_html(task, NOW, live=live())
    assert Tags(html).tags.count("svg") == 1
    # A gap where there was no number, and the range over the height on a logarithmic scale.
    assert 'd="M2.0 2.0M106.0 22.0L158.0 12.0"' in html


def test_static_card_describes_series_without_numbers():
    series = {**live()["series"][0], "last": None, "points": []}
    shown = live(series=[series], progress=None)
    assert "p: no value" in static_html.task_text(info(), NOW, live=shown)
    assert "svg" not in Tags(static_html.task_html(info(), NOW, live=shown)).tags


def gap(text="nan since step 41", start=41, end=500):
    return {"kind": text.partition(" ")[0], "start": start, "end": end, "text": text}


@pytest.mark.parametrize(
    ("last", "non_finite", "gaps", "expected"),
    [
        (None, "nan", [gap()], "p: nan since step 41"),
        (None, "-inf", [gap("-inf since <b>"), gap("-inf since i 9")], "p: -inf since i 9"),
        (None, "nan", [], "p: nan"),
        (0.5, "", [gap("nan for 9 samples from <b>")], "p: 0.5 (nan for 9 samples from <b>)"),
        (0.5, "", [gap("nan for 1 sample"), gap()], "p: 0.5 (nan for 1 sample, and 1 more"),
    ],
)
def test_static_card_of_a_series_that_is_not_finite_says_since_when(
    last, non_finite, gaps, expected
):
    part = {"last": last, "non_finite": non_finite, "gaps": gaps, "extent": (1, 500)}
    shown = live(series=[{**live()["series"][0], **part}])
    assert expected in static_html.task_text(info(), NOW, live=shown)
    assert expected.removeprefix("p: ") in Tags(static_html.task_html(info(), NOW, live=shown)).text


def test_static_curve_of_40_finite_samples_of_500_takes_its_share_of_the_width():
    drawing = sparkline([(1, 1.0), (40, 0.5), (41, None)], gaps=[gap()], extent=(1, 500))
    # 39 of 499 steps over 156 pixels, and the band to the end.
    assert 'd="M2.0 2.0L14.2 22.0"' in drawing
    assert 'd="M14.5 12h143.5"' in drawing


def test_static_card_shows_the_conditions_of_a_watch():
    condition = {"text": "Stops if p > 1 <b>", "state": "p is 0.1"}
    shown = live(conditions=[condition])
    assert "Stops if p > 1 <b>: p is 0.1" in static_html.task_text(info(), NOW, live=shown)
    assert (
        "Stops if p > 1 <b>: p is 0.1" in Tags(static_html.task_html(info(), NOW, live=shown)).text
    )


def test_sparkline_of_constant_series_is_in_the_middle():
    assert 'd="M2.0 12.0L158.0 12.0"' in sparkline([(1, 5.0), (2, 5.0)])


def test_log_text_is_escaped():
    series = {**live()["series"][0], "name": HOSTILE}
    error = {"title": HOSTILE, "detail": HOSTILE, "report": HOSTILE}
    shown = live(source=HOSTILE, series=[series], note=HOSTILE, error=error)
    assert "img" not in Tags(static_html.task_html(info(), NOW, live=shown)).tags
