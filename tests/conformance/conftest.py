"""The vendor's client on one side, the embedded server on the other, the recorder in between."""

from __future__ import annotations

import pytest

from tests.conformance.cases import LONG, finish, make_short_storm, start
from tests.conformance.server import KEY, recorded_server
from tests.conformance.vendor import (
    VendorClient,
    VendorSession,
    client_environment,
    vendor_programs,
)
from tests.conformance.venvs import NotInstalledError


@pytest.fixture(scope="session")
def programs():
    """Return the folder of the vendor's programs; installs them the first time."""
    try:
        return vendor_programs()
    except NotInstalledError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    with recorded_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def vendor(programs, served, tmp_path):
    """Return the vendor's client in a folder of the test, its requests recorded from now on."""
    home = tmp_path / "home"
    home.mkdir()
    served.recorder.clear()
    return VendorClient(programs, tmp_path, client_environment(served.url, KEY, home))


@pytest.fixture(scope="session")
def vendor_session(programs, served, tmp_path_factory):
    folder = tmp_path_factory.mktemp("session")
    environment = client_environment(served.url, KEY, folder)
    session = VendorSession(VendorClient(programs, folder, environment))
    # The import, with its own requests, is over before any test records.
    assert session.run(folder, "import inductiva; answer(inductiva.__version__)")["answer"]
    yield session
    session.close()


@pytest.fixture
def ask(vendor_session, served, tmp_path):
    """Return a function that runs a snippet on the vendor's client and gives its answer."""
    served.recorder.clear()

    def run(code, *arguments):
        done = vendor_session.run(tmp_path, f"import inductiva\n{code}", *arguments)
        assert "answer" in done, done["error"]
        return done["answer"]

    return run


@pytest.fixture(scope="session")
def short_storm(tmp_path_factory):
    return make_short_storm(tmp_path_factory.mktemp("case"))


@pytest.fixture(scope="session")
def finished(served, short_storm):
    """Return a task that ended well."""
    return finish(served, short_storm)


@pytest.fixture
def running(served):
    """Return a task whose simulator is at work, and kill it at the end."""
    task = start(served, LONG)
    assert task.wait_for_status("computation-started", 0.1, silent_mode=True)
    yield task
    task.kill(wait_timeout=20)
