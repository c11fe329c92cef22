"""Simulators of the weather."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from inductiva_widgets.errors import InputError
from inductiva_widgets.simulators._commands import CommandLike
from inductiva_widgets.simulators._commands_mpi import check_positive, mpi_command
from inductiva_widgets.simulators.base import Simulator
from inductiva_widgets.simulators.options import InputDir, MpiOptions
from inductiva_widgets.tasks.task import Task

if TYPE_CHECKING:
    from typing_extensions import Unpack

# Cases in the image.
_CASES = (
    "em_b_wave",
    "em_convrad",
    "em_esmf_exp",
    "em_fire",
    "em_grav2d_x",
    "em_heldsuarez",
    "em_hill2d_x",
    "em_les",
    "em_quarter_ss",
    "em_real",
    "em_scm_xy",
    "em_seabreeze2d_x",
    "em_squall2d_x",
    "em_squall2d_y",
    "em_tropical_cyclone",
)


class WRF(Simulator):
    """WRF: regional weather."""

    alias = "wrf"
    image = "wrf"
    multi_node = True
    run_options = MpiOptions

    def run(
        self,
        input_dir: InputDir = None,
        *,
        case_name: str = "em_real",
        init_commands: Iterable[CommandLike] | None = None,
        gen_gif: bool = False,
        gen_gif_files: Iterable[str] | None = None,
        gen_gif_output_dir: str = ".",
        gen_gif_fps: int = 3,
        gen_gif_variable: str = "RAINNC",
        **options: Unpack[MpiOptions],
    ) -> Task:
        """Submit a simulation and return its task.

        Parameters
        ----------
        input_dir
            Folder with ``namelist.input`` and what it names.
        case_name
            The case of WRF to run, such as ``"em_real"`` or ``"em_les"``.
        init_commands
            Commands to run before the model, such as ``["./ideal.exe"]``.
        gen_gif
            If True, create an animation of a variable at the end.
        gen_gif_files
            Output files of the animation, required if ``gen_gif`` is True.
        gen_gif_output_dir
            Folder that it is put into.
        gen_gif_fps
            Its pictures a second.
        gen_gif_variable
            The variable that it shows.
        **options
            MPI and common arguments, see ``MpiOptions`` and ``RunOptions``.
        """
        if case_name not in _CASES:
            raise InputError(f"Unknown case {case_name!r}, expected one of: {', '.join(_CASES)}.")
        inputs = self._validate_inputs(input_dir, options)
        inputs.input_file("namelist.input")
        commands: list[CommandLike] = [
            # Programs and tables of the case are copied to the input folder while it runs.
            f"/scripts/create_links.sh /WRF/test/{case_name}",
            *(init_commands or ()),
            mpi_command("./wrf.exe", options),
            "/scripts/delete_links.sh",
        ]
        if gen_gif:
            files = " ".join(gen_gif_files or ())
            if not files:
                raise InputError("`gen_gif` requires `gen_gif_files`.")
            check_positive(gen_gif_fps, "gen_gif_fps")
            commands.append(
                f"conda run -n wrf-env python /scripts/gen_gif.py --files {files} "
                f"--output-dir {gen_gif_output_dir} --fps {gen_gif_fps} --var {gen_gif_variable}"
            )
        return self._submit(inputs, commands, options)
