from __future__ import annotations

import itertools
import shutil

import pytest

from inductiva_widgets.downloads._signed_url import Backoff
from tests.fault_proxy import FaultProxy
from tests.nginx import Nginx, put_file, running_nginx
from tests.unit.downloads.server import FileServer, serving


class NginxUpstream:
    """Files on nginx."""

    def __init__(self, nginx: Nginx) -> None:
        self.url = nginx.url
        self._root = nginx.root
        self._versions = itertools.count(1)

    def put(self, name: str, data: bytes) -> str:
        """Store a file, also in the place of another one, and return its path."""
        put_file(self._root, name, data, next(self._versions))
        return f"/{name}"

    def clear(self) -> None:
        for path in self._root.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


class PythonUpstream:
    """Files on the server of the unit tests, where there is no nginx."""

    def __init__(self, server: FileServer) -> None:
        self.url = server.url("")
        self._server = server
        self._versions = itertools.count(1)

    def put(self, name: str, data: bytes) -> str:
        """Store a file, also in the place of another one, and return its path."""
        version = next(self._versions)
        self._server.put(f"/{name}", data, etag=f'"v{version}"', modified=None)
        return f"/{name}"

    def clear(self) -> None:
        self._server.files.clear()


@pytest.fixture(scope="session")
def _upstream():
    with running_nginx() as nginx:
        if nginx is not None:
            yield NginxUpstream(nginx)
            return
    with serving() as server:
        yield PythonUpstream(server)


@pytest.fixture
def upstream(_upstream):
    """Return a file server: its `url`, and `put` for its files, which last for the test."""
    yield _upstream
    _upstream.clear()


@pytest.fixture
def proxy(upstream):
    with FaultProxy(upstream.url) as running:
        yield running


@pytest.fixture
def target(tmp_path):
    return tmp_path / "outputs"


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """Retry without delay, and return the list of pauses that would have been made."""
    made: list[float] = []
    original = Backoff.pause

    def pause(self, failures):
        made.append(original(self, failures))
        return 0.0

    monkeypatch.setattr(Backoff, "pause", pause)
    return made
