"""From the commands of a submission to what is run here."""

from __future__ import annotations

import pytest

from inductiva_widgets.local.commands import Recipe, plan
from inductiva_widgets.local.programs import ProgramNotFoundError
from inductiva_widgets.local.refusals import RefusedError
from inductiva_widgets.models import Command, MpiConfig
from tests.unit.local.conftest import submission


@pytest.fixture
def environ(tmp_path):
    for name in ("solver", "mpirun", "make", "cp", "rm", "SPHSimulator"):
        path = tmp_path / name
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    return {"PATH": str(tmp_path)}


def recipe(*commands: Command | str, **extra) -> Recipe:
    listed = [Command(cmd=one) if isinstance(one, str) else one for one in commands]
    return Recipe(commands=listed, sim_dir="sim_dir", run_dir=extra.get("run_dir", "."))


def with_mpi(**options) -> Command:
    return Command(cmd="/bin/solver in.txt", mpi_config=MpiConfig(version="4.1.6", options=options))


def test_words_are_split_without_a_shell(environ, tmp_path):
    [planned] = plan(recipe("solver 'a b' $HOME *.txt"), set(), environ)
    assert planned.argv == [str(tmp_path / "solver"), "a b", "$HOME", "*.txt"]
    assert planned.shown == "solver 'a b' $HOME *.txt"


def test_several_processes_go_under_mpirun(environ, tmp_path):
    command = with_mpi(**{"np": 4, "use-hwthread-cpus": True, "quiet": False, "host": None})
    [planned] = plan(recipe(command), set(), environ)
    prefix = [str(tmp_path / "mpirun"), "--np", "4", "--use-hwthread-cpus"]
    assert planned.argv == [*prefix, str(tmp_path / "solver"), "in.txt"]
    assert planned.shown == "mpirun --np 4 --use-hwthread-cpus /bin/solver in.txt"


@pytest.mark.parametrize("options", [{}, {"np": 1}, {"use-hwthread-cpus": True}])
def test_single_process_runs_bare(environ, options):
    [planned] = plan(recipe(with_mpi(**options)), set(), environ)
    assert planned.shown == "/bin/solver in.txt"
    assert len(planned.argv) == 2


def test_without_mpirun_it_runs_bare(environ, tmp_path):
    (tmp_path / "mpirun").unlink()
    [planned] = plan(recipe(with_mpi(np=4)), set(), environ)
    assert planned.shown == "/bin/solver in.txt"


def test_copies_in_and_out_of_the_container_are_left_out(environ, tmp_path):
    planned = plan(
        recipe(
            "cp /SPlisHSPlasH_CPU/bin/SPHSimulator .",
            "./SPHSimulator config.json --no-gui --output-dir .",
            "rm SPHSimulator",
        ),
        {"config.json"},
        environ,
    )
    assert [one.argv[0] for one in planned] == [str(tmp_path / "SPHSimulator")]


def test_other_copies_are_the_users_own(environ):
    planned = plan(recipe("cp a.txt b.txt", "rm b.txt", "cp /data/mesh.txt ."), set(), environ)
    assert [one.shown.split()[0] for one in planned] == ["cp", "rm", "cp"]


def test_program_that_an_earlier_command_makes_is_believed_in(environ):
    planned = plan(recipe("make all", "./made in.txt"), set(), environ)
    assert planned[1].argv == ["./made", "in.txt"]
    with pytest.raises(ProgramNotFoundError):
        plan(recipe("./made in.txt"), set(), environ)
    with pytest.raises(ProgramNotFoundError):
        plan(recipe("make all", "nowhere in.txt"), set(), environ)


def test_program_is_sought_where_the_command_runs(environ):
    have = {"case/tool"}
    assert plan(recipe("./tool", run_dir="case"), have, environ)[0].argv == ["./tool"]
    with pytest.raises(ProgramNotFoundError):
        plan(recipe("./tool"), have, environ)


def test_submission_becomes_a_recipe():
    extra = {
        "commands": [{"cmd": "solve", "prompts": ["y"], "env": {"A": "1"}}],
        "run_subprocess_dir": "./case//deep/",
        "container_image": "x",
    }
    made = Recipe.of(submission(extra_params=extra))
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
    with pytest.raises(RefusedError):
        Recipe.of(submission(extra_params=extra))
