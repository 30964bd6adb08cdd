"""Where the sessions that are killed are stored: a file in their data folder, or a database on a real server."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from src.infrastructure.persistence.database_url import parse_database_url
from src.infrastructure.persistence.databases import Database, PostgresDatabase, SqliteDatabase
from tests.support.postgres_server import PostgresServer, running_server

KINDS = ("sqlite", "postgres")


@dataclass(frozen=True, slots=True)
class Place:
    """A data folder, and the address of the sessions' database where that is not a file in it."""

    data_dir: Path
    url: str = ""
    server: PostgresServer | None = None

    @property
    def database(self) -> Database:
        """The sessions' database."""
        if self.url:
            return PostgresDatabase(parse_database_url(self.url))
        return SqliteDatabase(self.data_dir / "steadyhand.db")

    def settings(self) -> dict[str, str]:
        """The settings that lead there."""
        return {"data_dir": str(self.data_dir), **({"database_url": self.url} if self.url else {})}

    def remove(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.data_dir, ignore_errors=True)
        if self.server is not None:
            self.server.drop_database(self.url)


class Places:
    """Makes new places below a folder, on a server if there is one."""

    def __init__(self, folder: Path, server: PostgresServer | None = None) -> None:
        self._folder = folder
        self._server = server

    def new(self, name: str) -> Place:
        """A data folder of this name that does not exist yet."""
        folder = self._folder / name
        if self._server is None:
            return Place(folder)
        return Place(folder, self._server.new_database_with_tables(), self._server)

    def copy(self, place: Place, name: str) -> Place:
        """A place at rest once more, under another name."""
        folder = self._folder / name
        # Sockets of a dead process are nothing to copy.
        shutil.copytree(place.data_dir, folder, ignore=shutil.ignore_patterns("run"))
        if place.server is None:
            return Place(folder)
        template = parse_database_url(place.url).name
        return Place(folder, place.server.new_database(template), place.server)


@contextmanager
def places(kind: str, folder: Path) -> Iterator[Places]:
    """Places of one of :data:`KINDS`; a server runs as long as the block."""
    if kind == "sqlite":
        yield Places(folder)
        return
    with running_server() as server:
        yield Places(folder, server)
