"""The demo's months of made-up tasks, told apart from real ones wherever they are shown."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ARTIFACTS, end_demo

pytestmark = pytest.mark.extended

CONNECT = 'import inductiva_widgets as inductiva\ninductiva.connect("replay")'


@pytest.fixture(autouse=True)
def ended_demo(local_server):
    """End the server of the demo, which the notebook starts."""
    yield
    end_demo(local_server)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_tasks_of_the_demo_are_marked(open_notebook, lab, page, theme):
    cells = (CONNECT, "inductiva.tasks.get(last_n=40)", "inductiva.connect('local')\n1 + 1")
    notebook = open_notebook(lab.write(f"demo-{theme}.ipynb", *cells), theme)
    notebook.run(0)
    notebook.run(1)
    table = notebook.output(1)
    expect(table.get_by_text("DEMO", exact=True)).to_be_visible(timeout=30_000)
    expect(table.get_by_role("row").nth(1)).to_contain_text("demo")
    ARTIFACTS.mkdir(exist_ok=True)
    table.screenshot(path=ARTIFACTS / f"demo-{theme}.png")
