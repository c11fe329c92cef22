"""A real JupyterLab, a real browser, a real embedded server; nothing leaves the machine."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect, sync_playwright

import inductiva_widgets as inductiva
from tests.browser.chromium import find
from tests.embedded import end_server

ROOT = Path(__file__).parents[2]
ARTIFACTS = ROOT / "tests" / "artifacts"
# Playwright gives up after 5 s, which a kernel on a busy machine needs for a single cell.
expect.set_options(timeout=60_000)
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Nothing but this machine has an address.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
VIEWPORT = {"width": 1280, "height": 1000}
HERE = ("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:", "about:", "chrome-error:")
SETTINGS = {
    # Else a question about news covers the lower right corner and takes the clicks.
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
    # Else cells that are out of sight are out of the page; a reader gets them by scrolling.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)
        if "frontends" in item.path.parts:
            item.add_marker(pytest.mark.own_page)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    setattr(item, f"report_{outcome.get_result().when}", outcome.get_result())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def local_server(tmp_path_factory):
    """Return the environment of an embedded server of the tests' own, ended with them."""
    folder = tmp_path_factory.mktemp("local")
    environment = {
        "INDUCTIVA_LOCAL_DIR": str(folder),
        # The interpreter that runs the tests, whatever is on the PATH.
        "INDUCTIVA_PROGRAM_PYTHON": sys.executable,
    }
    yield environment
    end_server(folder)


@pytest.fixture
def long_task(local_server):
    """Return a task that goes on until somebody ends it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in local_server.items():
            patch.setenv(name, value)
        inductiva.connect("local")
        case = ROOT / "notebooks" / "cases" / "swmm_fail"
        task = inductiva.simulators.CustomImage("none").run(case, commands=["sleep 3600"])
        yield task
        with contextlib.suppress(inductiva.InductivaError):
            task.kill()


def end_demo(environment: dict[str, str]) -> None:
    """End the server of `connect("replay")`, which notebooks of these tests have started."""
    command = [sys.executable, "-m", "inductiva_widgets", "local", "stop", "--replay", "--yes"]
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def lab(tmp_path_factory, local_server):
    """Return a running JupyterLab with the project's notebooks in its folder."""
    flags = ["--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None"]
    flags += ["--LabApp.extension_manager=readonly"]
    with jupyter("jupyterlab", flags, tmp_path_factory.mktemp("lab"), local_server) as server:
        yield server


@contextlib.contextmanager
def jupyter(
    module: str, flags: list[str], base: Path, environment: dict[str, str]
) -> Iterator[Lab]:
    """Run a Jupyter server with a configuration of its own, until the block is left."""
    notebooks = base / "notebooks"
    shutil.copytree(ROOT / "notebooks", notebooks)
    overrides = base / "config" / "labconfig" / "default_setting_overrides.json"
    overrides.parent.mkdir(parents=True)
    overrides.write_text(json.dumps(SETTINGS))
    # Otherwise each page that is opened makes the server run Node to look for extensions to build.
    config = overrides.with_name("page_config.json")
    config.write_text(json.dumps({"buildAvailable": False, "buildCheck": False}))
    port = free_port()
    command = [
        sys.executable, "-m", module, "--no-browser", "--allow-root", f"--port={port}",
        "--ServerApp.port_retries=0", "--ip=127.0.0.1", f"--notebook-dir={notebooks}",
        "--IdentityProvider.token=", "--ServerApp.password=",
        "--ServerApp.disable_check_xsrf=True", *flags,
        # Files instead of ports, which another process may take before the kernel has them.
        "--KernelManager.transport=ipc",
    ]  # fmt: skip
    log = base / "server.log"
    url = f"http://127.0.0.1:{port}"
    # The path of a socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="iw-") as sockets:
        folders = jupyter_folders(base) | {"JUPYTER_RUNTIME_DIR": sockets}
        with running(command, folders | environment, log, f"{url}/api/status"):
            yield Lab(url, notebooks, log)


def jupyter_folders(base: Path) -> dict[str, str]:
    """Return the environment that keeps the settings of whoever runs the tests out of them."""
    return {
        "JUPYTER_CONFIG_DIR": str(base / "config"),
        "JUPYTER_DATA_DIR": str(base / "data"),
        "JUPYTER_RUNTIME_DIR": str(base / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(base / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(base / "workspaces"),
        "IPYTHONDIR": str(base / "ipython"),
    }


@contextlib.contextmanager
def running(
    command: list[str], environment: dict[str, str], log: Path, url: str, cwd: Path | None = None
) -> Iterator[None]:
    """Run a server until the block is left; entered once the address answers."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=os.environ | environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=cwd,
        )
    try:
        _wait_until_up(url, process, log)
        yield
    finally:
        # The kernels are in its process group.
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_up(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urlopen(url, timeout=5):
            return
        # A pause between two tries that ends with the process.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    raise AssertionError(f"The server did not start:\n{log.read_text()[-3000:]}")


class Lab:
    """A Jupyter server and its folder."""

    def __init__(self, url: str, folder: Path, log: Path) -> None:
        self.url, self.folder, self.log = url, folder, log

    def write(self, name: str, *cells: str) -> str:
        """Write a notebook of code cells; never in the place of one of the project's."""
        assert not (ROOT / "notebooks" / name).exists(), f"{name} is the project's own"
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, self.folder / name)
        return name


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=FLAGS)
        yield browser
        browser.close()


class Tolerated:
    """What a host does by itself and no fault of ours: parts of error texts, and of addresses."""

    def __init__(self) -> None:
        # anywidget's word, two seconds later, for a widget that was closed before the page had come
        # to it, such as the card of a wait that is soon over. Nothing of it is seen.
        self.errors = ["[anywidget] Failed to initialize model"]
        self.strangers: list[str] = []


@pytest.fixture
def tolerated():
    return Tolerated()


class Tab:
    """A page, its script errors, and the addresses outside this machine that it asked for."""

    def __init__(self, browser: Browser) -> None:
        # What moves takes half a core where nothing but the processor draws.
        self.context = browser.new_context(viewport=VIEWPORT, reduced_motion="reduce")
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.strangers: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(f"{error}\n{error.stack}"))
        self.page.on("request", self._check)

    def _check(self, request: Request) -> None:
        if not request.url.startswith(HERE):
            self.strangers.append(request.url)

    def reset(self) -> None:
        """Forget what an earlier test has set and found."""
        self.page.set_viewport_size(VIEWPORT)
        self.page.emulate_media(reduced_motion="reduce")
        self.page.evaluate("localStorage.clear()")
        self.errors.clear()
        self.strangers.clear()

    def is_clean(self) -> bool:
        """Return whether JupyterLab is as it was before any notebook was opened."""
        return bool(self.page.evaluate(CLEAN))


CLEAN = """() => window.jupyterapp !== undefined && document.querySelector('.jp-Dialog') === null
    && [...jupyterapp.shell.widgets('main')].every((widget) => widget.context === undefined)"""


@pytest.fixture(scope="session")
def shared_tabs(browser):
    """Return the list of the page in which JupyterLab is open, empty before the first one.

    To load JupyterLab takes several times what it takes to open a notebook in it.
    """
    tabs: list[Tab] = []
    yield tabs
    for tab in tabs:
        tab.context.close()


@pytest.fixture
def page(browser, request, tolerated, shared_tabs):
    """Return a page that fails its test on any script error and on any request to elsewhere.

    Tests share it one after the other, except those that are marked ``own_page``.
    """
    is_own = request.node.get_closest_marker("own_page") is not None
    if is_own or not shared_tabs:
        tab = Tab(browser)
        if not is_own:
            shared_tabs.append(tab)
    else:
        (tab,) = shared_tabs
        tab.reset()
    yield tab.page
    report = getattr(request.node, "report_call", None)
    is_failed = report is None or report.failed
    if is_failed:
        ARTIFACTS.mkdir(exist_ok=True)
        tab.page.screenshot(path=ARTIFACTS / f"{request.node.name}.png", full_page=True)
    if is_own or is_failed or tab.errors or not tab.is_clean():
        shared_tabs[:] = [other for other in shared_tabs if other is not tab]
        tab.context.close()
    assert _except(tab.errors, tolerated.errors) == []
    assert _except(tab.strangers, tolerated.strangers) == []


def _except(found: list[str], parts: list[str]) -> list[str]:
    return [one for one in found if not any(part in one for part in parts)]


class Notebook:
    """A notebook that is open in the page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def run_all(self) -> None:
        """Run every cell; returns when the kernel has answered for all."""
        self.page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")

    def start_all(self) -> None:
        """Run every cell without waiting for the kernel."""
        self.page.evaluate("void jupyterapp.commands.execute('notebook:run-all-cells')")

    def run(self, index: int) -> None:
        """Run one cell and wait for the kernel's answer."""
        self._select(index)
        self.page.evaluate("jupyterapp.commands.execute('notebook:run-cell')")

    def start(self, index: int) -> None:
        """Run one cell without waiting."""
        self._select(index)
        self.page.evaluate("void jupyterapp.commands.execute('notebook:run-cell')")

    def output(self, index: int):
        """Return the locator of a cell's output."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index).locator(".jp-Cell-outputArea")

    def _select(self, index: int) -> None:
        self.page.evaluate(
            "index => { jupyterapp.shell.currentWidget.content.activeCellIndex = index }", index
        )


READY = """() => {
    const widget = window.jupyterapp?.shell?.currentWidget;
    return widget?.context?.isReady && widget.sessionContext?.isReady
        && widget.sessionContext.session?.kernel?.status === 'idle';
}"""


OPEN = "path => void jupyterapp.commands.execute('docmanager:open', {path, factory: 'Notebook'})"
CLOSE = """async () => {
    const widget = jupyterapp.shell.currentWidget;
    await widget.sessionContext.shutdown();
    widget.dispose();
}"""


@pytest.fixture
def open_notebook(lab, page):
    """Return a function that opens a notebook of the server's folder and waits for its kernel."""
    opened = []

    def open_notebook(name: str, theme: str = "light") -> Notebook:
        if page.evaluate("window.jupyterapp === undefined"):
            page.goto(f"{lab.url}/doc/tree/{name}?reset", wait_until="domcontentloaded")
        else:
            page.evaluate(OPEN, name)
        page.wait_for_function(READY, timeout=60_000)
        # Said for both: the choice of an earlier test is kept by the server.
        set_theme(page, theme)
        opened.append(name)
        return Notebook(page)

    yield open_notebook
    if opened:
        page.evaluate(CLOSE)


def set_theme(page: Page, theme: str) -> None:
    """Choose JupyterLab's light or dark theme and wait until it is shown."""
    page.evaluate(
        "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})",
        f"JupyterLab {theme.title()}",
    )
    is_light = str(theme == "light").lower()
    page.wait_for_selector(f"body[data-jp-theme-light={is_light}]", state="attached")
    # JupyterLab's own curtain stumbles over a second change while it falls.
    page.wait_for_selector("#jupyterlab-splash", state="detached")


def take(
    page: Page,
    region: Locator,
    name: str,
    before: Callable[[], object] = lambda: None,
    after: Callable[[], object] = lambda: None,
) -> None:
    """Take a picture in both themes if the environment has TAKE_PICTURES, else do nothing.

    What does not last until the next theme is shown is made before each, and undone after it.
    """
    if not os.environ.get("TAKE_PICTURES"):
        return
    ARTIFACTS.mkdir(exist_ok=True)
    for theme in ("dark", "light"):
        set_theme(page, theme)
        before()
        region.screenshot(path=ARTIFACTS / f"{name}-{theme}.png", animations="disabled")
        after()
