"""The README's tables of features say what the tests have seen."""

import subprocess
import sys

import pytest

import inductiva_widgets
from inductiva_widgets.downloads import fetch_archive
from inductiva_widgets.errors import InductivaError
from tests.conformance import features
from tests.conformance.venvs import ROOT

# Prints the tests that are collected, but for those that are marked to be skipped.
COLLECT = """
import sys, pytest

class Collected:
    def pytest_collection_modifyitems(self, items):
        for item in items:
            marks = [mark for name in ("skip", "skipif") for mark in item.iter_markers(name)]
            if not any(mark.name == "skip" or any(mark.args) for mark in marks):
                print("found", item.nodeid)

sys.exit(pytest.main(["--collect-only", "-q", *sys.argv[1:]], plugins=[Collected()]))
"""


def test_tables_of_the_readme_are_those_of_the_tests():
    """Else: python -m tests.conformance.features --write."""
    assert features.written() == features.markdown()


def test_every_cell_rests_on_a_test_that_is_there_and_is_run():
    files = sorted({proof.split("::")[0] for proof in features.proofs()})
    done = subprocess.run(
        [sys.executable, "-c", COLLECT, *files],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = {line.removeprefix("found ") for line in done.stdout.splitlines()}
    # A test with parameters stands for all of them, unless one is named.
    found |= {name.split("[")[0] for name in found}
    assert [proof for proof in features.proofs() if proof not in found] == []


@pytest.mark.parametrize("table", features.TABLES, ids=lambda table: table.columns[-1])
def test_every_row_has_a_cell_for_each_column(table):
    for row in table.rows:
        assert len(row.cells) == len(table.columns), row.feature
        for cell in row.cells:
            assert cell.text
            assert cell.proofs, row.feature
            assert "|" not in cell.text


def test_what_only_the_vendor_has_is_not_here():
    for name in ("storage", "benchmarks", "TemplateManager"):
        assert not hasattr(inductiva_widgets, name)
    assert hasattr(inductiva_widgets.Task, "remove_remote_files")


def test_downloads_speak_http_alone(tmp_path):
    with pytest.raises((InductivaError, ValueError)):
        fetch_archive("ftp://127.0.0.1/all.zip", tmp_path)
