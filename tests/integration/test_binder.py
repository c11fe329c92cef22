"""Binder: the plan of its image, and what runs in it, without Docker.

What cannot be known here: that the image builds with the packages of that day, that mybinder.org
starts it, and how long it takes to fetch it.
"""

import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import repo2docker

from tests.binder import ROOT, build, check_out, environment, launched

pytestmark = pytest.mark.extended

MEMORY = 1_000_000_000
SCRIPTS = ["postBuild", "start"]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return check_out(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def plan(checkout):
    """Return what repo2docker would build for mybinder.org's user."""
    done = subprocess.run(
        [
            sys.executable, "-m", "repo2docker", "--no-build", "--debug",
            "--user-id", "1000", "--user-name", "jovyan", str(checkout),
        ],
        capture_output=True, text=True, check=False, cwd=checkout,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a home as in the image: a checkout after postBuild."""
    folder = check_out(tmp_path_factory.mktemp("home"))
    done = build(folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def binder(home):
    with launched(home) as running:
        yield running


def python_version():
    return (ROOT / "binder" / "runtime.txt").read_text().strip().removeprefix("python-")


def packages_of_the_image(plan):
    """Return repo2docker's own list of packages, which the plan copies under an escaped name."""
    escaped = f"environment.py-{python_version()}-linux-64.lock"
    for character in "-.":
        escaped = escaped.replace(character, f"-{ord(character):x}")
    assert escaped in plan
    folder = Path(repo2docker.__file__).parent / "buildpacks" / "conda"
    return (folder / f"environment.py-{python_version()}-linux-64.lock").read_text()


def test_plan_has_a_python_that_the_package_supports(plan):
    version = python_version()
    assert f"Building conda environment for python={version}" in plan
    supported = importlib.metadata.metadata("inductiva-widgets").get_all("Classifier")
    assert f"Programming Language :: Python :: {version}" in supported
    assert f"/python-{version}." in packages_of_the_image(plan)


def test_plan_installs_the_checkout_from_its_root_as_the_user_who_owns_it(plan):
    copied = plan.index("COPY --chown=1000:1000 src/ ${REPO_DIR}/")
    as_user = plan.index("USER ${NB_USER}", copied)
    installed = plan.index('/bin/pip install --no-cache-dir -r "binder/requirements.txt"')
    assert copied < as_user < installed
    # The front end is built in the checkout, which its owner may write to.
    assert plan.index("WORKDIR ${REPO_DIR}") < copied


def test_plan_has_a_node_that_builds_the_front_end(plan):
    needed = json.loads((ROOT / "js" / "package.json").read_text())["engines"]["node"]
    (node,) = re.findall(r"/nodejs-(\d+)\.", packages_of_the_image(plan))
    assert int(node) >= int(needed.removeprefix(">="))


def test_plan_installs_the_packages_of_the_system(plan):
    wanted = (ROOT / "binder" / "apt.txt").read_text().split()
    assert f"apt-get install --yes --no-install-recommends {' '.join(wanted)}" in plan


def test_plan_runs_the_scripts_as_last_step_and_as_entry_point(plan):
    installed = plan.index("/bin/pip install --no-cache-dir")
    assert installed < plan.index("RUN ./binder/postBuild")
    assert 'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in plan
    assert 'ENTRYPOINT ["/usr/local/bin/repo2docker-entrypoint"]' in plan


def test_packages_of_the_system_are_all_that_splishsplash_lacks():
    """Its library is loaded by a driver that lends it GL."""
    spec = importlib.util.find_spec("pysplishsplash")
    if spec is None:
        pytest.skip("SPlisHSPlasH does not come ready-built for this machine")
    if shutil.which("readelf") is None:
        pytest.skip("readelf is not there to tell what the library needs")
    folder = Path(spec.origin).with_name("pysplishsplash.libs")
    ours = {path.name for path in folder.iterdir()}
    direct = set()
    for path in [spec.origin, *folder.iterdir()]:
        told = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True)
        direct |= set(re.findall(r"\(NEEDED\).*\[(.+)\]", told.stdout))
    # GNU's C library, C++ library and the compiler's own are in every image.
    everywhere = r"(ld-linux|libc|libm|libdl|librt|libpthread|libgcc_s|libstdc\+\+)[.-]"
    lacking = {name for name in direct - ours if not re.match(everywhere, name)}
    assert lacking - {"libGL.so.1"} == {"libX11.so.6", "libXext.so.6"}
    assert (ROOT / "binder" / "apt.txt").read_text().split() == ["libx11-6", "libxext6"]


def test_requirements_resolve_for_the_python_of_the_image(checkout, tmp_path):
    """Needs a package index, as the image does. Ubuntu 24.04 has glibc 2.39."""
    done = subprocess.run(
        [
            sys.executable, "-m", "uv", "pip", "compile", "--no-header",
            "--python-version", python_version(), "--python-platform", "x86_64-manylinux_2_39",
            "binder/requirements.txt", "-o", str(tmp_path / "resolved.txt"),
        ],
        cwd=checkout, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "does not have an extra" not in done.stderr
    resolved = (tmp_path / "resolved.txt").read_text()
    for name in ("jupyterlab", "anywidget", "swmm-toolkit", "pysplishsplash", "voila", "altair"):
        assert re.search(rf"^{name}==", resolved, re.MULTILINE), name


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_strict_and_executable(name):
    script = ROOT / "binder" / name
    lines = script.read_text().splitlines()
    assert lines[0] == "#!/bin/bash"
    assert "set -euo pipefail" in lines
    assert script.stat().st_mode & stat.S_IXUSR
    subprocess.run(["bash", "-n", script], check=True)


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_executable_in_git(name):
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    told = ["git", "ls-files", "--stage", f"binder/{name}"]
    listed = subprocess.run(told, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert listed.startswith("100755 ")


def test_start_hands_over_to_the_command_in_its_own_process(tmp_path):
    process = subprocess.Popen(
        [ROOT / "binder" / "start", "sh", "-c", "echo $$ $INDUCTIVA_API_URL; exit 7"],
        stdout=subprocess.PIPE, text=True, env=environment(tmp_path),
    )  # fmt: skip
    said, _ = process.communicate(timeout=20)
    assert said.split() == [str(process.pid), "local"]
    assert process.returncode == 7
    # Nobody said that this is Binder.
    assert not (tmp_path / ".inductiva").exists()


def broken(folder, program):
    """Return a path on which a program of the image is there and fails."""
    (folder / program).write_text("#!/bin/sh\nexit 1\n")
    (folder / program).chmod(0o755)
    return os.pathsep.join([str(folder), os.environ["PATH"]])


@pytest.mark.parametrize("program", ["mkdir", "python", "inductiva-widgets"])
def test_failing_step_fails_the_build(checkout, tmp_path, program):
    done = build(checkout, HOME=str(tmp_path), PATH=broken(tmp_path, program))
    assert done.returncode == 1, done.stdout


def test_server_that_does_not_start_does_not_keep_lab_from_it(tmp_path):
    variables = environment(
        tmp_path, PATH=broken(tmp_path, "inductiva-widgets"), BINDER_LAUNCH_HOST="https://b/"
    )
    done = subprocess.run(
        [ROOT / "binder" / "start", "echo", "lab"],
        capture_output=True, text=True, check=True, env=variables,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("lab\n", "")


def test_links_to_binder_open_notebooks_that_exist():
    texts = [(ROOT / "README.md").read_text()]
    texts += [path.read_text() for path in (ROOT / "notebooks").glob("*.ipynb")]
    links = set(re.findall(r"https://mybinder\.org/v2/[^\s)\"\\]+", " ".join(texts)))
    opened = set()
    for link in links:
        parts = urlsplit(link)
        kind, owner, name, ref = parts.path.removeprefix("/v2/").split("/")
        assert (kind, ref) == ("gh", "HEAD")
        assert f"git clone https://github.com/{owner}/{name}" in texts[0]
        ((key, (place,)),) = parse_qs(parts.query, strict_parsing=True).items()
        assert key == "urlpath"
        opened.add(re.sub("^(lab/tree|doc/tree|voila/render)/", "", place))
    assert "notebooks/quickstart.ipynb" in opened
    for place in opened:
        assert (ROOT / place).is_file(), place


def test_lab_has_the_notebooks_and_asks_no_question_about_news(binder):
    names = {item["name"] for item in binder.get("api/contents/notebooks")["content"]}
    assert {"quickstart.ipynb", "task_history.ipynb", "cases"} <= names
    setting = binder.get("lab/api/settings/@jupyterlab/apputils-extension:notification")
    assert setting["schema"]["properties"]["fetchNews"]["default"] == "false"


def test_both_servers_are_ready_and_a_notebook_attaches_to_them(binder):
    ready = [
        binder.until(name, lambda name=name: binder.server(name))
        for name in ("local", "local-replay")
    ]
    said = binder.run(
        "notebooks/any.ipynb",
        [
            "import inductiva_widgets as inductiva\n"
            "print(inductiva.connect().url)\n"
            "print(inductiva.connect('replay').url)\n"
            "print(len(inductiva.tasks.get(last_n=200)))"
        ],
    )
    assert said.split() == [*ready, "200"]


def test_lab_kernel_servers_and_the_quick_start_take_less_than_a_gigabyte(binder, capsys):
    """Binder's machines give one to two; a bound of the sum, shared memory counted once."""
    sums = []
    binder.run_notebook(
        "notebooks/quickstart.ipynb", lambda: sums.append(sum(binder.processes().values()))
    )
    words = " ".join(binder.processes())
    for part in ("jupyter-lab", "ipykernel_launcher", "/local ", "/local-replay "):
        assert part in words
    with capsys.disabled():
        print(f"\nBinder with the quick start run takes {max(sums) / 1e6:.0f} MB.")
    assert max(sums) < 0.7 * MEMORY
