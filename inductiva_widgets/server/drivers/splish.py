"""Driver for SPlisHSPlasH: ``SPHSimulator SCENE.json [--output-dir DIR] ...``.

The simulator is a native library that exits the process on an error and prints no progress. The
driver runs it in a separate process and prints the progress.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_NAME = "SPHSimulator"
_LIBRARY = "pysplishsplash"
_N_PROGRESS_LINES = 50
_GL_FOLDER = "INDUCTIVA_LOCAL_SPLISH_GL"


def main(arguments: list[str]) -> int:
    """Run one scene without a window and return the exit code.

    Parameters
    ----------
    arguments
        The scene file, then options of the simulator.
    """
    if not arguments or not Path(arguments[0]).is_file():
        scene_name = arguments[0] if arguments else "(none given)"
        return _fail(f"cannot open scene file {scene_name}")
    # The library takes a relative path as relative to the Python binary.
    scene = Path(arguments[0]).resolve()
    try:
        stop_at = _stop_time(json.loads(scene.read_bytes()))
    except (ValueError, TypeError) as error:
        return _fail(f"{arguments[0]} is not a valid scene: {error}")
    spec = find_spec(_LIBRARY)
    if spec is None or spec.origin is None:
        return _fail(f"the Python library {_LIBRARY} is not installed: pip install {_LIBRARY}")
    # By default OpenMP spins on all cores, which is far slower if further processes compute.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    _use_bundled_gl(Path(spec.origin))

    import pysplishsplash

    _restore_gl()
    options = [*arguments[1:], *([] if "--no-gui" in arguments else ["--no-gui"])]
    simulator = pysplishsplash.Exec.SimulatorBase()
    simulator.init([_NAME, str(scene), *options], "SPlisHSPlasH")
    simulator.setTimeStepCB(_ProgressPrinter(pysplishsplash.TimeManager, stop_at))
    simulator.run()
    return 0


class _ProgressPrinter:
    """Callback after each time step that prints about fifty lines of progress."""

    def __init__(self, manager: Any, stop_at: float) -> None:
        self._manager = manager
        self._stop_at = stop_at
        self._clock = time.perf_counter()
        self._steps = 0
        self._due = 0.0

    def __call__(self) -> None:
        self._steps += 1
        now = self._manager.getCurrent().getTime()
        ended = 0 < self._stop_at <= now
        if now < self._due and not ended:
            return
        self._due = now + max(self._stop_at, 0.0) / _N_PROGRESS_LINES
        share = f"  {min(100.0, 100 * now / self._stop_at):5.1f}%" if self._stop_at > 0 else ""
        wall = time.perf_counter() - self._clock
        sys.stdout.write(f"step {self._steps:6d}  t = {now:8.4f} s{share}  wall {wall:6.1f} s\n")
        sys.stdout.flush()


def _stop_time(scene: Any) -> float:
    if not isinstance(scene, dict):
        raise TypeError("it is not a JSON object")
    return float(scene.get("Configuration", {}).get("stopAt", -1))


def _use_bundled_gl(library: Path) -> None:
    """On Linux, restart the process with the wheel's GL library as ``libGL.so.1``.

    The wheel bundles all GL libraries but this one. With that of the system, which has a second
    copy of GL's dispatcher, the import ends in a segmentation fault; without it, the import fails.
    ``exec`` keeps the process id, by which the process is stopped.
    """
    if not sys.platform.startswith("linux") or _GL_FOLDER in os.environ:
        return
    bundled = library.with_name(f"{_LIBRARY}.libs")
    own = next(iter(sorted(bundled.glob("libOpenGL-*.so*"))), None)
    if own is None:
        return
    folder = tempfile.mkdtemp(prefix="inductiva-gl-")
    (Path(folder) / "libGL.so.1").symlink_to(own)
    paths = [folder, os.environ.get("LD_LIBRARY_PATH")]
    os.environ["LD_LIBRARY_PATH"] = os.pathsep.join(path for path in paths if path)
    os.environ[_GL_FOLDER] = folder
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - no shell meant


def _restore_gl() -> None:
    folder = os.environ.pop(_GL_FOLDER, None)
    if folder:
        (Path(folder) / "libGL.so.1").unlink(missing_ok=True)
        Path(folder).rmdir()


def _fail(message: str) -> int:
    sys.stderr.write(f"{_NAME}: {message}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
