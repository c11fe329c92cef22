"""Machine groups: our client against the real server, with the real simulator."""

import pytest

from inductiva_widgets import errors, resources
from inductiva_widgets.server.local_executor import default_capacity
from tests.integration.conftest import CASES


def ended(task):
    """Return the status in which a task ends."""
    return task.wait(0.1, silent_mode=True, download_std_on_completion=False)


def test_group_is_registered_started_used_and_terminated(swmm, short_storm, capsys):
    group = resources.MachineGroup("c2-standard-4", num_machines=2)
    group.register()
    assert group.name not in [one.name for one in resources.get() if one.is_started]
    group.start()
    line = capsys.readouterr().out
    assert line.startswith(f"Starting {group.name}: 2 ")
    assert line.endswith(" c2-standard-4 (spot), about $0 per hour.\n")

    task = swmm.run(short_storm, on=group)
    assert ended(task) == "success"
    assert task.get_machine_type() == "c2-standard-4"
    assert task.info.machine_group_name == group.name
    by_name = swmm.run(short_storm, on=group.name)
    assert ended(by_name) == "success"

    found = resources.get_by_name(group.name)
    assert found.id in [one.id for one in resources.get()]
    assert (found.id, found.is_started, found.num_machines) == (group.id, True, 2)
    group.terminate()
    assert found.refresh().status == "terminated"
    assert found.id not in [one.id for one in resources.get()]
    assert task.download_outputs().is_dir()


def test_block_ends_what_runs_and_what_waits(swmm):
    with resources.ElasticMachineGroup("c2-standard-4", max_machines=4) as group:
        # Two more than this machine takes at a time.
        tasks = [swmm.run(CASES / "swmm_long", on=group) for _ in range(default_capacity() + 2)]
        assert tasks[0].wait_for_status("computation-started", 0.1, silent_mode=True)
        assert tasks[-1].get_status() == "submitted"
    assert group.refresh().status == "terminated"
    ends = [str(ended(task)) for task in tasks]
    assert ends[0] == "executer-terminated-by-user"
    assert ends[-1] == "zombie"
    assert set(ends) == {"executer-terminated-by-user", "zombie"}
    assert "was terminated while the task was running" in tasks[0].info.error_detail
    for task in (tasks[0], tasks[-1]):
        with pytest.raises(errors.TaskError):
            task.download_outputs()


def test_run_says_the_cost_and_starts_the_group(swmm, short_storm, capsys):
    group = resources.MachineGroup("c2-standard-4")
    task = swmm.run(short_storm, on=group)
    assert capsys.readouterr().out == (
        f"Starting {group.name}: 1 \N{MULTIPLICATION SIGN} c2-standard-4 (spot), about 0 US$ per "
        "hour.\n"
    )
    assert group.is_started
    assert ended(task) == "success"
    swmm.run(short_storm, on=group).kill()
    assert capsys.readouterr().out == ""
    group.terminate()
    with pytest.raises(errors.InputError, match="cannot be started again"):
        swmm.run(short_storm, on=group)


def test_run_starts_nothing_for_a_refused_task_or_unasked(swmm, short_storm, client):
    group = resources.MachineGroup("c2-standard-4")
    before = client.list_tasks(per_page=1).total_size
    with pytest.raises(errors.InputError, match=r"is not started.*group\.start\(\)"):
        swmm.run(short_storm, on=group, auto_start=False)
    with pytest.raises(errors.InputError, match="Unknown version"):
        type(swmm)("9.9").run(short_storm, on=group)
    with pytest.raises(errors.InductivaError, match="not started"):
        swmm.run(short_storm, on=group.name)
    assert group.refresh().status == "registered"
    assert client.list_tasks(per_page=1).total_size == before
    group.terminate()


def test_each_kind_comes_back_as_it_was_made(client):
    made = [
        resources.MachineGroup("c3-highcpu-8", spot=False, data_disk_gb=40, threads_per_core=1),
        resources.ElasticMachineGroup(
            "c2-standard-4", min_machines=2, max_machines=5, max_idle_time=10
        ),
        resources.MPICluster("c2-standard-60", "europe-west1-b", num_machines=3),
    ]
    for group in made:
        group.register()
        found = resources.get_by_name(group.name)
        assert type(found) is type(group)
        assert repr(found) == repr(group)
        for name in ("data_disk_gb", "threads_per_core", "max_idle_time", "zone", "provider"):
            assert getattr(found, name) == getattr(group, name)
        assert found.auto_terminate_ts is None
        found.terminate()


def test_estimate_costs_nothing_and_registers_nothing(client):
    before = len(client.list_machine_groups())
    estimate = resources.MachineGroup("c2-standard-4").estimate_cost()
    assert 0 < estimate.spot < 0.001
    assert len(client.list_machine_groups()) == before


def test_bad_machine_type_is_refused_by_the_service_in_a_sentence(client):
    with pytest.raises(errors.InputError, match=r"does not accept .* such as c2-standard-4"):
        resources.MachineGroup("No Such Type!").start()


def test_this_machine_cannot_be_terminated(client):
    group = resources.get_by_name("local")
    with pytest.raises(errors.ConflictError, match="is this machine"):
        group.terminate()
    assert group.is_started


def test_unknown_name_is_not_found(client):
    with pytest.raises(errors.NotFoundError, match="api-nothing"):
        resources.get_by_name("api-nothing")
