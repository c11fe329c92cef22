"""The built front end, as it goes to the page."""

import base64
import gzip
import subprocess
import sys

import pytest

from inductiva_widgets.errors import InputError
from inductiva_widgets.widgets import TaskWidget, bundle


def test_widget_has_the_text_of_the_bundle_and_watches_no_file():
    assert "Contains Preact" in TaskWidget.class_traits()["_esm"].default_value
    assert ".iw-root" in TaskWidget.class_traits()["_css"].default_value


@pytest.mark.parametrize("name", ["list", "panels"])
def test_module_of_the_same_build_is_given(name):
    code = gzip.decompress(base64.b64decode(bundle.answer({"name": name})["gzip"])).decode()
    key = code.partition('Symbol.for("inductiva_widgets.')[2][:12]
    assert len(key) == 12
    assert key in TaskWidget.class_traits()["_esm"].default_value


@pytest.mark.parametrize("name", ["widget", "../secrets", None, 7, "/etc/passwd"])
def test_other_names_are_refused(name):
    with pytest.raises(InputError, match="no such module"):
        bundle.answer({"name": name})


def test_front_end_that_was_not_built_says_how_to(monkeypatch, tmp_path):
    monkeypatch.setattr(bundle, "_STATIC", tmp_path)
    with pytest.raises(bundle.BundleMissingError, match="npm run build"):
        bundle._read()


def test_missing_bundle_is_told_with_the_command_that_makes_it(tmp_path):
    code = (
        "import inductiva_widgets, pathlib\n"
        "read = pathlib.Path.read_text\n"
        "def missing(self, *how, **named):\n"
        "    if self.name == 'widget.js':\n"
        "        raise FileNotFoundError(self)\n"
        "    return read(self, *how, **named)\n"
        "pathlib.Path.read_text = missing\n"
        "from inductiva_widgets.widgets import TaskWidget\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "make build" in done.stderr.splitlines()[-1]
    assert "FileNotFoundError" not in done.stderr
