"""Every simulator: that it is there, and what it sends."""

from __future__ import annotations

import inspect
import re

import pytest

from inductiva_widgets import simulators
from inductiva_widgets.errors import InputError
from inductiva_widgets.simulators import options
from tests.unit.simulators.conftest import CLUSTER, STANDARD, UNKNOWN
from tests.unit.simulators.expected_submissions import BUILD, FILE, OWN, ROWS, mpi, sent, submitted

# fmt: off
NAMES = [
    "REEF3D", "SplishSplash", "SWASH", "SWAN", "XBeach", "DualSPHysics", "OpenFOAM", "GROMACS",
    "FDS", "SWMM", "CustomImage", "OpenSees", "GprMax", "AmrWind", "CalculiX", "CaNS", "CM1",
    "COAWST", "CP2K", "Delft3D", "Delft3DFM", "Elmer", "FreeFEM", "FUNWAVE", "FVCOM", "GX",
    "HecRas", "MOHID", "NWChem", "Octopus", "OpenFAST", "OpenTelemac", "QuantumEspresso",
    "SCHISM", "SFINCS", "SNLSWAN", "WaveWatch3", "WRF",
]
# fmt: on


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name}-{'-'.join(row.run)}")
def test_class_sends_its_alias_image_commands_and_folder(client, case, row):
    for name in row.files.split():
        (case / name).parent.mkdir(exist_ok=True)
        (case / name).write_text(BUILD)
    client.transport.groups = [row.group]
    getattr(simulators, row.name)(**row.init).run(case, **row.run)
    body = submitted(client)
    assert len(body["extra_params"].pop("submission_id")) == 32
    image = f"docker://inductiva/kutu:{row.image}_v12" + ("_gpu" if row.name == "GX" else "")
    assert (body["simulator_name_alias"], body["container_image"]) == (row.alias, image)
    expected = [{"cmd": item} if isinstance(item, str) else item for item in row.commands]
    assert body["extra_params"] == {
        "sim_dir": "sim_dir",
        "container_image": image,
        "commands": expected,
        **row.extra,
    }


def test_custom_image_is_used_as_given_and_the_catalogue_not_asked(client, case):
    simulators.CustomImage("docker://me/mine:1").run(case, commands=["do it"])
    body = submitted(client)
    assert (body["simulator_name_alias"], body["container_image"]) == (None, "docker://me/mine:1")
    assert sent(client) == [{"cmd": "do it"}]
    assert "GET /simulators/available-images" not in client.transport.requests


def test_cfmesh_is_asked_for_by_its_alias(client, case):
    client.transport.images["production"]["openfoam-esi"] = ["2412", "2506"]
    openfoam = simulators.OpenFOAM(distribution="esi", version="2412", include_cfmesh=True)
    openfoam.run(case, **OWN)
    assert submitted(client)["simulator_name_alias"] == "openfoam_cfmesh_v2412_dev"
    assert submitted(client)["container_image"].endswith("openfoam-esi_v2412")


def test_every_simulator_has_a_row():
    assert {row.name for row in ROWS} | {"CustomImage"} == set(NAMES)


def test_classes_are_exported_and_their_parameters_documented():
    assert set(NAMES) <= set(simulators.__all__)
    missing = []
    for name in NAMES:
        simulator = getattr(simulators, name)
        assert simulator.__doc__, name
        documented = inspect.getdoc(simulator.run)
        # The keyword arguments are documented on the type that `run` names.
        assert f"``{simulator.run_options.__name__}``" in documented, name
        for parameter in inspect.signature(simulator.run).parameters.values():
            stars = "**" if parameter.kind is parameter.VAR_KEYWORD else ""
            listed = rf"^(\w+, )*{re.escape(stars + parameter.name)}(, \w+)*$"
            if parameter.name != "self" and not re.search(listed, documented, re.MULTILINE):
                missing.append(f"{name}.run({parameter.name})")
    assert missing == []


def test_options_are_documented():
    for declared in ("RunOptions", "MpiOptions", "HybridOptions", "MeshOptions"):
        kind = getattr(options, declared)
        text = f"{kind.__doc__}{options.RunOptions.__doc__}"
        for name in kind.__optional_keys__:
            assert re.search(rf"^\s*{name}$", text, re.MULTILINE), f"{declared}.{name}"


def test_file_may_come_from_the_remote_storage(client, case):
    simulators.NWChem().run(case, sim_config_filename="far.nw", remote_assets="old/input")
    assert sent(client)[0]["cmd"] == "nwchem far.nw"
    with pytest.raises(InputError, match="inside the input folder"):
        simulators.NWChem().run(sim_config_filename="../far.nw", remote_assets=["old/input"])


def test_cleanup_comes_last(client, case):
    simulators.SFINCS().run(remote_assets="x", on_finish_cleanup=["rm a"])
    assert [command["cmd"] for command in sent(client)] == ["sfincs", "rm a"]


def test_list_of_commands_is_left_as_it_was(client, case):
    commands = ["icoFoam -parallel"]
    simulators.OpenFOAM().run(case, commands=commands)
    assert commands == ["icoFoam -parallel"]


def test_simulator_for_one_machine_refuses_a_cluster(client, case):
    client.transport.groups = [CLUSTER]
    with pytest.raises(InputError, match="api-one is an MPI cluster"):
        simulators.GROMACS().run(case, **OWN)
    assert simulators.GprMax().run(case, **OWN).id == "new-task"


def test_unknown_number_of_processors_is_asked_for(client, case):
    client.transport.groups = [UNKNOWN]
    with pytest.raises(InputError, match="n_vcpus"):
        simulators.SWAN().run(case, **FILE)
    simulators.SWAN().run(case, **FILE, n_vcpus=6)
    assert sent(client)[1]["cmd"] == "swanrun -input f -mpi 6"


def test_machine_group_object_is_looked_up_by_its_id(client, case):
    class Group:
        id = "g1"

    client.transport.groups = [CLUSTER, {**STANDARD, "id": "g2", "name": "api-two"}]
    simulators.OpenFOAM().run(case, commands=["a -parallel"], on=Group())
    assert submitted(client)["resource_pool"] == "g1"
    assert sent(client) == [mpi("a -parallel", 8)]
