import dataclasses
import io
import zipfile

import pytest

from inductiva_widgets import resources, simulators
from inductiva_widgets.errors import APIConnectionError, InputError, ServerError


@pytest.fixture
def client(service, monkeypatch):
    client = service()
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", client)
    return client


@pytest.fixture
def case(tmp_path):
    (tmp_path / "model.inp").write_text("[TITLE]\n")
    return tmp_path


def submitted(client):
    return next(body for method, path, _, body in client.transport.calls if path == "/tasks/submit")


def test_run_submits_uploads_and_returns_the_task(client, case):
    task = simulators.SWMM().run(case)
    assert task.id == "new-task"
    assert client.transport.requests[-3:] == [
        "POST /tasks/submit",
        "GET /storage/signed-urls",
        "POST /tasks/new-task/input_uploaded",
    ]
    archive = zipfile.ZipFile(io.BytesIO(client.transport.uploads[0]))
    assert archive.namelist() == ["sim_dir/", "sim_dir/model.inp"]


def test_submission_says_what_the_service_expects(client, case):
    simulators.SWMM().run(case, project="rain", time_to_live="1h", storage_dir="here")
    body = submitted(client)
    assert body["simulator"] == "arbitrary_commands"
    assert body["simulator_name_alias"] == "swmm"
    assert body["resource_pool"] == "g1"
    assert body["container_image"] == "docker://inductiva/kutu:swmm_v5.2.4"
    assert body["extra_params"]["commands"] == [
        {
            "cmd": "runswmm model.inp model.rpt model.out",
            "prompts": [],
            "mpi_config": None,
            "env": {},
        }
    ]
    assert (body["project"], body["time_to_live_seconds"]) == ("rain", 3600)
    assert body["storage_path_prefix"] == "here"


def test_arguments_have_the_positions_of_the_vendor(client, case):
    simulators.SWMM("5.2.3").run(case, ["runswmm model.inp a b"])
    body = submitted(client)
    assert body["container_image"].endswith(":swmm_v5.2.3")
    assert [command["cmd"] for command in body["extra_params"]["commands"]] == [
        "runswmm model.inp a b"
    ]
    assert simulators.OpenFOAM("esi").image == "openfoam-esi"
    assert (simulators.SWMM().name, simulators.SWMM("5.2.3").version) == ("SWMM", "5.2.3")
    assert simulators.SWMM("5.2.3").image_uri == body["container_image"]


def test_swmm_without_inputs_says_that_the_folder_is_missing(client):
    with pytest.raises(InputError, match="`input_dir` is missing"):
        simulators.SWMM().run()
    assert client.transport.calls == []


def test_group_of_another_service_is_refused_unregistered(client, case, service):
    other = service()
    other.transport.settings = dataclasses.replace(client.settings, api_url="http://other")
    group = resources.MachineGroup("c2-standard-4", client=other)
    with pytest.raises(InputError, match="must be a machine group of http://fake"):
        simulators.SWMM().run(case, on=group)
    assert other.transport.calls == []
    assert client.transport.calls == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, APIConnectionError, ServerError])
def test_failed_upload_kills_the_task(client, case, error):
    def fail():
        raise error("x", status=500) if error is ServerError else error("x")

    client.transport.hooks["POST /tasks/new-task/input_uploaded"] = fail
    with pytest.raises(error):
        simulators.SWMM().run(case)
    assert client.transport.requests[-1] == "POST /tasks/new-task/kill"


@pytest.mark.parametrize(
    ("simulator", "arguments", "said"),
    [
        (simulators.SWMM(version="9.9"), {}, "5.2.3, 5.2.4"),
        (simulators.GROMACS(), {"commands": ["gmx"]}, "does not offer GROMACS"),
        (simulators.SWMM(), {"on": "other"}, "api-one"),
        (simulators.SWMM(), {"time_to_live": "soon"}, "A duration must be"),
        (simulators.SWMM(), {"colour": "blue"}, "colour"),
        (simulators.SplishSplash(), {"sim_config_filename": "nope.json"}, "nope.json"),
    ],
)
def test_invalid_argument_raises_and_nothing_is_submitted(client, case, simulator, arguments, said):
    with pytest.raises(InputError, match=said):
        simulator.run(case, **arguments)
    assert "POST /tasks/submit" not in client.transport.requests


def test_swmm_without_commands_needs_exactly_one_model(client, case):
    (case / "second.inp").write_text("")
    with pytest.raises(InputError, match=r"model\.inp, second\.inp"):
        simulators.SWMM().run(case)
    assert client.transport.calls == []


def test_missing_folder_costs_no_request(client, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        simulators.REEF3D().run(tmp_path / "nowhere")
    assert client.transport.calls == []


def test_run_without_inputs_raises(client):
    with pytest.raises(InputError, match="input_dir"):
        simulators.REEF3D().run()


def test_no_started_group_says_how_to_get_one(client, case):
    client.transport.groups = [{"id": "g2", "name": "asleep", "status": "registered"}]
    with pytest.raises(InputError, match=r'connect\("local"\)'):
        simulators.SWMM().run(case)


def test_embedded_server_runs_on_its_own_group_whatever_else_is_started(client, case):
    client.transport.is_embedded = True
    client.transport.groups = [
        {"id": "mine", "name": "api-mine", "status": "started"},
        {"id": "local", "name": "local", "status": "started"},
    ]
    simulators.SWMM().run(case)
    assert submitted(client)["resource_pool"] == "local"


def test_several_started_groups_must_be_chosen_from(client, case):
    client.transport.groups.append({"id": "g2", "name": "api-two", "status": "started"})
    with pytest.raises(InputError, match="api-one, api-two"):
        simulators.SWMM().run(case)
    assert simulators.SWMM().run(case, on="api-two").id == "new-task"
    assert submitted(client)["resource_pool"] == "g2"
