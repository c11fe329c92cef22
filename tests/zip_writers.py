"""Zip archives by as many writers as there are: command line tools, the standard library, by hand.

`writers` names all of them. Each returns the archive's bytes for a tree of files; one whose tool is
missing raises `Missing`.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import random
import shutil
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.unit.downloads.archives import Unseekable, noise, text

# In ASCII, as some tools and their locales know no more; `UNICODE` is tried by those who do.
TREE: dict[str, bytes | None] = {
    "stdout.txt": text(20_000),
    "empty.txt": b"",
    "vtk": None,
    "vtk/cells.vtu": text(150_000, 1) + bytes(50_000),
    "vtk/deep": None,
    "vtk/deep/noise.bin": noise(30_000, 2),
    "name with blanks": b"blanks\r\n",
    "no folder": None,
}
UNICODE = {"é.txt": b"1", "日本.vtu": text(500), "Ω": None, "Ω/ß ü.dat": b"2"}
TIME = (2024, 2, 1, 17, 16, 16)


class Missing(Exception):
    """The tool that a writer needs is not on this machine."""


@dataclass(frozen=True)
class Writer:
    """How an archive is made, and what becomes of it.

    ``refused`` are words of the error that is expected instead of files.
    """

    name: str
    make: Callable[[Path], bytes]
    refused: str = ""
    # Where tools differ on purpose, the tree by hand: `unzip` and `zipfile` are then not asked.
    tree: dict[str, bytes | None] | None = None
    unzip: bool = True
    either: bool = False  # as one of the two says, as they differ


def fill(folder: Path, content: dict[str, bytes | None]) -> Path:
    """Write a tree below a folder."""
    for name, data in content.items():
        path = folder / name
        if data is None:
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return folder


def zstd():
    """Return the module that knows zstd: of Python 3.14 or its backport; None without."""
    for name in ("compression.zstd", "backports.zstd"):
        with contextlib.suppress(ImportError):
            return importlib.import_module(name)
    return None


def run(folder: Path, *command: str, feed: bytes | None = None) -> bytes:
    if shutil.which(command[0]) is None:
        raise Missing(f"{command[0]} is not installed")
    env = os.environ | {"LC_ALL": "C.UTF-8"}
    # Input from nowhere unless there is some, or a tool that asks would wait for ever.
    given = {"input": feed} if feed is not None else {"stdin": subprocess.DEVNULL}
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, timeout=60, check=False, **given
    )
    assert done.returncode == 0, (command, done.stdout[-500:], done.stderr[-500:])
    return done.stdout


def tool(
    *command: str, content: dict[str, bytes | None] = TREE, change: Callable[[Path], None] = bool
) -> Callable[[Path], bytes]:
    """Return a maker that runs a tool in a folder with the tree; it writes ``../out.zip``."""

    def make(folder: Path) -> bytes:
        fill(folder, content)
        change(folder)
        run(folder, *command)
        return (folder.parent / "out.zip").read_bytes()

    return make


def links(folder: Path) -> None:
    (folder / "link").symlink_to("stdout.txt")
    (folder / "out").symlink_to("../../nowhere")


def many(folder: Path) -> None:
    for number in range(1500):
        (folder / f"cell_{number:05}.dat").write_bytes(b"%d\n" % number)


def info_zip() -> list[Writer]:
    made = [
        Writer(f"zip -{level}", tool("zip", "-qr", f"-{level}", "../out.zip", "."))
        for level in range(10)
    ]

    def piped(*options: str) -> Callable[[Path], bytes]:
        return lambda folder: run(fill(folder, TREE), "zip", "-qr", *options, "-", ".")

    def streamed(*options: str) -> Callable[[Path], bytes]:
        return lambda folder: run(folder, "zip", "-q", *options, "-", "-", feed=TREE["stdout.txt"])

    def commented(folder: Path) -> bytes:
        data = tool("zip", "-qr", "../out.zip", ".")(folder)
        run(folder, "zip", "-qz", "../out.zip", feed=b"a comment\nof two lines\n")
        assert data != (folder.parent / "out.zip").read_bytes()
        return (folder.parent / "out.zip").read_bytes()

    def grown(folder: Path) -> bytes:
        tool("zip", "-qr", "../out.zip", ".")(folder)
        (folder / "stdout.txt").write_bytes(b"changed")
        run(folder, "zip", "-q", "../out.zip", "stdout.txt")
        run(folder, "zip", "-qd", "../out.zip", "empty.txt")
        return (folder.parent / "out.zip").read_bytes()

    def self_extracting(folder: Path) -> bytes:
        data = tool("zip", "-qr", "../out.zip", ".")(folder)
        (folder.parent / "out.zip").write_bytes(b"#!/bin/sh\nexit 0\n" * 100 + data)
        run(folder, "zip", "-qA", "../out.zip")  # corrects the offsets for what stands in front
        return (folder.parent / "out.zip").read_bytes()

    zipped = ("zip", "-qr", "../out.zip", ".")
    return [
        *made,
        Writer("zip bzip2", tool("zip", "-qr", "-Z", "bzip2", "../out.zip", ".")),
        Writer("zip store", tool("zip", "-qr", "-Z", "store", "../out.zip", ".")),
        Writer("zip to a pipe", piped()),
        Writer("zip to a pipe, stored", piped("-0")),
        Writer("zip from a pipe to a pipe", streamed()),
        # It forgets the zip64 end record, so that `zipfile` does not find the member.
        Writer(
            "zip from a pipe to a pipe, zip64",
            streamed("-fz"),
            tree={"-": TREE["stdout.txt"]},
        ),
        Writer("zip descriptors", tool("zip", "-qr", "-fd", "../out.zip", ".")),
        Writer("zip zip64", tool("zip", "-qr", "-fz", "../out.zip", ".")),
        Writer("zip no zip64", tool("zip", "-qr", "-fz-", "../out.zip", ".")),
        Writer("zip without extra fields", tool("zip", "-qrX", "../out.zip", ".")),
        Writer("zip without folders", tool("zip", "-qrD", "../out.zip", ".")),
        Writer("zip names of DOS", tool("zip", "-qrk", "../out.zip", "stdout.txt", "vtk")),
        Writer("zip comment", commented),
        Writer("zip changed", grown),
        Writer("zip self-extracting", self_extracting),
        Writer("zip links", tool("zip", "-qry", "../out.zip", ".", change=links), unzip=False),
        # With an en_US.UTF-8 locale it writes the flag, without one bare UTF-8, which is guesswork.
        Writer("zip names as usual", tool(*zipped, content=UNICODE), either=True),
        Writer(
            "zip names in UTF-8",
            tool("zip", "-qr", "-UN=UTF8", "../out.zip", ".", content=UNICODE),
            either=True,
        ),
        Writer("zip of 1,500 files", tool(*zipped, change=many)),
        Writer("zip encrypted", tool("zip", "-qr", "-Psecret", "../out.zip", "."),
               refused="is encrypted"),
        Writer("zip empty folder only", tool("zip", "-qr", "../out.zip", "empty",
                                             content={"empty": None})),
    ]  # fmt: skip


def other_tools() -> list[Writer]:
    def seven(*options: str, content: dict[str, bytes | None] = TREE) -> Callable[[Path], bytes]:
        return tool("7z", "a", "-tzip", "-bd", *options, "../out.zip", ".", content=content)

    def method(name: str) -> Callable[[Path], bytes]:
        return seven(f"-mm={name}")

    return [
        Writer("7z", seven()),
        Writer("7z -mx=1", seven("-mx=1")),
        Writer("7z -mx=9", seven("-mx=9")),
        Writer("7z copy", method("Copy")),
        Writer("7z bzip2", method("BZip2")),
        # `unzip` knows no lzma.
        Writer("7z lzma", method("LZMA"), unzip=False),
        Writer("7z lzma -mx=9", seven("-mm=LZMA", "-mx=9"), unzip=False),
        Writer("7z deflate64", method("Deflate64"), refused=r"method 9 \(deflate64\)"),
        Writer("7z ppmd", method("PPMd"), refused=r"method 98 \(ppmd\)"),
        Writer("7z AES", seven("-psecret", "-mem=AES256"), refused="is encrypted"),
        Writer("7z ZipCrypto", seven("-psecret", "-mem=ZipCrypto"), refused="is encrypted"),
        Writer("7z unicode", seven("-mcu=on", content=UNICODE)),
        Writer("7z unicode as usual", seven(content=UNICODE)),
        Writer("7z of 1,500 files", tool("7z", "a", "-tzip", "-bd", "../out.zip", ".",
                                         change=many)),
        Writer("bsdtar", tool("bsdtar", "-caf", "../out.zip", "--format", "zip", ".")),
        Writer("bsdtar stored", tool("bsdtar", "-cf", "../out.zip", "--format", "zip",
                                     "--options", "zip:compression=store", ".")),
        Writer("jar", tool("jar", "cf", "../out.zip", ".")),
        Writer("jar stored", tool("jar", "c0f", "../out.zip", ".")),
        # `unzip` of Debian takes names of DOS for cp437, flag or not.
        Writer("jar unicode", tool("jar", "cfM", "../out.zip", ".", content=UNICODE), unzip=False),
    ]  # fmt: skip


METHODS = {"stored": 0, "deflate": 8, "bzip2": 12, "lzma": 14}


def python(
    method: int = 8, *, stream: bool = False, zip64: bool = False, comment: bytes = b"",
    content: dict[str, bytes | None] = TREE, level: int | None = None, front: bytes = b"",
    behind: bytes = b"", extra: bytes = b"", system: int = 3,
) -> Callable[[Path], bytes]:  # fmt: skip
    """Return a maker that uses `zipfile`."""

    def make(_: Path) -> bytes:
        out = Unseekable() if stream else io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, data in content.items():
                info = zipfile.ZipInfo(name + ("/" if data is None else ""), TIME)
                info.compress_type = 0 if data is None else method
                info._compresslevel = level
                info.extra, info.create_system = extra, system
                with archive.open(info, "w", force_zip64=zip64) as member:
                    member.write(data or b"")
            archive.comment = comment
        made = b"".join(out.parts) if isinstance(out, Unseekable) else out.getvalue()
        return front + made + behind

    return make


def standard_library() -> list[Writer]:
    forms = {"": {}, " stream": {"stream": True}, " zip64": {"zip64": True},
             " stream zip64": {"stream": True, "zip64": True}}  # fmt: skip
    times = struct.pack("<2HBL", 0x5455, 5, 1, 1_700_000_000)
    unknown = struct.pack("<2H", 0xCAFE, 0) + struct.pack("<2H3s", 0x9999, 3, b"abc")
    made = [
        # `unzip` reads stored members with a descriptor, but warns; and knows no lzma.
        Writer(f"zipfile {name}{form}", python(method, **options), unzip=name != "lzma")
        for name, method in METHODS.items()
        for form, options in forms.items()
    ]
    return [
        *made,
        *[Writer(f"zipfile level {n}", python(level=n)) for n in (1, 9)],
        Writer("zipfile unicode", python(content=UNICODE)),
        Writer("zipfile comment", python(comment=b"a comment\n" * 6500)),
        # `zipfile` itself takes the comment for the end.
        Writer("zipfile comment like an end", python(comment=b"PK\x05\x06 " * 9000), tree=TREE),
        Writer("zipfile in a program", python(front=b"\x7fELF" + noise(5000)), unzip=False),
        Writer("zipfile with a line behind", python(behind=b"\r\n"), unzip=False),
        Writer("zipfile extra fields", python(extra=times + unknown)),
        Writer("zipfile of DOS", python(system=0)),
        Writer("zipfile empty", python(content={}), unzip=False),
        Writer("zipfile resource forks", python(content=TREE | {
            "__MACOSX": None, "__MACOSX/._stdout.txt": b"\0\5\x16\7\0\2\0\0Mac OS X", ".DS_Store":
            b"\0\0\0\1Bud1"})),
    ]  # fmt: skip


def by_hand(
    names: dict[bytes, bytes], *, flags: int = 0, method: int = 8, system: int = 3,
    descriptor: str = "", zip64_descriptor: bool = False,
    extra: Callable[[bytes], bytes] = lambda name: b"",
) -> Callable[[Path], bytes]:  # fmt: skip
    """Return a maker for what other languages' libraries write."""

    def pack(content: bytes) -> bytes:
        if method == 0:
            return content
        if method == 93:
            return zstd().compress(content) if zstd() else b"\x28\xb5\x2f\xfd" + content
        squeezed = zlib.compressobj(wbits=-15)
        return squeezed.compress(content) + squeezed.flush()

    def make(_: Path) -> bytes:
        body, directory = bytearray(), bytearray()
        for name, content in names.items():
            data, crc, offset = pack(content), zlib.crc32(content), len(body)
            sizes = (0, 0, 0) if descriptor else (crc, len(data), len(content))
            bits = flags | (8 if descriptor else 0)
            kind = method if content else 0
            data = data if content else b""
            sizes = sizes if content or descriptor else (0, 0, 0)
            body += struct.pack("<4s5H3L2H", b"PK\3\4", 20, bits, kind, 0, 0x5841, *sizes,
                                len(name), len(extra(name))) + name + extra(name)  # fmt: skip
            body += data
            if descriptor:
                body += b"PK\7\x08" if descriptor == "signed" else b""
                form = "<L2Q" if zip64_descriptor else "<3L"
                body += struct.pack(form, crc, len(data), len(content))
            directory += struct.pack(
                "<4s4B4H3L5H2L", b"PK\1\2", 20, system, 20, 0, bits, kind, 0, 0x5841, crc,
                len(data), len(content), len(name), len(extra(name)), 0, 0, 0,
                0o100644 << 16 if system == 3 else 0, offset,
            ) + name + extra(name)  # fmt: skip
        end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(names), len(names), len(directory),
                          len(body), 0)  # fmt: skip
        return bytes(body + directory) + end

    return make


def foreign() -> list[Writer]:
    plain = {name.encode(): data for name, data in TREE.items() if data is not None}

    def path_field(name: bytes, *, crc: int | None = None) -> bytes:
        better = name.replace(b"e.txt", "é.txt".encode())
        crc = zlib.crc32(name) if crc is None else crc
        return struct.pack("<2HBL", 0x7075, 5 + len(better), 1, crc) + better

    backslashes = {b"vtk\\": b"", b"vtk\\a.vtu": text(900), b"vtk\\deep\\b": b"2", b"c": b"3"}
    straight = {"vtk": None, "vtk/a.vtu": text(900), "vtk/deep": None, "vtk/deep/b": b"2",
                "c": b"3"}  # fmt: skip
    signed, bare = {"descriptor": "signed"}, {"descriptor": "bare"}
    missing = "" if zstd() else "zstd"
    return [
        Writer("Go", by_hand(plain, flags=0x800, **signed)),
        Writer("streaming without signatures", by_hand(plain, **bare)),
        Writer("streaming with 64-bit descriptors", by_hand(plain, zip64_descriptor=True,
                                                            **signed), unzip=False),
        Writer("streaming, 64-bit, without signatures",
               by_hand(plain, zip64_descriptor=True, **bare), unzip=False),
        Writer("streaming stored", by_hand(plain, method=0, **signed)),
        Writer("PowerShell", by_hand(backslashes, system=0), tree=straight),
        Writer("names in cp437", by_hand({b"gr\x81n.txt": b"1", b"\xe1": b"2"}, system=0),
               tree={"grün.txt": b"1", "ß": b"2"}),
        Writer("names in UTF-8 without the flag", by_hand({"é".encode(): b"1"}),
               tree={"é": b"1"}),
        Writer("Unicode Path fields", by_hand({b"e.txt": b"1", b"plain": b"2"}, extra=path_field),
               tree={"é.txt": b"1", "plain": b"2"}),
        Writer("Unicode Path out of date", by_hand({b"e.txt": b"1"},
                                                   extra=lambda n: path_field(n, crc=1))),
        Writer("Unicode Path with the flag", by_hand({b"e.txt": b"1"}, flags=0x800,
                                                     extra=path_field), tree={"e.txt": b"1"}),
        Writer("zstd", by_hand(plain, method=93), tree=TREE_OF_FILES, refused=missing),
        Writer("zstd streaming", by_hand(plain, method=93, **signed), tree=TREE_OF_FILES,
               refused=missing),
    ]  # fmt: skip


TREE_OF_FILES = {name: data for name, data in TREE.items() if name != "no folder"}


def at_random(seed: int) -> Writer:
    """Return a writer of a random tree by random means of the standard library."""
    rng = random.Random(seed)
    parts = ["a", "b c", "ü", "x.y", "日", "-", "Z"]
    content: dict[str, bytes | None] = {}
    for number in range(rng.randrange(1, 40)):
        folder = [rng.choice(parts) + "d" for _ in range(rng.randrange(4))]
        name = "/".join([*folder, f"{rng.choice(parts)}{number}"])
        content[name] = rng.choice([b"", noise(rng.randrange(9000), seed), bytes(70_000), None])
    make = python(
        rng.choice([0, 8, 12]), content=content, stream=rng.random() < 0.5,
        zip64=rng.random() < 0.5, comment=bytes(rng.randrange(200)),
    )  # fmt: skip
    return Writer(f"random {seed}", make)


def writers() -> list[Writer]:
    return [
        *info_zip(), *other_tools(), *standard_library(), *foreign(), *map(at_random, range(12))
    ]  # fmt: skip
