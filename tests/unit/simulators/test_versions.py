"""Which version and variant is taken."""

from __future__ import annotations

import pytest

from inductiva_widgets import simulators
from inductiva_widgets.errors import InputError
from inductiva_widgets.simulators._versions import version_key
from tests.unit.simulators.conftest import STANDARD, UNKNOWN, WITH_GPU
from tests.unit.simulators.expected_submissions import OWN, submitted


@pytest.mark.parametrize(
    ("init", "group", "tag"),
    [
        ({}, STANDARD, "gromacs_v12"),
        ({}, WITH_GPU, "gromacs_v12"),
        ({"version": "8"}, WITH_GPU, "gromacs_v8_gpu"),
        ({"version": "8"}, STANDARD, "gromacs_v8"),
        ({"device": "gpu"}, WITH_GPU, "gromacs_v8_gpu"),
        ({"device": "cpu", "version": "8"}, WITH_GPU, "gromacs_v8"),
        ({"device": "gpu"}, UNKNOWN, "gromacs_v8_gpu"),
        ({"device": "gpu", "use_dev": True}, WITH_GPU, "gromacs_v13_gpu_dev"),
    ],
)
def test_variant_for_gpus_is_taken_where_machine_and_version_have_it(
    client, case, init, group, tag
):
    client.transport.images = {
        "production": {"gromacs": ["8", "12", "8_gpu"]},
        "development": {"gromacs": ["13_gpu"]},
    }
    client.transport.groups = [group]
    simulators.GROMACS(**init).run(case, **OWN)
    assert submitted(client)["container_image"] == f"docker://inductiva/kutu:{tag}"


def test_version_that_is_not_there_for_the_device_lists_those_that_are(client, case):
    client.transport.images = {"production": {"gromacs": ["8", "12", "8_gpu"]}}
    client.transport.groups = [WITH_GPU]
    with pytest.raises(
        InputError, match=r"version '12' of .* for device 'gpu', expected one of: 8\."
    ):
        simulators.GROMACS(version="12", device="gpu").run(case, **OWN)
    with pytest.raises(InputError, match=r"version '9' of .*, expected one of: 8, 12\."):
        simulators.GROMACS(version="9").run(case, **OWN)


def test_simulator_offered_for_gpus_only_says_so(client, case):
    client.transport.images = {"production": {"gromacs": ["8_gpu"]}}
    with pytest.raises(InputError, match="GPUs only"):
        simulators.GROMACS().run(case, **OWN)


def test_versions_are_compared_as_versions():
    versions = ["11.01", "9.01A", "9.01", "12", "8", "10-rc1"]
    assert sorted(versions, key=version_key) == ["8", "9.01", "9.01A", "10-rc1", "11.01", "12"]


def test_unknown_version_type_is_refused():
    with pytest.raises(InputError, match=r"'5\.2'"):
        simulators.SWMM(version=5.2)


def test_embedded_server_does_not_look_for_gpus(client, case):
    client.transport.is_embedded = True
    simulators.GROMACS(device="gpu").run(case, **OWN)
    assert submitted(client)["container_image"].endswith(":gromacs_v12_gpu")
