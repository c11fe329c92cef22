"""Voilà: a notebook as a page, whose element is not attached when a view is drawn."""

import pytest

from tests.browser.conftest import Lab
from tests.browser.frontends.conftest import CONNECT, shows_the_card_and_the_list, voila

pytestmark = pytest.mark.extended


@pytest.fixture
def served(tmp_path, local_server, long_task):
    """Return the address of a page with a card and a list."""
    show = f"{CONNECT}\ninductiva.Task('{long_task.id}')"
    lab = Lab("", tmp_path, tmp_path / "voila.log")
    name = lab.write("page.ipynb", show, "inductiva.tasks.get(last_n=5)")
    with voila(tmp_path / name, local_server) as url:
        yield url


def test_card_and_list_work_in_voila(served, page, long_task, tolerated):
    # The page's own template asks for icons there; without them it works all the same.
    tolerated.strangers.append("fontawesome-free")
    # The page streams while the cells run.
    page.goto(served, wait_until="commit")
    shows_the_card_and_the_list(page, long_task, "Voilà")
