"""``connect("slurm")``, the ``local`` command and the vendor's client on the cluster."""

from __future__ import annotations

import json

import pytest

import inductiva_widgets as inductiva
from tests.conformance.vendor import VendorClient, client_environment, vendor_programs
from tests.conformance.venvs import NotInstalledError
from tests.embedded import end_server
from tests.integration.server.conftest import case_files
from tests.integration.server.test_local_command import local

pytestmark = pytest.mark.extended

SUBMIT = """
import sys

import inductiva

group = inductiva.resources.machine_groups.get_by_name("main")
simulator = inductiva.simulators.SWMM()
task = simulator.run(
    input_dir=sys.argv[1],
    commands=["runswmm model.inp model.rpt model.out"],
    on=group,
)
task.wait()
print("ended as", task.get_status())
"""


@pytest.fixture
def folder(cluster, tmp_path, monkeypatch):
    """Return the data folder of the cluster's server, which is ended after the test."""
    path = tmp_path / "shared"
    monkeypatch.setenv("INDUCTIVA_SLURM_DIR", str(path))
    yield path
    end_server(path)


def test_connect_starts_a_server_on_slurm_and_attaches_to_it(folder, tmp_path):
    client = inductiva.connect("slurm")
    assert (folder / "slurm.json").exists()
    assert inductiva.connect("slurm").url == client.url
    assert client.service_name(is_demo=False) == "slurm"
    names = [group.name for group in inductiva.resources.machine_groups.get(client=client)]
    assert "main" in names
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "a").write_text("b")
    task = inductiva.simulators.CustomImage("docker://anything").run(
        tmp_path / "input", commands=["sleep 0.1"], on="main"
    )
    assert task.wait(silent_mode=True)
    assert task.get_status() == "success"


def test_local_status_says_where_the_tasks_of_slurm_run(folder):
    assert local("status", "--slurm").returncode == 1
    url = local("start", "--slurm").stdout.strip()
    done = local("status", "--slurm")
    assert url in done.stdout
    assert "Executor:     Slurm, partition main, nodes: 3 idle; your jobs: 0 running" in done.stdout
    facts = json.loads(local("status", "--slurm", "--json").stdout)
    assert (facts["executor"], facts["slurm"]["partition"]) == ("slurm", "main")
    assert local("stop", "--slurm").stdout == f"Stopped the server at {url}.\n"


def test_vendors_client_runs_a_simulation_on_slurm(server, tmp_path):
    try:
        programs = vendor_programs()
    except NotInstalledError as error:
        pytest.skip(str(error))
    case = tmp_path / "case"
    case.mkdir()
    (case / "model.inp").write_text(case_files("swmm_storm", "01/11/2024")["model.inp"])
    home = tmp_path / "home"
    home.mkdir()
    vendor = VendorClient(programs, tmp_path, client_environment(server.url, server.key, home))
    done = vendor.run(SUBMIT, str(case))
    assert "ended as TaskStatusCode.SUCCESS" in done.stdout, done.stdout + done.stderr
