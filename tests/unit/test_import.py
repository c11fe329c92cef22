"""Importing the package costs nothing, and its public names are what it says they are."""

import subprocess
import sys

import pytest

import inductiva_widgets
from inductiva_widgets import _entry_points, tasks, widgets

HEAVY = (
    "pandas",
    "ipywidgets",
    "anywidget",
    "requests",
    "msgspec",
    "numpy",
    "IPython",
    "starlette",
)
PROBE = """
import socket, sys, logging, io
def refuse(*args, **kwargs): raise AssertionError("a socket was opened")
socket.socket.connect = refuse
handlers = list(logging.root.handlers)
hook = sys.excepthook
out, sys.stdout = sys.stdout, io.StringIO()
import inductiva_widgets
printed, sys.stdout = sys.stdout.getvalue(), out
assert printed == "", printed
assert logging.root.handlers == handlers
assert sys.excepthook is hook
print(*sys.modules)
"""


def _run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_loads_nothing_heavy_prints_nothing_and_opens_no_socket():
    loaded = set(_run(PROBE).split())
    assert loaded.isdisjoint(HEAVY), loaded & set(HEAVY)
    assert "inductiva_widgets.errors" not in loaded


def test_the_probe_would_notice_a_heavy_import():
    assert (
        "msgspec" in _run(PROBE.replace("import inductiva_widgets\n", "import msgspec\n")).split()
    )


@pytest.mark.parametrize("name", ["benchmarks", "events"])
def test_what_only_the_vendor_has_is_said(name):
    with pytest.raises(AttributeError, match="vendor's client has it"):
        getattr(inductiva_widgets, name)


def test_every_public_name_is_there_and_listed():
    for name in inductiva_widgets.__all__:
        assert getattr(inductiva_widgets, name) is not None
    assert dir(inductiva_widgets) == sorted(inductiva_widgets.__all__)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("download_view", widgets.DownloadWidget),
        ("outputs_view", widgets.OutputsWidget),
        ("task_view", widgets.TaskWidget),
        ("task_list_view", widgets.TaskListWidget),
        ("tasks_from_frame", tasks.TaskList.from_frame),
    ],
)
def test_entry_point_is_the_registered_object(name, expected):
    assert _entry_points.load(name) == expected


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(inductiva_widgets, "no_such_name")


def test_simulators_and_tasks_are_reached_without_importing_them_by_hand():
    code = (
        "import inductiva_widgets as inductiva; print(inductiva.simulators.SWMM(), "
        "inductiva.tasks.get.__name__)"
    )
    assert _run(code).split() == ["SWMM()", "get"]
