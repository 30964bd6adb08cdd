"""What the databases of a history lie on: files, or SQLite's own file system in memory.

SQLite reaches every file through a virtual file system, and ships one, ``memdb``, whose files are memory of the process
that all its connections share. As the default it lies beneath the same calls with the same paths: product code opens,
locks, commits and rolls back as it does on a disk, and what a process committed is there for the next as long as
somebody holds the file. Only the write-ahead log is missing: tests/crash kills processes that have one.
"""

import _sqlite3
import ctypes
import shutil
import sqlite3
from functools import cache
from pathlib import Path
from typing import Final, Protocol, Self

from src.infrastructure.persistence.schema import create_sqlite

_IN_MEMORY: Final = b"memdb"
_TEMPLATE: Final = Path("/template.db")
# SQLITE_CONFIG_SINGLETHREAD and SQLITE_CONFIG_MEMSTATUS.
_SINGLE_THREAD: Final = 1
_COUNT_MEMORY: Final = 9


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


class Memory:
    """A context in which every database of this process lies in memory; all are gone at its end.

    Paths have to be absolute: others are shared by nobody. A small file stands where product code looks for one.
    """

    def __init__(self) -> None:
        self._held: dict[Path, sqlite3.Connection] = {}

    def __enter__(self) -> Self:
        """From now on databases are opened in memory, and a schema is read once, not by each connection."""
        sqlite = _sqlite()
        self._before = sqlite.sqlite3_vfs_find(None)
        sqlite.sqlite3_vfs_register(sqlite.sqlite3_vfs_find(_IN_MEMORY), 1)
        sqlite.sqlite3_enable_shared_cache(1)
        return self

    def __exit__(self, *error: object) -> None:
        """Let everything go; databases are files again."""
        for held in self._held.values():
            held.close()
        self._held.clear()
        _sqlite().sqlite3_enable_shared_cache(0)
        _sqlite().sqlite3_vfs_register(self._before, 1)

    def lay(self, database: Path) -> None:
        """Put an empty database with the tables of sessions there."""
        self.expect(database)
        _template().backup(self._held[database])
        database.write_bytes(_IN_MEMORY)

    def expect(self, database: Path) -> None:
        """Hold what will be written there."""
        self._held[database] = sqlite3.connect(database)

    def save(self) -> None:
        """Write what was committed to real files, to be looked at."""
        for database, held in self._held.items():
            database.write_bytes(held.serialize())


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
    library.sqlite3_enable_shared_cache.argtypes = [ctypes.c_int]
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
