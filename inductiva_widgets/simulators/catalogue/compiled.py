"""Simulators that are compiled for each run, with settings or sources of the user."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from inductiva_widgets.errors import InputError
from inductiva_widgets.models.tasks import CommandSpec
from inductiva_widgets.simulators._commands import CommandLike
from inductiva_widgets.simulators._commands_mpi import mpi_command
from inductiva_widgets.simulators._inputs import Inputs
from inductiva_widgets.simulators.base import Simulator
from inductiva_widgets.simulators.bases import ScriptSimulator
from inductiva_widgets.simulators.options import InputDir, MpiOptions, RunOptions
from inductiva_widgets.tasks.task import Task

if TYPE_CHECKING:
    from typing_extensions import Unpack

_FOLDER = "/workdir/output/artifacts"
"""Working folder of the commands in the images."""


class FUNWAVE(Simulator):
    """FUNWAVE-TVD: tsunamis and waves near coasts; compiled for each run.

    The flags of ``run`` are those of its Makefile, under the same names.
    """

    alias = "funwave"
    image = "funwave"
    multi_node = True
    run_options = MpiOptions

    def run(
        self,
        input_dir: InputDir = None,
        sim_config_filename: str = "",
        *,
        COUPLING: bool = False,  # noqa: N803
        ZALPHA: bool = False,  # noqa: N803
        MANNING: bool = False,  # noqa: N803
        VESSEL: bool = False,  # noqa: N803
        METEO: bool = False,  # noqa: N803
        WIND: bool = False,  # noqa: N803
        SEDIMENT: bool = False,  # noqa: N803
        CHECK_MASS_CONSERVATION: bool = False,  # noqa: N803
        TRACKING: bool = False,  # noqa: N803
        SPHERICAL: bool = False,  # noqa: N803
        **options: Unpack[MpiOptions],
    ) -> Task:
        """Submit a simulation, FUNWAVE compiled with the flags first, and return its task.

        Parameters
        ----------
        input_dir
            Folder with the input files.
        sim_config_filename
            Path of the configuration file in the folder.
        COUPLING, ZALPHA, MANNING, VESSEL, METEO, WIND, SEDIMENT
            Flags of the Makefile.
        CHECK_MASS_CONSERVATION, TRACKING, SPHERICAL
            More of them.
        **options
            MPI and common arguments, see ``MpiOptions`` and ``RunOptions``.
        """
        # Line number in the Makefile of the image, where each flag is commented out.
        lines = {
            11: COUPLING,
            12: ZALPHA,
            13: MANNING,
            14: VESSEL,
            15: METEO,
            16: WIND,
            17: SEDIMENT,
            18: CHECK_MASS_CONSERVATION,
            20: TRACKING,
        }
        inputs = self._validate_inputs(input_dir, options)
        name = inputs.input_file(sim_config_filename, "sim_config_filename")
        edits = [f"sed -i '{line}s/^# *//' Makefile" for line, flag in lines.items() if flag]
        if SPHERICAL:
            edits.append("sed -i 's/SPHERICAL   = false/SPHERICAL   = true/' Makefile")
        commands: list[CommandLike] = [
            "cp /FUNWAVE-TVD-Version_3.6/Makefile .",
            *edits,
            "make",
            mpi_command(f"funwave-work/compiled_funwave {name}", options),
            "rm -r funwave-work",
            "rm Makefile",
        ]
        return self._submit(inputs, commands, options)


class WaveWatch3(ScriptSimulator):
    """WAVEWATCH III: waves on oceans; compiled for each run."""

    alias = "WAVEWATCH-III"
    image = "wavewatch3"
    multi_node = True

    def run(
        self,
        input_dir: InputDir = None,
        commands: Iterable[CommandLike] | None = None,
        *,
        shell_script: str | None = None,
        switch: str | None = None,
        custom_switch: str | None = None,
        **options: Unpack[RunOptions],
    ) -> Task:
        """Submit a simulation, compiled as a switch file says first, and return its task.

        Parameters
        ----------
        input_dir
            Folder with the input files.
        commands
            Command lines, run one after another in the folder, without a shell.
        shell_script
            Instead of commands: path of a script in the folder, run with bash.
        switch
            Name of a switch file that comes with WAVEWATCH III, such as ``"UKMO_reg"``.
        custom_switch
            Instead of that: path of a switch file in the folder.
        **options
            Common arguments, see ``RunOptions``.
        """
        if (switch is None) == (custom_switch is None):
            raise InputError("Pass either `switch` or `custom_switch` to WaveWatch3.")
        inputs = self._validate_inputs(input_dir, options)
        own = None if custom_switch is None else inputs.input_file(custom_switch, "custom_switch")
        build = f"bash /home/compile_ww3.sh {own or switch} {'true' if own else 'false'}"
        steps = self._either(inputs, commands, shell_script)
        return self._submit(inputs, [build, *steps], options)


class CM1(Simulator):
    """CM1: storms and other small-scale weather; compiled if sources are given."""

    alias = "cm1"
    image = "cm1"
    multi_node = True
    run_options = MpiOptions

    def run(
        self,
        input_dir: InputDir = None,
        sim_config_filename: str = "",
        *,
        base: str | None = None,
        init3d: str | None = None,
        init_terrain: str | None = None,
        init_surface: str | None = None,
        input_sounding: str | None = None,
        landuse: str | None = None,
        recompile: bool = False,
        **options: Unpack[MpiOptions],
    ) -> Task:
        """Submit a simulation and return its task.

        Parameters
        ----------
        input_dir
            Folder with the input files.
        sim_config_filename
            Path of the namelist in the folder.
        base, init3d, init_terrain, init_surface
            Paths of sources in the folder that stand in for those of CM1, which is compiled then.
        input_sounding
            Path of the sounding in the folder, if it is not ``input_sounding``.
        landuse
            Path of the table of land use in the folder, if it is not ``LANDUSE.TBL``.
        recompile
            If True, compile CM1 even without sources.
        **options
            MPI and common arguments, see ``MpiOptions`` and ``RunOptions``.
        """
        inputs = self._validate_inputs(input_dir, options)
        name = inputs.input_file(sim_config_filename, "sim_config_filename")
        given = {
            "base": base,
            "init3d": init3d,
            "init_terrain": init_terrain,
            "init_surface": init_surface,
        }
        sources = [inputs.input_file(path, key) for key, path in given.items() if path is not None]
        data = {
            target: inputs.input_file(path, key)
            for key, path, target in (
                ("input_sounding", input_sounding, "input_sounding"),
                ("landuse", landuse, "LANDUSE.TBL"),
            )
            # A file with the default name is where CM1 expects it.
            if path is not None and inputs.input_file(path, key) != target
        }
        build = f"{_FOLDER}/__cm1" if sources or recompile else None
        commands: list[CommandLike] = []
        if build:
            commands.append(f"cp -r /cm1 {build}")
            commands += [f"cp -f {path} {build}/src" for path in sources]
        commands += [f"cp -f {path} {_FOLDER}/{target}" for target, path in data.items()]
        if build:
            commands.append(f"make -C {build}/src")
        commands.append(mpi_command(f"{f'{build}/run/' if build else ''}cm1.exe {name}", options))
        if build:
            commands.append(f"rm -r {build}")
        commands += [f"rm {_FOLDER}/{target}" for target in data]
        return self._submit(inputs, commands, options)


class COAWST(Simulator):
    """COAWST: ocean, atmosphere, waves and sediment, coupled; compiled for each run."""

    alias = "coawst"
    image = "coawst"
    multi_node = True
    run_options = MpiOptions

    # Settings that the image requires in the build script.
    _BUILD: ClassVar[dict[str, str]] = {
        "MY_ROOT_DIR": f"{_FOLDER}/__COAWST",
        "USE_MPI": "on",
        "which_MPI": "openmpi",
    }

    def run(
        self,
        input_dir: InputDir = None,
        sim_config_filename: str = "",
        *,
        build_coawst_script: str | None = None,
        coawst_bin: str = "coawstM",
        init_commands: Iterable[CommandLike] | None = None,
        cleanup_commands: Iterable[CommandLike] | None = None,
        compile_simulator: bool = True,
        **options: Unpack[MpiOptions],
    ) -> Task:
        """Submit a simulation and return its task.

        Parameters
        ----------
        input_dir
            Folder with the input files.
        sim_config_filename
            Path of the configuration file in the folder.
        build_coawst_script
            Path of the build script in the folder; needed unless ``compile_simulator`` is False.
        coawst_bin
            Name of the program that the build makes, or path of a built one in the folder.
        init_commands
            Commands to run before the build.
        cleanup_commands
            Commands to run after the simulation.
        compile_simulator
            If False, the input folder has the compiled program.
        **options
            MPI and common arguments, see ``MpiOptions`` and ``RunOptions``.
        """
        inputs = self._validate_inputs(input_dir, options)
        name = inputs.input_file(sim_config_filename, "sim_config_filename")
        program = posixpath.basename(coawst_bin)
        if compile_simulator:
            if build_coawst_script is None:
                raise InputError(
                    "COAWST requires `build_coawst_script`, or compile_simulator=False."
                )
            script = inputs.input_file(build_coawst_script, "build_coawst_script")
            self._check_build(inputs, script)
            # The WRF build prompts for the compiler: 34 is GNU with MPI.
            made: list[CommandLike] = [CommandSpec(cmd=f"bash {script}", prompts=["34"])]
        else:
            ready = inputs.input_file(coawst_bin, "coawst_bin")
            made = [f"cp -f {ready} __COAWST/", f"chmod +x __COAWST/{program}"]
        commands: list[CommandLike] = [
            f"cp -r /opt/COAWST {_FOLDER}/__COAWST",
            *(init_commands or ()),
            "create_all_sim_links",
            *made,
            mpi_command(f"{program} {name}", options),
            *(cleanup_commands or ()),
            "rm -r __COAWST",
            "clean_all_sim_links",
        ]
        return self._submit(inputs, commands, options)

    def _check_build(self, inputs: Inputs, script: str) -> None:
        """Raise if the build would fail, which would otherwise take minutes on the machine."""
        path = None if inputs.folder is None else inputs.folder.path / script
        if path is None or not path.is_file():
            return
        text = path.read_text(errors="replace")
        for key, required in self._BUILD.items():
            # The last assignment counts, as in a shell.
            found = re.findall(rf"^\s*(?:export\s+)?{key}=[\"']?([^\s\"'#]*)", text, re.MULTILINE)
            if not found or found[-1].rstrip("/") != required:
                raise InputError(f"The build script {script!r} must set {key}={required}.")
