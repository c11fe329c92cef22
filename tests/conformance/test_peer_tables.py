"""What widgets for tables do with 100,000 rows, where the README's table says so."""

import json

import pytest

from inductiva_widgets.widgets import bundle
from tests.benchmarks.table import long_list
from tests.conformance.peers import VERSIONS, told
from tests.conformance.venvs import NotInstalledError

HTML = "text/html"


@pytest.fixture
def peer():
    """Return a function that asks a peer, installed the first time."""

    def ask(name):
        try:
            return told(name)
        except NotInstalledError as error:
            pytest.skip(str(error))

    return ask


def test_ours_sends_a_first_page_and_little_code():
    widget = long_list(100_000).widget()
    try:
        state = widget.get_state()
        own = sum(len(str(state.pop(name, ""))) for name in ("_esm", "_css"))
        assert len(json.dumps(state, default=str)) < 15_000
        # The kernel sends what widgets share once.
        assert own + len(bundle.answer({"name": "widget"})["gzip"]) < 45_000
    finally:
        widget.close()


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("quak", (0, 5_000), (500_000, 560_000)),
        ("perspective-python", (0, 5_000), (6_000_000, 7_000_000)),
        ("ipydatagrid", (7_000_000, 10_000_000), (0, 0)),
        ("itables", (150_000, 220_000), (650_000, 800_000)),
    ],
)
def test_what_a_peer_sends_when_it_is_shown(peer, name, data, code):
    found = peer(name)
    assert data[0] <= found["data"] <= data[1]
    assert code[0] <= found["code"] <= code[1]


@pytest.mark.parametrize("name", ["quak", "perspective-python"])
def test_rows_stay_in_the_kernel_which_is_asked_about_all_of_them(peer, name):
    assert peer(name)["in_kernel"]


def test_itables_shows_the_first_rows_alone(peer):
    assert peer("itables")["rows"] < 1000


@pytest.mark.parametrize("name", ["quak", "perspective-python", "itables"])
def test_widgets_that_are_anywidgets(peer, name):
    assert peer(name)["anywidget"]


def test_ipydatagrid_is_none(peer):
    assert not peer("ipydatagrid")["anywidget"]


@pytest.mark.parametrize("name", VERSIONS)
def test_bundle_of_a_peer_has_no_html(peer, name):
    assert HTML not in peer(name)["kinds"]


def test_itables_has_a_page_of_its_own_for_notebooks_that_are_saved(peer):
    assert peer("itables")["html"]


def test_ipydatagrid_edits_cells(peer):
    assert peer("ipydatagrid")["edited"]


@pytest.mark.parametrize("name", ["ipydatagrid", "itables"])
def test_rows_that_are_chosen_are_there_for_python(peer, name):
    assert peer(name)["selection"]


def test_perspective_pivots_and_plots(peer):
    assert peer("perspective-python")["pivots"]
    assert peer("perspective-python")["plugin"]


def test_quak_gives_its_query(peer):
    assert peer("quak")["has_sql"]
