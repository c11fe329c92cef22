"""Frames have the same schema with the oldest pandas that is promised as with the newest.

The tests of frames, of their pictures, of metrics and of the history run again with pandas 2.0,
and the numpy and pyarrow of its time, installed into a folder that comes first on the path.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.extended

ROOT = Path(__file__).parents[2]
TESTS = [
    "tests/unit/frames",
    "tests/unit/history",
    "tests/unit/plots",
    "tests/unit/metrics/test_parser.py",
]
# The oldest that were built for each Python.
VERSIONS = {
    10: ("pandas==2.0.*", "numpy<2", "pyarrow==14.*"),
    11: ("pandas==2.0.*", "numpy<2", "pyarrow==14.*"),
    12: ("pandas==2.1.*", "numpy<2", "pyarrow==14.*"),
    13: ("pandas==2.2.*", "numpy", "pyarrow==18.*"),
}


@pytest.fixture(scope="module")
def older_pandas(tmp_path_factory):
    """Return a folder with an old pandas and what it needs."""
    wanted = VERSIONS.get(sys.version_info[1])
    if wanted is None:
        pytest.skip("no older pandas was built for this Python")
    folder = tmp_path_factory.mktemp("pandas")
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--only-binary", ":all:"]
    subprocess.run([*command, "--python", sys.executable, "--target", folder, *wanted], check=True)
    return folder


def test_tests_of_frames_pass_with_it(older_pandas):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(older_pandas), str(ROOT)])}
    which = "import pandas; print(pandas.__version__)"
    version = subprocess.run(
        [sys.executable, "-c", which], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert version.startswith("2.")
    options = ["-q", "-n", "2", "-p", "no:cacheprovider", "-m", "not extended"]
    tests = [sys.executable, "-m", "pytest", *options, *TESTS]
    done = subprocess.run(
        tests, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
