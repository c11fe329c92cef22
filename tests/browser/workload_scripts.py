"""Programs for the browser tests to run: what they say and leave behind is known."""

from __future__ import annotations

import math
import struct
import zlib

# Computes until it is killed, and leaves the processors to the tests.
SLEEP = """inductiva.simulators.CustomImage("none").run(
    "cases/swmm_fail", commands=["sleep 3600"]
)"""
# Says one thing at a time: each when the test has made the file that stands for it.
TALK = """import pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
out, err = sys.stdout.buffer, sys.stderr.buffer

def wait(name):
    while not (folder / name).exists():
        time.sleep(0.02)

def say(file, text):
    file.write(text.encode())
    file.flush()

wait("begin")
say(out, "\\x1b[1mcafé ☔ 雨水\\x1b[0m: mesh of 12 000 cells\\n")
for n in range(1, 61):
    say(out, f"\\x1b[36mstep {n:3d}\\x1b[0m  t = {n / 20:.2f} s  \\x1b[32mconverged\\x1b[0m\\n")
wait("bar")
for n in range(0, 101, 10):
    say(out, f"\\rwriting {'█' * (n // 5):20s} {n:3d} %")
say(out, "\\n")
wait("warning")
say(err, "\\x1b[33mwarning\\x1b[0m: coarse mesh near N17\\n")
wait("more")
for n in range(61, 101):
    say(out, f"\\x1b[36mstep {n:3d}\\x1b[0m  t = {n / 20:.2f} s  \\x1b[33mslowly\\x1b[0m\\n")
wait("end")
code = int(sys.argv[2])
if code:
    say(err, "\\x1b[1;31mERROR 209\\x1b[0m: node N17 is not connected\\n")
sys.exit(code)
"""
# Prints residuals that fall, and rise once they are told to; its second file grows with them.
SOLVE = """import pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
pathlib.Path("fields").mkdir(exist_ok=True)
field = open("fields/velocity.dat", "wb")
print("solver of the tests: 2 equations", flush=True)
step, residual = 0, 1.0
while not (folder / "end").exists():
    step += 1
    residual *= 1.6 if (folder / "diverge").exists() else 0.93 + 0.1 * (step % 3 == 0)
    if (folder / "nan").exists():
        residual = float("nan")
    print(f"step {step:4d}  residual {residual:.4e}  courant {0.4 + 0.2 / step:.3f}", flush=True)
    field.write(bytes(4096))
    field.flush()
    time.sleep(0.1)
print("converged", flush=True)
"""
STAGES = ("begin", "bar", "warning", "more", "end")
# What a terminal shows of all of its standard output.
SHOWN = "\n".join(
    [
        "café ☔ 雨水: mesh of 12 000 cells",
        *[f"step {n:3d}  t = {n / 20:.2f} s  converged" for n in range(1, 61)],
        f"writing {'█' * 20} 100 %",
        *[f"step {n:3d}  t = {n / 20:.2f} s  slowly" for n in range(61, 101)],
        "",
    ]
)


def _png(width: int, height: int) -> bytes:
    """Return a picture of waves."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    def shade(x: int, y: int) -> bytes:
        wave = math.sin(x / 9) + math.sin(math.hypot(x - width / 3, y - height / 2) / 5)
        return bytes((40, int(120 + 40 * wave), int(170 + 40 * wave)))

    lines = (b"\0" + b"".join(shade(x, y) for x in range(width)) for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = zlib.compress(b"".join(lines))
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


_FORCES = [f"{n / 10:.1f},{math.cos(n / 4):.4f},{math.sin(n / 4):.4f},N{n}" for n in range(40)]
FILES = {
    "notes.txt": "Flow in the café's drain ☔\n".encode(),
    "results/forces.csv": "\n".join(["time,drag,lift,node", *_FORCES, ""]).encode(),
    "results/mesh.json": b'{"cells": 12000, "bounds": [0, 2.5], "is_closed": true}',
    "results/vtk/frame_001.png": _png(160, 80),
    "results/vtk/frame_001.vtk": b"# vtk DataFile Version 3.0\nframe 1\nASCII\n",
}
# Leaves these files behind.
LEAVE = f"""import pathlib
for name, content in {FILES!r}.items():
    path = pathlib.Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
"""
