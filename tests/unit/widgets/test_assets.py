"""The built front end, as it goes to the page."""

import base64
import gzip
import json
import re
import subprocess
import sys

import ipywidgets
import pytest
from ipywidgets.widgets.widget import _instances

from inductiva_widgets.errors import InputError
from inductiva_widgets.tasks import Task
from inductiva_widgets.widgets import TaskWidget, assets
from inductiva_widgets.widgets.base import BaseWidget
from tests.unit.conftest import wire_task


def unpack(packed):
    return gzip.decompress(base64.b64decode(packed)).decode()


@pytest.fixture
def widget():
    widget = BaseWidget()
    yield widget
    widget.close()


def test_second_card_sends_at_most_8_kb(service):
    card = TaskWidget(Task("t1", client=service(wire_task("t1", "computation-started"))))
    assert len(json.dumps(card.get_state(), default=str)) < 8_000
    card.close()


def test_widgets_refer_to_one_model_with_the_code_and_the_style(widget):
    other = BaseWidget()
    assert other._assets_id == widget._assets_id
    state = _instances[widget._assets_id].get_state()
    assert (state["_model_module"], state["_model_name"]) == (
        "@jupyter-widgets/base",
        "WidgetModel",
    )
    code = unpack(state["code"])
    assert "Contains Preact" in code
    assert ".iw-root" in code
    other.close()


def test_widget_after_all_were_closed_refers_to_a_model_that_is_open(widget):
    ipywidgets.Widget.close_all()
    later = BaseWidget()
    assert later._assets_id in _instances
    later.close()


def test_widget_knows_its_own_model_id(widget):
    assert widget._self_id == widget.model_id


@pytest.mark.parametrize("name", ["widget", "list", "panels"])
def test_module_of_the_same_build_is_given(name):
    code = unpack(assets.chunk_response({"name": name})["gzip"])
    key = re.search(r'Symbol\.for\("inductiva_widgets\.([0-9a-f]{12})"\)', code)
    assert key
    assert key[1] in BaseWidget.class_traits()["_esm"].default_value


@pytest.mark.parametrize("name", ["loader", "../secrets", None, 7, "/etc/passwd"])
def test_other_names_are_refused(name):
    with pytest.raises(InputError, match="Unknown module"):
        assets.chunk_response({"name": name})


def test_front_end_that_was_not_built_says_how_to(monkeypatch, tmp_path):
    monkeypatch.setattr(assets, "_STATIC", tmp_path)
    with pytest.raises(assets.BundleMissingError, match="npm run build"):
        assets._read()


def test_missing_bundle_raises_with_the_build_command(tmp_path):
    code = (
        "import inductiva_widgets, pathlib\n"
        "read = pathlib.Path.read_text\n"
        "def missing(self, *how, **named):\n"
        "    if self.name == 'widget.js':\n"
        "        raise FileNotFoundError(self)\n"
        "    return read(self, *how, **named)\n"
        "pathlib.Path.read_text = missing\n"
        "from inductiva_widgets.widgets import TaskWidget, assets\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "make build" in done.stderr.splitlines()[-1]
    assert "FileNotFoundError" not in done.stderr
