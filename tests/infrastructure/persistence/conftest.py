"""The databases that stores are tested on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from src.application.ports.failpoints import install_hook
from src.infrastructure.persistence.database_url import parse_database_url
from src.infrastructure.persistence.databases import Database, PostgresDatabase, SqliteDatabase


@pytest.fixture
def postgres(postgres_url: str) -> PostgresDatabase:
    """A new database on a real server."""
    return PostgresDatabase(parse_database_url(postgres_url))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """A new database with its tables: a test that takes this runs on each kind."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres")
    made = SqliteDatabase(tmp_path / "steadyhand.db")
    made.create()
    return made


@pytest.fixture
def failpoints() -> Iterator[list[str]]:
    """The names of the failpoints passed, in order."""
    names: list[str] = []
    install_hook(names.append)
    yield names
    install_hook(None)
