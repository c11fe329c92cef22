"""A service that offers every simulator, on machines of several kinds."""

from __future__ import annotations

import pytest

# fmt: off
IMAGES = [
    "amr-wind", "calculix", "cans", "cm1", "coawst", "cp2k", "delft3d", "delft3dfm",
    "dualsphysics", "elmer", "fds", "freefem", "funwave", "fvcom", "gprmax", "gromacs", "gx",
    "hec-ras", "mohid", "nwchem", "octopus", "openfast", "openfoam-esi", "openfoam-foundation",
    "opensees", "opensees-eesd", "openseespy", "opentelemac", "quantum-espresso", "reef3d",
    "schism", "sfincs", "snl-swan", "splishsplash", "swan", "swash", "swmm", "wavewatch3",
    "wrf", "xbeach",
]
# fmt: on
STANDARD = {
    "id": "g1",
    "name": "api-one",
    "status": "started",
    "type": "standard",
    "num_vms": 2,
    "cpu_info": {"cpu_cores_logical": 4, "cpu_cores_physical": 2},
    "gpu_info": None,
}
CLUSTER = {**STANDARD, "type": "mpi"}
WITH_GPU = {**STANDARD, "gpu_info": {"gpu_count": 1, "gpu_name": "L4"}}
UNKNOWN = {"id": "g1", "name": "api-one", "status": "started"}


@pytest.fixture
def client(service, monkeypatch):
    client = service()
    client.transport.images = {"production": {name: ["8", "12"] for name in IMAGES}}
    client.transport.groups = [STANDARD]
    monkeypatch.setattr("inductiva_widgets.http.default_client._default", client)
    return client


@pytest.fixture
def case(tmp_path):
    """Return a folder with the file ``f``, and what else is put there."""
    (tmp_path / "f").write_text("input")
    return tmp_path
