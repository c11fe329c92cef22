"""SQLite connections, transactions and errors of the store.

All threads share one connection for writing, in turns, and a pool of four connections for reading.
Statements take well under a millisecond. The slow part is syncing the disk at the end of a
transaction; readers do not wait for it. A finished transaction is on the disk.
"""

from __future__ import annotations

import contextlib
import queue
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inductiva_widgets.server.errors import UnavailableError
from inductiva_widgets.server.store.migrations import bring_up_to_date, check_version

_PATIENCE = 5.0
_READERS = 4

_SETTINGS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
)
# In KiB: enough for some 15,000 tasks, which SQLite scans for each page of a listing.
_READER_CACHE = 32768
_BUSY = (
    "Another program has locked the store of the embedded server. Nothing was changed: try again "
    "when it has finished."
)
# By text, since Python has SQLite's error codes only from 3.11 on.
_ERROR_MESSAGES = {
    "database is locked": _BUSY,
    "database or disk is full": (
        "The disk that holds the store of the embedded server is full. Nothing was changed: free "
        "some space and try again."
    ),
    "disk I/O error": (
        "The disk that holds the store of the embedded server cannot be written to or read. "
        "Nothing was changed: check whether it is full or failing."
    ),
}
_DAMAGE = re.compile(
    "file is not a database|database disk image is malformed|malformed database schema"
    r"|no such (table|column)|table \S+ already exists|Could not decode to UTF-8"
)


class Database:
    """The database of one data folder.

    Parameters
    ----------
    path
        The file, created on first use.
    patience
        Seconds to wait for a lock of another thread or process.

    Raises
    ------
    NewerDatabaseError
        A later version of this package wrote the file, which stays unchanged.
    sqlite3.Error
        The file is damaged, locked or cannot be written.
    """

    def __init__(self, path: Path, patience: float = _PATIENCE) -> None:
        self._patience = patience
        self._write_turn = threading.Lock()
        self._readers = queue.LifoQueue[sqlite3.Connection]()
        self._writer: int | None = None
        self._closed = contextlib.ExitStack()
        self._is_closed = False
        with contextlib.ExitStack() as undo:
            self._writing = undo.enter_context(contextlib.closing(_connect(path, patience)))
            _make_ready(self._writing)
            for _ in range(_READERS):
                reader = undo.enter_context(contextlib.closing(_connect(path, patience)))
                reader.execute(f"PRAGMA cache_size = -{_READER_CACHE}")
                reader.execute("PRAGMA query_only = ON")
                self._readers.put(reader)
            self._closed = undo.pop_all()

    def close(self) -> None:
        """Close all connections; the database cannot be used afterwards."""
        with self._write_turn:
            if self._is_closed:
                return
            self._is_closed = True
            for _ in range(_READERS):
                # Wait for running reads, which are short.
                self._readers.get()
            self._closed.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run an exclusive transaction, which is rolled back on an exception.

        A nested transaction is part of the outer one.

        Raises
        ------
        UnavailableError
            The database is locked, or its disk is full; nothing has changed.
        """
        if self._writer == threading.get_ident():
            yield self._writing
            return
        with _write_lock(self._write_turn, self._patience), _translate_errors():
            self._writing.execute("BEGIN IMMEDIATE")
            self._writer = threading.get_ident()
            try:
                yield self._writing
                self._writing.execute("COMMIT")
            except BaseException:
                # On a full disk, SQLite rolls back only some transactions itself.
                if self._writing.in_transaction:
                    self._writing.execute("ROLLBACK")
                raise
            finally:
                self._writer = None

    @contextmanager
    def read_connection(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that reads a consistent snapshot.

        The snapshot is that after the last transaction, or within a transaction its present state.
        """
        if self._writer == threading.get_ident():
            yield self._writing
            return
        try:
            reader = self._readers.get(timeout=self._patience)
        except queue.Empty:
            raise UnavailableError(_BUSY) from None
        try:
            with _translate_errors():
                reader.execute("BEGIN")
                yield reader
        finally:
            if reader.in_transaction:
                reader.execute("ROLLBACK")
            self._readers.put(reader)


def _connect(path: Path, patience: float) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=patience)


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether an error means that the database file is damaged."""
    return _DAMAGE.search(str(error)) is not None


def describe_error(error: sqlite3.Error) -> str:
    """Return what an error of SQLite means, and what to do."""
    return _ERROR_MESSAGES.get(str(error), f"{error}.")


def _make_ready(connection: sqlite3.Connection) -> None:
    # Takes 0.05 s for 20,000 tasks.
    if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise sqlite3.DatabaseError("database disk image is malformed")
    check_version(connection)
    for setting in _SETTINGS:
        connection.execute(f"PRAGMA {setting}")
    bring_up_to_date(connection)


@contextmanager
def _write_lock(lock: threading.Lock, patience: float) -> Iterator[None]:
    # Requests wait here while another process locks the file, each at most `patience` seconds.
    if not lock.acquire(timeout=patience):
        raise UnavailableError(_BUSY)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if (message := _ERROR_MESSAGES.get(str(error))) is None:
            raise
        raise UnavailableError(message) from error
