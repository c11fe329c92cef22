"""Every example of the documentation is true: it is run here, on a real embedded server.

Examples find what their reader has: the package as ``inductiva``, connected; ``task``, a storm that
has ended well; ``tasks``, the last three of the account, of which one has failed; ``df``, a history
of many tasks; and the demo cases in the folder ``cases``.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import pkgutil
import re
import shutil

import ipywidgets
import pytest

import inductiva_widgets as inductiva
from tests.embedded import end_server
from tests.integration.conftest import CASES
from tests.unit.docs.public_names import MODULES, public_names

pytestmark = pytest.mark.extended

HOW = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# What cannot be run here, and why.
SKIPPED: dict[str, str] = {}
# Examples that submit have a server to themselves: the others count what they find.
SUBMITS = (".run(", "MachineGroup(")
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _modules():
    found = pkgutil.walk_packages(inductiva.__path__, f"{inductiva.__name__}.")
    names = [module.name for module in found if not module.name.endswith("__main__")]
    return [inductiva, *(importlib.import_module(name) for name in names)]


def _examples():
    """Return the examples of all modules; those of public names see what a user has, no more."""
    public = {_home(name) for name in public_names()}
    finder = doctest.DocTestFinder(exclude_empty=True)
    for module in _modules():
        for test in finder.find(module, module.__name__):
            if test.examples:
                is_public = test.name in public or test.name in MODULES
                yield pytest.param(test, is_public, id=test.name.partition(".")[2] or test.name)


def _home(name):
    """Return what the finder calls a name: by the module and class that it is written in."""
    function = getattr(name.thing, "fget", None) or name.function or name.thing
    return f"{function.__module__}.{function.__qualname__}"


EXAMPLES = list(_examples())


GUIDES = {
    f"{name.rpartition('.')[2]}-{place}": code
    for name in MODULES
    for place, code in enumerate(BLOCK.findall(importlib.import_module(name).__doc__))
}


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """Return the cases, the folders of two servers, and the history of the demo."""
    root = tmp_path_factory.mktemp("examples")
    cases = root / "cases"
    shutil.copytree(CASES, cases)
    # The storm's first day: a second instead of ten.
    model = cases / "swmm_storm" / "model.inp"
    model.write_text(model.read_text().replace("01/31/2024", "01/11/2024"))
    folders = root / "local", root / "scratch"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("inductiva_widgets.http.default_client._default", None)
        patch.setenv("INDUCTIVA_LOCAL_DIR", str(folders[0]))
        swmm = inductiva.simulators.SWMM()
        inductiva.connect("local")
        for case in ("swmm_storm", "swmm_fail", "swmm_storm"):
            swmm.run(cases / case).wait(0.1, silent_mode=True, download_std_on_completion=False)
        df = inductiva.tasks.get_all(client=inductiva.connect("replay")).to_frame()
        yield cases, folders, df
    for folder in (*folders, folders[0].with_name("local-replay")):
        end_server(folder)


@pytest.fixture
def reader(world, tmp_path, monkeypatch):
    """Return what gives an example its names: a function of its source."""
    cases, folders, df = world
    shutil.copytree(cases, tmp_path / "cases")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", None)

    def names(source):
        if ".kill(" in source:
            # A run to be stopped must still run when a busy machine gets to look at it.
            shutil.copytree(CASES, tmp_path / "cases", dirs_exist_ok=True)
        submits = any(word in source for word in SUBMITS)
        monkeypatch.setenv("INDUCTIVA_LOCAL_DIR", str(folders[0]))
        inductiva.connect("local")
        tasks = inductiva.tasks.get(last_n=3)
        if submits:
            monkeypatch.setenv("INDUCTIVA_LOCAL_DIR", str(folders[1]))
            inductiva.connect("local")
        return {"inductiva": inductiva, "task": tasks[-1], "tasks": tasks, "df": df.copy()}

    yield names
    ipywidgets.Widget.close_all()


@pytest.mark.parametrize(("test", "is_public"), EXAMPLES)
def test_example_is_true(test, is_public, reader):
    source = "".join(example.source for example in test.examples)
    if is_public:
        test.globs = reader(source)
    report = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=HOW, verbose=False)
    with contextlib.redirect_stderr(io.StringIO()):
        result = runner.run(test, out=report.write, clear_globs=False)
    assert result.failed == 0, report.getvalue()


@pytest.mark.parametrize("code", GUIDES.values(), ids=GUIDES)
def test_guide_runs(code, reader):
    exec(compile(code, "guide", "exec"), reader(code))


def test_what_is_skipped_has_a_reason():
    skipped = {
        test.name
        for test, _ in (param.values for param in EXAMPLES)
        for example in test.examples
        if example.options.get(doctest.SKIP)
    }
    assert skipped == set(SKIPPED)


def test_a_wrong_example_is_noticed(reader):
    wrong = doctest.DocTestParser().get_doctest(
        ">>> print(task.get_status())\nfailed\n", reader(""), "wrong", None, 0
    )
    told = []
    assert doctest.DocTestRunner(optionflags=HOW).run(wrong, out=told.append).failed == 1
    assert "success" in "".join(told)
