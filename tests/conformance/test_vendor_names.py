"""The guide says which public names of the vendor's client this package has."""

from pathlib import Path

from inductiva_widgets import resources, simulators
from tests.conformance.vendor_names import SCRIPT, compare, markdown

PAGE = Path(__file__).parents[2] / "docs" / "vendor_names.md"


def test_table_of_the_guide_is_that_of_the_installed_client(ask):
    vendor = ask(SCRIPT.read_text(encoding="utf-8"))
    assert len(vendor) > 300
    table = markdown(compare(vendor))
    assert table in PAGE.read_text(encoding="utf-8"), table


def test_missing_names_and_arguments_are_noticed():
    [row] = compare({"tasks.Task": ["task_id", "colour"], "tasks.Task.fly": []})
    assert row.n_names == (1, 2)
    assert row.n_arguments == (1, 2)
    assert row.missing == ["Task(colour)", "Task.fly"]


def test_positions_are_those_of_the_vendor(short_storm, ask):
    given = ask(
        """
import inspect
from inductiva import resources, simulators
def positional(thing):
    kinds = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return [p.name for p in inspect.signature(thing).parameters.values() if p.kind is kinds]
answer({
    "MachineGroup": positional(resources.MachineGroup)[:3],
    "OpenFOAM": positional(simulators.OpenFOAM),
    "OpenSees": positional(simulators.OpenSees),
    "GROMACS": positional(simulators.GROMACS),
})
"""
    )
    import inspect

    for name, expected in given.items():
        kind = getattr(resources, name, None) or getattr(simulators, name)
        assert list(inspect.signature(kind).parameters)[: len(expected)] == expected
