"""The demo's simulators print what the presets find in the logs of the real ones."""

from random import Random

import pytest

from inductiva_widgets.metrics.parser import MetricParser
from inductiva_widgets.metrics.presets import preset_for
from inductiva_widgets.server.demo.cases import CASES
from inductiva_widgets.server.demo.files import STEPS, stderr_of, stdout_of


def read(simulator, fails=False):
    preset = preset_for(simulator)
    printed = {
        "stdout.txt": stdout_of(simulator, Random(7), STEPS, fails=fails),
        "stderr.txt": stderr_of(simulator, Random(7), STEPS),
    }
    reader = MetricParser(preset)
    reader.feed("".join(printed[preset.file]).encode())
    reader.finish()
    return reader


KNOWN = [case.alias for case in CASES if preset_for(case.alias) is not None]


def test_most_simulators_of_the_demo_are_known():
    assert len(KNOWN) == len(CASES) - 1


@pytest.mark.parametrize("simulator", KNOWN)
def test_every_known_simulator_of_the_demo_prints_numbers(simulator):
    reader = read(simulator)
    assert reader.samples >= STEPS
    assert reader.names
    assert reader.skipped == 0


@pytest.mark.parametrize("simulator", ["splishsplash", "swmm", "gromacs", "xbeach"])
def test_those_that_tell_their_end_come_to_it(simulator):
    assert read(simulator).progress == 1.0


def test_run_that_fails_shows_it_in_its_numbers_beforehand():
    good, bad = (read("openfoam_foundation", fails) for fails in (False, True))
    assert good.suits_log_scale("p")
    assert good.last["p"] < 1e-2
    assert bad.last["p"] > 10 * min(value for _, value in bad.points(80)["p"])
    for name in ("reef3d", "xbeach"):
        assert read(name, fails=True).last["timestep"] < read(name).last["timestep"] / 5
