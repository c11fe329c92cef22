"""Rows from logs: of the user's expression, and of the presets on excerpts of real logs.

The excerpts are of OpenFOAM 1912 (icoFoam, the cavity), GROMACS 2022.5, SWMM 5.2.4 by the embedded
server and by the library's own run, and SPlisHSPlasH 2.19 by the embedded server. Those of
FDS, DualSPHysics and OpenFAST are written after lines of runs that others have published, those of
REEF3D, XBeach and SWAN as their sources print.
"""

import itertools
import math
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inductiva_widgets.errors import InputError
from inductiva_widgets.metrics.parser import MAX_SERIES, MetricParser
from inductiva_widgets.metrics.presets import PRESETS, preset_for

LOGS = Path(__file__).with_name("logs")
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


def test_openfoam_gives_the_first_residuals_of_each_step():
    reader = read("openfoam", end={"time": 0.5})
    assert reader.names == ("Ux", "Uy", "p", "time")
    assert column(reader, "time") == pytest.approx([0.001 * n for n in range(1, 9)])
    # The second solution of p in a step begins at 0.599546.
    assert column(reader, "p")[:2] == [1.0, 0.537991]
    assert column(reader, "Uy")[:2] == [0.0, 0.313297]
    assert reader.progress == pytest.approx(0.008 / 0.5)


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


def test_reef3d_gives_time_and_time_step_and_no_other_step():
    reader = read("reef3d", end={"simtime": 0.0045})
    assert reader.names == ("timestep", "simtime")
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
