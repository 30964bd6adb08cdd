"""What the databases of a history lie on: files, or SQLite's own file system in memory.

SQLite reaches every file through a virtual file system, and ships one, ``memdb``, whose files are memory of the process
that all its connections share. As the default it lies beneath the same calls with the same paths: product code opens,
locks, commits and rolls back as it does on a disk, and what a process committed is there for the next as long as
somebody holds the file. Only the write-ahead log is missing: tests/crash kills processes that have one. A connection
that is closed is rolled back and lent to whoever opens that database next in the same way, with the statements that it
has prepared: to prepare them took an eighth of the time of a history.
"""

import _sqlite3
import ctypes
import shutil
import sqlite3
from collections.abc import Callable
from functools import cache, partial
from itertools import count
from pathlib import Path
from typing import Any, Final, Protocol, Self

from src.infrastructure.persistence.schema import create_sqlite

_IN_MEMORY: Final = b"memdb"
_TEMPLATE: Final = Path("/template.db")
# SQLITE_CONFIG_SINGLETHREAD and SQLITE_CONFIG_MEMSTATUS.
_SINGLE_THREAD: Final = 1
_COUNT_MEMORY: Final = 9
_NUMBERS: Final = count()


class Disk(Protocol):
    """Where a world puts its databases."""

    def lay(self, database: Path) -> None:
        """Put an empty database with the tables of sessions there."""
        ...

    def expect(self, database: Path) -> None:
        """A process will make a database there; it is to outlive the process."""
        ...


class Files:
    """Real files, copied from a template that is made when it is missing."""

    def __init__(self, template: Path) -> None:
        self._template = template
        if not template.exists():
            template.parent.mkdir(parents=True, exist_ok=True)
            create_sqlite(template)

    def lay(self, database: Path) -> None:
        """Put an empty database with the tables of sessions there."""
        shutil.copyfile(self._template, database)

    def expect(self, database: Path) -> None:
        """A file outlives its process anyway."""


class _Kept(sqlite3.Connection):
    """A connection that is put back when it is closed, with what it has not committed undone, and is lent again."""

    is_lent = True
    put_back: Callable[["_Kept"], None]

    def close(self) -> None:
        """Undo what is not committed, as a file's last close does; a second call does nothing."""
        if self.is_lent:
            if self.in_transaction:
                self.rollback()
            self.put_back(self)

    def end(self) -> None:
        """Close it for good."""
        super().close()


def _turn_on_once(turned_on: set[str], action: int, name: str | None, value: str | None, *_: object) -> int:
    """Nothing comes of turning on a pragma that is on already: SQLite would forget all it has prepared."""
    if action != sqlite3.SQLITE_PRAGMA or value != "ON" or name is None:
        return sqlite3.SQLITE_OK
    if name in turned_on:
        return sqlite3.SQLITE_IGNORE
    turned_on.add(name)
    return sqlite3.SQLITE_OK


class Memory:
    """A context in which every database of this process lies in memory; what was written is gone at its end.

    Entered again, it gives the same databases, with their tables and without their rows, over the same connections:
    SQLite reads a schema and prepares a statement once, not for each process of each history. Paths have to be
    absolute. A small file stands where product code looks for one.
    """

    def __init__(self) -> None:
        self._number = next(_NUMBERS)
        self._held: dict[str, sqlite3.Connection] = {}
        self._places: dict[str, str] = {}
        self._shelf: dict[tuple[object, ...], list[_Kept]] = {}
        self._lent = 0

    def __enter__(self) -> Self:
        """From now on databases are opened in memory."""
        sqlite = _sqlite()
        self._before = sqlite.sqlite3_vfs_find(None)
        sqlite.sqlite3_vfs_register(sqlite.sqlite3_vfs_find(_IN_MEMORY), 1)
        self._connect: Callable[..., Any] = sqlite3.connect
        sqlite3.connect = self._open  # type: ignore[assignment]  # the name by which product code opens a database
        return self

    def __exit__(self, *error: object) -> None:
        """Databases are files again; with one that somebody still has open, none is used again."""
        sqlite3.connect = self._connect
        if self._lent or error[0] is not None:
            self.end()
        self._places.clear()
        _sqlite().sqlite3_vfs_register(self._before, 1)

    def end(self) -> None:
        """Let everything go."""
        for shelf in self._shelf.values():
            for kept in shelf:
                kept.end()
        for held in self._held.values():
            held.close()
        self._shelf, self._held, self._lent = {}, {}, 0
        self._number = next(_NUMBERS)

    def lay(self, database: Path) -> None:
        """Put an empty database with the tables of sessions there."""
        if not self._place(database, "laid"):
            _template().backup(self._held[self._places[str(database)]])
        database.write_bytes(_IN_MEMORY)

    def expect(self, database: Path) -> None:
        """Hold what will be written there."""
        self._place(database, "expected")

    def save(self) -> None:
        """Write what was committed to real files, to be looked at."""
        for path, name in self._places.items():
            Path(path).write_bytes(self._held[name].serialize())

    def _place(self, database: Path, kind: str) -> bool:
        """Give the path a database that held nothing yet (False) or holds tables without rows."""
        name = f"/{self._number}-{kind}-{sum(kind in place for place in self._places.values())}.db"
        self._places[str(database)] = name
        held = self._held.get(name)
        if held is None:
            self._held[name] = self._connect(name, isolation_level=None)
            return False
        _empty(held)
        return True

    def _open(self, database: object, **options: object) -> sqlite3.Connection:
        """The connection that was opened like this before and closed, or a new one."""
        name = str(database)
        place = next((path for path in self._places if path in name), None)
        if place is None:
            other: sqlite3.Connection = self._connect(database, **options)
            return other
        name = name.replace(place, self._places[place])
        shelf = self._shelf.setdefault((name, *sorted(options.items())), [])
        if shelf:
            kept = shelf.pop()
        else:
            kept = self._connect(name, factory=_Kept, **options)
            kept.put_back = partial(self._put_back, shelf)
            kept.set_authorizer(partial(_turn_on_once, set()))
        kept.is_lent = True
        self._lent += 1
        return kept

    def _put_back(self, shelf: list[_Kept], kept: _Kept) -> None:
        kept.is_lent = False
        shelf.append(kept)
        self._lent -= 1


def _empty(held: sqlite3.Connection) -> None:
    """Delete every row but the schema's version."""
    held.execute("BEGIN")
    for (name,) in held.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        if name != "alembic_version" and held.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone():
            held.execute(f"DELETE FROM {name}")
    held.execute("COMMIT")


@cache
def _template() -> sqlite3.Connection:
    """An empty database, made once and held; asked for while databases lie in memory."""
    held = sqlite3.connect(_TEMPLATE)
    create_sqlite(_TEMPLATE)
    return held


@cache
def _sqlite() -> ctypes.CDLL:
    """The SQLite that Python uses."""
    library = ctypes.CDLL(_sqlite3.__file__)
    library.sqlite3_vfs_find.restype = ctypes.c_void_p
    library.sqlite3_vfs_find.argtypes = [ctypes.c_char_p]
    library.sqlite3_vfs_register.argtypes = [ctypes.c_void_p, ctypes.c_int]
    return library


def use_one_thread() -> None:
    """Have SQLite lock and count nothing, in a process that has one thread and no database open yet."""
    if not memory_is_possible():
        return
    sqlite = _sqlite()
    sqlite.sqlite3_shutdown()
    sqlite.sqlite3_config(_SINGLE_THREAD)
    sqlite.sqlite3_config(_COUNT_MEMORY, 0)
    sqlite.sqlite3_initialize()


@cache
def memory_is_possible() -> bool:
    """Whether Python's SQLite is a library of its own, made with ``memdb``."""
    try:
        return _sqlite().sqlite3_vfs_find(_IN_MEMORY) is not None
    except (AttributeError, OSError):
        return False
