from pathlib import Path

import pytest

from src.application.ports.store import StoreUnavailable
from src.infrastructure.persistence.database_url import DatabaseKind, parse_database_url
from src.infrastructure.persistence.databases import database_at


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("sqlite:///data/steadyhand.db", "data/steadyhand.db"),
        ("sqlite:////var/lib/steadyhand.db", "/var/lib/steadyhand.db"),
        ("sqlite+aiosqlite:///a%20b.db?timeout=5", "a b.db"),
    ],
)
def test_an_sqlite_address_names_a_file(text: str, path: str):
    url = parse_database_url(text)

    assert (url.kind, url.path) == (DatabaseKind.SQLITE, Path(path))


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_a_postgresql_address_names_a_server(scheme: str):
    url = parse_database_url(f"{scheme}://user:word@host:5432/steadyhand")

    assert (url.kind, url.path) == (DatabaseKind.POSTGRESQL, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "steadyhand.db",
        "mysql://host/name",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "postgresql://host",
    ],
)
def test_any_other_address_is_refused_in_one_line(text: str):
    with pytest.raises(StoreUnavailable, match="use sqlite:///file") as refusal:
        parse_database_url(text)

    assert "\n" not in str(refusal.value)


def test_a_refusal_never_repeats_the_password():
    with pytest.raises(StoreUnavailable) as refusal:
        parse_database_url("mysql://user:hunter2@host/name")

    assert "hunter2" not in str(refusal.value)
    assert "hunter2" not in repr(parse_database_url("postgresql://user:hunter2@host/name"))


def test_a_relative_file_lies_under_the_root():
    near, far = (database_at(f"sqlite:///{path}", Path("/srv")) for path in ("data/x.db", "/data/x.db"))

    assert (near.name, far.name) == ("/srv/data/x.db", "/data/x.db")


@pytest.mark.parametrize(
    "text",
    [
        "postgresql+asyncpg://user:hunter2@host:5432/trading",
        "postgres://user:hunter2@/trading?host=/run/postgresql",
        "postgresql://user:hun/ter2@host/trading",
    ],
)
def test_a_server_is_named_by_its_database_alone(text: str):
    assert database_at(text, Path("/srv")).name == "PostgreSQL database trading"
