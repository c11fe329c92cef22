"""Every notebook runs from top to bottom on the embedded server, and is stored without outputs."""

import base64
import io
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import nbformat
import PIL.Image
import pytest
from nbclient import NotebookClient

from tests.embedded import end_server

FOLDER = Path(__file__).parents[2] / "notebooks"
VIEW = "application/vnd.jupyter.widget-view+json"
CHART = "application/vnd.vegalite.v5+json"
# Those with tests of their own: one asks for an account, the other is a page.
OTHERS = {"dashboard", "real_service"}
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
# Not looked for by importing it, which may end the process.
NEEDS = {"dam_break": "pysplishsplash"}
IN_GATE = {"quickstart", "outputs"}
SHOWN = [
    pytest.param(path, id=path.stem, marks=() if path.stem in IN_GATE else pytest.mark.extended)
    for path in NOTEBOOKS
    if path.stem not in OTHERS
]


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """Return a copy of the notebooks, with an embedded server that ends with the test."""
    copy = tmp_path / "notebooks"
    shutil.copytree(FOLDER, copy)
    data = tmp_path / "local"
    monkeypatch.setenv("INDUCTIVA_LOCAL_DIR", str(data))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    yield copy
    end_server(data)
    # The demo is a server of its own beside it.
    end_server(data.with_name("local-replay"))


def executed(path):
    """Return the outputs of a notebook."""
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=300, resources=resources).execute()
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


@pytest.mark.parametrize("path", SHOWN)
def test_notebook_runs(path, workspace):
    if (needed := NEEDS.get(path.stem)) and find_spec(needed) is None:
        pytest.skip(f"{path.name} needs {needed}, which does not come for this Python or machine")
    outputs = executed(workspace / path.name)
    for output in outputs:
        assert output["output_type"] != "error"
        assert output.get("name") != "stderr", output.get("text")
    views = [output["data"] for output in outputs if VIEW in output.get("data", {})]
    assert views
    for data in views:
        # What places without a kernel show instead of the live view.
        assert {"text/plain", "text/html"} <= set(data)
    shown = [output.get("data", {"text/plain": output.get("text", "")}) for output in outputs]
    ANSWERS.get(path.stem, lambda _: None)(shown)


def history_is_answered(shown):
    """The five pictures are there, in both forms; the tables are those of the demo's tasks."""
    pictures = [data for data in shown if CHART in data]
    assert len(pictures) == 5
    for data in pictures:
        assert len(data["image/png"]) > 5000
        assert "No tasks" not in data["text/plain"]
    text = "".join(data.get("text/plain", "") for data in shown)
    for word in ("demo-breakwater", "c3d-highcpu-90", "executer-terminated-ttl-exceeded"):
        assert word in text
    assert shown[-1]["text/plain"] == "True"


def sweep_is_compared(shown):
    """Ten runs are in the chart, the eleventh was killed; more rain, more water."""
    assert re.search(r"success +10\nkilled +1\n", words(shown))
    datasets = shown[-1][CHART]["datasets"].values()
    [runs] = [rows for rows in datasets if "flooded_m3" in rows[0]]
    assert [run["rain_percent"] for run in runs] == [*range(60, 151, 10)]
    peaks, floods = ([run[key] for run in runs] for key in ("peak_m3s", "flooded_m3"))
    assert peaks == sorted(set(peaks))
    assert floods == sorted(floods)
    assert floods[0] == 0
    assert len(set(floods)) >= 8
    [flow] = [rows for rows in datasets if "flow" in rows[0]]
    assert len({row["task_id"] for row in flow}) == 10
    assert max(row["flow"] for row in flow) == peaks[-1]


def outputs_are_read_in_parts(shown):
    """Less has travelled than there is, and nothing that is whole travels twice."""
    text = words(shown)
    parts = [
        [int(number.replace(",", "")) for number in numbers]
        for numbers in re.findall(r"([\d,]+) of ([\d,]+) bytes, packed", text)
    ]
    [(rows, table), (records, binary)] = parts
    assert rows < table / 2
    assert records < binary / 5
    assert records < 500_000
    [numbers] = re.findall(r"([\d,]+) bytes of an archive of ([\d,]+)", text)
    part, archive = (int(number.replace(",", "")) for number in numbers)
    assert part < archive / 10
    [paused] = re.findall(r"<Download paused: (\d+) of \d+ bytes", text)
    assert int(paused) < binary
    [kept] = re.findall(r"(\d) of 8 files were there already", text)
    assert 5 <= int(kept) <= 7
    assert text.endswith("PosixPath('elsewhere')")
    [chart] = [data[CHART] for data in shown if CHART in data]
    [steps] = chart["datasets"].values()
    assert max(step["rain"] for step in steps) == 54
    assert 0.5 < max(step["flow"] for step in steps) < 1


def water_is_drawn(shown):
    """The moments show particles in many colours, and the film moves to its end."""
    [moments] = [data["image/png"] for data in shown if "image/png" in data]
    picture = picture_of(moments).convert("RGB")
    assert picture.width > 800
    assert len(picture.getcolors(maxcolors=1 << 20)) > 2000
    [film] = [data["image/gif"] for data in shown if "image/gif" in data]
    assert len(film) < 1_000_000
    frames = picture_of(film)
    assert frames.n_frames == 26
    seen = set()
    for number in range(frames.n_frames):
        frames.seek(number)
        seen.add(frames.convert("RGB").tobytes())
    assert len(seen) == 26


def runs_are_watched(shown):
    """One run converges, the other is killed for its residual; a third one is looked into."""
    html = "".join(data.get("text/html", "") for data in shown)
    assert "Asked to kill: residual &gt; 1e3 for 20 samples" in html
    text = words(shown)
    assert "<Status.KILLED: 'killed'>" in text
    [drawing] = [data["image/png"] for data in shown if "image/png" in data]
    assert picture_of(drawing).width > 400
    for found in (
        r"Simulating 2024-01-10",
        r"stdout.txt +\d+ B",
        r"model.out was written",
        r"%CPU",
    ):
        assert re.search(found, text)


def task_is_run_by_code(shown):
    """The task has succeeded, its metadata is a column, the second one is killed."""
    text = words(shown)
    assert re.search(r"computed for \d+\.\d s of \d+\.\d s\nswmm on local", text)
    assert re.search(r"success +0\.05\n", text)
    assert "\nTrue\n" in text
    assert "InputError: The input folder 'cases/no_such_folder' does not exist" in text
    assert text.endswith("notebooks'.")


def table_is_queried(shown):
    """All tasks are in the first table, failed ones in the second; two tasks are compared."""
    text = words(shown)
    assert "No tasks found" not in text
    assert "df = df[df[\"status\"].isin(['failed', 'killed'])]" in text
    assert re.search(r"reef3d +(failed|killed) ", text)
    assert "'project': 'demo-breakwater'" in shown[-1]["text/plain"]


def commands_answer_in_cells(shown):
    """Each command prints what it does; a simulator that is missing is named with the fix."""
    text = words(shown)
    for found in (
        r"Status: Success \(success\)",
        r"Done in [\d.]+ s",
        r"Downloaded 1 file",
        r"\d+ tasks? written to terminal\.csv",
        r"Address: +http://127\.0\.0\.1",
        r"was not found on this machine",
    ):
        assert re.search(found, text), found


def words(shown):
    return "\n".join(data.get("text/plain", "") for data in shown).strip()


def picture_of(data):
    return PIL.Image.open(io.BytesIO(base64.b64decode(data)))


ANSWERS = {
    "task_history": history_is_answered,
    "many_tasks": sweep_is_compared,
    "outputs": outputs_are_read_in_parts,
    "dam_break": water_is_drawn,
    "watching": runs_are_watched,
    "task_in_code": task_is_run_by_code,
    "table": table_is_queried,
    "command_line": commands_answer_in_cells,
}


def test_notebooks_are_stored_without_outputs():
    assert NOTEBOOKS
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            assert not cell.get("outputs"), path.name
            assert cell.get("execution_count") is None, path.name
