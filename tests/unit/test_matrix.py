"""The tables of what the tests have found."""

import pytest

from tests import matrix
from tests.matrix import FRONT_ENDS, PYTHONS


@pytest.fixture(autouse=True)
def records(tmp_path, monkeypatch):
    monkeypatch.setattr(matrix, "RECORDS", tmp_path / "matrix")
    monkeypatch.setattr(matrix, "README", tmp_path / "README.md")
    return tmp_path


@pytest.fixture
def readme(records):
    """Return the README of a run in which every test has seen what it looks for."""
    for row, columns in matrix.SHAPES[FRONT_ENDS].rows.items():
        for column in columns:
            matrix.note(FRONT_ENDS, row, column, "1.9.1" if column == matrix.VERSION else "yes")
    text = f"# Head\n\n{matrix.BEGIN}\n{matrix.END}\n\nRest."
    path = records / "README.md"
    path.write_text(text)
    assert matrix.main(["--write"]) == 0
    return path


def test_what_is_written_is_what_was_found_and_the_rest_stays(readme, capsys):
    text = readme.read_text()
    assert text.startswith(f"# Head\n\n{matrix.BEGIN}\n| front end | version | ")
    assert text.endswith(f"\n{matrix.END}\n\nRest.")
    assert "| JupyterLab | 1.9.1 | yes | yes | yes | yes |" in text
    assert matrix.main(["--check"]) == 0
    before = text
    matrix.main(["--write"])
    assert readme.read_text() == before


def test_check_tells_each_cell_that_is_not_so(readme, capsys):
    readme.write_text(readme.read_text().replace("| marimo | 1.9.1 | yes", "| marimo | 1.9.1 | no"))
    assert matrix.main(["--check"]) == 1
    assert capsys.readouterr().out == (
        "marimo, live card and list: the README says 'no', the tests 'yes'.\n"
    )


def test_check_tells_what_was_not_run(readme, capsys):
    matrix.forget(FRONT_ENDS)
    assert matrix.main(["--check"]) == 1
    assert "Voilà, pictures of tasks: the README says 'yes', the tests 'not run'." in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(("version", "code"), [("1.10.0", 0), ("2.0", 0), ("1.9.0", 1)])
def test_versions_may_be_newer_than_the_readmes(readme, version, code):
    matrix.note(FRONT_ENDS, "marimo", matrix.VERSION, version)
    assert matrix.main(["--check"]) == code


def test_check_tells_rows_that_one_side_has_alone(readme, capsys):
    readme.write_text(readme.read_text().replace("| marimo |", "| Colab |"))
    assert matrix.main(["--check"]) == 1
    told = capsys.readouterr().out
    assert "marimo is not in the README's table." in told
    assert "Colab is in the README's table alone." in told


def test_check_tells_a_readme_without_a_table(records, capsys):
    (records / "README.md").write_text("# Head")
    assert matrix.main(["--check"]) == 1
    assert "columns None" in capsys.readouterr().out


def test_printed_tables_are_aligned_and_say_what_was_not_run(capsys):
    matrix.note(PYTHONS, "3.10", "lowest dependencies", "works, 12 checks")
    matrix.note(PYTHONS, "3.14", "newest dependencies", "works, 12 checks")
    matrix.note(FRONT_ENDS, "Lyra", "dances", "yes")
    assert matrix.main([]) == 0
    pythons, front_ends = capsys.readouterr().out.split("\n\n")
    assert pythons.splitlines() == [
        "Python  lowest dependencies  newest dependencies",
        "3.10    works, 12 checks     not run",
        "3.11    not run              not run",
        "3.12    not run              not run",
        "3.13    not run              not run",
        "3.14    \N{EN DASH}                    works, 12 checks",
    ]
    assert "JupyterLab" in front_ends
    [head, *rows] = front_ends.splitlines()
    place = head.index("dances")
    assert [row[place:] for row in rows if row.startswith("Lyra")] == ["yes"]


def test_seen_notes_the_version_that_is_installed():
    matrix.seen("JupyterLab", matrix.LIVE)
    assert matrix.found(FRONT_ENDS)["JupyterLab"][matrix.VERSION].startswith("4.")


def test_forgetting_one_table_leaves_the_other():
    matrix.note(PYTHONS, "3.10", "lowest dependencies", "works")
    matrix.seen("JupyterLab", matrix.LIVE)
    matrix.forget(FRONT_ENDS)
    assert matrix.found(FRONT_ENDS) == {}
    assert matrix.found(PYTHONS)


def test_other_arguments_are_answered_with_what_there_is(capsys):
    assert matrix.main(["--help"]) == 2
    assert "--check" in capsys.readouterr().out
