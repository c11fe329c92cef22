import pytest

from inductiva_widgets.errors import InputError
from inductiva_widgets.models.machines import MachineGroupTarget
from inductiva_widgets.models.tasks import CommandSpec, MpiConfig
from inductiva_widgets.simulators._commands import parse_commands, parse_duration
from inductiva_widgets.simulators._commands_mpi import mpi_on_all_cpus


def test_text_mapping_and_command_are_taken():
    given = ["a b", {"cmd": "c", "prompts": ["y"]}, CommandSpec(cmd="d")]
    assert [command.cmd for command in parse_commands(given)] == ["a b", "c", "d"]


@pytest.mark.parametrize("character", "|><&;?~$")
def test_shell_characters_are_refused(character):
    with pytest.raises(InputError, match="shell"):
        parse_commands([f"run {character} more"])


@pytest.mark.parametrize("commands", [[], [""], ["  "], "one string", [{"nope": 1}], [3]])
def test_what_is_no_list_of_commands_is_refused(commands):
    with pytest.raises(InputError):
        parse_commands(commands)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("10m", 600),
        ("1h30m", 5400),
        ("2d", 172800),
        ("1.5h", 5400),
        ("90 s", 90),
        (30, 30),
        (None, None),
    ],
)
def test_durations(given, seconds):
    assert parse_duration(given) == seconds


@pytest.mark.parametrize(
    "given", ["", "soon", "10", "-5m", 0, -1, float("nan"), float("inf"), True]
)
def test_what_is_no_duration_is_refused(given):
    with pytest.raises(InputError):
        parse_duration(given)


def test_settings_of_a_group_replace_those_for_all_its_processors():
    settings = MpiConfig(version="1.10.7", options={"np": 3, "use-hwthread-cpus": False})
    machine = MachineGroupTarget(id="g1", mpi_config=settings)
    assert mpi_on_all_cpus("a -parallel", machine).mpi_config == settings
    assert mpi_on_all_cpus("a", MachineGroupTarget(id="g1")).mpi_config.version == "4.1.6"
