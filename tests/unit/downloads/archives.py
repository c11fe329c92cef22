"""Archives for the tests, made by the standard library, and the trees that it makes of them."""

from __future__ import annotations

import io
import random
import time
import zipfile
from pathlib import Path

TIME = (2024, 2, 1, 17, 16, 16)


class Unseekable(io.RawIOBase):
    """A stream that cannot go back, so that sizes follow the data in a descriptor."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def write(self, data) -> int:
        self.parts.append(bytes(data))
        return len(data)


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


def text(size: int, seed: int = 0) -> bytes:
    """Return bytes that deflate to about a half."""
    return bytes(random.Random(seed).choices(b"0123456789abcdef", k=size))


def make_zip(
    entries, method=zipfile.ZIP_DEFLATED, *, zip64=False, stream=False, comment=b""
) -> bytes:
    """Return an archive of ``{name: content}`` or of ``[(name or ZipInfo, content)]``."""
    out = Unseekable() if stream else io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in entries.items() if isinstance(entries, dict) else entries:
            info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name, TIME)
            info.compress_type = zipfile.ZIP_STORED if info.is_dir() else method
            with archive.open(info, "w", force_zip64=zip64) as member:
                member.write(content)
        archive.comment = comment
    return b"".join(out.parts) if isinstance(out, Unseekable) else out.getvalue()


def wait_until(condition, seconds=60.0) -> None:
    """Wait for something that another thread is about to do."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.002)


def tree(folder: Path) -> dict[str, bytes | None]:
    """Return all files below a folder by relative path, folders with None."""
    return {
        path.relative_to(folder).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in folder.rglob("*")
    }


def expected_tree(data: bytes, folder: Path) -> dict[str, bytes | None]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(folder)
    return tree(folder)
