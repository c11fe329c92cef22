"""Options that every simulator accepts in ``run``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, TypedDict

from inductiva_widgets.models.machines import MachineGroupInfo
from inductiva_widgets.simulators._commands import CommandLike

InputDir = str | os.PathLike[str] | None


class RunOptions(TypedDict, total=False):
    """The arguments that every simulator's ``run`` takes beside its own.

    Parameters
    ----------
    on
        Machine group, or its name or id; None for the account's started one. The embedded server
        always has one.
    storage_dir
        Folder in the remote storage, ``""`` for its top.
    project
        Project of the task; made where there is none.
    remote_assets
        Paths in the remote storage that become inputs too.
    time_to_live
        Limit for the task: seconds, or text such as ``"1h30m"``.
    resubmit_on_preemption
        Whether to queue the task again when its spot machine is reclaimed.
    on_finish_cleanup
        Name of a script among the input files, or commands, to run at the end.
    """

    on: MachineGroupInfo | str | Any | None
    storage_dir: str
    project: str | None
    remote_assets: str | Iterable[str] | None
    time_to_live: str | float | None
    resubmit_on_preemption: bool
    on_finish_cleanup: str | Iterable[CommandLike] | None


class MpiOptions(RunOptions, total=False):
    """Arguments of the simulators that run under MPI, beside those of ``RunOptions``.

    Parameters
    ----------
    n_vcpus
        Number of MPI processes; None for all that the machine has room for.
    use_hwthread
        Whether hardware threads count as processors, True unless said.
    """

    n_vcpus: int | None
    use_hwthread: bool


class HybridOptions(MpiOptions, total=False):
    """Arguments of the simulators that mix MPI and threads, beside those of ``RunOptions``.

    Parameters
    ----------
    n_vcpus
        Processors to share out; None for all of the machine.
    n_mpi_processes
        Number of MPI processes; None for one, which needs no MPI.
    n_omp_threads
        Number of threads of each process; None for an equal share of the processors.
    use_hwthread
        Whether hardware threads count as processors, True unless said.
    """

    n_mpi_processes: int | None
    n_omp_threads: int | None


class MeshOptions(RunOptions, total=False):
    """Arguments of the particle simulators, beside those of ``RunOptions``.

    Lengths without a unit are multiples of the particle radius.

    Parameters
    ----------
    vtk_to_obj
        Whether to turn the particles of each frame into a surface mesh at the end.
    vtk_to_obj_vtk_dir
        Folder that the simulation writes its VTK files to; needed for the meshes.
    vtk_to_obj_vtk_prefix
        How the names of the VTK files begin, ``"PartFluid_"`` unless said.
    vtk_to_obj_out_dir
        Folder for the meshes; None for that of the VTK files.
    vtk_to_obj_particle_radius
        Radius of the particles in the simulation's unit; needed for the meshes.
    vtk_to_obj_smoothing_length
        Smoothing length, 2.0 unless said.
    vtk_to_obj_cube_size
        Edge of the cubes that the surface is found with, 1.0 unless said.
    vtk_to_obj_surface_threshold
        Share of the fluid's density at which the surface lies, 0.6 unless said.
    """

    vtk_to_obj: bool
    vtk_to_obj_vtk_dir: str | None
    vtk_to_obj_vtk_prefix: str
    vtk_to_obj_out_dir: str | None
    vtk_to_obj_particle_radius: float | None
    vtk_to_obj_smoothing_length: float
    vtk_to_obj_cube_size: float
    vtk_to_obj_surface_threshold: float
