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
    assert (group.machine_type, group.num_machines, group.disk_size_gb) == ("c2-standard-4", 2, 10)
    assert group.max_idle_time == timedelta(minutes=3)
    group.terminate()
    assert service.calls == []


@pytest.mark.parametrize(
    ("group", "own"),
    [
        (lambda: resources.MachineGroup("c2-standard-4"), {}),
        (
            lambda: resources.ElasticMachineGroup("c2-standard-4", 1, 4),
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
        disk_size_gb=50,
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
        (lambda: resources.MPICluster("x", -1), "`num_machines` must be a positive integer"),
        (
            lambda: resources.ElasticMachineGroup("x", 0),
            "`min_machines` must be a positive integer",
        ),
        (
            lambda: resources.ElasticMachineGroup("x", 3, 2),
            "`min_machines` must be at most `max_machines`, got 3 and 2",
        ),
        (lambda: resources.MachineGroup("x", disk_size_gb=-5), "`disk_size_gb` must be a positive"),
        (
            lambda: resources.MachineGroup("x", threads_per_core=3),
            "`threads_per_core` must be 1 or 2, got 3",
        ),
        (lambda: resources.MachineGroup("x", spot="yes"), "`spot` must be True or False"),
        (lambda: resources.MachineGroup("x", max_idle_time="10m"), "seconds or a timedelta, got"),
        (lambda: resources.MachineGroup("x", max_idle_time=0), "must be a positive number"),
        (lambda: resources.MachineGroup("x", max_idle_time=3), r"timedelta\(minutes=3\)"),
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
            "num_machine, expected one of: disk_size_gb",
        ),
        (lambda: resources.get_by_name(""), "`name` must be"),
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
    resources.MachineGroup("c2-standard-4").start(quiet=True)
    assert capsys.readouterr().out == ""
    assert service.requests == [REGISTER, START]


@pytest.mark.parametrize(
    ("make", "told", "line"),
    [
        (
            lambda: resources.ElasticMachineGroup("c2", 1, 4),
            {},
            "1 to 4 × c2 (spot), about $0.055 to $0.22 per hour.",
        ),
        (
            lambda: resources.MPICluster("c2", 3, spot=False),
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
            lambda: resources.ElasticMachineGroup("c2", 1, 4),
            {"cost_per_hour": {"max": 0.3}},
            "1 to 4 × c2 (spot), about $0.30 per hour.",
        ),
    ],
)
def test_line_of_the_start_fits_the_group(service, capsys, make, told, line):
    service.told = told
    make().start()
    assert capsys.readouterr().out == f"Starting api-1: {line}\n"


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
    group.start(quiet=True)
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
        group.start(quiet=True)


def test_get_returns_each_group_as_its_kind(service):
    for make in (
        resources.MachineGroup("c2"),
        resources.ElasticMachineGroup("c2", 1, 4),
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
    mine.start(quiet=True)
    assert service.requests == [REGISTER, START]
    group.start(quiet=True)
    assert other.requests == [REGISTER, START]
    assert resources.get(client=Client(other))[0].name == "api-1"


def test_interactive_output_is_flushed(service, monkeypatch):
    flushed = []
    monkeypatch.setattr(sys.stdout, "flush", lambda: flushed.append(True), raising=False)
    resources.MachineGroup("c2").start()
    assert flushed
