"""Frames have the same schema with the oldest pandas that is promised as with the newest.

The tests of frames run again with pandas 2.0 and the numpy of its time, installed into a folder
that comes first on the path.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The first with wheels for each Python that this package supports.
VERSIONS = {
    10: ("pandas==2.0.*", "numpy<2"),
    11: ("pandas==2.0.*", "numpy<2"),
    12: ("pandas==2.1.*", "numpy<2"),
    13: ("pandas==2.2.*", "numpy"),
}


@pytest.fixture(scope="module")
def older_pandas(tmp_path_factory):
    """Return a folder with an old pandas and what it needs."""
    wanted = VERSIONS.get(sys.version_info[1])
    if wanted is None:
        pytest.skip("no older pandas was built for this Python")
    folder = tmp_path_factory.mktemp("pandas")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
    subprocess.run([*command, "--target", str(folder), *wanted], check=True)
    return folder


def test_tests_of_frames_pass_with_an_older_pandas(older_pandas):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(older_pandas), str(ROOT)])}
    which = "import pandas; print(pandas.__version__)"
    version = subprocess.run(
        [sys.executable, "-c", which], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert version.startswith("2.")
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit/frames"]
    done = subprocess.run(
        tests, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
