"""Rows from logs: of the user's expression, and of the presets on excerpts of real logs.

The excerpts are of OpenFOAM 1912 (icoFoam, the cavity), GROMACS 2022.5, SWMM 5.2.4 by the embedded
server and by the library's own run, and SPlisHSPlasH 2.19 by the embedded server. Those of
FDS, DualSPHysics and OpenFAST are written after lines of runs that others have published, those of
REEF3D, XBeach and SWAN as their sources print. Texts in the tests have the form of published logs,
with values of their own.
"""

import itertools
import json
import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inductiva_widgets.errors import InputError
from inductiva_widgets.metrics import presets
from inductiva_widgets.metrics.parser import MAX_SERIES, MetricParser
from inductiva_widgets.metrics.presets import (
    PRESETS,
    add_preset,
    preset_for,
    preset_named,
    presets_table,
)
from inductiva_widgets.tasks import Task

LOGS = Path(__file__).with_name("logs")
ROOT = Path(__file__).parents[3]
NAMES = sorted(file.stem for file in LOGS.glob("*.txt"))


def log(name):
    return (LOGS / f"{name}.txt").read_bytes()


def read(name, **options):
    reader = MetricParser(preset_for(name), **options)
    reader.feed(log(name))
    reader.finish()
    return reader


def column(reader, name):
    return reader.to_frame()[name].tolist()


# Presets ----------------------------------------------------------------------------------------


def openfoam(text, **options):
    reader = MetricParser(preset_for("openfoam"), **options)
    reader.feed(text.encode())
    reader.finish()
    return reader


def solve(field, initial, final=1e-9, solver="GAMG"):
    return (
        f"{solver}:  Solving for {field}, Initial residual = {initial}, "
        f"Final residual = {final}, No Iterations 2\n"
    )


def test_openfoam_gives_the_first_residuals_of_each_step():
    reader = read("openfoam", end={"time": 0.5})
    assert reader.names[:3] == ("Ux", "Uy", "p")
    assert reader.names[-1] == "time"
    assert column(reader, "time") == pytest.approx([0.001 * n for n in range(1, 9)])
    # The second solution of p in a step begins at 0.599546.
    assert column(reader, "p")[:2] == [1.0, 0.537991]
    assert column(reader, "Uy")[:2] == [0.0, 0.313297]
    assert reader.progress == pytest.approx(0.008 / 0.5)


def test_openfoam_gives_what_shows_a_divergence_and_the_last_of_a_step():
    frame = read("openfoam").to_frame()
    assert frame["p_final"][1] == 5.94288e-07
    assert frame["continuity_local"][1] == 5.95454e-10
    assert frame["continuity_global"][1] == -4.90394e-20
    assert frame["continuity_cumulative"][1] == -3.39516e-20
    assert frame["Courant_mean"][2] == 0.0346219
    assert frame["Courant_max"][2] == 0.426398
    assert frame["ExecutionTime"][1] == 0.05


def test_openfoam_values_before_a_step_belong_to_it():
    step = (
        "Courant Number mean: 0.1 max: {co}\ndeltaT = {dt}\nTime = {t}\n\n"
        + solve("p", "{p}")
        + "ExecutionTime = {t} s  ClockTime = 3 s\n\n"
    )
    text = step.format(co=0.4, dt=0.01, t=1, p=0.5) + step.format(co=0.8, dt=0.02, t=2, p=0.6)
    frame = openfoam("Courant Number mean: 0 max: 0\n" + text).to_frame()
    names = ["time", "Courant_max", "deltaT", "p"]
    assert frame[names].values.tolist() == [[1, 0.4, 0.01, 0.5], [2, 0.8, 0.02, 0.6]]


def test_openfoam_row_is_complete_at_the_end_of_its_step():
    reader = MetricParser(preset_for("openfoam"))
    text = "Time = 1\n" + solve("p", 0.5) + "ExecutionTime = 1 s  ClockTime = 1 s\n"
    (row,) = reader.feed(text.encode())
    assert row.values["p"] == 0.5


def test_openfoam_regions_have_series_of_their_own():
    reader = openfoam(
        "Region: air Courant Number mean: 0.2 max: 0.7\nTime = 3\n\n"
        "Solving for fluid region air\n"
        + solve("h", 0.3)
        + "time step continuity errors (air): sum local = 1e-6, global = 2e-7, cumulative = 3e-7\n"
        "Solving for solid region heater\n"
        + solve("h", 0.9)
        + "ExecutionTime = 4 s  ClockTime = 5 s\n"
    )
    assert reader.last["air:h"] == 0.3
    assert reader.last["heater:h"] == 0.9
    assert reader.last["air:Courant_max"] == 0.7
    assert reader.last["air:continuity_local"] == 1e-6
    assert reader.last["ExecutionTime"] == 4
    assert "h" not in reader.last


def test_openfoam_region_ends_with_its_step():
    reader = openfoam(
        "Time = 3\nSolving for solid region heater\n"
        + solve("h", 0.9)
        + "ExecutionTime = 4 s\nTime = 4\n"
        + solve("h", 0.8)
    )
    assert (reader.last["heater:h"], reader.last["h"]) == (0.9, 0.8)


def test_openfoam_region_may_begin_the_line():
    reader = openfoam("Time = 3\nheater      " + solve("h", 0.9) + "air     " + solve("h", 0.2))
    assert (reader.last["heater:h"], reader.last["air:h"]) == (0.9, 0.2)


def test_openfoam_vectors_have_a_series_for_each_component():
    reader = openfoam(
        "Time = 1\n"
        + solve("U", "(0.5 0.25 nan)", "(1e-3 2e-3 3e-3)")
        + solve("Up", "(1 2 3 4)", "(5 6 7 8)")
    )
    assert [reader.last[name] for name in ("Ux", "Uy")] == [0.5, 0.25]
    assert math.isnan(reader.last["Uz"])
    assert reader.last["Uy_final"] == 2e-3
    assert (reader.last["Up_3"], reader.last["Up_0_final"]) == (4, 5)


@pytest.mark.parametrize(
    "prefix",
    ["[0] ", "[1,0]<stdout>:", "0: ", "2031-02-03 04:05:06 ", "2031-02-03T04:05:06Z ", "[04:05] "],
)
def test_openfoam_steps_are_found_after_a_rank_or_a_time(prefix):
    lines = ["Time = 1", solve("p", 0.5).strip(), "Time = 2", solve("p", 0.25).strip()]
    reader = openfoam("".join(f"{prefix}{line}\n" for line in lines))
    assert reader.to_frame()[["time", "p"]].values.tolist() == [[1, 0.5], [2, 0.25]]


def test_openfoam_other_times_begin_no_step():
    reader = openfoam("Create mesh for time = 0\nStart Time = 3\nClockTime = 4\n")
    assert reader.last == {}


def test_openfoam_keeps_what_matters_of_many_series_and_says_what_not():
    species = [f"Y{n}" for n in range(40)]
    step = "Time = {t}\n" + "".join(solve(name, 0.5) for name in ("Ux", "Uy", *species))
    step += "".join(solve(name, 0.1) for name in ("p_rgh", "epsilon", "k", "h"))
    step += "time step continuity errors : sum local = 1e-6, global = 2e-7, cumulative = 3e-7\n"
    reader = MetricParser(preset_for("openfoam"))
    reader.prefer(["Y39"])
    for t in (1, 2):
        reader.feed(step.replace("{t}", str(t)).encode())
    reader.finish()
    assert len(reader.last) == MAX_SERIES
    important = {"time", "Ux", "Uy", "p_rgh", "epsilon", "k", "h", "continuity_local", "Y39"}
    assert important < reader.last.keys()
    assert set(reader.to_frame().columns) == {*reader.last, "read_at"}
    (note,) = reader.notes
    assert note.startswith("Only 24 series are kept, and judged by conditions; without ")
    left_out = reader.to_frame().attrs["inductiva"]["left_out"]
    assert {"Y38", "p_rgh_final"} < set(left_out)
    assert not reader.last.keys() & set(left_out)


def test_openfoam_of_the_foundation_prints_a_unit_behind_the_time():
    reader = MetricParser(preset_for("openfoam_foundation"))
    reader.feed(b"Time = 536s\n\nGAMG:  Solving for p, Initial residual = 9.7e-09, Final r\n")
    reader.finish()
    assert reader.last == {"time": 536.0, "p": 9.7e-9}


def test_gromacs_gives_steps_and_knows_how_many_there_are():
    reader = read("gromacs")
    assert reader.names == ("step",)
    assert column(reader, "step") == [*range(0, 900, 100), 20000]
    assert reader.progress == 1.0
    assert PRESETS["gromacs"].file == "stderr.txt"


def test_swmm_gives_the_percentage_of_the_driver():
    reader = read("swmm")
    assert column(reader, "percent")[:3] == [0.0, 2.1, 4.1]
    assert reader.progress == 1.0


def test_swmm_gives_the_days_that_the_library_redraws():
    reader = read("swmm_library")
    days = column(reader, "days")
    assert days[:25] == pytest.approx([n / 24 for n in range(25)])
    assert days[-1] == pytest.approx(20 + 23 / 24)


def test_splishsplash_gives_the_time_and_its_percentage_the_progress():
    reader = read("splishsplash")
    assert reader.names == ("time",)
    assert reader.last == {"time": 1.0008, "percent": 100.0}
    assert reader.progress == 1.0
    assert column(reader, "time")[0] == 0.001


def test_openfoam_solution_before_the_first_step_is_of_no_step():
    step = "Time = {t}\n" + solve("p", 0.5) + "ExecutionTime = {t} s\n"
    reader = openfoam(solve("pcorr", 1) + step.format(t=1) + step.format(t=2))
    assert column(reader, "time") == [1, 2]
    assert "pcorr" not in reader.names


def test_openfoam_solution_after_a_step_is_kept():
    step = "Time = {t}\n" + solve("p", 0.5) + "ExecutionTime = {t} s\n" + solve("tracer", 0.25)
    reader = openfoam(step.format(t=1) + step.format(t=2))
    assert column(reader, "tracer")[1::2] == [0.25, 0.25]


def test_reef3d_gives_time_and_time_step_and_no_other_step():
    reader = read("reef3d", end={"simtime": 0.0045})
    assert reader.names == ("timestep", "umax", "simtime")
    assert column(reader, "timestep") == [0.001, 0.00125, 0.0015]
    assert reader.progress == pytest.approx(0.5)


def test_xbeach_draws_the_time_step_and_its_percentage_is_the_progress():
    reader = read("xbeach")
    assert reader.names == ("timestep",)
    assert column(reader, "timestep") == [0.412, 0.398, 0.401, 0.377, 0.385]
    assert column(reader, "percent")[0] == 0.4
    assert reader.progress == 1.0


def test_fds_gives_the_simulated_time():
    reader = read("fds", end={"time": 360})
    assert column(reader, "time") == [0.05, 0.09, 178.38, 179.21, 180.0]
    assert reader.progress == 0.5


def test_dualsphysics_gives_the_time_of_each_file_and_its_end():
    reader = read("dualsphysics")
    assert reader.names == ("time",)
    assert column(reader, "time") == [0.010016, 0.020012, 0.030008]
    assert reader.progress == pytest.approx(0.6, abs=1e-3)


def test_dualsphysics_gives_them_as_newer_versions_print_them():
    reader = MetricParser(preset_for("dualsphysics"))
    reader.feed(
        b"TimeMax=1.5\n00000        21,001 particles successfully stored\n"
        b"00001      0.010017        1,314        1,314       21,001        2,736     216.96  x\n"
    )
    reader.finish()
    assert reader.last == {"time": 0.010017}
    assert reader.progress == pytest.approx(0.010017 / 1.5)


def test_openfast_gives_the_time_that_it_redraws_and_its_end():
    reader = read("openfast")
    assert column(reader, "time") == [0, 2, 4, 6]
    assert reader.progress == pytest.approx(0.3)


def test_swan_gives_the_accuracy_that_it_comes_to():
    reader = read("swan")
    assert reader.names == ("accuracy",)
    assert column(reader, "accuracy") == [12.58, 71.02, 99.61]


def test_swan_gives_the_steps_of_a_course():
    reader = MetricParser(preset_for("swan"))
    for step in (1, 2):
        reader.feed(f"+time 19920519.0{step}0000   , step {step:6d}; iteration    3\n".encode())
    assert reader.last == {"step": 2.0}


def parse(preset, text, **options):
    reader = MetricParser(PRESETS[preset], **options)
    reader.feed(text.encode())
    reader.finish()
    return reader


def test_gromacs_gives_the_forces_of_a_minimisation_and_its_progress():
    reader = parse(
        "gromacs",
        "   Number of steps    =          400\n"
        "Step=    0, Dmax= 2.0e-02 nm, Epot= -3.10000e+05 Fmax= 8.25000e+04, atom= 17\n"
        "Step=  100, Dmax= 1.5e-02 nm, Epot= -3.20000e+05 Fmax= inf, atom= 18\n",
    )
    assert reader.names[:2] == ("Epot", "Fmax")
    assert column(reader, "Fmax") == [8.25e4, math.inf]
    assert column(reader, "Dmax") == [0.02, 0.015]
    assert reader.progress == 0.25


def test_gromacs_minimisation_ends_at_the_step_that_converges():
    steps = "".join(
        f"Step={n:5}, Dmax= 2.0e-02 nm, Epot= -3.1e+05 Fmax= 8.25e+04, atom= 17\n"
        for n in range(40)
    )
    reader = parse(
        "gromacs",
        f"   Number of steps    =          400\n{steps}\n"
        "Steepest Descents converged to Fmax < 1000 in 40 steps\n",
    )
    assert reader.progress == 39 / 40


def test_gromacs_gives_the_tables_of_its_own_log():
    table = (
        "           Step           Time\n{step:>15}{time:>15.5f}\n\n"
        "   Energies (kJ/mol)\n"
        "           Bond          LJ-14      Potential    Kinetic En.   Total Energy\n"
        "    1.50000e+03    2.50000e+02   -{pot:.5e}    6.00000e+04   -2.40000e+05\n"
        "    Temperature Pressure (bar)\n"
        "    3.01500e+02   -1.25000e+01\n\n"
    )
    reader = parse(
        "gromacs",
        "   nsteps                         = 2000\n"
        + table.format(step=0, time=0.0, pot=3e5)
        + table.format(step=500, time=1.0, pot=3.5e5),
    )
    assert column(reader, "step") == [0, 500]
    assert column(reader, "Potential") == [-3e5, -3.5e5]
    assert reader.last["Kinetic_En"] == 6e4
    assert (reader.last["Temperature"], reader.last["Pressure"]) == (301.5, -12.5)
    assert reader.last["time"] == 1.0
    assert reader.progress == 0.25


@pytest.mark.parametrize("is_continued", [False, True])
def test_gromacs_averages_at_the_end_of_a_run_are_no_values_of_a_step(is_continued):
    step = (
        "           Step           Time\n{0:>15}{0:>15.5f}\n\n"
        "      Potential Pressure (bar)\n   -3.00000e+05    {1:.5e}\n\n"
    )
    averages = (
        "\t<====  A V E R A G E S  ====>\n\n   Statistics over 3 steps using 3 frames\n\n"
        "      Potential Pressure (bar)\n   -9.00000e+05    9.00000e+01\n\n"
        "          Box-X          Box-Y\n    5.00000e+00    5.00000e+00\n"
    )
    text = step.format(0, 20) + step.format(2, 30) + averages
    reader = parse("gromacs", text + is_continued * step.format(4, 40))
    assert column(reader, "step") == [0, 2, 4][: 2 + is_continued]
    assert reader.last["Potential"] == -3e5
    assert reader.last["Pressure"] == (40 if is_continued else 30)
    assert "Box_X" not in reader.last


def test_reef3d_gives_the_largest_velocities_and_the_residual_of_a_potential_flow():
    reader = parse(
        "reef3d",
        "timestep: 0.5\nsimtime: 3.5\ntimestep: 0.25\n"
        "Fi_iter: 6 Final_residual: 2.5e-08  Fi_time: 0.002\n"
        "Fi_iter: 5 Final_residual: 1.25e-08  Fi_time: 0.002\n"
        "umax: 0.5 \t utime: 0.007\nvmax: nan\nwmax: 0.125\nviscmax: 0.001\n",
    )
    (row,) = reader.to_frame()[list(reader.names)].to_dict("records")
    assert math.isnan(row.pop("vmax"))
    assert row == {
        "simtime": 3.5,
        "timestep": 0.25,
        "umax": 0.5,
        "wmax": 0.125,
        "Fi_final": 1.25e-8,
    }


def test_gromacs_progress_is_that_of_the_last_run_in_the_log():
    steps = "".join(f"step {n}, remaining wall clock time:  9 s\n" for n in (0, 400))
    reader = parse("gromacs", "400 steps, 0.8 ps.\n" + steps + "1600 steps, 3.2 ps.\n" + steps)
    assert reader.progress == 0.25


def test_fds_gives_its_time_step():
    line = " Time Step:    300, Simulation Time:      7.25 s, Step Size:   0.02500 s\n"
    assert parse("fds", line).last == {"step": 300.0, "time": 7.25, "dt": 0.025}
    case = "       Step Size:    0.125E-01 s, Total Time:       4.50 s\n"
    assert parse("fds", case).last == {"dt": 0.0125, "time": 4.5}
    assert parse("fds", "   Simulation End Time (s)           18.0\n" + case).progress == 0.25


def test_sfincs_gives_its_progress():
    reader = parse(
        "sfincs",
        "    0% complete,     Inf s remaining ...\n   35% complete,    61.2 s remaining ...\n",
    )
    assert column(reader, "percent") == [0, 35]
    assert reader.progress == 0.35


@pytest.mark.parametrize(
    "end", ["Run until 40 sec. or 900 timesteps", "Run till 40 seconds", "Run until 40 sec."]
)
def test_amrwind_gives_the_steps_residuals_and_its_end(end):
    step = (
        "Step: {n} dt: 0.25 Time: {before} to {after}\n"
        "CFL: 0.45 (conv: 0.4 diff: 0 src: 0.1 )\n\nGodunov:\n"
        "  System                     Iters      Initial residual        Final residual\n"
        "  ----------------------------------------------------------------------------\n"
        "  MAC_projection                 4           12.5        0.0025\n"
        "  velocity_solve                 2           1.25        nan\n\n"
    )
    text = f"Begin simulation:\n  {end}\n\n"
    text += "".join(step.format(n=n, before=n / 4 - 0.25, after=n / 4) for n in range(1, 41))
    reader = parse("amrwind", text)
    assert column(reader, "time")[:2] == [0.25, 0.5]
    assert reader.last["CFL"] == 0.45
    assert reader.last["MAC_projection"] == 12.5
    assert reader.last["MAC_projection_final"] == 0.0025
    assert math.isnan(reader.last["velocity_solve_final"])
    assert reader.kinds["velocity_solve"] == "residual"
    assert reader.progress == 0.25


@pytest.mark.parametrize("simulator", ["wrf", "coawst"])
def test_wrf_gives_the_seconds_of_each_domain(simulator):
    reader = parse(
        simulator,
        "Timing for main: time 2031-02-03_04:00:10 on domain   2:    0.25000 elapsed seconds\n"
        "Timing for main: time 2031-02-03_04:00:30 on domain   1:    1.50000 elapsed seconds\n",
    )
    assert reader.last == {"2:seconds": 0.25, "1:seconds": 1.5}


def test_wrf_gives_an_adaptive_time_step_and_the_points_beyond_the_cfl_limit():
    reader = parse(
        "wrf",
        "d02 2031-02-03_04:00:10            21  points exceeded cfl=2 in domain d02 at time "
        "2031-02-03_04:00:10 hours\n"
        "Timing for main (dt= 12.50): time 2031-02-03_04:00:10 on domain   2:    0.25000 elapsed "
        "seconds\n",
    )
    assert reader.last == {"2:cfl_points": 21, "2:dt": 12.5, "2:seconds": 0.25}


def test_coawst_gives_the_energies_and_the_speed_of_roms_in_its_own_output():
    reader = parse(
        "coawst",
        "      640 2031-02-03 04:00:00.00  1.250000E-03  2.500000E+04  2.600000E+04  1.500000E+15\n"
        "                     (012,034,20)  2.0E-03  1.0E-02  2.0E-01  3.750000E+01\n"
        "      641 2031-02-03 04:00:30.00           NaN           NaN           NaN  1.50000E+15\n",
    )
    assert PRESETS["coawst"].file == "stdout.txt"
    assert column(reader, "step")[::2] == [640, 641]
    assert column(reader, "kinetic_energy")[0] == 1.25e-3
    assert reader.last["max_speed"] == 37.5
    assert math.isnan(reader.last["kinetic_energy"])
    assert reader.last["volume"] == 1.5e15


def test_coawst_gives_the_energies_of_each_grid_with_the_day_as_a_number():
    reader = parse("coawst", " 4000123 61234 05:56:45  1.25E-02  2.5E+02  2.6E+02  1.5E+12  02\n")
    assert reader.last["02:kinetic_energy"] == 0.0125
    assert reader.last["02:step"] == 4000123


def test_schism_gives_a_diverged_water_level_if_the_average_is_on_a_line_of_its_own():
    reader = parse(
        "schism",
        " done solver; etatot=   12.5      ; average |eta|=\n  0.25\n"
        "TIME STEP=            7;  TIME=          1050.000000\n"
        " done solver; etatot=                     NaN ; average |eta|=\n               NaN\n"
        "TIME STEP=            8;  TIME=          1200.000000\n",
    )
    assert column(reader, "step") == [7, 8]
    assert column(reader, "etatot")[0] == 12.5
    assert math.isnan(reader.last["etatot"])


def test_schism_gives_its_time_the_water_level_and_its_end():
    step = (
        " done solver; etatot=  2.5E-002 ; average |eta|=  {eta}E-005\n"
        " TIME STEP={n:>13};  TIME={t:>21.6f}\n"
    )
    reader = parse(
        "schism",
        " time stepping begins...           1         480\n"
        + step.format(n=1, t=150, eta=2.5)
        + " TIME STEP=            2;  TIME=           300.000000\n"
        + step.format(n=120, t=18000, eta=7.5),
    )
    assert column(reader, "step") == [1, 2, 120]
    assert column(reader, "time") == [150, 300, 18000]
    assert reader.last["average_eta"] == 7.5e-5
    assert reader.to_frame()["average_eta"][1] == 2.5e-5
    assert reader.progress == 0.25


def test_quantum_espresso_gives_the_accuracy_of_each_iteration():
    reader = parse(
        "quantumespresso",
        "     iteration #  1     ecut=    30.00 Ry     beta= 0.70\n"
        "     total energy              =     -15.50000000 Ry\n"
        "     estimated scf accuracy    <       0.06250000 Ry\n"
        "     iteration #  2     ecut=    30.00 Ry     beta= 0.70\n"
        "!    total energy              =     -15.75000000 Ry\n"
        "     estimated scf accuracy    <          2.5E-09 Ry\n"
        "     Total force =     0.012500     Total SCF correction =     0.000001\n",
    )
    assert column(reader, "iteration") == [1, 2]
    assert column(reader, "scf_accuracy") == [0.0625, 2.5e-9]
    assert reader.last["total_energy"] == -15.75
    assert reader.last["total_force"] == 0.0125


def test_nwchem_gives_the_steps_of_an_optimisation():
    reader = parse(
        "nwchem",
        "@ Step       Energy      Delta E   Gmax     Grms     Xrms     Xmax   Walltime\n"
        "@ ---- ---------------- -------- -------- -------- -------- -------- --------\n"
        "@    0     -75.12500000  0.0D+00  0.03125  0.01250  0.00000  0.00000      1.5\n"
        "@    1     -75.25000000 -1.2D-01  0.00250  0.00125  0.02500  0.05000      3.5\n",
    )
    assert column(reader, "energy") == [-75.125, -75.25]
    assert (reader.last["delta"], reader.last["Gmax"]) == (-0.12, 0.0025)


def test_nwchem_gives_the_iterations_of_an_energy():
    reader = parse(
        "nwchem",
        "              iter       energy          gnorm     gmax       time\n"
        "                 1      -75.1250000000  2.50D-01  1.25D-02      0.1\n"
        "                 2      -75.2500000000  1.25D-03       nan      0.3\n"
        "                 3                 NaN       NaN       NaN      0.4\n"
        "    1 O                    8.0000    -0.14106846    -0.00000000     0.00000000\n",
    )
    assert column(reader, "iteration") == [1, 2, 3]
    assert column(reader, "scf_energy")[:2] == [-75.125, -75.25]
    assert column(reader, "scf_gradient")[:2] == [0.25, 1.25e-3]
    assert math.isnan(reader.last["scf_energy"])


def test_nwchem_gives_the_iterations_of_density_functional_theory():
    reader = parse(
        "nwchem",
        "  convergence    iter        energy       DeltaE   RMS-Dens  Diis-err    time\n"
        " d= 0,ls=0.0,diis     1    -75.1250000000 -9.25D+01  1.5D-02  2.5D-01     0.7\n"
        " d= 0,ls=0.5          2    -75.2500000000 -1.25D-01  1.5D-03  2.5D-02     0.9\n",
    )
    assert column(reader, "scf_energy") == [-75.125, -75.25]
    assert column(reader, "scf_delta") == [-92.5, -0.125]


def test_gromacs_gives_the_speed_of_a_run_without_an_end():
    reader = parse("gromacs", "step 400 performance: 12.5 ns/day    \nstep 500: One or more\n")
    assert reader.last == {"step": 400, "performance": 12.5}


def test_own_preset_is_used_by_its_name_and_by_the_name_of_its_simulator(monkeypatch):
    monkeypatch.setattr(presets, "PRESETS", {**PRESETS})
    add_preset("Own", r"^t (?P<time>\S+)", r"e (?P<residual>\S+)", axis="time", file="own.log")
    own = preset_named("own")
    assert preset_for("own-solver-2") is own
    assert (own.title, own.file) == ("Own", "own.log")
    reader = MetricParser(own)
    reader.feed(b"t 1\ne 0.5\nt 2\ne 0.25\n")
    reader.finish()
    assert column(reader, "residual") == [0.5, 0.25]


def test_invalid_preset_raises():
    with pytest.raises(InputError, match=r"Unknown preset 'foam', expected one of: openfoam, "):
        preset_named("foam")
    with pytest.raises(InputError, match="no group"):
        add_preset("own", "nothing")
    with pytest.raises(InputError, match="at least one expression"):
        add_preset("own")


def test_documents_list_the_presets():
    notebook = json.loads((ROOT / "notebooks" / "watching.ipynb").read_text())
    texts = ["".join(cell["source"]) for cell in notebook["cells"]]
    assert sum(presets_table() in text for text in texts) == 1
    names = ", ".join(name for name, preset in PRESETS.items() if preset.simulator)
    assert f"instead of a pattern: {names}." in " ".join(Task.watch.__doc__.split())


@pytest.mark.parametrize(
    ("simulator", "key"),
    [
        ("openfoam_foundation", "openfoam"),
        ("OpenFOAM_ESI", "openfoam"),
        *((key, key) for key in PRESETS),
    ],
)
def test_preset_is_found_by_the_name_of_the_simulator(simulator, key):
    assert preset_for(simulator) is PRESETS[key]


@pytest.mark.parametrize("simulator", [None, "", "gprmax", "custom-image", "swash"])
def test_other_simulators_have_none(simulator):
    assert preset_for(simulator) is None


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_rows_are_the_same_whatever_the_pieces(name, data):
    text = log(name)
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=12))
    places = sorted({0, len(text), *cuts})
    reader = MetricParser(preset_for(name))
    for start, stop in itertools.pairwise(places):
        reader.feed(text[start:stop])
    reader.finish()
    assert reader.to_frame().equals(read(name).to_frame())


def test_no_preset_takes_long_for_any_line():
    """They are not measured while they run, so this is what they promise."""
    lines = ["Time = " + "1" * 4000, "Solving for " + "a" * 4000, "9" * 4000, "step " * 800]
    lines += ["hour:" * 800, "Simulation 1" * 400, "simtime: " * 400, "step 1  t = " + "1 " * 2000]
    lines += ["Simulation Time:" * 400, "Time: 1 of " * 400 + " seconds.", "TimeMax=" * 600]
    lines += ["00001  1." + "1 " * 2000, "accuracy OK in " + "1" * 4000, "time ; iteration" * 300]
    lines += ["Simulation " + "1" * 4000 + " percent complete. ", "0001 1.1 " + "1," * 2000]
    lines += ["a " * 2000 + "Courant Number mean", "a" * 4000 + ": Solving for p", "A_" * 2000]
    lines += ["Solving for p, Initial residual = " * 100 + "(", "deltaT = " * 400, "x: " * 1300]
    lines += ["  a_b 1 " + "1" * 4000 + " x", "Run until " + "1" * 4000, "TIME STEP=" * 400]
    lines += [" " * 4000 + name for name in (" percent complete. ", "Simulation Time:", ".")]
    for preset in PRESETS.values():
        reader = MetricParser(preset)
        begun = time.thread_time()
        reader.feed("\n".join(lines).encode() + b"\n")
        assert time.thread_time() - begun < 1


# The user's expressions -------------------------------------------------------------------------


def test_each_line_that_matches_is_a_row_counted_from_1():
    reader = MetricParser(r"r=(?P<r>\S+)")
    rows = reader.feed(b"r=1\nnoise\nr=nan\nr=oops\nr=3")
    rows += reader.finish()
    assert [row.sample for row in rows] == [1, 2, 3]
    assert reader.samples == 3
    assert reader.skipped == 1
    frame = reader.to_frame(task="t")
    assert frame.index.name == "sample"
    assert frame.index.tolist() == [1, 2, 3]
    assert math.isnan(frame["r"][2])
    assert frame.attrs["inductiva"] == {
        "task": "t",
        "source": r"r=(?P<r>\S+)",
        "rows_read": 3,
        "is_thinned": False,
        "skipped": 1,
        "left_out": [],
    }


def test_rows_are_bounded_and_the_frame_says_so():
    reader = MetricParser(r"r (\S+)", max_rows=100)
    reader.feed("".join(f"r {n % 13}\n" for n in range(5000)).encode())
    frame = reader.to_frame()
    assert len(frame) <= 100
    assert frame.attrs["inductiva"]["rows_read"] == 5000
    assert frame.attrs["inductiva"]["is_thinned"]


def test_to_frame_without_rows_is_empty_and_numeric():
    frame = MetricParser(r"r (?P<r>\S+)").to_frame()
    assert frame.empty
    assert frame.index.name == "sample"


def test_series_named_by_the_text_are_limited():
    reader = MetricParser(r"(?P<series>\w+)=(?P<value>\d+)")
    reader.feed("".join(f"s{n}={n}\n" for n in range(1000)).encode())
    assert len(reader.last) == MAX_SERIES
    assert reader.samples == MAX_SERIES
    assert reader.skipped == 1000 - MAX_SERIES


def test_end_is_given_or_printed_and_percent_has_its_own():
    given_end = MetricParser(r"t=(?P<time>\S+)", end={"time": 10})
    given_end.feed(b"t=2.5\n")
    assert given_end.progress == 0.25
    printed = MetricParser(r"step (?P<step>\d+) of (?P<end_step>\d+)")
    printed.feed(b"step 3 of 4\n")
    assert (printed.progress, printed.names) == (0.75, ("step",))
    percent = MetricParser(r"(?P<percent>\d+)% residual (?P<residual>\S+)")
    percent.feed(b"40% residual 0.1\n")
    assert (percent.progress, percent.names) == (0.4, ("residual",))
    assert "percent" in percent.to_frame()


def test_progress_after_a_restart_counts_from_where_it_began():
    reader = MetricParser(r"t=(?P<t>\S+)", end={"t": 10})
    reader.feed(b"t=5.1\nt=5.2\nt=6\n")
    assert reader.progress == pytest.approx(0.2)


def test_progress_counts_from_0_if_the_beginning_of_the_log_is_not_known():
    reader = MetricParser(r"t=(?P<t>\S+)", end={"t": 10})
    reader.feed(b"rest\nt=5.1\nt=5.2\nt=6\n", follows=False)
    assert reader.progress == 0.6


def test_progress_of_another_run_in_the_same_log_counts_from_its_own_beginning():
    reader = MetricParser(r"t=(?P<t>\S+)", end={"t": 10})
    reader.feed(b"t=8\nt=9\nt=1\nt=2\nt=5\n")
    assert reader.progress == 0.5


def test_lines_are_searched_with_their_spaces():
    reader = MetricParser(r"^  r=(?P<r>\S+) $")
    reader.feed(b"  r=1 \nr=2\n")
    assert reader.last == {"r": 1.0}


def test_expression_that_no_line_matches_is_noted_after_the_header():
    reader = MetricParser(r"r=(?P<r>\S+)")
    reader.feed(b"header\n" * 200)
    assert reader.notes == []
    reader.feed(b"header\n")
    assert reader.notes == [r"None of the 201 lines read so far matches 'r=(?P<r>\\S+)'."]
    reader.feed(b"r=1\n")
    assert reader.notes == []


def test_progress_is_clamped_to_0_and_1():
    reader = MetricParser(r"t=(?P<t>\S+)", end={"t": 10})
    seen = []
    for text in (b"t=-1\n", b"t=11\n", b"t=nan\n"):
        reader.feed(text)
        seen.append(reader.progress)
    assert seen == [0.0, 1.0, None]


@pytest.mark.parametrize(
    "end", [{}, {"t": 0}, {"t": -1}, {"t": math.nan}, {"t": "10"}, {"t": True}, {"x": 1}, 10]
)
def test_parser_with_invalid_end_raises(end):
    with pytest.raises(InputError):
        MetricParser(r"t=(?P<t>\S+)", end=end)


@pytest.mark.parametrize("max_rows", [0, 99, -1, 1e5, True])
def test_parser_with_invalid_max_rows_raises(max_rows):
    with pytest.raises(InputError, match=r"`rows` must be an integer of at least 100, got"):
        MetricParser(r"t=(?P<t>\S+)", max_rows=max_rows)


def test_frame_of_rows_read_at_unknown_times_says_so_whatever_the_memory_held():
    # pandas 2.2.3 raises FloatingPointError for NaN seconds if the memory that it allocates
    # held large numbers.
    reader = MetricParser(r"x=(?P<x>\d+)")
    reader.feed(b"x=1\nx=2\n", read_at=1_500_000_000.25)
    reader.feed(b"x=3\n" * 6)
    reader.finish()
    for _ in range(50):
        memory = [np.full(8, 1e308) for _ in range(20)]
        del memory
        times = reader.to_frame()["read_at"]
    assert times.dtype == "datetime64[ns, UTC]"
    assert times.iloc[0] == times.iloc[1] == pd.Timestamp("2017-07-14T02:40:00.25Z")
    assert times.iloc[2:].isna().all()
    assert len(times) == 8
