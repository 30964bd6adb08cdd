"""The few calls through which the store speaks to its database; tests put a faulting driver in their place."""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from src.application.ports.store import StoreError
from src.infrastructure.persistence.failures import FAILURES
from src.infrastructure.persistence.schema import require_current

BUSY_TIMEOUT_MS = 5_000
# Some two hundred submits; the session makes a checkpoint before it is used up.
LOG_BYTES = 4 << 20

Params = Sequence[Any]

# The standard library asks of every parameter that is no number or text how it wants to be stored, and for want of an
# answer raises two AttributeErrors inside: 0.5 µs each time, at some twenty parameters of an order. Both are stored as
# they are, for every connection of the process.
_NOTHING: Final[dict[None, None]] = {}
sqlite3.register_adapter(type(None), _NOTHING.get)
sqlite3.register_adapter(bytes, bytes)


class RowWriter(Protocol):
    """What a projection needs: statements with ``?`` for their parameters, run in order within one transaction."""

    def execute(self, sql: str, params: Params = ()) -> int:
        """Run one statement; return the number of rows it changed."""
        ...

    def executemany(self, sql: str, rows: Iterable[Params]) -> None:
        """Run one statement for each row."""
        ...

    @property
    def last_row(self) -> int:
        """The row number that the last INSERT was given."""
        ...

    def query(self, sql: str, params: Params = ()) -> list[tuple[Any, ...]]:
        """All rows of a SELECT."""
        ...


class Driver(RowWriter, Protocol):
    """One connection. Every call may raise ``sqlite3.Error``."""

    def begin(self) -> None:
        """Start a transaction that may write at once."""
        ...

    def reserve_log(self) -> None:
        """Give the write-ahead log its size in advance, so that a commit changes no file's size."""
        ...

    def commit(self) -> None:
        """Make the transaction durable."""
        ...

    def rollback(self) -> None:
        """Undo the transaction; nothing happens when there is none."""
        ...

    def backup(self, path: Path) -> None:
        """Copy the whole database, as of one moment, to a file."""
        ...

    def close(self) -> None:
        """Close the connection; an open transaction is undone."""
        ...


class SqliteDriver:
    """A plain ``sqlite3`` connection in WAL mode, one cursor, transactions only where we say so.

    ``synchronous`` is SQLite's: FULL survives a power failure; anything less is for tests. A file that is not of the
    current schema is refused with a :class:`StoreError`, unchanged.
    Checkpoints never run inside a commit: the store makes them when the session has time.
    """

    def __init__(self, path: Path, synchronous: str = "FULL") -> None:
        self._path = path
        self._synchronous = synchronous
        self._connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, cached_statements=64
        )
        try:
            self._cursor = self._connection.cursor()
            require_current(self._connection, path)
            for pragma in (
                "journal_mode=WAL",
                f"synchronous={synchronous}",
                # Where fsync alone does not reach the disk (macOS).
                "fullfsync=ON",
                "foreign_keys=ON",
                "wal_autocheckpoint=0",
            ):
                self._cursor.execute(f"PRAGMA {pragma}").fetchall()
        except (*FAILURES, StoreError):
            self._connection.close()
            raise

    def begin(self) -> None:
        """BEGIN IMMEDIATE: the write lock now, not at the first write."""
        self._cursor.execute("BEGIN IMMEDIATE")

    def execute(self, sql: str, params: Params = ()) -> int:
        """Run one statement; return the number of rows it changed."""
        return self._cursor.execute(sql, params).rowcount

    def executemany(self, sql: str, rows: Iterable[Params]) -> None:
        """Run one statement for each row."""
        self._cursor.executemany(sql, rows)

    @property
    def last_row(self) -> int:
        """The row number that the last INSERT was given."""
        return self._cursor.lastrowid or 0

    def query(self, sql: str, params: Params = ()) -> list[tuple[Any, ...]]:
        """All rows of a SELECT."""
        return self._connection.execute(sql, params).fetchall()

    def reserve_log(self) -> None:
        """Write zeros behind the end of the write-ahead log until it is 4 MiB long.

        A sync of bytes inside a file is nearly twice as fast as one that also has to make a new size durable, and
        the space is there when the disk fills up. Only the holder of the write lock appends to the log, and the
        zeros carry no valid checksum, so SQLite takes them for what they are: the end of the log.
        Where nothing is synced there is nothing to gain.
        """
        if self._synchronous == "OFF":
            return
        self.begin()
        try:
            descriptor = os.open(f"{self._path}-wal", os.O_WRONLY | os.O_CLOEXEC)
            try:
                size = os.fstat(descriptor).st_size
                if size < LOG_BYTES:
                    os.pwrite(descriptor, bytes(LOG_BYTES - size), size)
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
        finally:
            self.rollback()

    def commit(self) -> None:
        """Make the transaction durable."""
        self._cursor.execute("COMMIT")

    def rollback(self) -> None:
        """Undo the transaction; nothing happens when there is none."""
        if self._connection.in_transaction:
            self._cursor.execute("ROLLBACK")

    def backup(self, path: Path) -> None:
        """Copy the whole database, as of one moment, to a file."""
        target = sqlite3.connect(path)
        try:
            self._connection.backup(target)
        finally:
            target.close()

    def close(self) -> None:
        """Close the connection; an open transaction is undone."""
        # A statement that was interrupted keeps the connection, and its write lock, alive beyond close.
        self.rollback()
        self._cursor.close()
        self._connection.close()
