"""Simulators of coasts, rivers and drainage."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from inductiva_widgets.errors import InputError
from inductiva_widgets.simulators._commands import CommandLike
from inductiva_widgets.simulators._commands_mpi import check_positive, mpi_command
from inductiva_widgets.simulators._packing import validate_input_dir
from inductiva_widgets.simulators.base import Simulator
from inductiva_widgets.simulators.bases import CommandsSimulator, ScriptSimulator
from inductiva_widgets.simulators.options import InputDir, MpiOptions, RunOptions
from inductiva_widgets.tasks.task import Task

if TYPE_CHECKING:
    from typing_extensions import Unpack


class SCHISM(Simulator):
    """SCHISM: currents from creeks to oceans."""

    alias = "schism"
    image = "schism"
    multi_node = True
    run_options = MpiOptions

    def run(
        self, input_dir: InputDir = None, *, num_scribes: int = 1, **options: Unpack[MpiOptions]
    ) -> Task:
        """Submit a simulation and return its task.

        Parameters
        ----------
        input_dir
            Folder with the input files.
        num_scribes
            Number of the processes that write results and compute nothing.
        **options
            MPI and common arguments, see ``MpiOptions`` and ``RunOptions``.
        """
        inputs = self._validate_inputs(input_dir, options)
        check_positive(num_scribes, "num_scribes")
        commands: list[CommandLike] = [
            "mkdir -p outputs",
            mpi_command(f"/schism/build/bin/pschism {num_scribes}", options),
        ]
        return self._submit(inputs, commands, options)


class SFINCS(Simulator):
    """SFINCS: floods from sea, rain and rivers together."""

    alias = "sfincs"
    image = "sfincs"

    def run(self, input_dir: InputDir = None, **options: Unpack[RunOptions]) -> Task:
        """Submit a simulation and return its task.

        Parameters
        ----------
        input_dir
            Folder with ``sfincs.inp`` and what it names.
        **options
            Common arguments, see ``RunOptions``.
        """
        inputs = self._validate_inputs(input_dir, options)
        inputs.input_file("sfincs.inp")
        return self._submit(inputs, ["sfincs"], options)


class FVCOM(Simulator):
    """FVCOM: currents of coastal oceans on unstructured meshes."""

    alias = "fvcom"
    image = "fvcom"
    multi_node = True
    run_options = MpiOptions

    def run(
        self,
        input_dir: InputDir = None,
        *,
        case_name: str = "",
        model: str = "",
        working_dir: str = "",
        create_namelist: str = "",
        debug: int = 0,
        **options: Unpack[MpiOptions],
    ) -> Task:
        """Submit a simulation and return its task.

        Parameters
        ----------
        input_dir
            Folder with the input files.
        case_name
            Name of the case, which its namelist file begins with.
        model
            ``"estuary"`` for the build for this test case, ``""`` for the default one.
        working_dir
            Input folder to run in, ``""`` for the top folder.
        create_namelist
            Name of a case to write an empty namelist for.
        debug
            Verbosity from 0 to 7.
        **options
            MPI and common arguments, see ``MpiOptions`` and ``RunOptions``.
        """
        if model not in ("", "estuary"):
            raise InputError(f"Unknown model {model!r}, expected one of: '', 'estuary'.")
        if not case_name and not create_namelist:
            raise InputError("FVCOM requires `case_name` or `create_namelist`.")
        inputs = self._validate_inputs(input_dir, options)
        folder = inputs.input_dir(working_dir, "working_dir")
        words = [
            f"fvcom_{model}" if model else "fvcom",
            f"--CASENAME={case_name}" if case_name else "",
            f"--CREATE_NAMELIST {create_namelist}" if create_namelist else "",
            f"--dbg={debug}",
        ]
        command = mpi_command(" ".join(filter(None, words)), options)
        return self._submit(inputs, [command], options, run_subprocess_dir=folder)


class MOHID(Simulator):
    """MOHID: water bodies and river basins."""

    alias = "mohid"
    image = "mohid"
    multi_node = True

    def run(
        self,
        input_dir: InputDir = None,
        *,
        command: str = "MohidWater.exe",
        working_dir: str = "",
        run_ddc: bool = False,
        n_vcpus: int | None = None,
        **options: Unpack[RunOptions],
    ) -> Task:
        """Submit a simulation and return its task.

        Parameters
        ----------
        input_dir
            Folder with the input files.
        command
            ``"MohidWater.exe"`` or ``"MohidLand.exe"``.
        working_dir
            Input folder to run in, ``""`` for the top folder.
        run_ddc
            If True, join the results of the processes at the end.
        n_vcpus
            Number of MPI processes, or None for as many as the machine has processors.
        **options
            Common arguments, see ``RunOptions``.
        """
        if command not in ("MohidWater.exe", "MohidLand.exe"):
            raise InputError(
                f"Unknown command {command!r}, expected one of: MohidWater.exe, MohidLand.exe."
            )
        inputs = self._validate_inputs(input_dir, options)
        folder = inputs.input_dir(working_dir, "working_dir")
        # Started by the mpirun of the image, so without MPI settings of the service.
        count = "" if check_positive(n_vcpus, "n_vcpus") is None else f"-np {n_vcpus} "
        commands = [f"mpirun {count}/usr/local/bin/{command}"]
        if run_ddc:
            commands.append("/usr/local/bin/MohidDDC.exe")
        return self._submit(inputs, commands, options, run_subprocess_dir=folder)


class Delft3D(ScriptSimulator):
    """Delft3D 4: currents, waves and sediment on structured meshes."""

    alias = "delft3d"
    image = "delft3d"


class Delft3DFM(ScriptSimulator):
    """Delft3D FM: currents, waves and sediment on flexible meshes."""

    alias = "delft3dfm"
    image = "delft3dfm"


class OpenTelemac(CommandsSimulator):
    """openTELEMAC: rivers, estuaries and seas."""

    alias = "opentelemac"
    image = "opentelemac"


class HecRas(CommandsSimulator):
    """HEC-RAS: rivers and floods."""

    alias = "hec_ras"
    image = "hec-ras"


class SWMM(CommandsSimulator):
    """EPA SWMM, the storm water management model; built into the embedded server."""

    alias = "swmm"
    image = "swmm"

    def run(
        self,
        input_dir: InputDir = None,
        commands: Iterable[CommandLike] | None = None,
        **options: Unpack[RunOptions],
    ) -> Task:
        """Submit a simulation and return its task.

        Parameters
        ----------
        input_dir
            Folder with the input files.
        commands
            Command lines such as ``"runswmm model.inp model.rpt model.out"``. None for just this
            on the folder's only ``.inp`` file.
        **options
            Common arguments, see ``RunOptions``.

        Raises
        ------
        InputError
            The folder does not exist or does not have exactly one ``.inp`` file, or an argument is
            invalid.

        Examples
        --------
        >>> swmm = inductiva.simulators.SWMM()
        >>> task = swmm.run("cases/swmm_storm", project="storms")
        >>> print(task.wait(silent_mode=True))
        success
        """
        if commands is None:
            commands = [_swmm_command(input_dir)]
        return super().run(input_dir, commands=commands, **options)


def _swmm_command(input_dir: InputDir) -> str:
    if input_dir is None:
        raise InputError(
            "`input_dir` is missing. Pass the folder with the .inp file, or `remote_assets` and "
            "commands=['runswmm model.inp model.rpt model.out']."
        )
    models = sorted(validate_input_dir(input_dir).path.glob("*.inp"))
    if len(models) != 1:
        found = ", ".join(model.name for model in models) or "none"
        raise InputError(
            f"{str(input_dir)!r} must have exactly one .inp file, got: {found}. Otherwise pass "
            "commands=['runswmm model.inp model.rpt model.out']."
        )
    name = models[0].name
    if len(name.split()) > 1:
        raise InputError(
            f"The name of an .inp file must not have spaces, got {name!r}. Rename the file."
        )
    stem = PurePosixPath(name).stem
    return f"runswmm {name} {stem}.rpt {stem}.out"
