"""Embedded servers whose tasks are jobs of the cluster of the tests."""

from __future__ import annotations

import pytest

from tests.integration.server.conftest import LocalServer, make_server  # noqa: F401


@pytest.fixture
def cluster(slurm_cluster, monkeypatch):
    """Return the cluster, which the programs of Slurm find by the environment."""
    for name, value in slurm_cluster.environment.items():
        monkeypatch.setenv(name, value)
    return slurm_cluster


@pytest.fixture
def start_server(cluster, make_server):  # noqa: F811 - the fixture
    """Return a maker of servers that run tasks on the cluster."""

    def start(*options: str, **more) -> LocalServer:
        return make_server("--executor=slurm", *options, **more)

    return start


@pytest.fixture
def server(start_server) -> LocalServer:
    return start_server()


@pytest.fixture
def full_cluster(cluster):
    """Return the cluster with all processors taken by another job."""
    job = cluster.call(
        "sbatch", "--parsable", "--job-name=other", "--ntasks=6", "--output=/dev/null",
        "--wrap=sleep 600",
    )  # fmt: skip
    yield cluster
    cluster.call("scancel", job)
