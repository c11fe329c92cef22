"""The vendor's client on projects, machine groups and the account of the embedded server."""

import csv
import json
import re

import pytest

pytestmark = pytest.mark.extended


def test_project_gathers_tasks_and_prints(ask, finished):
    found = ask(f"""
project = inductiva.projects.Project("a study / of storms")
task = inductiva.tasks.Task("{finished.id}")
before = task.info.project
project.add_task(task)
project = inductiva.projects.Project("a study / of storms")
answer({{
    "before": before,
    "tasks": [one.id for one in project.get_tasks()],
    "text": str(project),
    "overview": {{code.value: count for code, count in project.task_by_status.items()}},
    "cost": project.total_estimated_cost,
}})
""")
    assert found["tasks"] == [finished.id]
    assert found["overview"] == {"success": 1}
    assert found["cost"] == 0
    assert "Total number of tasks: 1" in found["text"]
    kept = ask(f"""
inductiva.projects.Project("a study / of storms").delete()
answer([
    inductiva.tasks.Task("{finished.id}").info.project,
    [project.name for project in inductiva.projects.get_projects()],
])
""")
    assert kept[0] == "default"
    assert "a study / of storms" not in kept[1]


def test_metadata_of_a_project_is_replaced_and_merged(ask):
    found = ask("""
inductiva.projects.Project("with notes")
api = inductiva.client.ProjectsApi(inductiva.api.get_client())
api.set_project_metadata("with notes", {"a": "1", "b": "2"})
api.update_project_metadata("with notes", {"b": "3"})
answer([
    api.get_project_metadata("with notes"),
    api.get_project("with notes").project_metadata,
])
""")
    assert found == [{"a": "1", "b": "3"}] * 2


@pytest.mark.parametrize("fmt", ["json", "csv"])
def test_benchmark_is_exported(ask, finished, tmp_path, fmt):
    ask(f"""
benchmark = inductiva.benchmarks.Benchmark("speed")
benchmark.add_task(inductiva.tasks.Task("{finished.id}"))
benchmark.export(fmt="{fmt}", select="all")
answer(True)
""")
    file = tmp_path / f"speed.{fmt}"
    if fmt == "json":
        rows = json.loads(file.read_text())
    else:
        rows = list(csv.DictReader(file.open(newline="")))
    assert [row["task_id"] for row in rows] == [finished.id]
    assert rows[0]["status"] == "success"
    assert float(rows[0]["computation_seconds"]) > 0


def test_tasks_of_a_project_are_downloaded_by_command(vendor, ask, finished, tmp_path):
    ask(f"""
project = inductiva.projects.Project("to download")
project.add_task(inductiva.tasks.Task("{finished.id}"))
answer(True)
""")
    done = vendor.command("projects", "download", "to download", "--files", "model.rpt")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "inductiva_output" / finished.id / "outputs"
    assert {path.name for path in folder.iterdir()} == {"model.rpt"}


def test_command_projects_list_has_names_and_numbers(vendor, ask):
    ask('inductiva.projects.Project("listed"); answer(True)')
    done = vendor.command("projects", "list")
    rows = [line.rsplit(None, 1) for line in done.stdout.splitlines() if line.strip()]
    assert [cell.strip() for cell in rows[0]] == ["NAME", "NR_TASKS"]
    assert ["listed", "0"] in [[name.strip(), count] for name, count in rows]


def test_group_is_registered_started_used_and_terminated(ask, served, short_storm):
    found = ask(
        """
group = inductiva.resources.MachineGroup("c2-standard-4", num_machines=1)
registered = group.id
task = inductiva.simulators.SWMM().run(
    input_dir=arguments[0], commands=["runswmm model.inp model.rpt model.out"], on=group
)
status = task.wait(silent_mode=True, download_std_on_completion=False).value
names = [one.name for one in inductiva.resources.get()]
machine = task.get_machine_type()
group.terminate()
answer({
    "status": status,
    "listed": group.name in names,
    "gone": group.name not in [one.name for one in inductiva.resources.get()],
    "machine": machine,
})
""",
        str(short_storm),
    )
    assert found["status"] == "success"
    assert found["listed"]
    assert found["gone"]
    assert found["machine"] == "LOCAL-c2-standard-4"
    asked = served.recorder.lines()
    for line in ("POST /compute/group", "POST /compute/group/start", "DELETE /compute/group"):
        assert line in asked


@pytest.mark.parametrize("kind", ["ElasticMachineGroup", "MPICluster"], ids=["elastic", "mpi"])
def test_other_kinds_of_groups_are_registered(ask, kind):
    sizes = "num_machines=2" if kind == "MPICluster" else "min_machines=1, max_machines=2"
    found = ask(f"""
group = inductiva.resources.{kind}("c2-standard-4", {sizes})
group.start()
text = str(group)
same = inductiva.resources.machine_groups.get_by_name(group.name)
group.terminate()
answer([type(same).__name__, text])
""")
    assert found[0] == kind


def test_history_sharing_and_price_of_groups_have_their_types(ask):
    """These have no method of their own in the client: its generated part decodes them strictly."""
    found = ask("""
group = inductiva.resources.MachineGroup("c2-standard-4")
api = inductiva.client.ComputeApi(inductiva.api.get_client())
api.update_sharing_level_of_vm_group(machine_group_id=group.id, sharing_level="organization")
answer({
    "history": group.id in [one.id for one in api.list_user_instance_groups(per_page=500)],
    "sharing": api.get_vm_group_by_name(group.name).sharing_level.value,
    "price": sorted(api.get_instance_price("c2-standard-4")),
    "types": [one.machine_type for one in api.list_available_machine_types()],
})
""")
    assert found == {
        "history": True,
        "sharing": "organization",
        "price": ["on_demand_price", "preemptible_price"],
        "types": ["local"],
    }


def test_account_quotas_costs_and_fees(ask):
    found = ask("""
costs = inductiva.users.get_costs(2024, 1, 2024, 3)
answer({
    "email": inductiva.users.get_info().email,
    "quotas": sorted(inductiva.users.get_quotas()),
    "months": [one.month for one in costs],
    "fee": inductiva.users.methods.get_fees().task_orchestration_fee.amount,
})
""")
    assert found["email"].endswith("@localhost")
    assert found["quotas"] == ["max_instances", "max_price_hour", "max_vcpus"]
    assert found["months"] == ["2024-01", "2024-02", "2024-03"]
    assert found["fee"] == 0


def test_metadata_of_a_task_is_merged(ask, finished):
    found = ask(f"""
api = inductiva.client.TasksApi(inductiva.api.get_client())
api.set_metadata("{finished.id}", {{"a": "1", "b": "2"}})
api.update_metadata("{finished.id}", {{"b": "3"}})
answer(inductiva.tasks.Task("{finished.id}").get_metadata())
""")
    assert found == {"a": "1", "b": "3"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["resources", "list"], r"local +local"),
        (["resources", "info", "local"], r"machine group: local"),
        (["resources", "cost", "c2-standard-4"], r"Estimated cost of machine"),
        (["simulators", "list"], r"swmm +local"),
        (["user", "info"], r"Plan: Local"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_commands_print_what_the_server_tells(vendor, served, arguments, said):
    done = vendor.command(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(said, done.stdout), done.stdout
    assert {request.status for request in served.recorder.requests} == {200}
