"""Machine groups against a service of plain data: requests, costs, states, bad input."""

# ruff: noqa: RUF001 - a times sign is what people see

import sys
from datetime import datetime, timedelta, timezone

import msgspec
import numpy as np
import pytest

from inductiva_widgets import errors, resources
from inductiva_widgets._secret import Secret
from inductiva_widgets.config import Settings
from inductiva_widgets.http.client import Client
from inductiva_widgets.models import machines

REGISTER = "POST /compute/group"
START = "POST /compute/group/start"
TERMINATE = "DELETE /compute/group"
LIST = "GET /compute/groups"
PRICE = "GET /compute/price"
QUOTAS = "GET /users/quotas"
NULLABLE = set(machines.MachineGroupInfo.__struct_fields__) - {"id"}


class Service:
    """The part of the service that knows machine groups; ``told`` goes into every group."""

    def __init__(self):
        self.settings = Settings("http://fake", Secret("canary-key"), "http://fake")
        self.clock_skew = 0.0
        self.is_embedded = False
        self.groups = {}
        self.told = {}
        self.price = {"preemptible_price": 0.055, "on_demand_price": 0.21}
        self.quotas = {}
        self.calls = []
        self.fail = {}

    @property
    def requests(self):
        return [call[0] for call in self.calls]

    def call(self, method, path, *, answer=None, params=None, body=None, **_):
        sent = None if body is None else msgspec.json.decode(msgspec.json.encode(body))
        endpoint = f"{method} {path}"
        self.calls.append((endpoint, params or {}, sent))
        result = self._answer(endpoint, params or {}, sent)
        if endpoint in self.fail:
            raise self.fail[endpoint]
        if answer is not None:
            return msgspec.json.decode(msgspec.json.encode(result), type=answer)
        return None

    def _answer(self, endpoint, params, body):
        if endpoint == REGISTER:
            number = len(self.groups) + 1
            group = {**body, "id": f"id-{number}", "name": f"api-{number}", "status": "registered"}
            self.groups[group["id"]] = {**group, "started": False, **self.told}
            return self.groups[group["id"]]
        if endpoint in (START, TERMINATE):
            status = "started" if endpoint == START else "terminated"
            self.groups[params["machine_group_id"]]["status"] = status
            return None
        if endpoint == LIST:
            return list(self.groups.values())
        if endpoint == PRICE:
            return self.price
        if endpoint == QUOTAS:
            return self.quotas
        name = endpoint.rpartition("/")[2]
        found = [group for group in self.groups.values() if group["name"] == name]
        if not found:
            raise errors.NotFoundError("no such group", status=404, endpoint=endpoint)
        return found[0]


@pytest.fixture
def service(monkeypatch):
    fake = Service()
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", Client(fake))
    return fake


def test_making_and_showing_a_group_makes_no_request(service):
    group = resources.MachineGroup("c2-standard-4", num_machines=2)
    assert repr(group) == "<MachineGroup: 2 × c2-standard-4 (spot), not registered>"
    assert (group.name, group.status, group.is_started) == (None, None, False)
    assert (group.machine_type, group.num_machines, group.data_disk_gb) == ("c2-standard-4", 2, 10)
    assert group.max_idle_time == timedelta(minutes=3)
    group.terminate()
    assert service.calls == []


@pytest.mark.parametrize(
    ("group", "own"),
    [
        (lambda: resources.MachineGroup("c2-standard-4"), {}),
        (
            lambda: resources.ElasticMachineGroup("c2-standard-4", max_machines=4),
            {"is_elastic": True, "min_vms": 1, "max_vms": 4},
        ),
        (
            lambda: resources.MPICluster("c2-standard-4"),
            {"type": "mpi", "num_vms": 2},
        ),
    ],
)
def test_registration_has_the_fields_of_the_wire(service, group, own):
    group().register()
    [(endpoint, _, body)] = service.calls
    assert endpoint == REGISTER
    assert body == {
        "machine_type": "c2-standard-4",
        "provider_id": "GCP",
        "threads_per_core": 2,
        "disk_size_gb": 10,
        "max_idle_time": 180,
        "num_vms": 1,
        "spot": True,
        "is_elastic": False,
        "auto_terminate_ts": None,
        "dynamic_disk_resize_config": None,
        "custom_vm_image": None,
        "zone": None,
        **own,
    }


def test_options_reach_the_service_in_its_units(service):
    end = datetime.now(timezone.utc) + timedelta(hours=2)
    resources.MachineGroup(
        "c3-highcpu-8",
        num_machines=np.int64(3),
        spot=False,
        data_disk_gb=50,
        threads_per_core=1,
        max_idle_time=timedelta(minutes=10, milliseconds=1),
        auto_terminate_ts=end,
        zone="europe-west1-b",
        provider="gcp",
    ).register()
    body = service.calls[0][2]
    assert (body["num_vms"], body["spot"], body["threads_per_core"]) == (3, False, 1)
    assert (body["max_idle_time"], body["zone"], body["provider_id"]) == (
        601,
        "europe-west1-b",
        "GCP",
    )
    assert datetime.fromisoformat(body["auto_terminate_ts"].replace("Z", "+00:00")) == end
    assert resources.MachineGroup("x", max_idle_time=None).max_idle_time is None


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: resources.MachineGroup(""), "`machine_type` must be a string"),
        (lambda: resources.MachineGroup(4), "`machine_type` must be a string"),
        (
            lambda: resources.MachineGroup("x", num_machines=0),
            "`num_machines` must be a positive integer",
        ),
        (
            lambda: resources.MachineGroup("x", num_machines=1.5),
            "`num_machines` must be a positive integer",
        ),
        (
            lambda: resources.MachineGroup("x", num_machines=True),
            "`num_machines` must be a positive integer",
        ),
        (
            lambda: resources.MPICluster("x", num_machines=-1),
            "`num_machines` must be a positive integer",
        ),
        (
            lambda: resources.ElasticMachineGroup("x", min_machines=0),
            "`min_machines` must be a positive integer",
        ),
        (
            lambda: resources.ElasticMachineGroup("x", min_machines=3),
            "`min_machines` must be at most `max_machines`, got 3 and 2",
        ),
        (lambda: resources.MachineGroup("x", data_disk_gb=-5), "`data_disk_gb` must be a positive"),
        (
            lambda: resources.MachineGroup("x", threads_per_core=3),
            "`threads_per_core` must be 1 or 2, got 3",
        ),
        (lambda: resources.MachineGroup("x", spot="yes"), "`spot` must be True or False"),
        (lambda: resources.MachineGroup("x", max_idle_time="10m"), "minutes or a timedelta, got"),
        (lambda: resources.MachineGroup("x", max_idle_time=0), "must be a positive number"),
        (lambda: resources.MachineGroup("x", 4), "`zone` must be a string"),
        (lambda: resources.MachineGroup("x", np=0), "`np` must be a positive integer"),
        (
            lambda: resources.MachineGroup("x", mpi_config={"version": "4"}, np=2),
            "Pass either `mpi_config` or np",
        ),
        (lambda: resources.MachineGroup("x", mpi_config={"np": 2}), "`mpi_config` is invalid"),
        (
            lambda: resources.MachineGroup("x", auto_resize_disk_max_gb=0),
            "`auto_resize_disk_max_gb` must be a positive",
        ),
        (lambda: resources.MachineGroup("x", auto_terminate_minutes=-1), "positive number of min"),
        (lambda: resources.MachineGroup("x", auto_terminate_minutes=1e300), "is too large"),
        (
            lambda: resources.MachineGroup(
                "x",
                auto_terminate_minutes=1,
                auto_terminate_ts=datetime(2999, 1, 1, tzinfo=timezone.utc),
            ),
            "either `auto_terminate_ts` or `auto_terminate_minutes`",
        ),
        (
            lambda: resources.MachineGroup("x", max_idle_time=float("inf")),
            "must be a positive number",
        ),
        (lambda: resources.MachineGroup("x", auto_terminate_ts=datetime(2099, 1, 1)), "time zone"),
        (
            lambda: resources.MachineGroup(
                "x", auto_terminate_ts=datetime(2001, 1, 1, tzinfo=timezone.utc)
            ),
            "must be in the future, got 2001",
        ),
        (lambda: resources.MachineGroup("x", zone=""), "`zone` must be a string"),
        (
            lambda: resources.MachineGroup("x", num_machine=2),
            "num_machine, expected one of: threads_per_core",
        ),
        (lambda: resources.get_by_name(""), "`machine_name` must be"),
    ],
)
def test_invalid_argument_raises_without_a_request(service, make, said):
    with pytest.raises(errors.InputError, match=said):
        make()
    assert service.calls == []


@pytest.mark.parametrize("kind", [errors.InvalidRequestError, errors.NotFoundError])
def test_refused_registration_raises_with_the_reason_of_the_service(service, kind):
    service.fail[REGISTER] = kind("422 ...", status=422, detail="Unknown machine type z9.")
    group = resources.MachineGroup("z9")
    with pytest.raises(errors.InputError, match=r"machine group \(1 × z9 \(spot\)\): Unknown"):
        group.start()
    assert group.status is None
    assert service.requests == [REGISTER]


def test_start_prints_the_cost_before_the_start(service, capsys, monkeypatch):
    group = resources.MachineGroup("c2-standard-4", num_machines=2)
    told_before = []
    start = Client.start_machine_group

    def watched(client, group_id):
        told_before.append(capsys.readouterr().out)
        start(client, group_id)

    monkeypatch.setattr(Client, "start_machine_group", watched)
    group.start()
    assert told_before == ["Starting api-1: 2 × c2-standard-4 (spot), about $0.11 per hour.\n"]
    assert service.requests == [REGISTER, PRICE, START]
    assert group.is_started
    assert repr(group) == "<MachineGroup api-1: 2 × c2-standard-4 (spot), started>"
    group.start()
    assert service.requests == [REGISTER, PRICE, START]


def test_quiet_start_prints_nothing_and_requests_no_price(service, capsys):
    resources.MachineGroup("c2-standard-4").start(verbose=False)
    assert capsys.readouterr().out == ""
    assert service.requests == [REGISTER, START]


@pytest.mark.parametrize(
    ("make", "told", "line"),
    [
        (
            lambda: resources.ElasticMachineGroup("c2", max_machines=4),
            {},
            "1 to 4 × c2 (spot), about $0.055 to $0.22 per hour.",
        ),
        (
            lambda: resources.MPICluster("c2", num_machines=3, spot=False),
            {},
            "3 × c2 (on demand), about $0.63 per hour.",
        ),
        # The service's own word counts, unless it says that a group costs nothing.
        (
            lambda: resources.MachineGroup("c2"),
            {"cost_per_hour": {"min": 0.0, "max": 0.3, "max_reason": "x"}},
            "1 × c2 (spot), about $0.30 per hour.",
        ),
        (
            lambda: resources.MachineGroup("c2"),
            {"cost_per_hour": {"min": 0.0, "max": 0.0}},
            "1 × c2 (spot), about $0.055 per hour.",
        ),
        (
            lambda: resources.MachineGroup("c2"),
            {"cost_per_hour": None},
            "1 × c2 (spot), about $0.055 per hour.",
        ),
        (
            lambda: resources.MachineGroup("c2"),
            {"cost_per_hour": {"min": 0.3, "max": 0.3, "currency": "EUR"}},
            "1 × c2 (spot), about $0.055 per hour.",
        ),
        (
            lambda: resources.ElasticMachineGroup("c2", max_machines=4),
            {"cost_per_hour": {"max": 0.3}},
            "1 to 4 × c2 (spot), about $0.30 per hour.",
        ),
    ],
)
def test_line_of_the_start_fits_the_group(service, capsys, make, told, line):
    service.told = told
    make().start()
    assert capsys.readouterr().out == f"Starting api-1: {line}\n"


def test_numbers_of_time_are_minutes_and_the_disk_may_grow(service):
    now = datetime.now(timezone.utc)
    group = resources.MachineGroup(
        "c2",
        "europe-west1-b",
        "gcp",
        max_idle_time=1.5,
        auto_terminate_minutes=30,
        auto_resize_disk_max_gb=80,
    )
    assert group.max_idle_time == timedelta(seconds=90)
    assert group.auto_resize_disk_max_gb == 80
    group.register()
    body = service.calls[0][2]
    assert (body["zone"], body["provider_id"], body["max_idle_time"]) == (
        "europe-west1-b",
        "GCP",
        90,
    )
    assert body["dynamic_disk_resize_config"] == {
        "free_space_threshold_gb": 5,
        "max_disk_size_gb": 80,
    }
    end = datetime.fromisoformat(body["auto_terminate_ts"].replace("Z", "+00:00"))
    assert timedelta(minutes=30) <= end - now < timedelta(minutes=31)


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({}, None),
        ({"np": 3}, {"np": 3, "use-hwthread-cpus": True}),
        ({"use_hwthread_cpus": False}, {"np": 4, "use-hwthread-cpus": False}),
        ({"mpi_version": "1.10.7"}, {"np": 8, "use-hwthread-cpus": True}),
        ({"mpi_config": {"version": "1.10.7", "options": {"np": 2}}}, {"np": 2}),
    ],
)
def test_mpi_settings_are_ready_for_a_task(service, options, settings):
    service.told = {"cpu_info": {"cpu_cores_logical": 8, "cpu_cores_physical": 4}}
    mpi = resources.MachineGroup("c2", **options).prepare().mpi_config
    assert (None if mpi is None else mpi.options) == settings
    if "np" not in options and settings and "use_hwthread_cpus" not in options:
        assert mpi.version == "1.10.7"


def test_facts_of_the_machines_come_from_the_service(service):
    service.told = {
        "cpu_info": {"cpu_cores_logical": 8, "cpu_cores_physical": 4},
        "total_ram_gb": 32,
        "idle_seconds": 90,
    }
    group = resources.ElasticMachineGroup("c2", max_machines=3)
    assert group.n_vcpus == (24, 8)
    assert group.total_ram_gb == 32
    assert group.started is False
    assert service.requests == [REGISTER]
    assert group.idle_time == timedelta(seconds=90)


def test_estimate_cloud_cost_returns_and_prints_the_cost(service, capsys):
    group = resources.MachineGroup("c2", num_machines=2)
    assert group.estimate_cloud_cost() == pytest.approx(0.11)
    assert capsys.readouterr().out == "2 × c2 (spot): about 0.11 US$ per hour.\n"
    group.estimate_cloud_cost(verbose=False)
    assert capsys.readouterr().out == ""
    assert service.requests == [PRICE]


def test_start_waits_for_quotas(service, capsys, monkeypatch):
    service.told = {"quota_usage": {"max_vcpus": 8, "max_instances": 1}}
    quotas = {"max_vcpus": {"id": "max_vcpus", "label": "vCPUs", "max_allowed": 8, "in_use": 4}}
    service.quotas = quotas
    monkeypatch.setattr("time.sleep", lambda _: quotas["max_vcpus"].update(in_use=0))
    resources.MachineGroup("c2").start(wait_for_quotas=True)
    assert service.requests == [REGISTER, QUOTAS, QUOTAS, PRICE, START]
    assert "Waiting for the quotas of the account: vCPUs.\n" in capsys.readouterr().out


def test_start_prints_an_unknown_cost(service, capsys):
    service.price = {"preemptible_price": None, "on_demand_price": 0.21}
    group = resources.MachineGroup("c2")
    group.start()
    assert "at an unknown cost." in capsys.readouterr().out
    assert group.cost_per_hour is None


def test_nothing_is_started_when_the_cost_cannot_be_had(service):
    service.fail[PRICE] = errors.ServerError("down", status=500)
    with pytest.raises(errors.ServerError):
        resources.MachineGroup("c2").start()
    assert START not in service.requests


def test_free_is_believed_of_the_embedded_server(service, capsys):
    service.is_embedded = True
    service.told = {"cost_per_hour": {"min": 0, "max": 0, "current": 0}}
    resources.MachineGroup("c2").start()
    assert capsys.readouterr().out.endswith("about $0 per hour.\n")


def test_estimate_cost_returns_both_costs_with_one_request(service):
    group = resources.MachineGroup("c2-standard-4", num_machines=2, zone="europe-west1-b")
    estimate = group.estimate_cost()
    assert (estimate.spot, estimate.on_demand) == (pytest.approx(0.11), pytest.approx(0.42))
    assert str(estimate) == "$0.11 (spot), $0.42 (on demand)"
    assert group.cost_per_hour == pytest.approx(0.11)
    [(endpoint, params, _)] = service.calls
    assert endpoint == PRICE
    assert params == {"machine_type": "c2-standard-4", "zone": "europe-west1-b"}


def test_id_registers_and_starts_nothing(service):
    group = resources.MachineGroup("c2")
    assert group.id == group.id == "id-1"
    assert service.requests == [REGISTER]
    assert group.status == "registered"


def test_group_is_terminated_at_the_end_of_its_block(service):
    with resources.MachineGroup("c2") as group:
        assert group.is_started
    assert service.requests == [REGISTER, PRICE, START, TERMINATE]
    assert service.groups["id-1"]["status"] == "terminated"
    assert (group.status, group.is_started) == ("shutting_down", False)
    assert group.refresh().status == "terminated"
    group.terminate()
    assert service.requests.count(TERMINATE) == 1
    with pytest.raises(errors.InputError, match="cannot be started again"):
        group.start()


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit])
def test_group_is_terminated_when_its_block_fails(service, error):
    with pytest.raises(error), resources.MachineGroup("c2"):
        raise error
    assert service.requests[-1] == TERMINATE


@pytest.mark.parametrize("error", [KeyboardInterrupt(), errors.APIConnectionError("cut off")])
def test_group_whose_start_was_interrupted_is_terminated(service, error):
    service.fail[START] = error
    with pytest.raises(type(error)), resources.MachineGroup("c2"):
        pytest.fail("the block was entered")
    assert service.requests[-2:] == [START, TERMINATE]


def test_failed_termination_raises_that_it_may_still_cost(service):
    service.fail[TERMINATE] = errors.APIConnectionError("no network")
    group = resources.MachineGroup("c2")
    with pytest.raises(errors.InductivaError, match="may still cost money"), group:
        pass
    assert group.is_started
    del service.fail[TERMINATE]
    group.terminate()
    assert service.groups["id-1"]["status"] == "terminated"


def test_group_that_ended_by_itself_is_terminated_without_complaint(service):
    group = resources.MachineGroup("c2")
    group.start()
    service.fail[TERMINATE] = errors.NotFoundError("gone", status=404)
    group.terminate()
    assert group.status == "terminated"


@pytest.mark.parametrize("status", ["starting", "started"])
def test_start_that_takes_longer_than_the_answer_is_a_start(service, status):
    service.fail[START] = errors.APITimeoutError("late")
    group = resources.MachineGroup("c2")
    group.register()
    original = service._answer

    def answer(endpoint, params, body):
        result = original(endpoint, params, body)
        service.groups["id-1"]["status"] = status
        return result

    service._answer = answer
    group.start(verbose=False)
    assert group.status == status
    group.start()
    assert service.requests.count(START) == 1


def test_start_that_timed_out_and_did_not_happen_is_an_error(service):
    service.fail[START] = errors.APITimeoutError("late")
    group = resources.MachineGroup("c2")
    group.register()
    service._answer, original = (
        lambda *request: None if request[0] == START else original(*request),
        service._answer,
    )
    with pytest.raises(errors.APITimeoutError):
        group.start(verbose=False)


def test_get_returns_each_group_as_its_kind(service):
    for make in (
        resources.MachineGroup("c2"),
        resources.ElasticMachineGroup("c2", max_machines=4),
        resources.MPICluster("c2"),
    ):
        make.register()
    service.groups["id-3"]["auto_terminate_ts"] = "9999-12-31T23:59:59+00:00"
    standard, elastic, cluster = resources.get()
    assert type(standard) is resources.MachineGroup
    assert isinstance(elastic, resources.ElasticMachineGroup)
    assert isinstance(cluster, resources.MPICluster)
    assert (elastic.min_machines, elastic.max_machines) == (1, 4)
    assert cluster.auto_terminate_ts is None
    assert service.requests[-1] == LIST
    found = resources.get_by_name("api-2")
    assert isinstance(found, resources.ElasticMachineGroup)
    assert found.id == "id-2"
    with pytest.raises(errors.NotFoundError):
        resources.get_by_name("api-9")


@pytest.mark.parametrize(
    ("wire", "status", "started", "shown"),
    [
        ({}, "registered", False, "<MachineGroup: n/a, registered>"),
        ({"name": "a", "started": True}, "started", True, "<MachineGroup a: n/a, started>"),
        (
            {"name": "a", "status": "melting", "type": "quantum", "qubits": [1]},
            "melting",
            False,
            "<MachineGroup a: n/a, melting>",
        ),
        (
            dict.fromkeys(NULLABLE),
            "registered",
            False,
            "<MachineGroup: n/a, registered>",
        ),
        (
            {"name": "a", "status": "terminated", "started": False, "machine_type": "c2"},
            "terminated",
            False,
            "<MachineGroup a: c2, terminated>",
        ),
    ],
)
def test_states_survive_unknown_fields_and_nulls(service, wire, status, started, shown):
    service.groups["x"] = {"id": "x", **wire}
    [group] = resources.get()
    assert (group.id, group.status, group.is_started) == ("x", status, started)
    assert repr(group) == shown
    assert group.cost_per_hour is None
    assert group.max_idle_time is None


def test_group_keeps_the_client_it_came_from(service, monkeypatch):
    other = Service()
    group = resources.MachineGroup("c2", client=Client(other))
    mine = resources.MachineGroup("c2")
    mine.register()
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", Client(other))
    mine.start(verbose=False)
    assert service.requests == [REGISTER, START]
    group.start(verbose=False)
    assert other.requests == [REGISTER, START]
    assert resources.get(client=Client(other))[0].name == "api-1"


def test_interactive_output_is_flushed(service, monkeypatch):
    flushed = []
    monkeypatch.setattr(sys.stdout, "flush", lambda: flushed.append(True), raising=False)
    resources.MachineGroup("c2").start()
    assert flushed
