"""Keyword arguments of ``run`` that simulators have in common."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, TypedDict

from inductiva_widgets.models.machines import MachineGroupInfo
from inductiva_widgets.simulators._commands import CommandLike

InputDir = str | os.PathLike[str] | None


class RunOptions(TypedDict, total=False):
    """Options of all simulators.

    Parameters
    ----------
    on
        Machine group, or its name or id. If None, the only started group of the account; the
        embedded server always has one. A group object that is not started is started after its
        cost is printed.
    auto_start
        If False, refuse a group that is not started.
    storage_dir
        Folder in the remote storage, ``""`` for the top folder.
    project
        Project of the task, created if it does not exist. By default that of the block ``with
        project:``, if any.
    remote_assets
        Paths of further inputs in the remote storage, also without an input folder. A file or a
        folder such as ``"meshes/ship/"`` arrives without its first folder, as ``ship/``. The
        outputs of another task, ``task.info.storage_output_path``, arrive unpacked in a folder
        with the id of that task. The files of the input folder replace those of the same name.
    time_to_live
        Time limit of the task as seconds or a string such as ``"1h30m"``.
    resubmit_on_preemption
        If True, queue the task again if its spot machine is reclaimed.
    on_finish_cleanup
        Path of a script in the input folder, or commands, to run at the end.
    """

    on: MachineGroupInfo | str | Any | None
    auto_start: bool
    storage_dir: str
    project: str | None
    remote_assets: str | Iterable[str] | None
    time_to_live: str | float | None
    resubmit_on_preemption: bool
    on_finish_cleanup: str | Iterable[CommandLike] | None


class MpiOptions(RunOptions, total=False):
    """Options of simulators that run under MPI, in addition to ``RunOptions``.

    Parameters
    ----------
    n_vcpus
        Number of MPI processes, or None for as many as the machine has processors.
    use_hwthread
        If True, the default, hardware threads count as processors.
    """

    n_vcpus: int | None
    use_hwthread: bool


class HybridOptions(MpiOptions, total=False):
    """Options of simulators that combine MPI and threads, in addition to ``RunOptions``.

    Parameters
    ----------
    n_vcpus
        Number of processors to use, or None for all of the machine.
    n_mpi_processes
        Number of MPI processes, or None for one process without MPI.
    n_omp_threads
        Number of threads per process, or None to distribute all processors evenly.
    use_hwthread
        If True, the default, hardware threads count as processors.
    """

    n_mpi_processes: int | None
    n_omp_threads: int | None


class MeshOptions(RunOptions, total=False):
    """Options of particle simulators, in addition to ``RunOptions``.

    Parameters
    ----------
    vtk_to_obj
        If True, convert the particles of each frame to a surface mesh at the end.
    vtk_to_obj_vtk_dir
        Folder of the VTK files, required for meshes.
    vtk_to_obj_vtk_prefix
        Prefix of the names of the VTK files, ``"PartFluid_"`` by default.
    vtk_to_obj_out_dir
        Folder of the meshes, or None for the folder of the VTK files.
    vtk_to_obj_particle_radius
        Radius of the particles in the unit of the simulation, required for meshes.
    vtk_to_obj_smoothing_length
        Smoothing length in particle radii, 2.0 by default.
    vtk_to_obj_cube_size
        Edge length of the marching cubes in particle radii, 1.0 by default.
    vtk_to_obj_surface_threshold
        Density of the surface relative to the fluid, 0.6 by default.
    """

    vtk_to_obj: bool
    vtk_to_obj_vtk_dir: str | None
    vtk_to_obj_vtk_prefix: str
    vtk_to_obj_out_dir: str | None
    vtk_to_obj_particle_radius: float | None
    vtk_to_obj_smoothing_length: float
    vtk_to_obj_cube_size: float
    vtk_to_obj_surface_threshold: float
