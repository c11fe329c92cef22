"""From the bytes of one archive member to its content, piece by piece, never more than declared."""

from __future__ import annotations

from collections.abc import Callable

from inductiva_widgets.downloads._codecs import DAMAGE, codec, crc32
from inductiva_widgets.downloads.zip_directory import LOCAL_HEADER, LOCAL_SIGNATURE, ZipEntry
from inductiva_widgets.errors import ArchiveError
from inductiva_widgets.formatting import format_bytes

# The largest piece handed on at once; keeps memory flat for data that inflate a thousandfold.
PIECE = 1024 * 1024


class EntryDecoder:
    """Takes the bytes from a member's local header on, gives its content to a sink.

    Parameters
    ----------
    member
        The directory's entry, against which everything is checked.
    sink
        Gets the content, piece by piece: never more bytes than the entry declares.

    Attributes
    ----------
    done
        Whether all of the member's bytes were taken and found right.
    taken
        Compressed bytes taken so far.
    written
        Bytes of content given to the sink so far.
    """

    def __init__(self, member: ZipEntry, sink: Callable[[bytes], object]) -> None:
        member.check_readable()
        self.done = False
        self.taken = 0
        self.written = 0
        self.data_start: int | None = None
        self._member = member
        self._sink = sink
        self._head = b""
        self._skip: int | None = None
        self._crc = 0
        self._codec = codec(member)

    def feed(self, data: bytes | memoryview) -> int:
        """Take bytes and return how many of them belong to the member.

        Parameters
        ----------
        data
            The next bytes of the archive.

        Raises
        ------
        ArchiveError
            When they are not what the directory says. The member is then lost.
        """
        view = memoryview(data)
        consumed = self._take_header(view)
        if self._skip is None:
            return consumed
        passed = min(self._skip, len(view) - consumed)
        self._skip -= passed
        consumed += passed
        if not self._skip and not self.done:
            part = view[consumed : consumed + self._member.compressed_size - self.taken]
            self.taken += len(part)
            consumed += len(part)
            if part:
                self._decode(part)
            if self.taken == self._member.compressed_size:
                self._finish()
        return consumed

    def _take_header(self, view: memoryview) -> int:
        """Read the local header: only its lengths count, which may differ from the directory's."""
        if self._skip is not None:
            return 0
        part = view[: LOCAL_HEADER.size - len(self._head)]
        self._head += bytes(part)
        if len(self._head) == LOCAL_HEADER.size:
            fields = LOCAL_HEADER.unpack(self._head)
            self._skip = fields[9] + fields[10]
            self.data_start = self._member.offset + LOCAL_HEADER.size + self._skip
            if (
                fields[0] != LOCAL_SIGNATURE
                or fields[3] != self._member.method
                or self.data_start + self._member.compressed_size > self._member.end
            ):
                raise self._error("its header does not agree with the archive's directory")
        return len(part)

    def _decode(self, data: memoryview) -> None:
        more = True
        rest: bytes | memoryview = data
        while more:
            # One byte more than may come, so that too much content shows without being kept.
            limit = min(PIECE, self._member.size - self.written + 1)
            try:
                out, more = self._codec.decode(rest, limit)
            except DAMAGE as exc:
                raise self._error(f"its data are damaged ({exc})") from None
            except ArchiveError as exc:
                raise self._error(str(exc)) from None
            rest = b""
            if self.written + len(out) > self._member.size:
                raise self._error(f"it holds more than the {self._declared} that it declares")
            if out:
                self._crc = crc32(out, self._crc)
                self.written += len(out)
                self._sink(out)

    def _finish(self) -> None:
        whole = self._codec.ended or not self._member.compressed_size
        if self.written != self._member.size or not whole:
            raise self._error(
                f"it holds {format_bytes(self.written)} instead of the {self._declared} declared"
            )
        if self._crc != self._member.crc:
            raise self._error("its checksum is wrong, the archive is damaged")
        self.done = True

    @property
    def _declared(self) -> str:
        return format_bytes(self._member.size)

    def _error(self, reason: str) -> ArchiveError:
        return ArchiveError(f"{self._member.name}: {reason}")
