"""A driver that fails where a test wants it to, as the disk or SQLite itself would."""

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from src.infrastructure.persistence.driver import Params, SqliteDriver

T = TypeVar("T")


def sqlite_error(code: int, text: str) -> sqlite3.OperationalError:
    """An error as the sqlite3 module raises it."""
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


class FaultyDriver:
    """A real driver behind a count of calls: the ``fail_at``-th one from now raises ``error`` instead.

    ``applied`` lets the failing call reach SQLite first, as when a sync fails after the bytes were written.
    ``calls`` names every counted call since the last :meth:`arm`.
    """

    def __init__(self, path: Path, synchronous: str = "FULL") -> None:
        self._real = SqliteDriver(path, synchronous)
        self._fail_at = 0
        self._error: sqlite3.Error = sqlite_error(sqlite3.SQLITE_IOERR, "disk I/O error")
        self._applied = False
        self.calls: list[str] = []

    def arm(self, fail_at: int, error: sqlite3.Error, *, applied: bool = False) -> None:
        """Fail once, at the ``fail_at``-th call after this one; 0 never fails."""
        self._fail_at, self._error, self._applied = fail_at, error, applied
        self.calls = []

    def _call(self, name: str, action: Callable[[], T]) -> T:
        self.calls.append(name)
        if len(self.calls) != self._fail_at:
            return action()
        if self._applied:
            action()
        raise self._error

    def begin(self) -> None:
        self._call("begin", self._real.begin)

    def execute(self, sql: str, params: Params = ()) -> int:
        return self._call("execute", lambda: self._real.execute(sql, params))

    def executemany(self, sql: str, rows: Iterable[Params]) -> None:
        self._call("executemany", lambda: self._real.executemany(sql, rows))

    @property
    def last_row(self) -> int:
        return self._real.last_row

    def query(self, sql: str, params: Params = ()) -> list[tuple[Any, ...]]:
        return self._call("query", lambda: self._real.query(sql, params))

    def commit(self) -> None:
        self._call("commit", self._real.commit)

    def reserve_log(self) -> None:
        self._real.reserve_log()

    def rollback(self) -> None:
        self._real.rollback()

    def backup(self, path: Path) -> None:
        self._real.backup(path)

    def close(self) -> None:
        self._real.close()
