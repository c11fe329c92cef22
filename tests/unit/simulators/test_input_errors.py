"""Bad input is told before anything is submitted."""

from __future__ import annotations

import pytest

from inductiva_widgets import simulators
from inductiva_widgets.errors import InputError
from tests.unit.simulators.expected_submissions import FILE, OWN

REFUSED = [
    ("NWChem", {}, {"sim_config_filename": "g"}, "has no file 'g'"),
    ("NWChem", {}, {"sim_config_filename": "../f"}, "inside the input folder"),
    ("NWChem", {}, {"sim_config_filename": "d/../../f"}, "inside the input folder"),
    ("NWChem", {}, {"sim_config_filename": "/etc/hosts"}, "inside the input folder"),
    ("NWChem", {}, {"sim_config_filename": ""}, "sim_config_filename"),
    ("NWChem", {}, {"sim_config_filename": None}, "sim_config_filename"),
    ("NWChem", {}, {"sim_config_filename": "a b"}, "spaces or quotes"),
    ("NWChem", {}, {"sim_config_filename": "it's"}, "quotes"),
    ("NWChem", {}, {**FILE, "n_vcpus": 0}, "n_vcpus"),
    ("NWChem", {}, {**FILE, "n_vcpus": "3"}, "n_vcpus"),
    ("NWChem", {}, {**FILE, "n_omp_threads": 3}, "NWChem.run.*: n_omp_threads"),
    ("OpenSees", {"interface": "lisp"}, FILE, "python, tcl, eesd"),
    ("GROMACS", {}, {"commands": []}, "at least one command"),
    ("GROMACS", {}, {"commands": "gmx"}, "must be a list"),
    ("GROMACS", {}, {"commands": ["gmx > log"]}, "shell"),
    ("GROMACS", {"device": "tpu"}, OWN, "auto, cpu, gpu"),
    ("GROMACS", {"device": "gpu"}, OWN, "api-one has none"),
    ("GX", {}, FILE, "api-one has none"),
    ("Elmer", {}, {}, "either `commands` or `shell_script`"),
    ("Elmer", {}, {**OWN, "shell_script": "f"}, "either `commands` or `shell_script`"),
    ("Elmer", {}, {"shell_script": "g"}, "has no file 'g'"),
    ("Elmer", {}, {"shell_script": "../g"}, "inside the input folder"),
    ("OpenFOAM", {"distribution": "debian"}, OWN, "foundation, esi"),
    ("OpenFOAM", {"include_cfmesh": True}, OWN, "2412"),
    ("WaveWatch3", {}, OWN, "either `switch`"),
    ("WaveWatch3", {}, {**OWN, "switch": "a", "custom_switch": "f"}, "either `switch`"),
    ("WaveWatch3", {}, {**OWN, "custom_switch": "g"}, "has no file 'g'"),
    ("XBeach", {}, {}, r"params\.txt"),
    ("SFINCS", {}, {}, r"sfincs\.inp"),
    ("WRF", {}, {}, r"namelist\.input"),
    ("WRF", {}, {"case_name": "em_mine"}, "em_real"),
    ("SWASH", {}, {**FILE, "command": "swanrun"}, "swashrun"),
    ("SNLSWAN", {}, {**FILE, "command": "unswan"}, "swanrun"),
    ("FVCOM", {}, {}, "case_name"),
    ("FVCOM", {}, {"case_name": "c", "model": "lake"}, "estuary"),
    ("FVCOM", {}, {"case_name": "c", "working_dir": "d"}, "no folder 'd'"),
    ("MOHID", {}, {"working_dir": ".."}, "inside the input folder"),
    ("MOHID", {}, {"command": "sh"}, r"MohidWater\.exe"),
    ("SCHISM", {}, {"num_scribes": 0}, "num_scribes"),
    ("FDS", {}, {**FILE, "n_mpi_processes": 3, "n_omp_threads": 2}, "has 4 processors"),
    ("SplishSplash", {}, {**FILE, "vtk_to_obj": True}, "particle_radius"),
    ("SplishSplash", {}, {**FILE, "gen_gif": True, "gen_gif_cam_fp": (1, 2)}, "three numbers"),
    ("CM1", {}, {**FILE, "landuse": "g"}, "has no file 'g'"),
    ("COAWST", {}, FILE, "build_coawst_script"),
    ("COAWST", {}, {**FILE, "build_coawst_script": "f"}, "MY_ROOT_DIR"),
    ("COAWST", {}, {**FILE, "compile_simulator": False}, "coawstM"),
    ("REEF3D", {}, {"on_finish_cleanup": "g.sh"}, r"g\.sh"),
    ("REEF3D", {}, {"remote_assets": ["data/a", "/"]}, "paths in the remote storage, got '/'"),
    ("REEF3D", {}, {"remote_assets": [None]}, "storage_output_path"),
]


@pytest.mark.parametrize(("name", "init", "run", "said"), REFUSED)
def test_invalid_input_raises_and_nothing_is_submitted(client, case, name, init, run, said):
    with pytest.raises(InputError, match=said):
        getattr(simulators, name)(**init).run(case, **run)
    assert "POST /tasks/submit" not in client.transport.requests
