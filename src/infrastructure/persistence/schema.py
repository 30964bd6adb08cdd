"""The state of a database's schema, found out without SQLAlchemy and alembic: start-up has no time for them.

``schema.sql`` is what the migrations lead to, rendered by ``migrations.render_schema``; a new database is made from
it. A test proves that it equals the migrations and that the revisions below are theirs.
"""

import sqlite3
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from src.application.ports.store import StoreNotInitialised, StoreTooNew, StoreUnavailable
from src.infrastructure.persistence.failures import FAILURES, store_error

# Oldest first; the last one is what this program writes.
REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005")
SCHEMA_FILE: Final = Path(__file__).with_name("schema.sql")
PATIENCE_S: Final = 5.0
AGAIN_S: Final = 0.01


class SchemaState(StrEnum):
    """What a database needs before a session can use it."""

    EMPTY = "empty"
    OLD = "old"
    CURRENT = "current"
    NEWER = "newer"


def sqlite_schema_state(path: Path) -> SchemaState:
    """The state of a database file; a missing or empty file is EMPTY.

    Raises :class:`StoreUnavailable` or :class:`StoreCorrupt` when it cannot be read.
    """
    return state_of(read_versions(path))


def state_of(versions: list[str]) -> SchemaState:
    """The state of a database that says it is of these revisions."""
    if not versions:
        return SchemaState.EMPTY
    if any(version not in REVISIONS for version in versions):
        return SchemaState.NEWER
    return SchemaState.CURRENT if versions == [REVISIONS[-1]] else SchemaState.OLD


def read_versions(path: Path) -> list[str]:
    """The revision that the file is of, or nothing for a missing or empty one.

    Raises :class:`StoreUnavailable` or :class:`StoreCorrupt` when it cannot be read.
    """
    if not _has_content(path):
        return []
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return _versions_in(connection, path)
    except FAILURES as error:
        raise store_error(error, path) from error


def _has_content(path: Path) -> bool:
    try:
        if path.is_dir():
            raise StoreUnavailable(f"database {path.name} is a folder: give the path of a file")
        return path.exists() and path.stat().st_size > 0
    except OSError as error:
        raise StoreUnavailable(f"database {path.name} cannot be read: {error.strerror}") from error


def _versions_in(connection: sqlite3.Connection, path: Path) -> list[str]:
    try:
        versions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.OperationalError:
        # Either there is no such table, or this raises what is really wrong.
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall()
        if ("alembic_version",) in tables:
            raise
        return _without_version(path, tables)
    return [version for (version,) in versions]


def _without_version(path: Path, tables: list[tuple[str]]) -> list[str]:
    if tables:
        raise StoreUnavailable(
            f"database {path.name} belongs to another program (it has tables, but no version): give another path"
        )
    return []


def require_content(path: Path) -> None:
    """Raise the :class:`StoreError` that says what to do with a missing or empty file: opening would make one."""
    if not _has_content(path):
        refuse_unless_current(SchemaState.EMPTY, path.name)


def require_current(connection: sqlite3.Connection, path: Path) -> None:
    """Raise the :class:`StoreError` that says what to do, unless the open file's schema is this program's.

    Changes nothing in the file. May raise ``sqlite3.Error``.
    """
    refuse_unless_current(state_of(_versions_in(connection, path)), path.name)


def refuse_unless_current(state: SchemaState, name: str) -> None:
    """Raise the :class:`StoreError` that says what to do with a database of this state."""
    if state is SchemaState.EMPTY:
        raise StoreNotInitialised(f"database {name} does not exist yet or is empty: run init-db")
    if state is SchemaState.OLD:
        raise StoreNotInitialised(f"database {name} was written by an older version: run migrate")
    if state is SchemaState.NEWER:
        raise StoreTooNew(f"database {name} was written by a newer version: update this program")


def require_folder(path: Path) -> None:
    """Raise :class:`StoreUnavailable` unless the folder of a new database exists."""
    if not path.parent.is_dir():
        raise StoreUnavailable(
            f"the folder {path.parent.name} for database {path.name} does not exist: create it"
        )


def create_sqlite(path: Path) -> None:
    """Make the tables of an empty or missing database file, in one transaction.

    Raises :class:`StoreUnavailable` when the folder is missing or cannot be written.
    """
    if not path.parent.is_dir():
        raise StoreUnavailable(
            f"the folder {path.parent.name} for database {path.name} does not exist: create it"
        )
    script = SCHEMA_FILE.read_text(encoding="utf-8")
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            _switch_to_wal(connection)
            connection.execute("BEGIN IMMEDIATE")
            # Another process may have been faster.
            if not connection.execute("SELECT 1 FROM sqlite_master").fetchall():
                for statement in script.split(";\n"):
                    connection.execute(statement).fetchall()
            connection.execute("COMMIT")
    except FAILURES as error:
        raise store_error(error, path) from error


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Give the file a write-ahead log; SQLite itself does not wait for a process that does the same just now."""
    until_s = monotonic() + PATIENCE_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > until_s:
                raise
            sleep(AGAIN_S)
        else:
            return
