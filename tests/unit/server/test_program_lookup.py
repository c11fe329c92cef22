"""Finding the program that a command names."""

from __future__ import annotations

import sys

import pytest

from inductiva_widgets.server import program_lookup
from inductiva_widgets.server.program_lookup import ProgramNotFoundError, find_program


def executable(folder, name):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def nothing(_path):
    return False


@pytest.fixture
def no_libraries(monkeypatch):
    monkeypatch.setattr(program_lookup, "has_library", lambda name: False)


def test_configured_program_comes_first(tmp_path):
    mine = executable(tmp_path / "mine", "solver")
    path = executable(tmp_path / "bin", "REEF3D")
    environ = {"INDUCTIVA_PROGRAM_REEF3D": mine, "PATH": str(tmp_path / "bin")}
    assert find_program("/REEF3D/bin/REEF3D", nothing, environ) == [mine]
    del environ["INDUCTIVA_PROGRAM_REEF3D"]
    assert find_program("/REEF3D/bin/REEF3D", nothing, environ) == [path]


def test_configured_program_missing_raises(tmp_path):
    environ = {"INDUCTIVA_PROGRAM_CCX": str(tmp_path / "none"), "PATH": str(tmp_path)}
    with pytest.raises(ProgramNotFoundError, match="INDUCTIVA_PROGRAM_CCX says"):
        find_program("ccx", nothing, environ)


def test_other_spelling_on_the_path_will_do(tmp_path):
    path = executable(tmp_path / "bin", "DIVEMesh")
    environ = {"PATH": str(tmp_path / "bin")}
    assert find_program("/DIVEMesh/bin/DiveMESH", nothing, environ) == [path]


def test_absolute_path_of_this_machine_is_taken_as_it_is(tmp_path):
    path = executable(tmp_path, "own-solver")
    assert find_program(path, nothing, {"PATH": ""}) == [path]


def test_input_file_is_used_for_known_simulators_only(tmp_path):
    bash = executable(tmp_path / "bin", "bash")
    environ = {"PATH": str(tmp_path / "bin")}
    have = {"bash", "REEF3D", "tools/mine"}.__contains__
    assert find_program("/REEF3D/bin/REEF3D", have, environ) == ["./REEF3D"]
    assert find_program("bash", have, environ) == [bash]
    assert find_program("tools/mine", have, environ) == ["tools/mine"]


def test_driver_runs_if_its_library_is_installed(monkeypatch):
    monkeypatch.setattr(program_lookup, "has_library", lambda name: name == "swmm.toolkit")
    command = find_program("runswmm", nothing, {"PATH": ""})
    assert command[0] == sys.executable
    assert command[-1] == "inductiva_widgets.server.drivers.swmm"
    assert find_program("swmm5", nothing, {"PATH": ""}) == command
    with pytest.raises(ProgramNotFoundError):
        find_program("./SPHSimulator", nothing, {"PATH": ""})


@pytest.mark.usefixtures("no_libraries")
def test_program_not_found_names_program_places_and_fixes(tmp_path):
    environ = {"PATH": str(tmp_path)}
    with pytest.raises(ProgramNotFoundError) as caught:
        find_program("./SPHSimulator", nothing, environ)
    text = str(caught.value)
    for part in (
        "The program 'SPHSimulator' was not found",
        "INDUCTIVA_PROGRAM_SPHSIMULATOR",
        "the task's own files",
        "the PATH (SPHSimulator)",
        'pip install "inductiva-widgets[splish]"',
    ):
        assert part in text
    with pytest.raises(ProgramNotFoundError, match=r"inductiva-widgets\[local\]"):
        find_program("runswmm", nothing, environ)


def test_looking_for_a_library_does_not_load_it(tmp_path, monkeypatch):
    (tmp_path / "dangerous_library.py").write_text("raise SystemExit('loaded')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert program_lookup.has_library("dangerous_library")
    assert not program_lookup.has_library("no_such_library")
    assert not program_lookup.has_library("no_such_library.part")
    assert "dangerous_library" not in sys.modules
