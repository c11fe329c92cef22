"""What each class sends, as data: read off the wire of the service's protocol."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.unit.simulators.conftest import CLUSTER, STANDARD, UNKNOWN, WITH_GPU

ARTIFACTS = "/workdir/output/artifacts"
BUILD = f"export MY_ROOT_DIR={ARTIFACTS}/__COAWST\nexport USE_MPI=on\nexport which_MPI=openmpi\n"
FDS = "/opt/fds/Build/ompi_gnu_linux/fds_ompi_gnu_linux"
SPLISH = (
    "cp /SPlisHSPlasH_CPU/bin/SPHSimulator .",
    "./SPHSimulator f --no-gui --output-dir .",
    "rm SPHSimulator",
)
SURFACE = (
    "splashsurf reconstruct v/PartFluid_{}.vtk -r=0.1 -l=2.0 -c=1.0 -t=0.6 --subdomain-grid=on "
    "--mesh-cleanup=on --mesh-smoothing-weights=on --mesh-smoothing-iters=25 --normals=on "
    "--normals-smoothing-iters=10 -o v/PartFluid__surface{}.obj"
)
MESH = {"vtk_to_obj": True, "vtk_to_obj_vtk_dir": "v", "vtk_to_obj_particle_radius": 0.1}


def mpi(cmd, np=None, hwthread=True, version="4.1.6", **more):
    settings = {"use-hwthread-cpus": hwthread, **({} if np is None else {"np": np})}
    return {"cmd": cmd, "mpi_config": {"version": version, "options": settings}, **more}


def omp(cmd, threads):
    return {"cmd": cmd, "env": {"OMP_NUM_THREADS": str(threads)}}


class Row(NamedTuple):
    """A class and its arguments; then what is sent. ``f`` is always among the input files."""

    name: str
    alias: str | None
    image: str
    run: dict[str, Any]
    commands: tuple[Any, ...]
    init: dict[str, Any] = {}  # noqa: RUF012
    files: str = ""
    extra: dict[str, Any] = {}  # noqa: RUF012
    group: dict[str, Any] = STANDARD


FILE = {"sim_config_filename": "f"}
OWN: dict[str, Any] = {"commands": ["do it"]}
THREE = {**FILE, "n_vcpus": 3, "use_hwthread": False}
SLOTS = {"cmd": "dd if=/dev/stdin of=machinefile", "prompts": ["localhost slots=4"]}
UNBUFFERED = {"env": {"GFORTRAN_UNBUFFERED_ALL": "YES"}}
BUFFERED = {"env": {"GFORTRAN_UNBUFFERED_ALL": "NO"}}
TOP, INNER = {"run_subprocess_dir": "."}, {"run_subprocess_dir": "d"}
# fmt: off
ROWS = [
    # The user's own commands, or a script of theirs.
    Row("GROMACS", "gromacs", "gromacs", OWN, ("do it",)),
    Row("SWMM", "swmm", "swmm", OWN, ("do it",)),
    Row("SWMM", "swmm", "swmm", {}, ("runswmm m.inp m.rpt m.out",), files="m.inp"),
    Row("GprMax", "GprMax", "gprmax", OWN, ("do it",)),
    Row("HecRas", "hec_ras", "hec-ras", OWN, ("do it",)),
    Row("OpenFAST", "openfast", "openfast", OWN, ("do it",)),
    Row("OpenTelemac", "opentelemac", "opentelemac", OWN, ("do it",)),
    Row("Delft3D", "delft3d", "delft3d", OWN, ("do it",)),
    Row("Delft3DFM", "delft3dfm", "delft3dfm", {"shell_script": "d/r.sh"}, ("bash d/r.sh",),
        files="d/r.sh"),
    Row("Elmer", "elmer", "elmer", {"shell_script": "f"}, ("bash f",)),
    Row("FreeFEM", "freefem", "freefem", {"shell_script": "f"}, ("bash f",)),
    Row("OpenFOAM", "openfoam_foundation", "openfoam-foundation", {"shell_script": "f"},
        ("bash f",)),
    Row("OpenFOAM", "openfoam_esi", "openfoam-esi",
        {"commands": ["blockMesh", "icoFoam -parallel", {"cmd": "own -parallel"}]},
        ("blockMesh", mpi("icoFoam -parallel", 4), "own -parallel"), {"distribution": "esi"}),
    Row("OpenFOAM", "openfoam_foundation", "openfoam-foundation", {"commands": ["a -parallel"]},
        (mpi("a -parallel", 8),), group=CLUSTER),
    Row("OpenFOAM", "openfoam_foundation", "openfoam-foundation", {"commands": ["a -parallel"]},
        (mpi("a -parallel"),), group=UNKNOWN),
    Row("QuantumEspresso", "quantumespresso", "quantum-espresso",
        {"commands": ["pw.x -i a", "pw_openmp.x -i a", "ls"]},
        (mpi("pw.x -i a", 4), "pw_openmp.x -i a", "ls")),
    Row("Octopus", "octopus", "octopus", {"commands": ["octopus", "oct-unfold a"]},
        (omp("octopus", 4), "oct-unfold a")),
    Row("Octopus", "octopus", "octopus", {"commands": ["octopus"], "n_mpi_processes": 2},
        (mpi("octopus", 2, env={"OMP_NUM_THREADS": "2"}),)),
    Row("WaveWatch3", "WAVEWATCH-III", "wavewatch3", {**OWN, "switch": "UKMO_reg"},
        ("bash /home/compile_ww3.sh UKMO_reg false", "do it")),
    Row("WaveWatch3", "WAVEWATCH-III", "wavewatch3", {"shell_script": "f", "custom_switch": "f"},
        ("bash /home/compile_ww3.sh f true", "bash f")),
    # One configuration file.
    Row("AmrWind", "amrwind", "amr-wind", FILE, (mpi("amr_wind f"),)),
    Row("CaNS", "cans", "cans", THREE, ("mkdir -p data", mpi("cans f", 3, hwthread=False))),
    Row("CP2K", "cp2k", "cp2k", THREE, (mpi("cp2k.psmp f", 3, hwthread=False, version="5.0.6"),)),
    Row("NWChem", "nwchem", "nwchem", {"sim_config_filename": "d/g"}, (mpi("nwchem d/g"),),
        files="d/g"),
    Row("OpenSees", "opensees", "openseespy", THREE, (mpi("python f", 3, hwthread=False),)),
    Row("OpenSees", "opensees", "opensees", FILE, (mpi("OpenSeesMP f"),), {"interface": "tcl"}),
    Row("OpenSees", "opensees", "opensees-eesd", FILE, ("OpenSees f",), {"interface": "eesd"}),
    Row("GX", "gx", "gx", FILE, ("gx f",), group=WITH_GPU),
    Row("CalculiX", "calculix", "calculix", {"sim_config_filename": "b.inp"},
        (omp("ccx -i b", 4),), files="b.inp"),
    Row("CalculiX", "calculix", "calculix", {"sim_config_filename": "b.inp", "n_vcpus": 3},
        (omp("ccx -i b", 3),), files="b.inp"),
    Row("CalculiX", "calculix", "calculix", FILE, ("ccx -i f",), group=UNKNOWN),
    Row("FDS", "fds", "fds", FILE, (omp(f"{FDS} f", 4),)),
    Row("FDS", "fds", "fds", {**FILE, "n_mpi_processes": 2, "n_omp_threads": 1},
        (mpi(f"{FDS} f", 2, env={"OMP_NUM_THREADS": "1"}),)),
    Row("FDS", "fds", "fds",
        {**FILE, "smokeview_case_name": "c", "smokeview_video_sources": ["a", "b"]},
        (omp(f"{FDS} f", 4), "smokeview -runscript c", "bash /scripts/make_movie.sh a",
         "bash /scripts/make_movie.sh b")),
    # Files of fixed names, or none.
    Row("REEF3D", "reef3d", "reef3d", {"n_vcpus": 3},
        ("/DIVEMesh/bin/DiveMESH", mpi("/REEF3D/bin/REEF3D", 3))),
    Row("XBeach", "xbeach", "xbeach", {"export_vtk": True},
        (mpi("xbeach"), "python3 /usr/local/bin/xbeach_animator --input-dir . --output-dir . "
         "--export-vtk"), files="params.txt"),
    Row("SCHISM", "schism", "schism", {"num_scribes": 2, "n_vcpus": 3},
        ("mkdir -p outputs", mpi("/schism/build/bin/pschism 2", 3))),
    Row("SFINCS", "sfincs", "sfincs", {}, ("sfincs",), files="sfincs.inp"),
    Row("WRF", "wrf", "wrf", {"case_name": "em_les", "init_commands": ["./ideal.exe"]},
        ("/scripts/create_links.sh /WRF/test/em_les", "./ideal.exe", mpi("./wrf.exe"),
         "/scripts/delete_links.sh"), files="namelist.input"),
    Row("WRF", "wrf", "wrf", {"gen_gif": True, "gen_gif_files": ["a", "b"]},
        ("/scripts/create_links.sh /WRF/test/em_real", mpi("./wrf.exe"),
         "/scripts/delete_links.sh", "conda run -n wrf-env python /scripts/gen_gif.py "
         "--files a b --output-dir . --fps 3 --var RAINNC"), files="namelist.input"),
    # Started in a folder of the inputs.
    Row("SWASH", "swash", "swash", FILE,
        (SLOTS, {"cmd": "swashrun -input f -mpi 4", **BUFFERED}), extra=TOP),
    Row("SWASH", "swash", "swash",
        {"sim_config_filename": "d/g", "command": "swash.exe", "gfortran_unbuffered_all": True},
        (mpi("swash.exe g", **UNBUFFERED),), files="d/g", extra=INNER),
    Row("SWAN", "swan", "swan", {"sim_config_filename": "d/g", "n_vcpus": 3},
        (SLOTS, "swanrun -input g -mpi 3"), files="d/g", extra=INNER),
    Row("SWAN", "swan", "swan", {**FILE, "command": "unswan"}, ("unswanrun -input f -omp 4",),
        extra=TOP),
    Row("SNLSWAN", "snlswan", "snl-swan", {**FILE, "command": "swan.exe", "n_vcpus": 3},
        (mpi("swan.exe f", 3),), extra=TOP),
    Row("FVCOM", "fvcom", "fvcom",
        {"case_name": "c", "model": "estuary", "working_dir": "d", "n_vcpus": 3, "debug": 7},
        (mpi("fvcom_estuary --CASENAME=c --dbg=7", 3),), files="d/g", extra=INNER),
    Row("FVCOM", "fvcom", "fvcom", {"create_namelist": "c"},
        (mpi("fvcom --CREATE_NAMELIST c --dbg=0"),), extra=TOP),
    Row("MOHID", "mohid", "mohid", {"working_dir": "d/", "n_vcpus": 2, "run_ddc": True},
        ("mpirun -np 2 /usr/local/bin/MohidWater.exe", "/usr/local/bin/MohidDDC.exe"),
        files="d/g", extra=INNER),
    Row("MOHID", "mohid", "mohid", {"command": "MohidLand.exe"},
        ("mpirun /usr/local/bin/MohidLand.exe",), extra=TOP),
    # Particles, with what may follow.
    Row("SplishSplash", "splishsplash", "splishsplash", FILE, SPLISH),
    Row("SplishSplash", "splishsplash", "splishsplash", {**FILE, **MESH, "gen_gif": True},
        (*SPLISH, SURFACE, "python3 /home/scripts/gen_gif.py ./vtk res.gif "
         "--cam_pos 4.0 1.0 4.0 --cam_fp 0.0 0.0 0.0")),
    Row("DualSPHysics", "dualsphysics", "dualsphysics", {"shell_script": "f"}, ("bash f",)),
    Row("DualSPHysics", "dualsphysics", "dualsphysics", {"shell_script": "f", **MESH},
        ("bash f", SURFACE)),
    # Compiled for each run.
    Row("CM1", "cm1", "cm1", FILE, (mpi("cm1.exe f"),)),
    Row("CM1", "cm1", "cm1",
        {**FILE, "base": "d/b.F", "input_sounding": "d/snd", "landuse": "LANDUSE.TBL"},
        (f"cp -r /cm1 {ARTIFACTS}/__cm1", f"cp -f d/b.F {ARTIFACTS}/__cm1/src",
         f"cp -f d/snd {ARTIFACTS}/input_sounding", f"make -C {ARTIFACTS}/__cm1/src",
         mpi(f"{ARTIFACTS}/__cm1/run/cm1.exe f"), f"rm -r {ARTIFACTS}/__cm1",
         f"rm {ARTIFACTS}/input_sounding"), files="d/b.F d/snd LANDUSE.TBL"),
    Row("COAWST", "coawst", "coawst",
        {**FILE, "build_coawst_script": "build.sh", "init_commands": ["a"],
         "cleanup_commands": ["b"], "coawst_bin": "coawstG"},
        (f"cp -r /opt/COAWST {ARTIFACTS}/__COAWST", "a", "create_all_sim_links",
         {"cmd": "bash build.sh", "prompts": ["34"]}, mpi("coawstG f"), "b", "rm -r __COAWST",
         "clean_all_sim_links"), files="build.sh"),
    Row("COAWST", "coawst", "coawst", {**FILE, "compile_simulator": False},
        (f"cp -r /opt/COAWST {ARTIFACTS}/__COAWST", "create_all_sim_links",
         "cp -f coawstM __COAWST/", "chmod +x __COAWST/coawstM", mpi("coawstM f"),
         "rm -r __COAWST", "clean_all_sim_links"), files="coawstM"),
    Row("FUNWAVE", "funwave", "funwave", {**FILE, "COUPLING": True, "SPHERICAL": True},
        ("cp /FUNWAVE-TVD-Version_3.6/Makefile .", "sed -i '11s/^# *//' Makefile",
         "sed -i 's/SPHERICAL   = false/SPHERICAL   = true/' Makefile", "make",
         mpi("funwave-work/compiled_funwave f"), "rm -r funwave-work", "rm Makefile")),
]
# fmt: on


def submitted(client):
    """Return the body of the submission, its commands without the fields that say nothing.

    That they are sent all the same is what test_base checks.
    """
    body = next(body for _, path, _, body in client.transport.calls if path == "/tasks/submit")
    commands = body["extra_params"]["commands"]
    short = [{key: value for key, value in one.items() if value} for one in commands]
    return {**body, "extra_params": {**body["extra_params"], "commands": short}}


def sent(client):
    """Return its commands."""
    return submitted(client)["extra_params"]["commands"]
