"""What holds for all tests."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tests import slurm_cluster as slurm

# No deadlines: a busy machine takes longer for an example now and then, which is no failure.
settings.register_profile("ci", deadline=None, max_examples=25)
settings.register_profile("nightly", deadline=None, max_examples=250)
settings.load_profile("ci")


@pytest.fixture(scope="session", autouse=True)
def _cache_of_the_tests(tmp_path_factory):
    """Keep the developer's own cache out of the tests and of the processes that they start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INDUCTIVA_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Return the folder that is the cache of one test, not made yet."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("INDUCTIVA_CACHE_DIR", str(folder))
    return folder


@pytest.fixture(scope="session")
def slurm_cluster():
    """Return a running cluster; ``make test-slurm`` asks for it."""
    if not os.environ.get("TEST_SLURM"):
        pytest.skip("make test-slurm runs this on a cluster")
    if reason := slurm.reason_to_skip():
        pytest.skip(reason)
    with slurm.running_cluster() as cluster:
        yield cluster
