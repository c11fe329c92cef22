"""Commands shared by several simulators: MPI, OpenMP and post-processing."""

from __future__ import annotations

from typing import Any

from inductiva_widgets.errors import InputError
from inductiva_widgets.models.machines import MachineGroupInfo, MachineGroupTarget
from inductiva_widgets.models.tasks import CommandSpec, MpiConfig
from inductiva_widgets.simulators.options import HybridOptions, MeshOptions, MpiOptions

MPI_VERSION = "4.1.6"
"""Version of Open MPI in most images."""


def mpi_command(
    cmd: str,
    options: MpiOptions | None = None,
    *,
    version: str = MPI_VERSION,
    env: dict[str, str] | None = None,
) -> CommandSpec:
    """Return a command that runs under MPI.

    Parameters
    ----------
    cmd
        Command line.
    options
        Number of processes; by default, as many as the machine allows.
    version
        Version of Open MPI in the image.
    env
        Environment variables of the command.
    """
    options = options or {}
    settings: dict[str, Any] = {"use-hwthread-cpus": options.get("use_hwthread", True)}
    n_vcpus = check_positive(options.get("n_vcpus"), "n_vcpus")
    if n_vcpus is not None:
        settings["np"] = n_vcpus
    return CommandSpec(
        cmd=cmd, mpi_config=MpiConfig(version=version, options=settings), env=env or {}
    )


def mpi_on_all_cpus(cmd: str, machine: MachineGroupInfo) -> CommandSpec:
    """Return a command that runs under MPI, with the group's settings or on all processors."""
    if isinstance(machine, MachineGroupTarget) and machine.mpi_config is not None:
        return CommandSpec(cmd=cmd, mpi_config=machine.mpi_config)
    return mpi_command(cmd, {"n_vcpus": machine.n_vcpus})


def hybrid_command(cmd: str, machine: MachineGroupInfo, options: HybridOptions) -> CommandSpec:
    """Return a command that distributes the processors among processes and threads.

    Parameters
    ----------
    cmd
        Command line.
    machine
        Machine group of the task.
    options
        Numbers of processors, processes and threads.

    Raises
    ------
    InputError
        The machine has too few processors.
    """
    processes = check_positive(options.get("n_mpi_processes"), "n_mpi_processes") or 1
    given = check_positive(options.get("n_omp_threads"), "n_omp_threads")
    vcpus = check_positive(options.get("n_vcpus"), "n_vcpus") or machine.n_vcpus
    threads = given or (None if vcpus is None else max(1, vcpus // processes))
    if machine.n_vcpus is not None and processes * (threads or 1) > machine.n_vcpus:
        raise InputError(
            f"{machine.display_name} has {machine.n_vcpus} processors, got {processes} processes "
            f"with {threads} threads each. Reduce n_mpi_processes or n_omp_threads."
        )
    env = openmp_env(threads)
    if processes == 1:
        return CommandSpec(cmd=cmd, env=env)
    hwthread = options.get("use_hwthread", True)
    return mpi_command(cmd, {"n_vcpus": processes, "use_hwthread": hwthread}, env=env)


def openmp_env(threads: int | None) -> dict[str, str]:
    """Return the environment for a number of threads; empty if it is None."""
    return {} if threads is None else {"OMP_NUM_THREADS": str(threads)}


def check_positive(value: int | None, argument: str) -> int | None:
    """Raise ``InputError`` unless a value is a positive integer or None; return it."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise InputError(f"`{argument}` must be a positive integer, got {value!r}.")
    return value


def mesh_command(options: MeshOptions) -> list[str]:
    """Return the command that converts particles to meshes, or [] without ``vtk_to_obj``.

    Raises
    ------
    InputError
        The folder or the radius of the particles is missing.
    """
    if not options.get("vtk_to_obj"):
        return []
    folder = options.get("vtk_to_obj_vtk_dir")
    radius = options.get("vtk_to_obj_particle_radius")
    if folder is None or radius is None:
        raise InputError(
            "`vtk_to_obj` requires `vtk_to_obj_vtk_dir` and `vtk_to_obj_particle_radius`."
        )
    prefix = options.get("vtk_to_obj_vtk_prefix", "PartFluid_")
    target = options.get("vtk_to_obj_out_dir") or folder
    # splashsurf replaces the braces by the number of the frame.
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
