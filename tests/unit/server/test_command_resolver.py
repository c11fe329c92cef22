"""From the commands of a submission to what is run here."""

from __future__ import annotations

import pytest

from inductiva_widgets.server.command_resolver import RequestedCommand, RunSpec, resolve_commands
from inductiva_widgets.server.errors import BadRequestError
from inductiva_widgets.server.job_setup import read_run_spec
from inductiva_widgets.server.program_lookup import ProgramNotFoundError
from tests.unit.server.conftest import submission


@pytest.fixture
def environ(tmp_path):
    for name in ("solver", "mpirun", "make", "cp", "rm", "SPHSimulator"):
        path = tmp_path / name
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    return {"PATH": str(tmp_path)}


def command(text: str, mpi_options: dict | None = None) -> RequestedCommand:
    return RequestedCommand(text, [], {}, mpi_options)


def run_spec(*commands: RequestedCommand | str, **extra) -> RunSpec:
    listed = [command(one) if isinstance(one, str) else one for one in commands]
    return RunSpec(
        commands=listed,
        sim_dir="sim_dir",
        run_dir=extra.get("run_dir", "."),
        image=extra.get("image"),
    )


def with_mpi(**options) -> RequestedCommand:
    return command("/bin/solver in.txt", options)


def test_words_are_split_without_a_shell(environ, tmp_path):
    [planned] = resolve_commands(run_spec("solver 'a b' $HOME *.txt"), set(), environ)
    assert planned.argv == [str(tmp_path / "solver"), "a b", "$HOME", "*.txt"]
    assert planned.shown == "solver 'a b' $HOME *.txt"


def test_several_processes_go_under_mpirun(environ, tmp_path):
    parallel = with_mpi(**{"np": 4, "use-hwthread-cpus": True, "quiet": False, "host": None})
    [planned] = resolve_commands(run_spec(parallel), set(), environ)
    prefix = [str(tmp_path / "mpirun"), "--np", "4", "--use-hwthread-cpus"]
    assert planned.argv == [*prefix, str(tmp_path / "solver"), "in.txt"]
    assert planned.shown == "mpirun --np 4 --use-hwthread-cpus /bin/solver in.txt"


@pytest.mark.parametrize("options", [{}, {"np": 1}, {"use-hwthread-cpus": True}])
def test_single_process_runs_bare(environ, options):
    [planned] = resolve_commands(run_spec(with_mpi(**options)), set(), environ)
    assert planned.shown == "/bin/solver in.txt"
    assert len(planned.argv) == 2


def test_without_mpirun_it_runs_bare_and_says_so(environ, tmp_path):
    (tmp_path / "mpirun").unlink()
    [planned] = resolve_commands(run_spec(with_mpi(np=4)), set(), environ)
    assert planned.shown == "/bin/solver in.txt"
    assert "this runs as one process, not as 4" in planned.note
    [planned] = resolve_commands(run_spec(with_mpi(np=1)), set(), environ)
    assert planned.note is None


def test_mpirun_as_root_gets_permission_variables(environ, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    [planned] = resolve_commands(run_spec(with_mpi(np=2)), set(), environ)
    assert set(planned.env) == {"OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"}
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    [planned] = resolve_commands(run_spec(with_mpi(np=2)), set(), environ)
    assert planned.env == {}


# Container images --------------------------------------------------------------------------------

IMAGE = "docker://me/mine:1"


@pytest.fixture
def stand_in_podman(tmp_path):
    """Put a program named podman on the PATH; nothing runs it here."""
    path = tmp_path / "podman"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_programs_of_this_machine_come_before_a_named_image_with_a_note(environ, stand_in_podman):
    [planned] = resolve_commands(run_spec("solver in.txt", image=IMAGE), set(), environ)
    assert (planned.image, planned.engine) == (None, None)
    assert f"not those of the image {IMAGE}" in planned.note


def test_image_is_taken_for_all_commands_when_one_program_is_missing(environ, stand_in_podman):
    first, second = resolve_commands(run_spec("solver a", "nowhere b", image=IMAGE), set(), environ)
    for planned, argv in ((first, ["solver", "a"]), (second, ["nowhere", "b"])):
        assert (planned.argv, planned.image) == (argv, IMAGE)
        assert planned.engine == stand_in_podman
    missing, provide, _ = first.note.splitlines()
    assert missing == "The program 'nowhere' was not found on this machine."
    assert provide.startswith("To provide it: ")


def test_image_is_preferred_if_configured(environ, stand_in_podman):
    environ["INDUCTIVA_LOCAL_CONTAINERS"] = "always"
    [planned] = resolve_commands(run_spec("solver in.txt", image=IMAGE), set(), environ)
    assert (planned.argv, planned.image, planned.note) == (["solver", "in.txt"], IMAGE, None)
    # A simulator's own image is not one that the user named.
    assert resolve_commands(run_spec("solver in.txt"), set(), environ)[0].image is None


def test_without_engine_error_has_program_and_both_fixes(environ, stand_in_podman):
    environ["INDUCTIVA_LOCAL_ENGINE"] = "none"
    with pytest.raises(ProgramNotFoundError) as caught:
        resolve_commands(run_spec("nowhere in.txt", image=IMAGE), set(), environ)
    for part in ("'nowhere' was not found", "the PATH", IMAGE, "podman or docker"):
        assert part in str(caught.value)


def test_configured_program_missing_is_not_replaced(environ, stand_in_podman):
    environ["INDUCTIVA_PROGRAM_SOLVER"] = "/no/such/solver"
    with pytest.raises(ProgramNotFoundError, match="INDUCTIVA_PROGRAM_SOLVER says"):
        resolve_commands(run_spec("solver in.txt", image=IMAGE), set(), environ)


def test_mpirun_of_the_image_is_called_by_its_name(environ, stand_in_podman, tmp_path):
    (tmp_path / "solver").unlink()
    [planned] = resolve_commands(run_spec(with_mpi(np=2), image=IMAGE), set(), environ)
    assert planned.argv == ["mpirun", "--np", "2", "/bin/solver", "in.txt"]
    assert planned.shown == "mpirun --np 2 /bin/solver in.txt"


@pytest.mark.parametrize(("alias", "image"), [(None, "x"), ("reef3d", None)])
def test_image_is_named_where_no_simulator_is(alias, image):
    assert read_run_spec(submission(simulator_name_alias=alias)).image == image


def test_copies_in_and_out_of_the_container_are_left_out(environ, tmp_path):
    planned = resolve_commands(
        run_spec(
            "cp /SPlisHSPlasH_CPU/bin/SPHSimulator .",
            "./SPHSimulator config.json --no-gui --output-dir .",
            "rm SPHSimulator",
        ),
        {"config.json"},
        environ,
    )
    assert [one.argv[0] for one in planned] == [str(tmp_path / "SPHSimulator")]


def test_other_copies_are_the_users_own(environ):
    planned = resolve_commands(
        run_spec("cp a.txt b.txt", "rm b.txt", "cp /data/mesh.txt ."), set(), environ
    )
    assert [one.shown.split()[0] for one in planned] == ["cp", "rm", "cp"]


def test_program_that_an_earlier_command_makes_is_believed_in(environ):
    planned = resolve_commands(run_spec("make all", "./made in.txt"), set(), environ)
    assert planned[1].argv == ["./made", "in.txt"]
    with pytest.raises(ProgramNotFoundError):
        resolve_commands(run_spec("./made in.txt"), set(), environ)
    with pytest.raises(ProgramNotFoundError):
        resolve_commands(run_spec("make all", "nowhere in.txt"), set(), environ)


def test_program_path_is_relative_to_the_working_folder(environ):
    have = {"case/tool"}
    assert resolve_commands(run_spec("./tool", run_dir="case"), have, environ)[0].argv == ["./tool"]
    with pytest.raises(ProgramNotFoundError):
        resolve_commands(run_spec("./tool"), have, environ)


def test_submission_becomes_a_run_spec():
    extra = {
        "commands": [{"cmd": "solve", "prompts": ["y"], "env": {"A": "1"}}],
        "run_subprocess_dir": "./case//deep/",
        "container_image": "x",
    }
    made = read_run_spec(submission(extra_params=extra))
    assert (made.sim_dir, made.run_dir) == ("sim_dir", "case/deep")
    assert made.commands[0].prompts == ["y"]


@pytest.mark.parametrize(
    "change",
    [
        {"commands": []},
        {"commands": [{"cmd": " "}]},
        {"commands": [{"cmd": "run 'open"}]},
        {"commands": [{"cmd": 7}]},
        {"sim_dir": ".."},
        {"sim_dir": "a/b"},
        {"sim_dir": ""},
        {"run_subprocess_dir": "../x"},
        {"run_subprocess_dir": "/x"},
        {"run_subprocess_dir": "a/../../x"},
    ],
)
def test_submission_that_cannot_run_is_refused(change):
    extra = {"commands": [{"cmd": "solve"}], **change}
    with pytest.raises(BadRequestError):
        read_run_spec(submission(extra_params=extra))
