"""Projects, the account and commands: our client against the real server."""

import pytest

import inductiva_widgets as inductiva
from inductiva_widgets import errors
from inductiva_widgets.commands import Command, MPIConfig


def test_block_submits_to_its_project_and_ends(swmm, short_storm, client):
    before = client.list_projects()
    with inductiva.projects.Project("storms of the block") as project:
        assert client.list_projects() == before
        task = swmm.run(short_storm)
        other = swmm.run(short_storm, project="other storms")
        with inductiva.projects.Project("inner"):
            inner = swmm.run(short_storm)
        outer = swmm.run(short_storm)
    after = swmm.run(short_storm)
    names = [one.info.project for one in (task, other, inner, outer, after)]
    assert names == [project.name, "other storms", "inner", project.name, "default"]
    assert project.wait(0.1, silent_mode=True) == ["success", "success"]
    assert project.task_by_status == {"success": 2}
    assert [one.id for one in project.get_tasks(1)] == [outer.id]
    assert (project.total_estimated_cost, project.estimated_computation_cost) == (0, 0)
    project.add_task(after)
    assert project.num_tasks == 3


def test_projects_are_listed_as_a_table_and_as_a_frame(client):
    inductiva.projects.Project("a\x1b[2J").get_info()
    projects = inductiva.projects.get_projects()
    assert "a\\x1b[2J" in str(projects)
    frame = projects.to_frame()
    assert frame.index.name == "name"
    assert list(frame.index) == [project.name for project in projects]
    assert frame.loc["a\x1b[2J", "n_tasks"] == 0
    assert str(frame.created_at.dtype).startswith("datetime64")
    inductiva.projects.Project("a\x1b[2J").delete()
    assert "a\x1b[2J" not in [project.name for project in inductiva.projects.get_projects()]


@pytest.mark.parametrize("name", ["", " ", None, 3])
def test_project_without_a_name_is_refused(client, name):
    with pytest.raises(errors.InputError, match="name of a project"):
        inductiva.projects.Project(name)


def test_account_has_quotas_and_costs(client):
    assert inductiva.users.get_info().username
    assert inductiva.users.get_quotas()["max_vcpus"].max_allowed >= 1
    costs = inductiva.users.get_costs(2026, 11, 2026, 12)
    assert [cost.month for cost in costs] == ["2026-11", "2026-12"]
    assert costs[0].components.compute == 0


def test_machine_types_and_prices_are_those_of_the_service(client):
    [machine] = inductiva.resources.get_available_machine_types(
        machine_families=["c2", "c3"], vcpus_range=(1, 64), spot=True
    )
    assert (machine.machine_type, machine.price) == ("local", 0)
    assert machine.num_vcpus >= 1
    assert inductiva.resources.estimate_machine_cost("c2-standard-4") == 1e-6
    with pytest.raises(errors.InputError, match="`vcpus_range` must be a minimum and a maximum"):
        inductiva.resources.get_available_machine_types(vcpus_range=(1,))


def test_command_objects_are_submitted_as_they_are(swmm, short_storm):
    commands = [
        Command(
            "runswmm model.inp model.rpt",
            "y",
            mpi_config=MPIConfig("4.1.6", np=2, use_hwthread_cpus=False),
            env={"LEVEL": "2"},
        ),
        "rm model.rpt",
    ]
    task = swmm.run(short_storm, commands)
    assert task.get_info().extra_params["commands"] == [
        {
            "cmd": "runswmm model.inp model.rpt",
            "prompts": ["y"],
            "mpi_config": {"version": "4.1.6", "options": {"np": 2, "use-hwthread-cpus": False}},
            "env": {"LEVEL": "2"},
        },
        {"cmd": "rm model.rpt", "prompts": [], "mpi_config": None, "env": {}},
    ]
    task.kill(wait_timeout=20)
    with pytest.raises(errors.InputError, match="shell characters"):
        Command("a | b")


def test_output_folder_is_set_and_read(monkeypatch, tmp_path):
    monkeypatch.setenv("INDUCTIVA_OUTPUT_DIR", "before")
    assert inductiva.get_output_dir() == "before"
    inductiva.set_output_dir(tmp_path)
    assert inductiva.get_output_dir() == str(tmp_path)
    inductiva.set_output_dir(None)
    assert inductiva.get_output_dir() == "."
