"""The two kinds of database behind one face: what commands do with one before they have a store or read models.

Whatever belongs to PostgreSQL is imported when a PostgreSQL address is used: a start on SQLite has no time for it.
"""

import os
from contextlib import closing
from pathlib import Path
from typing import Protocol

from src.application.ports.store import ReadModels, Store, StoreError
from src.infrastructure.persistence.database_url import DatabaseUrl, parse_database_url
from src.infrastructure.persistence.lease import holder_of, lock_path
from src.infrastructure.persistence.read_models import SqliteReadModels
from src.infrastructure.persistence.schema import SchemaState, create_sqlite, sqlite_schema_state
from src.infrastructure.persistence.sqlite_store import SqliteStore


class Database(Protocol):
    """One database of sessions. Every call may raise a :class:`StoreError` of one line."""

    @property
    def name(self) -> str:
        """What people know it by; never a password."""
        ...

    def state(self) -> SchemaState:
        """What it needs before a session can use it."""
        ...

    def create(self) -> None:
        """Make the tables of an empty database."""
        ...

    def migrate(self) -> tuple[list[str], Path | None]:
        """Bring it to this version; the migrations applied, oldest first, and where the copy of the old one is."""
        ...

    def reads(self) -> ReadModels:
        """The read models; the caller closes them."""
        ...

    def store(self, synchronous: str = "FULL") -> Store:
        """The store of one writer; ``synchronous`` is SQLite's."""
        ...

    def holder(self, account_id: str) -> str | None:
        """Who holds the account's lease, like "pid 7"; None when nobody does."""
        ...

    def written_ns(self) -> int | None:
        """When it was last written, wall time in ns since the epoch; None when that is not known."""
        ...


class SqliteDatabase:
    """A file, or the one that a link leads to: log and lock lie beside that. It need not exist yet, nor its folder."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path)) if os.path.islink(path) else path

    @property
    def name(self) -> str:
        """The file with its folder."""
        return str(self.path)

    def state(self) -> SchemaState:
        """What it needs before a session can use it."""
        return sqlite_schema_state(self.path)

    def create(self) -> None:
        """Make folder, file and tables."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the data folder {self.path.parent} cannot be made ({error.strerror}): set STEADYHAND_DATA_DIR to "
                "a folder that can be written"
            ) from None
        create_sqlite(self.path)

    def migrate(self) -> tuple[list[str], Path | None]:
        """Bring it to this version, after a copy."""
        from src.infrastructure.persistence.migrations import migrate  # loads SQLAlchemy and alembic

        return migrate(self.path)

    def reads(self) -> ReadModels:
        """The read models; the caller closes them."""
        return SqliteReadModels(self.path)

    def store(self, synchronous: str = "FULL") -> Store:
        """The store of one writer."""
        return SqliteStore(self.path, synchronous=synchronous)

    def holder(self, account_id: str) -> str | None:
        """Who has the account's file locked."""
        return holder_of(lock_path(self.path, account_id))

    def written_ns(self) -> int | None:
        """When the file or its log was last written; None when there is none. Whoever reads leaves an empty log."""
        log = self.path.with_name(f"{self.path.name}-wal")
        found = [path.stat() for path in (self.path, log) if path.exists()]
        return max((each.st_mtime_ns for each in found if each.st_size), default=None)


class PostgresDatabase:
    """A database on a server; it must exist, its tables need not."""

    def __init__(self, url: DatabaseUrl) -> None:
        self.url = url

    @property
    def name(self) -> str:
        """Its name on the server."""
        return f"PostgreSQL database {self.url.name}"

    def state(self) -> SchemaState:
        """What it needs before a session can use it."""
        from src.infrastructure.persistence.postgres_schema import postgres_schema_state

        return postgres_schema_state(self.url)

    def create(self) -> None:
        """Make the tables, by the migrations."""
        self.migrate()

    def migrate(self) -> tuple[list[str], Path | None]:
        """Bring it to this version; the server's backups are its own, no copy is made."""
        from src.infrastructure.persistence.postgres_migrations import migrate_postgres

        return migrate_postgres(self.url), None

    def reads(self) -> ReadModels:
        """The read models; the caller closes them."""
        from src.infrastructure.persistence.postgres_reads import PostgresReadModels

        return PostgresReadModels(self.url)

    def store(self, synchronous: str = "FULL") -> Store:
        """The store of one writer; the server always syncs."""
        from src.infrastructure.persistence.postgres_store import PostgresStore

        return PostgresStore(self.url)

    def holder(self, account_id: str) -> str | None:
        """Whose connection has the account's lock at the server."""
        from src.infrastructure.persistence.postgres_reads import PostgresReadModels

        with closing(PostgresReadModels(self.url)) as reads:
            return reads.holder(account_id)

    def written_ns(self) -> int | None:
        """Not known: a server keeps no such time."""
        return None


def database_at(text: str, root: Path) -> Database:
    """The database that an address means; a relative file lies under ``root``. Raises :class:`StoreUnavailable`."""
    url = parse_database_url(text)
    return PostgresDatabase(url) if url.path is None else SqliteDatabase(root / url.path)
