"""Commands shared by several simulators: MPI, OpenMP and post-processing."""

from __future__ import annotations

from typing import Any

from inductiva_widgets.errors import InputError
from inductiva_widgets.models.machines import MachineGroupInfo
from inductiva_widgets.models.tasks import Command, MpiConfig
from inductiva_widgets.simulators.options import HybridOptions, MeshOptions, MpiOptions

MPI_VERSION = "4.1.6"
"""The Open MPI that nearly all images are built with."""


def mpi_command(
    cmd: str,
    options: MpiOptions | None = None,
    *,
    version: str = MPI_VERSION,
    env: dict[str, str] | None = None,
) -> Command:
    """Return a command that runs under MPI.

    Parameters
    ----------
    cmd
        The command line.
    options
        Where the number of processes comes from; without one it is left to the machine.
    version
        Version of Open MPI that the image holds.
    env
        Environment variables of the command.
    """
    options = options or {}
    settings: dict[str, Any] = {"use-hwthread-cpus": options.get("use_hwthread", True)}
    n_vcpus = check_positive(options.get("n_vcpus"), "n_vcpus")
    if n_vcpus is not None:
        settings["np"] = n_vcpus
    return Command(cmd=cmd, mpi_config=MpiConfig(version=version, options=settings), env=env or {})


def mpi_on_all_cpus(cmd: str, machine: MachineGroupInfo) -> Command:
    """Return a command that runs under MPI on every processor of the machine group."""
    return mpi_command(cmd, {"n_vcpus": machine.n_vcpus})


def hybrid_command(cmd: str, machine: MachineGroupInfo, options: HybridOptions) -> Command:
    """Return a command that shares the processors out among processes and their threads.

    Parameters
    ----------
    cmd
        The command line.
    machine
        Where it runs.
    options
        The user's numbers of processors, processes and threads.

    Raises
    ------
    InputError
        The machine has fewer processors than that takes.
    """
    processes = check_positive(options.get("n_mpi_processes"), "n_mpi_processes") or 1
    given = check_positive(options.get("n_omp_threads"), "n_omp_threads")
    vcpus = check_positive(options.get("n_vcpus"), "n_vcpus") or machine.n_vcpus
    threads = given or (None if vcpus is None else max(1, vcpus // processes))
    if machine.n_vcpus is not None and processes * (threads or 1) > machine.n_vcpus:
        raise InputError(
            f"{processes} processes of {threads} threads are more than the {machine.n_vcpus} "
            f"processors of {machine.display_name}."
        )
    env = openmp_env(threads)
    if processes == 1:
        return Command(cmd=cmd, env=env)
    hwthread = options.get("use_hwthread", True)
    return mpi_command(cmd, {"n_vcpus": processes, "use_hwthread": hwthread}, env=env)


def openmp_env(threads: int | None) -> dict[str, str]:
    """Return the environment for so many threads; where unknown, the program decides."""
    return {} if threads is None else {"OMP_NUM_THREADS": str(threads)}


def check_positive(value: int | None, argument: str) -> int | None:
    """Return a count as given, or raise ``InputError`` if it is none."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise InputError(f"{argument} must be a positive whole number, not {value!r}.")
    return value


def mesh_command(options: MeshOptions) -> list[str]:
    """Return the command that turns particles into meshes, if the user wants them.

    Raises
    ------
    InputError
        The folder of the particles or their radius is not said.
    """
    if not options.get("vtk_to_obj"):
        return []
    folder = options.get("vtk_to_obj_vtk_dir")
    radius = options.get("vtk_to_obj_particle_radius")
    if folder is None or radius is None:
        raise InputError("vtk_to_obj needs vtk_to_obj_vtk_dir and vtk_to_obj_particle_radius too.")
    prefix = options.get("vtk_to_obj_vtk_prefix", "PartFluid_")
    target = options.get("vtk_to_obj_out_dir") or folder
    # Braces stand for the number of the frame.
    settings = (
        f"-r={radius}",
        f"-l={options.get('vtk_to_obj_smoothing_length', 2.0)}",
        f"-c={options.get('vtk_to_obj_cube_size', 1.0)}",
        f"-t={options.get('vtk_to_obj_surface_threshold', 0.6)}",
        "--subdomain-grid=on",
        "--mesh-cleanup=on",
        "--mesh-smoothing-weights=on",
        "--mesh-smoothing-iters=25",
        "--normals=on",
        "--normals-smoothing-iters=10",
    )
    return [
        f"splashsurf reconstruct {folder}/{prefix}{{}}.vtk {' '.join(settings)} "
        f"-o {target}/{prefix}_surface{{}}.obj"
    ]
